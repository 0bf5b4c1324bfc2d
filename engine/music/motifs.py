"""Motifs: which bars of a call come back in its answer, as they were, moved, or as a rhythm."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.music.frame import Frame
from engine.music.likeness import bars_of

RHYTHM_HELD = 0.45                 # of the bars that aren't copied: new notes on a call's rhythm
COPIED, MOVED = 0.35, 0.2          # of the bars, at motifs = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """How one bar comes about: which bar of the call, and what is kept of it."""

    source: int
    kind: str                      # "exact", "moved", "rhythm", "free"


def plans_of(frame: Frame, rng: np.random.Generator) -> list[Plan]:
    """One plan a bar. Bar for bar as in the call more often than not; the last is never a copy."""
    bars = bars_of(frame.call)
    count = -(-(frame.start + frame.length) // frame.call.bar)
    share = frame.settings.motifs * (1.0 - 0.7 * frame.settings.novelty)
    plans = []
    for number in range(count):
        sources = [i for i, bar in enumerate(bars) if (bar >= 0).any()]
        if not sources:
            plans.append(Plan(-1, "free"))
            continue
        parallel = number % len(bars)
        source = (parallel if parallel in sources and rng.random() < 0.6
                  else sources[rng.integers(len(sources))])
        at, last = rng.random(), number == count - 1
        if at < COPIED * share and not last:
            kind = "exact"
        elif at < (COPIED + MOVED) * share and not last:
            kind = "moved"
        else:
            kind = "rhythm" if rng.random() < min(2 * share * RHYTHM_HELD, 0.9) else "free"
        plans.append(Plan(source, kind))
    return plans


def brought_back(frame: Frame, bar: NDArray[np.int64], begin: int, kind: str, last: int
                  ) -> NDArray[np.int64]:
    """A bar of the call as it was, or moved along the scale to where it fits chord and line."""
    best, moved = -1e9, bar
    for degrees in (range(-4, 5) if kind == "moved" else (0,)):
        if kind == "moved" and degrees == 0:
            continue
        shifted = _along_scale(frame, bar, degrees, begin)
        notes = shifted[shifted >= 0]
        if len(notes) and (notes.min() < frame.low or notes.max() > frame.high):
            continue
        fits = sum(frame.weights(begin + step)[shifted[step] - frame.low] > 1.0
                   for step in np.flatnonzero(shifted >= 0).tolist() if begin + step < frame.length)
        leap = abs(int(notes[0]) - last) if len(notes) else 0
        score = fits - 0.15 * leap - 0.1 * abs(degrees)
        if score > best:
            best, moved = score, shifted
    return moved + np.where(moved >= 0, frame.settings.register if kind == "exact" else 0, 0)


def same_chords(frame: Frame, source: int, begin: int) -> bool:
    """Does a bar of the call stand over the chord that a step of the answer has?"""
    first = -frame.call.start % frame.call.bar + source * frame.call.bar
    return int(frame.chords[min(first, len(frame.chords) - 1)]) == frame.chord(begin)


def _along_scale(frame: Frame, bar: NDArray[np.int64], degrees: int, begin: int
                 ) -> NDArray[np.int64]:
    """Every note moved by so many degrees of the scale in force."""
    scale = frame.scale | frame.chord(min(begin, frame.length - 1)) & 0xFFF
    rungs = np.array([note for note in range(128) if scale >> note % 12 & 1])
    moved = bar.copy()
    for step in np.flatnonzero(bar >= 0):
        near = int(np.argmin(np.abs(rungs - bar[step])))
        off = int(bar[step]) - int(rungs[near])
        moved[step] = int(rungs[min(max(near + degrees, 0), len(rungs) - 1)]) + off
    return moved
