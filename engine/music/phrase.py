"""A line becomes a phrase: swung, with the performer's own loudness, over within its last bar."""

import random
from collections.abc import Sequence

import numpy as np

from engine.music.chords import NO_CHORD as NO_HARMONY
from engine.music.chords import Harmony
from engine.music.line import NO_CHORD, STEPS_A_BEAT, Line, chord, notes_of
from engine.music.playing import Tone

_LONG_AGO = -1e9            # beats
_FORM = 32                  # chords that tell the key of a form
_ACCENT, _WEAK, _SPREAD = 7, -5, 4


def swung(beat: float, swing: float) -> float:
    """Where a place of a straight beat lies in a swung one; `swing` is where its half falls.

    >>> swung(3.5, 0.66), swung(3.0, 0.66), round(swung(3.25, 0.66), 2)
    (3.66, 3.0, 3.33)
    """
    whole, part = divmod(beat, 1.0)
    if part < 0.5:
        return whole + 2.0 * swing * part
    return whole + swing + (part - 0.5) * 2.0 * (1.0 - swing)


def tones_of(line: Line, start: float, *, velocity: int = 80, swing: float = 0.5,
             gate: float = 0.92, seed: int = 0) -> list[Tone]:
    """The notes of a line from beat `start` on.

    velocity : in the middle; the beats are a little louder, what lies between them softer
    gate     : how much of its steps a note sounds
    """
    rng = random.Random(seed)
    found = []
    for note in notes_of(line):
        begin = swung(start + note.step / STEPS_A_BEAT, swing)
        end = swung(start + (note.step + note.steps) / STEPS_A_BEAT, swing)
        accent = _ACCENT if (line.start + note.step) % STEPS_A_BEAT == 0 else _WEAK
        loud = velocity + accent + rng.randint(-_SPREAD, _SPREAD)
        found.append(Tone(begin, (end - begin) * gate, min(max(note.note, 0), 127),
                          min(max(loud, 1), 127)))
    return found


class Harmonies:
    """Which chord holds on which beat: what was said, and what the form says is coming."""

    def __init__(self) -> None:
        self._changes: list[tuple[float, int]] = []

    def hear(self, beat: float, harmony: Harmony, coming: Sequence[tuple[float, Harmony]]) -> None:
        """A chord from a beat on; what was thought to follow is thought anew."""
        self._changes = [change for change in self._changes if change[0] < beat - 1e-3][-256:]
        self._changes += [(beat + ahead, _code(each))
                          for ahead, each in ((0.0, harmony), *coming)]

    def forget_places(self) -> None:
        """The beats are counted anew: the last chord holds, from before the first of them."""
        self._changes = [(_LONG_AGO, code) for _, code in self._changes[-1:]]

    def over(self, beat: float, steps: int) -> np.ndarray:
        """The chord over each step from a beat on, int64 (steps,); empty where none is known."""
        if not self._changes:
            return np.zeros(0, np.int64)
        codes = np.full(steps, NO_CHORD, np.int64)
        for at, code in self._changes:
            first = round((at - beat) * STEPS_A_BEAT)
            if first < steps:
                codes[max(first, 0):] = code
        return codes

    def key(self) -> int:
        """The pitch classes of a form that keeps to one key, as bits; 0 where it keeps to none."""
        classes = 0
        for _, code in self._changes[-_FORM:]:
            classes |= code & 0xFFF
        return classes if 6 <= classes.bit_count() <= 8 else 0


def _code(harmony: Harmony) -> int:
    return NO_CHORD if harmony == NO_HARMONY else chord(harmony.root, harmony.pitches)
