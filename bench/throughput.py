"""How much faster than real time does a patch run on one core, and how even is its work?

`render` is timed whole, its graph's building included. Then the same graph is driven hop by hop,
as the stage drives it, and each hop's work is timed. The null control is an empty patch in the
same loop for as long: what it loses, the machine took.
"""

import gc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, perf_counter_ns, process_time

import numpy as np
from numpy.typing import NDArray

from bench.measure import interleaved, interval, median, one_core, percentiles_us
from bench.table import Gate, Report, Row
from engine.graph import Graph
from engine.mouth import beat, perform
from engine.patch import Patch, load_patch
from engine.rendering import TAIL_S, render
from engine.units import HOP, SAMPLE_RATE, Samples

PATCHES = ("beatbox-to-daw", "beatbox-kit")
NOTHING = Patch("", Path(), "nothing", "", {}, (), {}, ())

_HALF_A_HOP_US = 1e6 * HOP / SAMPLE_RATE / 2.0
_LATE_NS = 100_000              # no hop of an empty patch takes this long by itself
_LOST = 0.05
_TRIES = 3
_GROOVE = "b X..x..x.x..xX...\npf ....X.......X...\nts x.x.x.xxx.x.x.xo"


def run(quick: bool) -> Report:
    """Measure all patches; a void run is repeated, and how often is told."""
    rounds, seconds = (2, 4.0) if quick else (7, 60.0)
    report = _measure(rounds, seconds)
    tries = 1
    while report.void and tries < (1 if quick else _TRIES):
        report, tries = _measure(rounds, seconds), tries + 1
    voids = tries if report.void else tries - 1
    report.notes.append(f"{voids} of {tries} runs void; {rounds} rounds of {seconds:g} s of audio")
    if quick:
        report.gates.clear()                # a few cold seconds say nothing
    return report


def performance(seconds: float) -> Samples:
    """A busy groove of the synthetic mouth at 110 bpm, float32 (frames,)."""
    bars = int(seconds / (240.0 / 110.0)) + 1
    audio, _ = perform(beat(_GROOVE, 110.0, bars, who="aki"), "aki", seconds=seconds)
    return audio


def _measure(rounds: int, seconds: float) -> Report:
    audio = performance(seconds)
    patches = {name: load_patch(name) for name in PATCHES}
    with one_core() as pinned:
        for patch in patches.values():
            _drive(Graph(patch), audio[:SAMPLE_RATE])           # compile, load, warm
        hops: dict[str, list[NDArray[np.int64]]] = {"nothing": [], **{n: [] for n in patches}}
        work = {name: _working(patch, audio, hops[name]) for name, patch in patches.items()}
        core: dict[str, list[float]] = {name: [] for name in patches}
        whole = {f"render {name}": _rendering(patch, audio, core[name])
                 for name, patch in patches.items()}
        null = {"nothing": _idling(audio, hops)}
        speed = interleaved({**work, **whole, **null}, rounds)
    durations = {name: np.concatenate(of_rounds) for name, of_rounds in hops.items()}
    rows: list[Row] = [
        {"what": name, "x real time": median(speed[f"render {name}"]),
         "95 %": interval(speed[f"render {name}"]), "x core time": median(core[name]),
         "a hop at a time": median(speed[name]), **percentiles_us(durations[name])}
        for name in patches]
    rows.append({"what": "nothing (null control)", "a hop at a time": median(speed["nothing"]),
                 **percentiles_us(durations["nothing"])})
    empty = durations["nothing"]
    lost = float(empty[empty > _LATE_NS].sum() / empty.sum())
    return Report(
        "How much faster than real time is a patch on one core, and how long does a hop take?",
        rows, void=lost > _LOST,
        rule=f"hops over {_LATE_NS / 1000:g} µs took more than {_LOST:.0%} of the empty patch's "
             f"time (here {lost:.1%}): the machine was busy elsewhere",
        gates=_gates(rows), notes=[] if pinned else ["could not be pinned to one core"])


def _gates(rows: list[Row]) -> list[Gate]:
    gates = []
    for row in rows[:-1]:
        name, speed, p99 = row["what"], row["x real time"], row["p99 µs"]
        assert isinstance(speed, float)
        assert isinstance(p99, float)
        gates += [Gate(f"{name}: times real time", speed, 100.0, at_least=True),
                  Gate(f"{name}: a hop's work, p99 µs", p99, _HALF_A_HOP_US)]
    return gates


def _rendering(patch: Patch, audio: Samples, core: list[float]) -> Callable[[], float]:
    """Times real time; `core` gets the same counted in the core's own time."""
    def once() -> float:
        begin, worked = perf_counter(), process_time()
        for _ in render(patch, audio):
            pass
        heard = len(audio) / SAMPLE_RATE + TAIL_S
        core.append(heard / (process_time() - worked))
        return heard / (perf_counter() - begin)
    return once


def _working(patch: Patch, audio: Samples, hops: list[NDArray[np.int64]]) -> Callable[[], float]:
    def once() -> float:
        hops.append(_drive(Graph(patch), audio))
        return len(audio) / SAMPLE_RATE / (float(hops[-1].sum()) / 1e9)
    return once


def _idling(audio: Samples, hops: dict[str, list[NDArray[np.int64]]]) -> Callable[[], float]:
    """The empty patch, for as long as the longest patch of the round before took."""
    def once() -> float:
        latest = [of_rounds[-1].sum() for name, of_rounds in hops.items()
                  if name != "nothing" and of_rounds]
        enough, taken, heard = max(latest, default=0), 0, 0.0
        while taken <= enough:
            hops["nothing"].append(_drive(Graph(NOTHING), audio))
            taken += int(hops["nothing"][-1].sum())
            heard += len(audio) / SAMPLE_RATE
        return heard / (taken / 1e9)
    return once


def _drive(graph: Graph, audio: Samples) -> NDArray[np.int64]:
    """One graph through a recording, hop by hop; how long each took, in ns. No collector runs."""
    blocks = audio[:len(audio) // HOP * HOP].reshape(-1, HOP, 1)
    durations = np.empty(len(blocks), np.int64)
    target = np.empty((HOP, 2), np.float32)
    gc.collect()
    gc.disable()
    try:
        for place, block in enumerate(blocks):
            begin = perf_counter_ns()
            graph.hear(block, target)
            graph.take()
            durations[place] = perf_counter_ns() - begin
    finally:
        gc.enable()
    return durations
