"""Bars and what they followed, from the tunes of the melody model."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.music.line import REST, Line, Steps
from models_onnx.melody.data import Tune

BARS = (16, 12)                    # steps; a tune in bars of 8 is read two bars at a time


@dataclass(frozen=True, slots=True)
class Pair:
    """A bar, the bar before it, and its chords, one a step. Both bars have notes."""

    before: Line
    bar: Line
    chords: Steps
    source: str


def pairs(tunes: Iterable[Tune]) -> list[Pair]:
    """Every bar with the one before it, where both have notes."""
    found = []
    for tune in tunes:
        steps, width = tune.line.steps, 16 if tune.line.bar == 8 else tune.line.bar
        if width not in BARS or tune.line.start:
            continue
        cuts = range(0, len(steps) - width + 1, width)
        bars = [Line(_clean(steps, at, width), width) for at in cuts]
        for before, bar, at in zip(bars, bars[1:], list(cuts)[1:], strict=False):
            if (before.steps >= 0).any() and (bar.steps >= 0).any():
                found.append(Pair(before, bar, tune.chords[at:at + width], tune.source))
    return found


def _clean(steps: Steps, at: int, width: int) -> Steps:
    """One bar, without a rest where nothing can sound."""
    bar = steps[at:at + width].copy()
    before = steps[:at][steps[:at] != -1]
    sounds = bool(len(before)) and before[-1] >= 0
    for step, event in enumerate(bar.tolist()):
        if event == REST and not sounds:
            bar[step] = -1
        sounds = event >= 0 or (sounds and event != REST)
    return bar


def notes_a_bar(bars: Iterable[Line]) -> float:
    """How many notes a bar has, on average."""
    return float(np.mean([(bar.steps >= 0).sum() for bar in bars]))
