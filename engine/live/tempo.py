"""The tempo that was tapped and where bar one is, in shared memory: the engine may come and go."""

import math
from collections import deque
from itertools import pairwise
from statistics import median

from engine.audio.unit import Integers
from engine.live.shared import ONE_NS, TEMPO_MILLI

_BEATS = 4                     # in a bar
_FORGET_NS = 2_500_000_000     # a tap after a longer pause begins anew
_KEPT = 5
_SLOWEST, _FASTEST = 40.0, 250.0


class Tempo:
    """Two taps or more give the tempo, their first the one; `one` moves the bar line to now."""

    def __init__(self, words: Integers) -> None:
        self._words = words
        self._taps: deque[int] = deque(maxlen=_KEPT)

    @property
    def bpm(self) -> float:
        """Beats a minute; 0 until it is known."""
        return float(self._words[TEMPO_MILLI]) / 1000.0

    def tap(self, now_ns: int) -> float:
        """A tap of the foot; the tempo it leads to, 0 after a first one."""
        if self._taps and now_ns - self._taps[-1] > _FORGET_NS:
            self._taps.clear()
        self._taps.append(now_ns)
        if len(self._taps) == 1:
            self._words[ONE_NS] = now_ns
            return 0.0
        beat_ns = median(b - a for a, b in pairwise(self._taps))
        bpm = 60e9 / max(beat_ns, 1)
        if _SLOWEST <= bpm <= _FASTEST:
            self._words[TEMPO_MILLI] = round(bpm * 1000)
        return self.bpm

    def one(self, now_ns: int) -> None:
        """This is the first beat of a bar."""
        self._words[ONE_NS] = now_ns

    def bar_line(self, after_ns: int) -> int:
        """The first bar line at or after a moment; that moment itself where there is no tempo."""
        if not self.bpm:
            return after_ns
        bar_ns = _BEATS * 60e9 / self.bpm
        one = int(self._words[ONE_NS])
        return round(one + math.ceil((after_ns - one) / bar_ns) * bar_ns)
