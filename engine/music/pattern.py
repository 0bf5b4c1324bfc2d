"""A drum pattern: which of nine drums is struck on which step, how hard, how far off the grid.

A bar has sixteen steps, or twenty-four where it swings in triplets; other metres have as many as
they need (5/4 has twenty). A step's drums are also written as one number, a *set*: nine bits, the
kick the highest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.music.drum_maps import NINE
from engine.units import Samples

DRUMS_HERE = len(NINE)
SETS = 1 << DRUMS_HERE
BITS = (1 << np.arange(DRUMS_HERE - 1, -1, -1)).astype(np.int64)
"""The value of each drum's bit in a set: the kick 256, the ride 1."""

MOST_STEPS = 96             # of a bar: 16/4 in triplets

Stroke = tuple[float, int, float]
"""(beat since the beginning, one of NINE, velocity 0..1)."""


@dataclass(frozen=True)
class Pattern:
    """Bars of drums.

    steps_per_bar : 16, 24, or what the metre needs
    hits          : float32 (steps, 9)   velocity 0..1; 0 where nothing is struck
    offsets       : float32 (steps, 9)   how late, in steps, -0.5..0.5; 0 where nothing is struck
    steps_per_beat: 4, or 6 where a beat is cut in triplets
    """

    steps_per_bar: int
    hits: Samples
    offsets: Samples
    steps_per_beat: int = 4

    def __post_init__(self) -> None:
        """UsageError where the arrays don't fit each other, or a bar."""
        if not 1 <= self.steps_per_bar <= MOST_STEPS:
            raise UsageError(f"a bar of {self.steps_per_bar} steps: there may be 1..{MOST_STEPS}")
        if self.hits.shape != self.offsets.shape or self.hits.shape[1:] != (DRUMS_HERE,):
            raise UsageError(f"hits {self.hits.shape} and offsets {self.offsets.shape}: "
                             f"both must be steps x {DRUMS_HERE}")

    @property
    def steps(self) -> int:
        """How many steps it lasts."""
        return len(self.hits)

    @property
    def bars(self) -> float:
        """How many bars it lasts."""
        return self.steps / self.steps_per_bar

    def strokes(self) -> list[Stroke]:
        """Every stroke in order of time, micro-timing included; times count in beats."""
        steps, drums = np.nonzero(self.hits)
        beats = (steps + self.offsets[steps, drums]) / self.steps_per_beat
        return sorted((float(beat), int(drum), float(self.hits[step, drum]))
                      for beat, step, drum in zip(beats, steps, drums, strict=True))


def empty(steps: int, steps_per_bar: int = 16, steps_per_beat: int = 4) -> Pattern:
    """A pattern in which nothing is struck."""
    return Pattern(steps_per_bar, np.zeros((steps, DRUMS_HERE), np.float32),
                   np.zeros((steps, DRUMS_HERE), np.float32), steps_per_beat)


def pattern_of(strokes: Sequence[Stroke], beats_per_bar: float = 4.0, *,
               triplets: bool | None = None, steps: int | None = None) -> Pattern:
    """Strokes on the grid that fits them; of two on one step the harder stays.

    triplets : cut a beat in six rather than four; what fits better unless told
    steps    : how long the pattern is; to the end of the last bar that is struck unless told

    >>> pattern_of([(0.0, 0, 1.0), (1.0625, 1, 0.5)]).strokes()
    [(0.0, 0, 1.0), (1.0625, 1, 0.5)]
    """
    cut = 6 if (swings(strokes) if triplets is None else triplets) else 4
    bar = round(beats_per_bar * cut)
    at = [max(0, int(np.floor(beat * cut + 0.5))) for beat, _, _ in strokes]
    if steps is None:
        steps = bar * (max(at, default=-1) // bar + 1)
    made = empty(steps, bar, cut)
    for step, (beat, drum, velocity) in zip(at, strokes, strict=True):
        if step < steps and velocity > made.hits[step, drum]:
            made.hits[step, drum] = velocity
            made.offsets[step, drum] = np.clip(beat * cut - step, -0.5, 0.5)
    return made


def swings(strokes: Sequence[Stroke]) -> bool:
    """Do triplets explain these strokes better than sixteenths?

    Each grid's mean distance is told in its own steps, else the finer one would always win.
    """
    if not strokes:
        return False
    beats = np.array([beat for beat, _, _ in strokes])
    apart = [float(np.abs(beats * cut - np.round(beats * cut)).mean()) for cut in (4, 6)]
    return apart[1] < apart[0]


def sets_of(hits: Samples) -> NDArray[np.int64]:
    """The set of each step: hits (..., 9) to 0..511."""
    return np.asarray((hits > 0.0) @ BITS, np.int64)


def drums_in(which: int | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of NINE a set holds: (..., 9)."""
    return (np.asarray(which)[..., None] & BITS) != 0
