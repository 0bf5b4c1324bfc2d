"""What the performer plays until they pause: the call that an answer is made for.

A call is over after a rest of one beat, or of twice the longest gap within it, never longer than
a bar; a key that is held for longer than two bars is stuck, and waits no longer.
"""

import math
from collections import deque
from dataclasses import dataclass

from engine.music.grid import Grid
from engine.music.line import STEPS_A_BEAT, Line, line_of

MOST_NOTES = 512            # of a call; the oldest are forgotten in a flood
_STUCK_BARS = 2
_EARLY_BEATS = 0.15         # a note this much before the bar line was meant for it


@dataclass(slots=True)
class Sung:
    """A note as it was played; `end` is infinite while the key is held."""

    time: float
    note: int
    velocity: int
    end: float = math.inf


class Call:
    """The notes since the performer began, in order of their beginnings."""

    def __init__(self) -> None:
        self.notes: deque[Sung] = deque(maxlen=MOST_NOTES)
        self._held: dict[int, Sung] = {}
        self.changed = 0.0          # when a key moved last

    def press(self, time: float, note: int, velocity: int) -> None:
        """A key goes down."""
        self.lift(time, note)
        self._held[note] = sung = Sung(time, note, velocity)
        self.notes.append(sung)
        self.changed = time

    def lift(self, time: float, note: int) -> None:
        """A key goes up."""
        sung = self._held.pop(note, None)
        if sung:
            sung.end = max(time, sung.time)
            self.changed = time

    @property
    def held(self) -> tuple[int, ...]:
        """The keys that are down."""
        return tuple(sorted(self._held))

    @property
    def velocity(self) -> int:
        """How loud it was played, in the middle."""
        loud = sorted(sung.velocity for sung in self.notes)
        return loud[len(loud) // 2] if loud else 80

    def silent_since(self, grid: Grid, now: float) -> float | None:
        """When the last note ended; None while one is held that isn't stuck."""
        stuck = now - _STUCK_BARS * grid.bar_s
        if any(sung.time > stuck for sung in self._held.values()):
            return None
        return max((sung.time + grid.beat_s if sung.end == math.inf else sung.end
                    for sung in self.notes), default=now)

    def rest_s(self, grid: Grid) -> float:
        """The pause after which it is over."""
        gap, end = 0.0, -math.inf
        for sung in self.notes:
            if end > -math.inf:
                gap = max(gap, sung.time - end)
            end = max(end, min(sung.end, sung.time + grid.bar_s))
        return min(max(grid.beat_s, 2.0 * gap), grid.bar_s)

    def first_bar(self, grid: Grid) -> int:
        """The number of the bar in which it begins."""
        return math.floor((grid.beat_at(self.notes[0].time) + _EARLY_BEATS) / grid.in_bar)

    def bars(self, grid: Grid, end: float) -> int:
        """How many bars it fills until `end`; an upbeat fills none."""
        first = self.first_bar(grid)
        upbeat = grid.beat_at(self.notes[0].time) - first * grid.in_bar >= grid.in_bar - 1.0
        last = math.ceil((grid.beat_at(end) - _EARLY_BEATS) / grid.in_bar)
        return max(1, last - first - (1 if upbeat else 0))

    def line(self, grid: Grid, end: float) -> Line:
        """It as a line from the beginning of its first bar to the end of its last one."""
        first = self.first_bar(grid)
        bars = max(1, math.ceil((grid.beat_at(end) - _EARLY_BEATS) / grid.in_bar) - first)
        beat = first * grid.in_bar
        length = bars * grid.in_bar * STEPS_A_BEAT
        notes = []
        for sung in self.notes:
            start = max((grid.beat_at(sung.time) - beat) * STEPS_A_BEAT, 0.0)
            until = (grid.beat_at(min(sung.end, end)) - beat) * STEPS_A_BEAT
            notes.append((start, max(until - start, 0.5), sung.note))
        return line_of(notes, length, bar=grid.in_bar * STEPS_A_BEAT)
