"""What does hosting a plugin cost, over what the plugin itself costs?

Each plugin runs in the compiled list as it does on stage: fed with events, guarded against slow
runs, its samples checked. The time inside its own `run` is noted by the guard; what remains is
ours. The null control is a list with nothing in it: where its time wavers, nothing is said.
"""

from collections.abc import Callable
from time import perf_counter_ns

import numpy as np
from numba import njit

from bench.measure import interleaved, interval, median, one_core
from bench.table import Gate, Report, Row
from engine.audio import AudioList
from engine.audio.lv2.hosted import NOTE, STATE, Hosted
from engine.audio.lv2.instance import Instance
from engine.audio.lv2.plugins import find
from engine.audio.run_list import walk
from engine.errors import KuchiError
from engine.units import HOP, SLICE

PLUGINS = {
    "mda EPiano": "http://drobilla.net/plugins/mda/EPiano",
    "Dragonfly Room": "urn:dragonfly:room",
    "x42 limiter": "http://gareus.org/oss/lv2/dpl#stereo",
}
MUST_US = 1.5
_BLOCKS = 500
_WAVERS = 0.25


def run(quick: bool) -> Report:
    """Measure each plugin; those that aren't installed are named."""
    rounds = 5 if quick else 51
    question = f"What does hosting a plugin cost?  µs a block of {HOP} frames, medians."
    racks, missing = _racks()
    if not racks:
        return Report(question, [], void=True, rule=f"none is installed: {', '.join(missing)}")
    over: dict[str, list[float]] = {name: [] for name in racks}
    own: dict[str, list[float]] = {name: [] for name in racks}
    contenders: dict[str, Callable[[], float]] = {
        name: _measured(*rack, over[name], own[name]) for name, rack in racks.items()}
    contenders["nothing"] = _empty()
    with one_core():
        figures = interleaved(contenders, rounds)
    rows: list[Row] = [{"what": name, "whole": median(figures[name]), "its own run":
                        median(own[name]), "hosting": median(over[name]),
                        "95 %": interval(over[name])} for name in racks]
    rows.append({"what": "nothing (null control)", "whole": median(figures["nothing"])})
    low, high = interval(figures["nothing"])
    wavers = (high - low) / median(figures["nothing"])
    return Report(question, rows, void=wavers > _WAVERS,
                  rule=f"an empty list's median lies within ±{_WAVERS:.0%} (here {wavers:.0%})",
                  gates=[Gate(f"{name}: cost over its own run, µs", median(over[name]), MUST_US)
                         for name in racks],
                  notes=[f"not installed: {', '.join(missing)}"] if missing else [])


def _racks() -> tuple[dict[str, tuple[AudioList, Hosted]], list[str]]:
    racks, missing = {}, []
    for name, uri in PLUGINS.items():
        try:
            instance = Instance(find(uri))
        except KuchiError:
            missing.append(name)
            continue
        audio = AudioList()
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, (2, SLICE)).astype(np.float32)
        hosted = Hosted(audio, noise, instance, inside=np.zeros(1, np.int64), number=1)
        audio.compile()
        racks[name] = audio, hosted
    return racks, missing


@njit(nogil=True, error_model="numpy")
def _drive(table, source, target, blocks):      # type: ignore[no-untyped-def]
    for _ in range(blocks):
        walk(table, source, target)


def _measured(audio: AudioList, hosted: Hosted, over: list[float], own: list[float]
              ) -> Callable[[], float]:
    """A round: a chord is played, then so many blocks; µs a block."""
    source, target = np.zeros((HOP, 1), np.float32), np.zeros((HOP, 2), np.float32)

    def once() -> float:
        while True:                         # a machine that is busy elsewhere looks like a slow run
            hosted.let_in()
            for note in (60, 64, 67):
                hosted.commands.send(0, NOTE, 0x90, note, 100)
            _drive(audio.table, source, target, 10)
            spent, begin = int(hosted.spent[0]), perf_counter_ns()
            _drive(audio.table, source, target, _BLOCKS)
            whole = (perf_counter_ns() - begin) / 1000.0 / _BLOCKS
            if hosted.words[STATE] == 0:
                break
        own.append((int(hosted.spent[0]) - spent) / 1000.0 / _BLOCKS)
        over.append(whole - own[-1])
        return whole
    return once


def _empty() -> Callable[[], float]:
    audio = AudioList()
    audio.compile()
    source, target = np.zeros((HOP, 1), np.float32), np.zeros((HOP, 2), np.float32)
    _drive(audio.table, source, target, 10)

    def once() -> float:
        begin = perf_counter_ns()
        _drive(audio.table, source, target, _BLOCKS)
        return (perf_counter_ns() - begin) / 1000.0 / _BLOCKS
    return once
