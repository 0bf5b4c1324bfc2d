"""The peers of `strike`, each what one would set up in an hour, and each in a process of its own.

`python -m bench.peers NAME PERIOD BEGIN [busy]` plays one until its input ends; busy, a thread of
that process computes as soon as the file BEGIN is there. None of them waits for anything but ours.
"""

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import DeviceError
from engine.units import SAMPLE_RATE
from models_onnx.onsets import bonk, supercollider

WAIT_MS = 24.0
_READY_S = 20.0

GRAPH = f"""
cables = ["mic -> onsets -> drums -> daw", "mic -> drums"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
wait_ms = {WAIT_MS}
[nodes.daw]
type = "midi-out"
gate_ms = 20
"""

BONK = """#N canvas 0 0 450 300 12;
#X obj 0 0 adc~ 1;
#X obj 0 0 bonk~ -npts 256 -hop 128;
#X msg 0 0 1 \\, 0 10;
#X obj 0 0 vline~;
#X obj 0 0 dac~ 1;
#X obj 0 0 loadbang;
#X msg 0 0 \\; pd dsp 1;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
#X connect 5 0 6 0;
"""


@contextmanager
def aubio(period: int) -> Iterator[None]:
    """aubio in a Python callback, which sends with mido."""
    import aubio as library
    import mido

    onset = library.onset("default", 512, period, SAMPLE_RATE)
    onset.set_minioi_ms(50)
    with mido.open_output("Peer", virtual=True, api="UNIX_JACK") as out:
        def heard(source: np.ndarray) -> None:
            if onset(source[:, 0].copy())[0]:
                out.send(mido.Message("note_on", note=36, velocity=100, channel=9))
        with _python_callback(heard):
            yield


@contextmanager
def graph(_period: int) -> Iterator[None]:
    """Our own graph in such a callback."""
    import mido

    from engine.events import NoteOff, NoteOn
    from engine.graph import Graph
    from engine.patch import parse_patch

    ours, target = Graph(parse_patch(GRAPH)), np.zeros((8192, 2), np.float32)
    with mido.open_output("Peer", virtual=True, api="UNIX_JACK") as out:
        def heard(source: np.ndarray) -> None:
            ours.hear(np.ascontiguousarray(source[:, :1]), target[:len(source)])
            for sent in ours.take():
                if isinstance(sent.event, NoteOn | NoteOff):
                    kind = "note_on" if isinstance(sent.event, NoteOn) else "note_off"
                    out.send(mido.Message(kind, note=sent.event.note, velocity=100, channel=9))
        with _python_callback(heard):
            yield


@contextmanager
def bonk_to_click(_period: int) -> Iterator[None]:
    """Pure Data: `bonk~` as it comes, and a click."""
    with tempfile.TemporaryDirectory() as folder:
        patch = Path(folder, "strike.pd")
        patch.write_text(BONK, encoding="utf-8")
        with _program(["pd", "-nogui", "-noprefs", "-nomidi", "-stderr", "-jack", "-nojackconnect",
                       "-callback", "-r", str(SAMPLE_RATE), "-inchannels", "1", "-outchannels",
                       "1", "-path", str(bonk.extern()), str(patch)], "bonk version"):
            yield


@contextmanager
def onsets_to_synth(_period: int) -> Iterator[None]:
    """SuperCollider: `Onsets` with a window of 256, and a synth that answers at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    os.environ["SC_SYNTHDEF_PATH"] = str(supercollider.synths())
    with _program(["scsynth", "-u", str(port), "-B", "127.0.0.1", "-i", "1", "-o", "1", "-R", "0"],
                  "server ready"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(supercollider.begin({}, "rcomplex", 256), ("127.0.0.1", port))
        yield


@dataclass(frozen=True, slots=True)
class Peer:
    """Who it is, its ports on JACK, and how it is played.

    answers : pattern of the output it answers at; a MIDI port, or, where it `sounds`, an audio one
    hears   : pattern of its microphone
    """

    play: Callable[[int], AbstractContextManager[None]]
    installed: Callable[[], bool]
    answers: str = "Peer"
    hears: str = "PortAudio.*:in_0"
    sounds: bool = False
    wait_ms: float = 0.0


PEERS = {
    "aubio + Python to note": Peer(aubio, lambda: importlib.util.find_spec("aubio") is not None),
    "our graph in Python to note": Peer(graph, lambda: True, wait_ms=WAIT_MS),
    "Pure Data's bonk~ to sound": Peer(bonk_to_click, bonk.installed, "pure_data:output_1",
                                       "pure_data:input_1", sounds=True),
    "SuperCollider's Onsets to sound": Peer(onsets_to_synth, supercollider.installed,
                                            "SuperCollider:out_1", "SuperCollider:in_1",
                                            sounds=True),
}
"""By the name of their row."""


def keep_busy(begin: str) -> None:
    """A thread of this process computes without end, as soon as the file `begin` is there."""
    def compute() -> None:
        while not os.path.exists(begin):
            time.sleep(0.2)
        while True:
            sum(range(20_000))
    threading.Thread(target=compute, daemon=True).start()


@contextmanager
def playing(name: str, environment: dict[str, str], period: int, begin: Path, busy: bool
            ) -> Iterator[None]:
    """Play a peer in a process of its own. DeviceError where it doesn't come up."""
    words = [sys.executable, "-m", "bench.peers", name, str(period), str(begin),
             *(["busy"] if busy else [])]
    process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != "ready":
            raise DeviceError(f"{name} doesn't start")
        yield
    finally:
        process.communicate("")


def _python_callback(heard: Callable[[np.ndarray], None]) -> Any:
    import sounddevice

    def callback(source: np.ndarray, _frames: int, _clock: Any, _status: Any) -> None:
        heard(source)
    return sounddevice.InputStream(samplerate=SAMPLE_RATE, blocksize=0, channels=1,
                                   dtype="float32", latency="low", callback=callback)


@contextmanager
def _program(words: list[str], ready: str) -> Iterator[None]:
    """Run a program until we leave; begins when a line of what it says holds `ready`."""
    program = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    assert program.stdout is not None
    too_late = threading.Timer(_READY_S, program.kill)
    too_late.start()
    try:
        if not any(ready in line for line in program.stdout):
            raise DeviceError(f"{words[0]} doesn't start")
        too_late.cancel()
        yield
    finally:
        too_late.cancel()
        program.kill()
        program.wait()


def main(name: str, period: str, begin: str, busy: str = "") -> None:
    """Play one until the input ends."""
    if busy:
        keep_busy(begin)
    with PEERS[name].play(int(period)):
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
