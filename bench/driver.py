"""What does a block cost in the callback, and does it ever ask for memory, a lock or the system?

A simulated driver, a timed thread in C, calls the same pointer that a sound card would. Its heap
calls and locks are counted by a preloaded library, and every system call but the one wake-up is
trapped. Under each load the null control is a callback that does nothing: what it is late, the
machine is. Needs Linux and a C compiler.
"""

import ctypes
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.callback import LOADS, PERIOD, _deck, _thread
from bench.dummy_card import real_time_is_allowed
from bench.measure import interleaved, interval
from bench.table import Gate, Report, Row
from engine.audio import AudioList
from engine.audio.callback import callback
from engine.audio.deck import Deck
from engine.audio.kit import synthesise
from engine.audio.mix import Mix
from engine.audio.output import Output
from engine.audio.sampler import PLAY, Sampler
from engine.audio.source import Source
from engine.errors import KuchiError
from engine.units import SAMPLE_RATE

MUST_POINTS = 0.2
FLAWS = ("", "sleeps", "allocates")
_NUMBERS = ("callback", "deck", "blocks", "frames", "inputs", "outputs", "fifo", "flaw", "timed")
_COUNTS = ("heap", "locks", "system_calls", "wakes", "watched", "was_fifo", "done")
_LATE_NS = 0.5e9 * PERIOD / SAMPLE_RATE     # half a block
_VOID_POINTS = 2.0
_QUESTION = f"What does a block of {PERIOD} frames cost in the callback, and what does it ask for?"


class _Drive(ctypes.Structure):
    _fields_ = ([(name, ctypes.c_int64) for name in _NUMBERS]
                + [("took", ctypes.c_void_p), ("late", ctypes.c_void_p)]
                + [(name, ctypes.c_int64) for name in _COUNTS])


def run(quick: bool, flaw: str = "") -> Report:
    """Count, then measure under each load; `flaw` makes the callback misbehave on purpose."""
    blocks, rounds = (500, 2) if quick else (2000, 11)
    if platform.system() != "Linux" or shutil.which("cc") is None:
        return Report(_QUESTION, [], void=True, rule="it needs Linux and a C compiler (cc)")
    with TemporaryDirectory() as folder:
        library = Path(folder) / "driver.so"
        source = Path(__file__).with_name("driver.c")
        subprocess.run(["cc", "-O2", "-w", "-shared", "-fPIC", str(source), "-o", str(library),
                        "-ldl", "-lpthread"], check=True)
        words = [sys.executable, "-m", "bench.driver", str(library), str(blocks), str(rounds), flaw]
        done = subprocess.run(words, capture_output=True, text=True,
                              env={**os.environ, "LD_PRELOAD": str(library)})
    if done.returncode:
        raise KuchiError(f"driver: {done.stderr.strip()}")
    return _report(json.loads(done.stdout.splitlines()[-1]), quick, blocks * rounds)


def _report(found: dict[str, Any], quick: bool, blocks: int) -> Report:
    counts = found["counts"]
    rows: list[Row] = []
    gates = [Gate("heap calls in the callback", counts["heap"], 0),
             Gate("locks in the callback", counts["locks"], 0),
             Gate("system calls beside the wake-up", counts["system_calls"], 0),
             Gate("wake-ups a block", counts["wakes"] / counts["blocks"], 1.0)]
    worst = 0.0
    for load, of_load in found["loads"].items():
        ours, null = of_load["kuchi"], of_load["null"]
        more = np.subtract(ours["late"], null["late"])
        worst = max(worst, float(np.mean(null["late"])))
        rows.append({"while": load, "p50 µs": ours["p50"], "p99 µs": ours["p99"],
                     "p99.9 µs": ours["p99.9"], "max µs": ours["max"],
                     "late, %": float(np.mean(ours["late"])),
                     "null, %": float(np.mean(null["late"])),
                     "late - null": float(more.mean()),
                     "95 %": interval(more.tolist(), middle=np.mean)})
        if not quick:
            gates.append(Gate(f"{load}: late beyond the null, points", float(more.mean()),
                              MUST_POINTS))
    idle, rank = found["loads"]["idle"]["kuchi"], "p99" if quick else "p99.9"
    gates.append(Gate(f"idle: a block's longest work ({rank}), shares of a block",
                      idle[rank] / (1e6 * PERIOD / SAMPLE_RATE), 0.5))
    priority = "with" if found["fifo"] else "WITHOUT"
    return Report(_QUESTION, rows, gates=gates, void=worst > _VOID_POINTS,
                  rule=f"the null callback began late in more than {_VOID_POINTS:g} % of its "
                       f"blocks (here {worst:.2g} %): the machine was busy elsewhere",
                  notes=[f"{blocks} blocks of each under each load, {priority} real-time priority",
                         f"counted over {counts['blocks']} blocks: heap {counts['heap']}, locks "
                         f"{counts['locks']}, system calls {counts['system_calls']}, wake-ups "
                         f"{counts['wakes']}"
                         + ("" if counts["watched"] else "; system calls could not be watched")])


# -- in the process that is measured -------------------------------------------------------------

def measure(library: ctypes.CDLL, blocks: int, rounds: int, flaw: str) -> dict[str, Any]:
    """Counts of one run, then durations and lateness under each load."""
    deck, strike = _stage()
    counts = _drive(library, callback.address, deck, blocks, flaw=flaw, timed=False)[2]
    found: dict[str, Any] = {"counts": {**counts, "blocks": blocks}, "loads": {},
                             "fifo": False}
    null_at = ctypes.cast(library.nothing, ctypes.c_void_p).value or 0
    for load, busy in {**LOADS, **MORE_LOADS}.items():
        kept: dict[str, list[NDArray[np.int64]]] = {"kuchi": [], "null": []}

        def once(name: str, address: int, kept: dict[str, list[NDArray[np.int64]]] = kept
                 ) -> Callable[[], float]:
            def play() -> float:
                strike()
                took, late, more = _drive(library, address, deck, blocks,
                                          flaw=flaw if name == "kuchi" else "", timed=True)
                found["fifo"] = bool(more["was_fifo"])
                kept[name].append(took)
                return 100.0 * float(np.mean(late > _LATE_NS))
            return play

        with busy():
            late = interleaved({"kuchi": once("kuchi", callback.address),
                                "null": once("null", null_at)}, rounds)
        found["loads"][load] = {name: {"late": late[name], **_spread(kept[name])} for name in kept}
    return found


def _spread(took: list[NDArray[np.int64]]) -> dict[str, float]:
    every = np.concatenate(took) / 1000.0
    p50, p99, p999 = np.percentile(every, [50.0, 99.0, 99.9]).tolist()
    return {"p50": p50, "p99": p99, "p99.9": p999, "max": float(every.max())}


def _stage() -> tuple[Deck, Callable[[], None]]:
    """A deck with microphone, kit, mixer, limiter and a ring for the analysis; and a drummer."""
    deck, audio = _deck(), AudioList()
    mic, kit = Source(audio, 0).buffer, Sampler(audio, synthesise("full"), 1.0)
    Output(audio, Mix(audio, [mic, kit.buffer], [1.0, 1.0]).buffer, 0, 1.0)
    audio.tap(mic)
    audio.compile()
    deck.put(audio)
    deck.fit(1, 2)

    def strike() -> None:
        for number in range(120):
            kit.commands.send(deck.mark[0] + number * 800, PLAY, number % 16, 0.5, number)
    return deck, strike


def _drive(library: ctypes.CDLL, address: int, deck: Deck, blocks: int, *, flaw: str, timed: bool
           ) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, int]]:
    took, late = np.zeros(blocks, np.int64), np.zeros(blocks, np.int64)
    order = _Drive(address, deck.address, blocks, PERIOD, 1, 2, int(real_time_is_allowed()),
                   FLAWS.index(flaw), int(timed), took.ctypes.data, late.ctypes.data)
    if not library.drive(ctypes.byref(order)):
        raise KuchiError("the driver's thread can't be started")
    return took, late, {name: int(getattr(order, name)) for name in _COUNTS}


@contextmanager
def long_call() -> Iterator[None]:
    """A thread of this process inside one long C call after another, with the interpreter held."""
    numbers = np.random.default_rng(0).random(200_000).tolist()
    with _thread(lambda: sorted(numbers)):
        yield


@contextmanager
def model_loop() -> Iterator[None]:
    """A thread of this process that runs our largest model, over and over."""
    import onnxruntime
    models = Path(__file__).parents[1] / "models_onnx"
    largest = max(models.glob("*/*.onnx"), key=lambda path: path.stat().st_size)
    session = onnxruntime.InferenceSession(largest, providers=["CPUExecutionProvider"])
    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
    feed = {each.name: np.zeros([size if isinstance(size, int) else 1 for size in each.shape],
                                kinds.get(each.type, np.float32))
            for each in session.get_inputs()}
    with _thread(lambda: session.run(None, feed)):
        yield


MORE_LOADS = {"a long C call inside": long_call, "an ONNX loop inside": model_loop}


if __name__ == "__main__":
    threading.stack_size(1 << 20)
    given = sys.argv[1:]
    print(json.dumps(measure(ctypes.CDLL(given[0]), int(given[1]), int(given[2]),
                             given[3] if len(given) > 3 else "")))
