"""What the performer plays, as a friend hears it: the last bars, how full, how loud, how still."""

from collections import deque

from engine.music.drum_maps import NINE
from engine.music.grid import Count
from engine.music.pattern import Pattern, pattern_of

ALONE_S = 0.060
"""So near to a stroke of the performer's nobody else plays that drum."""

_REMEMBERED = 2048                  # strokes: more than eight bars of the fastest hands
_SOON_S = 0.010                     # two strokes of one drum so close are one, corrected


class Listener:
    """Remembers strokes: (time, place in NINE, velocity), the newest last."""

    def __init__(self) -> None:
        self._strokes: deque[tuple[float, int, float]] = deque(maxlen=_REMEMBERED)
        self.last = -1e9            # when something was last heard

    def hear(self, time: float, drum: int, velocity: float) -> None:
        """A stroke; one that corrects another takes its place."""
        for place in range(len(self._strokes) - 1, -1, -1):
            if self._strokes[place][0] < time - _SOON_S:
                break
            if self._strokes[place][0] == time:
                self._strokes[place] = (time, drum, velocity)
                return
        self._strokes.append((time, drum, velocity))
        self.last = max(self.last, time)

    def bars(self, count: Count, first: int, bars: int) -> Pattern:
        """What was played from the beginning of bar `first` on; a stroke a hair early is in."""
        assert count.grid is not None
        grid = count.grid
        start, length = first * grid.in_bar, bars * grid.in_bar
        slack = 0.125
        strokes = [(max(0.0, grid.beat_at(time) - start), drum, velocity)
                   for time, drum, velocity in self._strokes
                   if start - slack <= grid.beat_at(time) < start + length - slack]
        found = pattern_of(strokes, grid.in_bar)
        return pattern_of(strokes, grid.in_bar, triplets=found.steps_per_beat == 6,
                          steps=length * found.steps_per_beat)

    def plays(self, drum: int, time: float, bar_s: float, *, back: int = 2) -> bool:
        """Is this stroke the performer's own: was it just played, or in one of `back` bars?"""
        for struck, what, _ in reversed(self._strokes):
            if struck < time - 2.0 * bar_s - ALONE_S:
                return False
            if what == drum and any(abs(time - bars * bar_s - struck) < ALONE_S
                                    for bars in range(back + 1)):
                return True
        return False

    def loudness(self, since: float) -> float:
        """The mean velocity since a moment; 0 where nothing was played."""
        heard = [velocity for time, _, velocity in self._strokes if time >= since]
        return sum(heard) / len(heard) if heard else 0.0

    def hits_since(self, since: float) -> int:
        """How many strokes were heard since a moment."""
        return sum(time >= since for time, *_ in self._strokes)


def places(drums: str) -> tuple[int, ...]:
    """The places in NINE of drums named in a row; "all" is all of them. ValueError for others.

    >>> places("kick snare")
    (0, 1)
    """
    if drums.strip() == "all":
        return tuple(range(len(NINE)))
    unknown = [name for name in drums.replace(",", " ").split() if name not in NINE]
    if unknown or not drums.strip():
        raise ValueError(f"must be all, or some of {', '.join(NINE)}")
    return tuple(NINE.index(name) for name in drums.replace(",", " ").split())
