"""MIDI clock, both ways: 24 ticks a quarter, smoothed where they come in, even where they leave."""

from typing import Final

import numpy as np

from engine.music.grid import BEATS_IN_A_BAR, Grid

TICKS: Final = 24                       # a quarter
TICK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2

_KEPT = 8 * TICKS                       # ticks that are averaged: two bars
_LEAST, _MOST = 2.0, 400.0              # bpm; beyond them it is no music
_JUMP_S, _JUMP_TICKS = 0.012, 4         # so many ticks in a row, all this late or early: a jump
_BURST = 1.0 / 3.0                      # of a tick: what comes closer was held up on its way
_STALE_S = 2.0                          # a tempo this old is not the one of ticks that come now
_PAUSE_TICKS = 3.0                      # the clock was held for longer than this: a new line
_TRUST = TICKS * (TICKS ** 2 - 1) / 12  # in the tempo before a pause: as in the ticks of one beat


class Slave:
    """Ticks that come in, with their jitter, become a grid without.

    A line is laid through the ticks of the last two bars. One that strays from it isn't believed,
    but where several in a row do, the tempo has jumped, and only they count; those that come in a
    burst were held up together and say nothing. One that goes on after a pause has its old tempo
    until its ticks say otherwise. A clock that stops without saying so leaves its grid behind, so
    the music goes on; one that says STOP ends it.
    """

    def __init__(self) -> None:
        self.runs = False               # between START or CONTINUE, or the first tick, and STOP
        self._stopped = self._resumes = False
        self._next = 0                  # the number of the next tick in the song
        self._numbers = np.zeros(_KEPT)
        self._times = np.zeros(_KEPT)
        self._count = 0
        self._heard = 0.0               # when the last tick came
        self._astray: list[float] = []  # when the newest came, where all are late or all early
        self._are_late = False
        self._grid: Grid | None = None
        self._known_s = 0.0             # a tick before the pause; 0 where nothing is known

    def hear(self, status: int, data1: int, data2: int, time: float,
             in_bar: int = BEATS_IN_A_BAR) -> Grid | None:
        """A message of the clock; the grid that it gives, None where it changes none."""
        match status:
            case 0xFA:
                self._start(0)
            case 0xFB:
                self._start(self._next)
            case 0xFC:
                self.runs, self._stopped = False, True
            case 0xF2 if not self.runs:
                self._next = (data1 | data2 << 7) * (TICKS // 4)
            case 0xF8:
                return self._tick(time, in_bar)
        return None

    def _start(self, tick: int) -> None:
        """The next tick is this one; the tempo of the ticks until now is still known."""
        shift = tick - self._next
        self._numbers += shift
        self._astray.clear()
        self._next, self.runs, self._stopped, self._resumes = tick, True, False, True

    def _tick(self, time: float, in_bar: int) -> Grid | None:
        apart, self._heard = time - self._heard, time
        self._after_a_pause(apart)
        if self._believes(float(self._next), time, apart):
            self._keep(float(self._next), time)
        self._next += 1
        if not self.runs and self._stopped:
            self._next -= 1             # they tell the tempo, not the place
            self._numbers -= 1.0
            return None
        self.runs = True
        self._grid = self._line(in_bar) or self._grid
        return self._grid

    def _after_a_pause(self, silent: float) -> None:
        """Where the ticks before are of no use to the line, begin another."""
        resumes, self._resumes = self._resumes, False
        if not self._count:
            return
        if resumes and self._grid and silent > _PAUSE_TICKS * self._grid.beat_s / TICKS:
            self._known_s = self._grid.beat_s / TICKS
        elif silent > _STALE_S:
            self._grid, self._known_s = None, 0.0
        else:
            return
        self._count = 0
        self._astray.clear()

    def _believes(self, number: float, time: float, apart: float) -> bool:
        """Does this tick lie where the line has it, or is it the last of those that jumped?"""
        if self._grid is None or self._count < TICKS:
            return True                 # no line to go by yet
        late_s = time - self._grid.time_of(number / TICKS)
        strays = abs(late_s) >= _JUMP_S
        held_up = apart < _BURST * self._grid.beat_s / TICKS
        if not strays or held_up or (late_s > 0.0) != self._are_late:
            self._astray.clear()
        if not strays:
            return True
        if not held_up:
            self._are_late = late_s > 0.0
            self._astray.append(time)
        if len(self._astray) < _JUMP_TICKS:
            return False
        self._only_the_newest(number)
        return True

    def _only_the_newest(self, number: float) -> None:
        """Begin another line with the ticks that strayed before this one."""
        before = self._astray[:-1]
        self._count, self._known_s = 0, 0.0
        for back, time in zip(range(len(before), 0, -1), before, strict=True):
            self._keep(number - back, time)
        self._astray.clear()

    def _keep(self, number: float, time: float) -> None:
        place = self._count % _KEPT
        self._numbers[place], self._times[place] = number, time
        self._count += 1

    def _line(self, in_bar: int) -> Grid | None:
        """Least squares, leaning on what is known: when tick 0 was, and how long a tick is."""
        count = min(self._count, _KEPT)
        if count < 2:
            return self._grid and self._grid.moved(
                self._times[0] - self._grid.time_of(self._numbers[0] / TICKS))
        numbers, times = self._numbers[:count], self._times[:count]
        middle, when = numbers.mean(), times.mean()
        away = numbers - middle
        trust = _TRUST if self._known_s else 0.0
        tick_s = float(((away * (times - when)).sum() + trust * self._known_s)
                       / ((away * away).sum() + trust))
        if not _LEAST <= 60.0 / max(TICKS * tick_s, 1e-9) <= _MOST:
            return None
        return Grid(float(when - middle * tick_s), 60.0 / (TICKS * tick_s), in_bar)


class Master:
    """A grid becomes ticks, each dated from the one before: no sum of roundings, so no drift.

    It starts on a bar line. Where the grid jumps, the slave is stopped, told the place in the
    song, and goes on there.
    """

    def __init__(self) -> None:
        self._next: int | None = None       # the number of the next tick; None: stopped
        self._last = 0.0                    # when the one before left

    def leaving(self, grid: Grid | None, now: float, until: float
                ) -> list[tuple[float, int, int, int]]:
        """What is to leave before `until`: (time, status, data1, data2) each, in order."""
        if grid is None:
            return self.stop(now)
        found: list[tuple[float, int, int, int]] = []
        if self._next is not None:
            apart = grid.time_of(self._next / TICKS) - self._last
            tick_s = grid.beat_s / TICKS
            if not 0.25 * tick_s < apart < 2.0 * tick_s:
                found += self.stop(now)
                self._go_on(grid, now, found)
        elif grid.bar_line(now) < until:
            self._next = round(grid.beat_at(grid.bar_line(now))) * TICKS
            found.append((grid.time_of(self._next / TICKS), START, 0, 0))
        while self._next is not None and grid.time_of(self._next / TICKS) < until:
            self._last = grid.time_of(self._next / TICKS)
            found.append((self._last, TICK, 0, 0))
            self._next += 1
        return found

    def stop(self, now: float) -> list[tuple[float, int, int, int]]:
        """Tell the slave that nothing follows."""
        if self._next is None:
            return []
        self._next = None
        return [(max(now, self._last), STOP, 0, 0)]

    def _go_on(self, grid: Grid, now: float, found: list[tuple[float, int, int, int]]) -> None:
        """At the next sixteenth, by its place in the song."""
        sixteenth = int(grid.beat_at(max(now, found[-1][0] if found else now)) * 4.0) + 1
        place = sixteenth % (1 << 14)
        time = grid.time_of(sixteenth / 4.0)
        found.append((time, POSITION, place & 0x7F, place >> 7))
        found.append((time, CONTINUE, 0, 0))
        self._next, self._last = sixteenth * TICKS // 4, time - grid.beat_s / TICKS
