"""Understand a groove: from a performer's hits alone, how fast it is and where its one is.

While nothing is known each hit turns a set of pointers, one for every tempo from 70 to 160 and
for its quarters, eighths and sixteenths. Where hits fall evenly the pointers of that tempo add
up. After nearly four bars the best tempo is taken; a straight line through the hits on its
sixteenths gives it exactly, and kicks and snares say which beat is the one. For four bars more
it may move, by at most 2 % a bar. Then it is frozen.
"""

import math
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.music.grid import BEATS_IN_A_BAR, Grid

SLOWEST, FASTEST = 70.0, 160.0
MOST_A_BAR = 0.02                   # the tempo moves by no more, once it is there

_STEP = 0.004                       # between two tempos that are compared
_LIKELY_BPM, _WIDTH = 110.0, 0.6    # what people play, and how much (in e-foldings) they differ
_LEVELS = (1.0, 2.0, 4.0, 0.25, 0.5)
_SPEAKS: Final = np.array([[1.0, 1.0, 1.0, 1.0, 0.0],       # kick: it returns with the bar,
                           [1.0, 1.0, 1.0, 0.0, 1.0],       # snare: with every second beat,
                           [1.0, 1.0, 1.0, 0.0, 0.0]])      # all: quarters, eighths, sixteenths
_COUNTS: Final = np.array([1.0, 1.0, 1.0, 1.0, 0.5])        # how much each level says
_LOCK_BARS = 3.7                    # heard before a tempo is taken; within four it is there
_SLOW_BPM = 92.5                    # what seems slower than this may be counted twice as fast,
_CLEAR = 0.25                       # and is taken so much sooner where nothing else comes near
_RIVAL = 0.05                       # tempos nearer than this are the same
_LEAST_HITS = 8
_FREEZE_BARS = 4                    # and so many more while it may still move
_MOST_HITS = 1024
_SILENT_S = 4.0                     # after such a pause a groove begins anew
_SHIFT_S = 0.020                    # the most that the beat moves in a bar
_STEPS_A_BEAT = 4

_KICK, _SNARE, _OTHER = 0, 1, 2
_KIND: Final = {"kick": _KICK, "snare": _SNARE, "clap": _SNARE, "rim": _SNARE}
_ON_BEAT: Final = np.array([2.0, 2.0, 0.5])         # how much each says about where beats are

Floats = NDArray[np.float64]


class Follower:
    """Hears hits, gives a grid.

    known : where a grid holds already and may only be moved
    """

    def __init__(self, known: Grid | None = None) -> None:
        self._bpm = np.exp(np.arange(math.log(SLOWEST), math.log(FASTEST), _STEP))
        self._rates = np.outer(self._bpm, np.array(_LEVELS)) * (2.0 * math.pi / 60.0)
        self._prior = -(np.log(self._bpm / _LIKELY_BPM) / _WIDTH) ** 2
        self._sums = np.zeros(self._rates.shape, np.complex128)
        self._totals = np.zeros(len(_LEVELS))
        self._times, self._weights = np.zeros(_MOST_HITS), np.zeros(_MOST_HITS)
        self._kinds = np.zeros(_MOST_HITS, np.int64)
        self._grid = known
        self._known = known is not None
        self._forget()

    def _forget(self) -> None:
        self._count = 0
        self._sums[:] = 0.0
        self._totals[:] = 0.0
        self._bars = 0                      # that have passed since there is a grid
        self._look = math.inf               # when there is something to be decided

    def hear(self, time: float, drum: str, velocity: float, corrects: bool = False) -> None:
        """A hit of the performer's; one that corrects another says only what it was."""
        kind = _KIND.get(drum, _OTHER)
        if corrects:
            self._kinds[:self._count][self._times[:self._count] == time] = kind
            return
        if self._count and time - self._times[self._count - 1] > _SILENT_S and not self._grid:
            self._forget()
        if self._count == _MOST_HITS:
            return
        weight = math.sqrt(max(velocity, 0.05))
        self._times[self._count], self._weights[self._count] = time, weight
        self._kinds[self._count] = kind
        self._count += 1
        if self._grid is None:
            speaks = weight * _SPEAKS[kind]
            self._sums += speaks * np.exp(1j * self._rates * (time - self._times[0]))
            self._totals += speaks
            self._look = time
        elif self._look == math.inf:
            self._look = self._grid.bar_line(time)

    def grid(self, now: float, in_bar: int = BEATS_IN_A_BAR) -> Grid | None:
        """Where the beats fall, as far as that has changed since it was last asked."""
        if now < self._look:
            return None
        if self._grid is None:
            return self._lock(now, in_bar)
        return self._adjust(now)

    def done(self, now: float) -> bool:
        """Is it time to freeze?"""
        return self._grid is not None and self._bars >= _FREEZE_BARS

    # -- the first grid ------------------------------------------------------------------------

    def _lock(self, now: float, in_bar: int) -> Grid | None:
        bpm, clear = self.best()
        fast = 2.0 if bpm <= _SLOW_BPM and clear > _CLEAR else 1.0
        ready = self._times[0] + _LOCK_BARS * in_bar * 60.0 / (bpm * fast)
        if self._count < _LEAST_HITS or now < ready:
            self._look = ready if self._count >= _LEAST_HITS else math.inf
            return None
        fitted = self._fit(Grid(float(self._times[0]), bpm, in_bar), rounds=4)
        found = [self._with_one(Grid(fitted.one, fitted.bpm * factor, in_bar))
                 for factor in (1.0, 0.5, 2.0) if SLOWEST <= fitted.bpm * factor <= FASTEST]
        _, self._grid = max(found, key=itemgetter(0), default=(0.0, fitted))
        self._look = self._grid.bar_line(now)
        return self._grid

    def best(self) -> tuple[float, float]:
        """The tempo under which the hits fall most evenly, and by how much it leads."""
        evenness = np.abs(self._sums) / np.maximum(self._totals, 1e-9)
        scores = evenness @ _COUNTS + self._prior
        best = int(np.argmax(scores))
        apart = np.abs(np.log(self._bpm / self._bpm[best]))
        return float(self._bpm[best]), float(scores[best] - scores[apart > _RIVAL].max())

    def _fit(self, grid: Grid, rounds: int = 1) -> Grid:
        """Lay a line through the hits, each on its nearest sixteenth."""
        times, weights = self._times[:self._count], self._weights[:self._count]
        step = grid.beat_s / _STEPS_A_BEAT
        if rounds > 1:                      # where the sixteenths lie is not known yet
            angle = np.angle((weights * np.exp(2j * np.pi * (times - grid.one) / step)).sum())
            grid = grid.moved(float(angle) / (2.0 * math.pi) * step)
        for _ in range(rounds):
            places = np.round((times - grid.one) / step)
            off = np.abs(times - grid.one - places * step)
            weight = weights * (off < 0.35 * step)
            total = weight.sum()
            if total <= 0.0:
                return grid
            middle, when = (weight * places).sum() / total, (weight * times).sum() / total
            away = places - middle
            spread = float((weight * away * away).sum())
            if spread <= 0.0:
                return grid
            step = float((weight * away * (times - when)).sum()) / spread
            bpm = 60.0 / (step * _STEPS_A_BEAT)
            grid = Grid(float(when - middle * step), bpm, grid.in_bar)
        return grid

    def _with_one(self, grid: Grid) -> tuple[float, Grid]:
        """Which sixteenth is a beat, and which beat the one: kicks and snares say it, so well.

        A kick wants to be on one and three, a snare on two and four, and whoever begins to play
        begins on the one, or a bar's part before it.
        """
        count, in_bar = self._count, grid.in_bar
        places = np.round((self._times[:count] - grid.one)
                          / grid.beat_s * _STEPS_A_BEAT).astype(np.int64)
        kinds, weights = self._kinds[:count], self._weights[:count]
        on_beat = [float((weights * _ON_BEAT[kinds])[(places - o) % _STEPS_A_BEAT == 0].sum())
                   for o in range(_STEPS_A_BEAT)]
        first = int(places[0]) % _STEPS_A_BEAT
        on_beat[first] += 0.1 * sum(on_beat)
        grid = grid.moved(int(np.argmax(on_beat)) * grid.beat_s / _STEPS_A_BEAT)
        beats = np.round((self._times[:count] - grid.one) / grid.beat_s * 4.0) / 4.0
        sung = float(weights.sum())
        scores = [self._says_one((beats - o) % in_bar, kinds, weights, in_bar)
                  + (0.15 * sung if round(beats[0] - o) % in_bar == 0 else 0.0)
                  for o in range(in_bar)]
        return max(scores), grid.moved(int(np.argmax(scores)) * grid.beat_s)

    @staticmethod
    def _says_one(places: Floats, kinds: NDArray[np.int64], weights: Floats, in_bar: int) -> float:
        """How well a bar that begins there goes with its kicks and snares."""
        kick, snare = weights * (kinds == _KICK), weights * (kinds == _SNARE)
        odd = (places == 1.0) | (places == 3.0)
        even = (places == 0.0) | (places == in_bar // 2)
        return float((kick * (places == 0.0)).sum() + 0.5 * (kick * even).sum()
                     + (snare * odd).sum() - 0.5 * (snare * even).sum()
                     - 0.3 * (kick * odd).sum())

    # -- and what it becomes -------------------------------------------------------------------

    def _adjust(self, now: float) -> Grid | None:
        """Once a bar: a little nearer to the hits."""
        assert self._grid is not None
        grid, self._bars = self._grid, self._bars + 1
        self._look = grid.bar_line(now + 0.5 * grid.beat_s)
        fitted = self._fit(grid)
        change = max(-MOST_A_BAR, min(MOST_A_BAR, fitted.bpm / grid.bpm - 1.0))
        pivot = grid.beat_after(now)
        off = fitted.time_of(round(fitted.beat_at(grid.time_of(pivot)))) - grid.time_of(pivot)
        moved = grid.at_tempo(grid.bpm * (1.0 + change), pivot)
        self._grid = moved.moved(max(-_SHIFT_S, min(_SHIFT_S, off)))
        return self._grid

