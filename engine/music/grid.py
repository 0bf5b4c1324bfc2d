"""Beats and bars in time: where they fall, and how a listener counts them.

A `Grid` is a steady tempo with a first beat. The clock node owns the one that holds now and says
each beat a moment ahead; whoever hears the beats keeps a `Count`, which knows the grid again, the
number of the bar, and so everything a generator needs to play on time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.events import Beat

BEATS_IN_A_BAR = 4
LOOK_AHEAD_S = 0.1
"""Beats are said so long before they fall."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Beats that fall evenly. Beat 0 is the first of a bar; numbers before it are negative.

    one     : when beat 0 falls, seconds
    bpm     : beats a minute, above 0
    in_bar  : beats in a bar
    """

    one: float
    bpm: float
    in_bar: int = BEATS_IN_A_BAR

    @property
    def beat_s(self) -> float:
        """How long a beat lasts.

        >>> Grid(0.0, 120.0).beat_s
        0.5
        """
        return 60.0 / self.bpm

    @property
    def bar_s(self) -> float:
        """How long a bar lasts."""
        return self.in_bar * 60.0 / self.bpm

    def time_of(self, beat: float) -> float:
        """When a beat falls, or a place between two.

        >>> Grid(10.0, 120.0).time_of(4.5)
        12.25
        """
        return self.one + beat * 60.0 / self.bpm

    def beat_at(self, time: float) -> float:
        """The beat of a moment, with the place between two behind the point."""
        return (time - self.one) * self.bpm / 60.0

    def phase(self, beat: int) -> float:
        """The place of a beat in its bar, 0..1."""
        return beat % self.in_bar / self.in_bar

    def beat_after(self, time: float) -> int:
        """The first beat at or after a moment."""
        return math.ceil(self.beat_at(time) - 1e-6)

    def bar_line(self, time: float) -> float:
        """When the first bar at or after a moment begins.

        >>> Grid(0.0, 120.0).bar_line(2.1)
        4.0
        """
        return self.time_of(self.in_bar * math.ceil(self.beat_at(time) / self.in_bar - 1e-6))

    def bar_began(self, time: float) -> float:
        """When the bar of a moment began."""
        return self.time_of(self.in_bar * math.floor(self.beat_at(time) / self.in_bar + 1e-6))

    def at_tempo(self, bpm: float, pivot: float) -> "Grid":
        """Another tempo from beat `pivot` on, which stays where it is."""
        return replace(self, one=self.time_of(pivot) - pivot * 60.0 / bpm, bpm=bpm)

    def moved(self, seconds: float) -> "Grid":
        """The same beats, later; earlier where negative."""
        return replace(self, one=self.one + seconds)


class Count:
    """Counts the beats that a clock says. `grid` is None until the first one.

    A beat whose place in the bar isn't the one expected moves the count to the nearest number
    with that place, never backwards, so bars are numbered in order whatever the clock does.
    """

    def __init__(self) -> None:
        self.grid: Grid | None = None
        self.last = -1                      # the number of the last beat said

    def hear(self, beats: Sequence[Beat]) -> None:
        """Take what the clock has said, in order."""
        for beat in beats:
            self._hear(beat)

    def _hear(self, beat: Beat) -> None:
        in_bar = max(1, beat.in_bar)
        place = round(beat.phase * in_bar) % in_bar
        expected = self.grid.beat_at(beat.time) if self.grid else float(place)
        number = place + in_bar * round((expected - place) / in_bar)
        while number <= self.last:
            number += in_bar
        self.last = number
        self.grid = Grid(beat.time - number * 60.0 / beat.bpm, beat.bpm, in_bar)

    def runs(self, now: float) -> bool:
        """Does the clock still speak? One that was stopped has said nothing for two beats."""
        return self.grid is not None and now < self.grid.time_of(self.last + 2)

    def bar_of(self, time: float) -> int:
        """The number of the bar that a moment lies in, from 0; -1 before there is a tempo."""
        if self.grid is None:
            return -1
        return math.floor(self.grid.beat_at(time) / self.grid.in_bar + 1e-6)

    def bar_begins(self, bar: int) -> float:
        """When a bar begins, at the tempo that holds now; there must be one."""
        assert self.grid is not None
        return self.grid.time_of(bar * self.grid.in_bar)
