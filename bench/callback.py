"""How many blocks come late, in our callback, in one that does nothing, and in one in Python?

All three are called by JACK's dummy driver at 64 frames, in turn, while the machine or the process
itself is kept busy. A block counts as late where it came more than half a block late, or never.
The null control is a compiled callback that only looks at the clock: its late blocks are the
machine's. Ours plays the kit, 60 strikes a second, on top of the microphone.
"""

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numba import carray, cfunc

from bench.dummy_card import dummy_card, real_time_is_allowed
from bench.measure import interleaved, interval
from bench.table import Cell, Gate, Report, Row
from engine.audio import AudioList
from engine.audio.callback import (
    BLOCKS,
    CALLBACK,
    DECK,
    FRAME_NS,
    LATE_BLOCKS,
    MAIL,
    WORDS,
    is_late,
    now_ns,
)
from engine.audio.deck import Deck
from engine.audio.intrinsics import pointer
from engine.audio.kit import synthesise
from engine.audio.mix import Mix
from engine.audio.output import Output
from engine.audio.sampler import PLAY, Sampler
from engine.audio.source import Source
from engine.devices.portaudio import open_stream
from engine.devices.sound_cards import portaudio
from engine.errors import DeviceError, KuchiError
from engine.units import SAMPLE_RATE

PERIOD = 64
MOST_POINTS = 0.2               # ours may be late this much more often than the null, in points
_VOID_POINTS = 2.0              # a null later than this is no control
_PERIOD_NS = 1e9 * PERIOD / SAMPLE_RATE
_WARM_BLOCKS = 50
_STRIKES, _EVERY = 240, 800     # so many, this many frames apart: 4 s of a busy kit

Figures = dict[str, dict[str, list[float]]]
"""load -> callback -> share of late blocks in each round, percent"""


def run(quick: bool) -> Report:
    """Measure under each load; without JACK nothing can be said."""
    question = f"How many blocks of {PERIOD} frames come late?  Percent of those expected."
    rounds, seconds = (3, 0.4) if quick else (9, 3.0)
    try:
        with dummy_card(PERIOD) as environment:
            figures = _in_a_process_of_its_own(rounds, seconds, environment)
    except DeviceError as error:
        return Report(question, [], void=True, rule=str(error))
    null_worst = max(float(np.mean(shares["null"])) for shares in figures.values())
    blocks = round(rounds * seconds * SAMPLE_RATE / PERIOD)
    priority = "with" if real_time_is_allowed() else "WITHOUT"
    return Report(
        question, [_row(load, shares) for load, shares in figures.items()],
        void=null_worst > _VOID_POINTS, gates=[] if quick else _gates(figures),
        rule=f"the null callback was late in more than {_VOID_POINTS:g} % of its blocks "
             f"(here {null_worst:.2g} %): the machine was busy elsewhere",
        notes=[f"{blocks} blocks of each callback under each load, in {rounds} rounds taken in "
               f"turn; {priority} real-time priority",
               "heap calls in the callback: none can be reached, see tests/audio/test_compiled.py"])


def _row(load: str, shares: dict[str, list[float]]) -> Row:
    more = np.subtract(shares["kuchi"], shares["null"])
    cells: dict[str, Cell] = {"kuchi": float(np.mean(shares["kuchi"])),
                              "null": float(np.mean(shares["null"])),
                              "kuchi - null": float(more.mean()),
                              "95 %": interval(more.tolist(), middle=np.mean),
                              "Python": float(np.mean(shares["Python"])),
                              "Python, 95 %": interval(shares["Python"], middle=np.mean)}
    return {"while": load, **cells}


def _gates(figures: Figures) -> list[Gate]:
    return [Gate(f"{load}: late beyond the null, points",
                 float(np.mean(np.subtract(shares["kuchi"], shares["null"]))), MOST_POINTS)
            for load, shares in figures.items()]


# -- in the process that is measured -------------------------------------------------------------

def _in_a_process_of_its_own(rounds: int, seconds: float, environment: dict[str, str]) -> Figures:
    """PortAudio stays with the first server that a process sees."""
    done = subprocess.run([sys.executable, "-m", "bench.callback", str(rounds), str(seconds)],
                          capture_output=True, text=True, env=environment)
    if done.returncode:
        raise KuchiError(f"callback: {done.stderr.strip()}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(rounds: int, seconds: float) -> Figures:
    """The share of late blocks of each callback under each load."""
    contenders = {"kuchi": _kuchi(seconds), "null": _null(seconds), "Python": _python(seconds)}
    figures: Figures = {}
    for load, busy in LOADS.items():
        with busy():
            figures[load] = interleaved(contenders, rounds)
    return figures


def _deck() -> Deck:
    return Deck(1, 2, np.zeros(WORDS, np.int64), np.zeros(1 << 20, np.float32),
                np.zeros((1 << 20, 2), np.float32))


def _kuchi(seconds: float) -> Callable[[], float]:
    """The real thing: microphone, kit, mixer, limiter, and a ring for the analysis."""
    deck, audio = _deck(), AudioList()
    mic, kit = Source(audio, 0).buffer, Sampler(audio, synthesise("full"), 1.0)
    Output(audio, Mix(audio, [mic, kit.buffer], [1.0, 1.0]).buffer, 0, 1.0)
    audio.tap(mic)
    audio.compile()
    deck.put(audio)
    commands = kit.commands

    def once() -> float:
        first = deck.mark[0]
        for strike in range(_STRIKES):
            commands.send(first + strike * _EVERY, PLAY, strike % 16, 0.5, strike)
        stream = open_stream(deck)
        try:
            return _late_share(deck.words, seconds)
        finally:
            stream.close()
            commands.stop()
    return once


@cfunc(CALLBACK, cache=True, error_model="numpy")
def nothing(source, target, length, time, status, deck_at):      # type: ignore[no-untyped-def]
    """Silence, and a look at the clock."""
    deck = carray(deck_at, 1, DECK)[0]
    words = carray(pointer(deck.words), WORDS, np.int64)
    mail = carray(pointer(deck.mail), MAIL, np.int64)
    now, count = now_ns(deck), np.int64(length)
    words[LATE_BLOCKS] += is_late(now, count, np.int64(status), mail)
    carray(target, (count, 2), np.float32)[:] = np.float32(0.0)
    words[FRAME_NS] = now
    words[BLOCKS] += 1
    return 0


def _null(seconds: float) -> Callable[[], float]:
    from _sounddevice import ffi
    deck = _deck()

    def once() -> float:
        deck.fit(1, 2)
        with portaudio()._StreamBase(
                "duplex", samplerate=SAMPLE_RATE, blocksize=0, channels=(1, 2), dtype="float32",
                latency="low", callback=ffi.cast("PaStreamCallback *", nothing.address),
                userdata=ffi.cast("void *", deck.address)):
            return _late_share(deck.words, seconds)
    return once


def _python(seconds: float) -> Callable[[], float]:
    """The same as the null, as one would write it in Python."""
    words = np.zeros(WORDS, np.int64)
    before = 0

    def callback(source: Any, target: Any, frames: int, _time: Any, status: Any) -> None:
        nonlocal before
        now = time.monotonic_ns()
        if status or (before and 2 * (now - before) > 3e9 * frames / SAMPLE_RATE):
            words[LATE_BLOCKS] += 1
        before = now
        target.fill(0.0)
        words[FRAME_NS] = now
        words[BLOCKS] += 1

    def once() -> float:
        nonlocal before
        before = 0
        with portaudio().Stream(samplerate=SAMPLE_RATE, blocksize=0, channels=(1, 2),
                                dtype="float32", latency="low", callback=callback):
            return _late_share(words, seconds)
    return once


def _late_share(words: Any, seconds: float) -> float:
    """Of the blocks that should have come in so many seconds, how many came late or never, %."""
    start, deadline = int(words[BLOCKS]), time.monotonic() + 10.0
    while words[BLOCKS] < start + _WARM_BLOCKS and time.monotonic() < deadline:
        time.sleep(0.01)
    blocks, late, begin_ns = words[[BLOCKS, LATE_BLOCKS, FRAME_NS]].tolist()
    time.sleep(seconds)
    asked_ns = time.monotonic_ns()
    blocks_then, late_then, end_ns = words[[BLOCKS, LATE_BLOCKS, FRAME_NS]].tolist()
    in_time = (blocks_then - blocks) - (late_then - late)
    overdue = max(0, int((asked_ns - end_ns) / _PERIOD_NS - 0.5))
    expected = round((end_ns - begin_ns) / _PERIOD_NS) + overdue
    return 100.0 * max(0.0, 1.0 - in_time / expected)


# -- loads ---------------------------------------------------------------------------------------

@contextmanager
def idle() -> Iterator[None]:
    yield


@contextmanager
def busy_cores() -> Iterator[None]:
    """A process on each core that does nothing but compute."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            stack.enter_context(_beside("for _ in range(1 << 20): pass"))
        yield


@contextmanager
def disk_writes() -> Iterator[None]:
    """A process that writes to the disk, and waits for it, without a pause."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "noise"
        with _beside(f"with open({str(file)!r}, 'wb') as f:\n"
                     "    f.write(os.urandom(1 << 24)); f.flush(); os.fsync(f.fileno())"):
            yield


@contextmanager
def _beside(work: str) -> Iterator[None]:
    """A process that does it again and again, as long as we live."""
    process = subprocess.Popen([sys.executable, "-c", "import os\nus = os.getppid()\n"
                                "while os.getppid() == us:\n  " + work])
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def collector() -> Iterator[None]:
    """A thread of this process that collects garbage on a big heap, over and over."""
    heap = [[number] for number in range(500_000)]
    with _thread(gc.collect):
        yield
    heap.clear()


@contextmanager
def busy_thread() -> Iterator[None]:
    """A thread of this process that does nothing but compute, in Python."""
    with _thread(lambda: sum(range(20_000))):
        yield


@contextmanager
def _thread(work: Callable[[], object]) -> Iterator[None]:
    stop = threading.Event()

    def on_and_on() -> None:
        while not stop.is_set():
            work()

    thread = threading.Thread(target=on_and_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


LOADS = {"idle": idle, "busy processes on all cores": busy_cores, "disk writes": disk_writes,
         "garbage collection inside": collector, "a busy Python thread inside": busy_thread}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), float(sys.argv[2]))))
