"""A line is one voice on a grid of sixteenths: each step starts a note, holds, or ends one.

Answers, bars and what the performer played are all lines. Steps hold a note number 0-127 where a
note starts, HOLD where what was goes on (a note or silence), REST where a note ends into silence.
Chords beside a line are one whole number a step, 0 where there is none: `chord(5, (5, 9, 0))`.
Triplets are played to the nearest sixteenth.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

HOLD, REST = -1, -2
STEPS_A_BEAT = 4
NO_CHORD = 0

Steps = NDArray[np.int64]


class Line(msgspec.Struct, frozen=True):
    """One voice on sixteenths.

    steps : int64 (n,)   note number where a note starts, HOLD or REST elsewhere
    bar   : steps in a bar: 16 in 4/4, 12 in 3/4 and 6/8
    start : place of the first step, counted from the first step of a bar
    """

    steps: np.ndarray
    bar: int = 16
    start: int = 0


class Note(msgspec.Struct, frozen=True):
    """A note of a line: its first step, how many it lasts, its number."""

    step: int
    steps: int
    note: int


def line_of(notes: Iterable[tuple[float, float, int]], length: int, *, bar: int = 16,
            start: int = 0) -> Line:
    """A line from notes: (first step, steps, note number), fractions to the nearest step.

    Where notes overlap the later one cuts the earlier; of a chord the highest stays. Notes that
    begin outside `length` steps are left out.

    >>> line_of([(0, 1, 60), (2, 2, 64)], 5).steps.tolist()
    [60, -2, 64, -1, -2]
    """
    steps = np.full(length, HOLD, np.int64)
    ends = np.zeros(length, np.int64)
    for first, lasting, note in sorted(notes, key=lambda n: (round(n[0]), n[2])):
        at = round(first)
        if 0 <= at < length:
            steps[at] = note
            ends[at] = at + max(1, int(np.ceil(lasting - 0.4)))
    starts = np.flatnonzero(steps >= 0)
    for at, following in zip(starts.tolist(), [*starts.tolist()[1:], length], strict=False):
        if ends[at] < following:
            steps[ends[at]] = REST
    return Line(steps, bar, start)


def notes_of(line: Line) -> list[Note]:
    """The notes of a line, each until the next one, a rest or the line's end.

    >>> notes_of(Line(np.array([60, -1, -2, 64])))
    [Note(step=0, steps=2, note=60), Note(step=3, steps=1, note=64)]
    """
    found, changes = [], np.flatnonzero(line.steps != HOLD).tolist()
    for at, until in zip(changes, [*changes[1:], len(line.steps)], strict=False):
        if line.steps[at] >= 0:
            found.append(Note(at, until - at, int(line.steps[at])))
    return found


def chord(root: int, pitches: Iterable[int]) -> int:
    """A chord as one whole number: its root and its set of pitch classes.

    >>> root_of(chord(5, (65, 69, 72))), pitches_of(chord(5, (65, 69, 72)))
    (5, (0, 5, 9))
    """
    members = 0
    for pitch in pitches:
        members |= 1 << pitch % 12
    return (root % 12 + 1) << 12 | members


def root_of(code: int) -> int:
    """The root of a chord 0-11, -1 where there is none."""
    return (code >> 12) - 1


def pitches_of(code: int) -> tuple[int, ...]:
    """The pitch classes of a chord, ascending."""
    return tuple(pitch for pitch in range(12) if code >> pitch & 1)


def chord_steps(changes: Sequence[tuple[float, int]], length: int) -> Steps:
    """One chord a step from its changes (step, chord), in order; none before the first."""
    chords = np.full(length, NO_CHORD, np.int64)
    for at, code in changes:
        chords[max(0, round(at)):] = code
    return chords
