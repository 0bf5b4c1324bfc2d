"""The rhythm model as it plays: takes of its own beside people's, and what its settings do."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.music.pattern import Pattern, empty
from engine.music.rhythm import Rhythm, generate
from models_onnx.rhythm.data import Take
from models_onnx.rhythm.measures import (
    BARS,
    MEASURES,
    hits_a_bar,
    rank_correlation,
    unlike_any,
)

MADE = 100                           # takes of the machine's, seeds 0-99
SETTINGS = tuple(np.linspace(0.0, 1.0, 11).tolist())
TURNED = 12                          # takes on which the settings are turned
HISTORY, AFTER = 4, 8                # bars heard, bars played

Scores = dict[str, Any]


def cut(take: Pattern, begin: int, bars: int) -> Pattern:
    """Some whole bars of a pattern."""
    part = slice(begin * take.steps_per_bar, (begin + bars) * take.steps_per_bar)
    return Pattern(take.steps_per_bar, take.hits[part], take.offsets[part], take.steps_per_beat)


def long_takes(takes: Sequence[Take]) -> list[tuple[Take, Pattern]]:
    """Beats of sixteen bars at least, their first sixteen."""
    found = [(take, take.on_grid()) for take in takes if take.kind == "beat"]
    return [(take, cut(pattern, 0, BARS)) for take, pattern in found if pattern.bars >= BARS]


def beside_people(people: Sequence[tuple[Take, Pattern]]) -> Scores:
    """A hundred takes from nothing but a seed, at the tempi people play, measured like theirs."""
    tempi = sorted(take.bpm for take, _ in people)
    made = []
    for seed in range(MADE):
        bpm = tempi[seed * len(tempi) // MADE]
        made.append((15_000.0 / bpm, generate(empty(0), BARS, seed, bpm=bpm)))
    found: Scores = {}
    for name, measure in MEASURES.items():
        theirs = float(np.mean([measure(pattern, take.step_ms) for take, pattern in people]))
        ours = float(np.mean([measure(pattern, step_ms) for step_ms, pattern in made
                              if pattern.hits.any()]))
        found[name] = {"people": round(theirs, 4), "machine": round(ours, 4),
                       "off": round(ours / theirs - 1.0, 4)}
    return found


def settings(people: Sequence[tuple[Take, Pattern]]) -> Scores:
    """Turn density and novelty from 0 to 1 after four bars of people's: do their figures follow?

    Rank correlation of setting and figure on each take, then the mean over takes.
    """
    chosen = people[::max(1, len(people) // TURNED)][:TURNED]
    density, novelty = [], []
    for seed, (take, pattern) in enumerate(chosen):
        history = cut(pattern, 0, HISTORY)
        density.append(rank_correlation(SETTINGS, [
            hits_a_bar(generate(history, AFTER, seed, density=at, bpm=take.bpm), 0.0)
            for at in SETTINGS]))
        novelty.append(rank_correlation(SETTINGS, [
            unlike_any(generate(history, AFTER, seed, novelty=at, bpm=take.bpm), history)
            for at in SETTINGS]))
    return {"density_rank": round(float(np.mean(density)), 4),
            "novelty_rank": round(float(np.mean(novelty)), 4)}


def step_us(steps: int = 2000) -> Scores:
    """What a step of its own costs, memory and draw included: microseconds of the processor."""
    rhythm, took = Rhythm(0), []
    for _ in range(steps):
        begin = time.thread_time_ns()
        rhythm.next_step()
        took.append((time.thread_time_ns() - begin) / 1000.0)
    return {"p50": round(float(np.percentile(took, 50)), 1),
            "p99": round(float(np.percentile(took, 99)), 1)}
