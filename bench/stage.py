"""What does the stage cost while it plays, and while nobody does?

`kuchi run` plays on JACK's dummy card at 64 frames, every process for itself: first a room that is
all but silent, then a groove. Told are the share of a core that each process's threads were
running, as the scheduler counts it, and what it holds in memory. What several of them share,
such as libraries and JACK's own buffers, is counted once in what they hold together. Needs Linux
and JACK.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.dummy_card import dummy_card
from bench.table import Gate, Report, Row
from engine.errors import DeviceError, KuchiError
from engine.units import SAMPLE_RATE, Samples

MUST_MB, MUST_SILENT, MUST_PLAYING = 600.0, 5.0, 30.0
_PATCH, _PERIOD = "beatbox-to-daw", 64
_ROOM = 3e-4                        # -70 dBFS
_JACK = "/dev/shm/jack"
_READY_S, _SETTLED_S = 120.0, 3.0
_QUESTION = "What does the stage cost, silent and playing?"

Shares = dict[str, float]


def run(quick: bool) -> Report:
    """Let it stand, let it play; without JACK nothing can be said."""
    seconds = 2.0 if quick else 30.0
    if not Path("/proc/self/schedstat").is_file():
        return Report(_QUESTION, [], void=True, rule="it needs Linux")
    try:
        with dummy_card(_PERIOD) as environment, _kuchi(environment) as pids:
            from bench.players import Player
            singer = Player("singer", environment["JACK_DEFAULT_SERVER"], ["mouth"])
            _plug(singer)
            silent = _shares(pids, singer, _room(), seconds)
            playing = _shares(pids, singer, _groove(), seconds)
            held = {name: _resident_mb(pid) for name, pid in pids.items()}
            together = sum(_together_mb(pids.values()))
            jack = sum(size for pid in pids.values() for part, size in _parts_mb(pid).items()
                       if part.startswith(_JACK))
            singer.close()
    except DeviceError as error:
        return Report(_QUESTION, [], void=True, rule=str(error))
    rows: list[Row] = [{"process": name, "silent, % of a core": silent[name],
                        "playing, %": playing[name], "resident, MB": held[name]}
                       for name in pids]
    rows.append({"process": "together", "silent, % of a core": sum(silent.values()),
                 "playing, %": sum(playing.values()), "resident, MB": together})
    gates = [Gate("resident together, MB", together, MUST_MB)]
    if not quick:
        gates += [Gate(f"{name}: silent, % of a core", silent[name], MUST_SILENT)
                  for name in ("kuchi-engine", "kuchi-port")]
        gates.append(Gate("kuchi-engine: playing, % of a core", playing["kuchi-engine"],
                          MUST_PLAYING))
    return Report(_QUESTION, rows, "JACK isn't there, or this isn't Linux", gates=gates,
                  notes=[f"{_PATCH}, {_PERIOD} frames, {seconds:g} s each; resident memory of all, "
                         f"with what they share counted for each: {sum(held.values()):.0f} MB, of "
                         f"which the JACK server's own buffers are {jack:.0f} MB"])


@contextmanager
def _kuchi(environment: dict[str, str]) -> Iterator[dict[str, int]]:
    """A stage that is ready: the ids of its processes, by name."""
    words = [sys.executable, "-m", "engine", "run", _PATCH]
    command = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert command.stdout
        for line in command.stdout:
            if line.startswith("Ready"):
                break
        else:
            raise KuchiError("stage: kuchi run has ended")
        time.sleep(_SETTLED_S)
        names = {"kuchi-engine", "kuchi-port", "kuchi-worker"}
        found = {"kuchi": command.pid}
        found |= {name: pid for pid in _children(command.pid) if (name := _called(pid)) in names}
        yield found
    finally:
        command.terminate()
        command.wait(20)


def _children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def _called(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


# -- what it hears -------------------------------------------------------------------------------

def _room() -> Samples:
    rng = np.random.Generator(np.random.PCG64(0))
    return (_ROOM * rng.standard_normal(4 * SAMPLE_RATE)).astype(np.float32)


def _groove() -> Samples:
    from bench.throughput import performance
    return performance(10.0)


def _plug(singer: Any) -> None:
    client = singer.client
    for microphone in client.get_ports("PortAudio.*:in_0"):
        for other in client.get_all_connections(microphone):
            client.disconnect(other, microphone)
        client.connect("singer:mouth", microphone)


# -- what it costs -------------------------------------------------------------------------------

def _shares(pids: dict[str, int], singer: Any, song: Samples, seconds: float) -> Shares:
    """% of a core that each process ran while this was sung."""
    singer.sing(song, again=True)
    time.sleep(_SETTLED_S)
    before, begun = {name: _ran_s(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    return {name: 100.0 * (_ran_s(pid) - before[name]) / passed for name, pid in pids.items()}


def _ran_s(pid: int) -> float:
    """How long its threads have run so far; by ticks, what wakes with them would be miscounted."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def _resident_mb(pid: int) -> float:
    return sum(_parts_mb(pid).values())


def _together_mb(pids: Any) -> Iterator[float]:
    """What each holds alone, and of each file that several have mapped the largest part."""
    files: dict[str, float] = {}
    for pid in pids:
        for name, size in _parts_mb(pid).items():
            if name.startswith("/"):
                files[name] = max(files.get(name, 0.0), size)
            else:
                yield size
    yield from files.values()


def _parts_mb(pid: int) -> dict[str, float]:
    """Resident memory by what it is a part of: a file's path, or "[heap]" and the like."""
    parts: dict[str, float] = {}
    name = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split(None, 5)
        if "-" in words[0]:
            name = words[5] if len(words) > 5 else "[anonymous]"
        elif words[0] == "Rss:":
            parts[name] = parts.get(name, 0.0) + int(words[1]) * 1024 / 1e6
    return parts
