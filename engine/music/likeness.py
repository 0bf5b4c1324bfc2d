"""How an answer is like its call: the key, the notes, how many, their rhythm, what comes back.

Each measure takes lines on the grid. The same measures choose among answers on stage and judge
them, beside people's, in the model's card.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.music.line import HOLD, Line, notes_of

MAJOR = 0b101010110101                       # bit 0 is the key note
_MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
# How strongly each degree belongs to a key: C. Krumhansl, Cognitive Foundations of Musical
# Pitch, 1990.


class Key(msgspec.Struct, frozen=True):
    """A key: its note 0-11, major or minor, and its seven pitch classes as bits (bit 0 is C)."""

    root: int
    minor: bool
    scale: int

    def holds(self, note: int) -> bool:
        """Is a note in this key?"""
        return bool(self.scale >> note % 12 & 1)


def turned(scale: int, root: int) -> int:
    """Twelve bits, moved up by `root` half tones.

    >>> turned(0b1, 3) == 0b1000
    True
    """
    return (scale << root % 12 | scale >> 12 - root % 12) & 0xFFF


def classes_of(line: Line) -> NDArray[np.float64]:
    """How long each of the twelve pitch classes sounds, float64 (12,), a share of 1."""
    classes = np.zeros(12)
    for note in notes_of(line):
        classes[note.note % 12] += note.steps
    return classes / max(classes.sum(), 1.0)


def key_of(line: Line) -> Key:
    """The key whose seven notes hold most of a line; of several the one it dwells in most."""
    classes = classes_of(line)
    best, key = (-1.0, -1.0), Key(0, False, MAJOR)
    for root in range(12):
        for minor, profile in ((False, _MAJOR_PROFILE), (True, _MINOR_PROFILE)):
            scale = turned(MAJOR, root + 3 if minor else root)
            inside = sum(classes[c] for c in range(12) if scale >> c & 1)
            dwells = float(np.dot(np.roll(profile, root), classes))
            if (round(inside, 6), dwells) > best:
                best, key = (round(inside, 6), dwells), Key(root, minor, scale)
    return key


def in_key(line: Line, key: Key) -> float:
    """The share of a line's notes that are in a key; 1 for silence."""
    notes = notes_of(line)
    return sum(key.holds(n.note) for n in notes) / len(notes) if notes else 1.0


def overlap(one: Line, other: Line) -> float:
    """How much of their pitch classes two lines share, 0 to 1."""
    return float(np.minimum(classes_of(one), classes_of(other)).sum())


def density_ratio(one: Line, other: Line) -> float:
    """How many octaves apart their numbers of notes a step are: 1 is twice as many, or half."""
    rates = [max(float((line.steps >= 0).sum()), 0.5) / max(len(line.steps), 1)
             for line in (one, other)]
    return abs(float(np.log2(rates[0] / rates[1])))


def bars_of(line: Line) -> list[NDArray[np.int64]]:
    """The whole bars of a line, steps each; a note held over the line shows as HOLD."""
    first = -line.start % line.bar
    return [line.steps[at:at + line.bar]
            for at in range(first, len(line.steps) - line.bar + 1, line.bar)]


def rhythm_overlap(answer: Line, call: Line) -> float:
    """How the onsets of each bar of an answer match the best bar of the call; mean of the bars."""
    theirs = [frozenset(np.flatnonzero(bar >= 0).tolist()) for bar in bars_of(call)]
    mine = [frozenset(np.flatnonzero(bar >= 0).tolist()) for bar in bars_of(answer)]
    best = [max((_share(bar, other) for other in theirs), default=0.0) for bar in mine if bar]
    return float(np.mean(best)) if best else 0.0


def _share(one: frozenset[int], other: frozenset[int]) -> float:
    """F-measure of two sets of places."""
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0


def returns(answer: Line, call: Line) -> dict[str, float]:
    """The share of an answer's bars that a bar of the call comes back in.

    exact: step by step the same. transposed: the same rhythm and intervals, moved. varied: the
    same rhythm, or all but one note of it with at most one pitch changed. Each bar counts once.
    """
    told = {"exact": 0, "transposed": 0, "varied": 0}
    theirs = [bar for bar in bars_of(call) if (bar >= 0).any()]
    mine = [bar for bar in bars_of(answer) if (bar >= 0).any()]
    for bar in mine:
        kinds = {_return_of(bar, other) for other in theirs}
        for kind in told:
            if kind in kinds:
                told[kind] += 1
                break
    return {kind: count / max(len(mine), 1) for kind, count in told.items()}


def _return_of(bar: NDArray[np.int64], other: NDArray[np.int64]) -> str:
    places, others = np.flatnonzero(bar >= 0), np.flatnonzero(other >= 0)
    if np.array_equal(_no_rests(bar), _no_rests(other)):
        return "exact"
    if len(places) < 3:                         # one or two notes are no motif
        return ""
    if np.array_equal(places, others):
        moved = bar[places] - other[others]
        return "transposed" if (moved == moved[0]).all() else "varied"
    same = sum(bar[p] == other[p] for p in np.intersect1d(places, others))
    return "varied" if same >= max(len(places), len(others)) - 1 else ""


def _no_rests(bar: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a note is let go is phrasing, not the motif."""
    return np.where(bar >= 0, bar, HOLD)


def strong_on_chord(line: Line, chords: Sequence[int]) -> tuple[int, int]:
    """Notes that start on a strong beat over a chord: how many are notes of it, of how many.

    Strong are the first step of a bar and its middle; in bars of twelve steps the first alone.
    """
    strong = (0,) if line.bar % 8 else tuple(range(0, line.bar, 8))
    on, count = 0, 0
    for step in np.flatnonzero(line.steps >= 0).tolist():
        if chords[step] and (line.start + step) % line.bar in strong:
            on += chords[step] >> int(line.steps[step]) % 12 & 1
            count += 1
    return on, count
