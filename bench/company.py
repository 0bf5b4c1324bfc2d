"""Who takes part where lateness is measured: strikes, visuals that listen, Kuchi, the cables."""

import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.players import Player
from engine.errors import DeviceError
from engine.units import Samples, frames

_APART_S = 0.1
_READY_S = 120.0
_TIMESTAMP = 35                 # Linux's SO_TIMESTAMPNS, which Python doesn't name


def strikes(count: int, seed: int = 0) -> tuple[Samples, NDArray[np.int64]]:
    """Clicks that are heard at once, at random samples: float32 (frames,), and where they are."""
    rng = np.random.Generator(np.random.PCG64(seed))
    gaps = frames(_APART_S) + rng.integers(0, frames(_APART_S) // 2, count)
    places = frames(1.0) + np.cumsum(gaps)
    song = np.zeros(int(places[-1]) + frames(1.0), np.float32)
    length = frames(0.03)
    fade = np.exp(-np.arange(length) / frames(0.006))
    for place in places:
        noise = rng.uniform(-0.8, 0.8, length) * fade
        noise[0] = 0.8
        song[place:place + length] = noise
    return song, places


def visuals() -> socket.socket:
    """A program that listens to OSC on a port of its own."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    if sys.platform == "linux":
        receiver.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
    return receiver


def _receive(there: socket.socket) -> tuple[bytes, int]:
    """A datagram, and when its bytes came: as the system has it, before this reader woke up."""
    datagram, told, *_ = there.recvmsg(4096, 64)
    now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
    for level, kind, data in told:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMP):
            seconds, rest = struct.unpack("qq", data[:16])
            return datagram, now_ns - wall_ns + seconds * 1_000_000_000 + rest
    return datagram, now_ns


def hits_told(there: socket.socket, singer: Player) -> NDArray[np.int64]:
    """When hits arrived as OSC, until the song is over."""
    told: list[int] = []
    while not singer.done:
        if select.select([there], [], [], 0.1)[0]:
            datagram, came_ns = _receive(there)
            if b"/env" not in datagram and datagram[-4:] != b"\0\0\0\0":
                told.append(came_ns)
    return np.array(told, np.int64)


@contextmanager
def kuchi(environment: dict[str, str], text: str, busy_from: Path | None = None
          ) -> Iterator[None]:
    """`kuchi run` plays this patch.

    busy_from : a thread keeps the command process busy as soon as this file is there
    """
    with tempfile.TemporaryDirectory() as folder:
        patch = Path(folder, "strike.toml")
        patch.write_text(text, encoding="utf-8")
        busy = f"from bench.peers import keep_busy\nkeep_busy({str(busy_from)!r})\n"
        story = (f"{busy if busy_from else ''}import sys\nfrom engine.commands import main\n"
                 f"sys.argv = ['kuchi', 'run', {str(patch)!r}]\nmain()")
        process = subprocess.Popen([sys.executable, "-c", story], env=environment,
                                   stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            if not any("Ready in" in line for line in process.stdout):
                raise DeviceError("Kuchi doesn't start")
            yield
        finally:
            process.terminate()
            process.wait(20)


def plug(singer: Player, ear: str, plugs: dict[str, str]) -> None:
    """The singer to who hears it and to the null control, what answers to its listeners."""
    client: Any = singer.client
    wanted = {"singer:mouth": "null:ear"} | plugs
    deadline = time.monotonic() + _READY_S
    for name, listener in wanted.items():
        while not (found := client.get_ports(name, is_output=True)):
            if time.monotonic() > deadline:
                raise DeviceError(f"nothing came to plug into {listener}")
            time.sleep(0.05)
        client.connect(found[0], listener)
    for microphone in client.get_ports(ear):
        for other in client.get_all_connections(microphone):
            client.disconnect(other, microphone)
        client.connect("singer:mouth", microphone)
    time.sleep(0.5)                                     # the graph settles
