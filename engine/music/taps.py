"""The tempo of a foot: two taps or more give it, and their first is the one."""

from collections import deque
from itertools import pairwise
from statistics import median

from engine.music.grid import BEATS_IN_A_BAR, Grid

_FORGET_S = 2.5                     # a tap after a longer pause begins anew
_KEPT = 5
_SLOWEST, _FASTEST = 40.0, 250.0    # nobody taps at a thousand


class Taps:
    """A row of taps."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_KEPT)
        self._count = 0             # taps since the row began

    def tap(self, time: float, in_bar: int = BEATS_IN_A_BAR) -> Grid | None:
        """A tap at a moment; the beats that it leads to, None after a first one."""
        if self._times and time - self._times[-1] > _FORGET_S:
            self.forget()
        self._times.append(time)
        self._count += 1
        if len(self._times) == 1:
            return None
        beat_s = median(b - a for a, b in pairwise(self._times))
        bpm = 60.0 / max(beat_s, 1e-3)
        if not _SLOWEST <= bpm <= _FASTEST:
            return None
        return Grid(time - (self._count - 1) * beat_s, bpm, in_bar)

    def forget(self) -> None:
        """The next tap is a first one."""
        self._times.clear()
        self._count = 0
