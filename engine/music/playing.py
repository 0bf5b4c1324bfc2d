"""A phrase under way: each note leaves in the last hop before it is due, so none need be unsaid.

Places are beats of a grid, so a phrase follows the tempo. Every note that began ends: on its
beat, when it is stopped, or, should the beats cease, after as long as it was meant to last.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from engine.events import Note, NoteOff, NoteOn
from engine.music.grid import Grid

LONGEST_S = 4.0             # a note nobody ends is ended after so long
_LATE_S = 0.1               # what should have begun earlier than this is left out
_APART_BEATS = 0.02         # the same note again needs a moment between


class Tone(NamedTuple):
    """A note of a phrase: its beat, how many it lasts, its number and velocity 1-127."""

    beat: float
    beats: float
    note: int
    velocity: int


class _Sounding(NamedTuple):
    beat: float                 # where it ends
    latest: float               # when it ends whatever the beats do


class Playing:
    """What is played and what sounds of it, on one channel."""

    def __init__(self) -> None:
        self._coming: deque[Tone] = deque()
        self._sounding: dict[int, _Sounding] = {}
        self.channel = 1

    @property
    def busy(self) -> bool:
        """Is anything to come, or still sounding?"""
        return bool(self._coming or self._sounding)

    @property
    def sounding(self) -> frozenset[int]:
        """The notes that sound."""
        return frozenset(self._sounding)

    def add(self, tones: Iterable[Tone]) -> None:
        """Play these too, on absolute beats of the grid."""
        self._coming = deque(sorted([*self._coming, *tones]))

    def say(self, grid: Grid, now: float, until: float) -> list[Note]:
        """The notes that begin or end before `until`, in order, due when they should."""
        if not (self._coming or self._sounding):
            return []
        said: list[Note] = []
        while self._coming and grid.time_of(self._coming[0].beat) < until:
            tone = self._coming.popleft()
            time = grid.time_of(tone.beat)
            if time > now - _LATE_S:
                self._end_before(grid, time, now, said)
                self._begin(tone, grid, max(time, now), said)
        self._end_before(grid, until, now, said)
        return said

    def _begin(self, tone: Tone, grid: Grid, time: float, said: list[Note]) -> None:
        if tone.note in self._sounding:
            del self._sounding[tone.note]
            said.append(NoteOff(time, tone.note, 64, self.channel, time))
        beats = max(tone.beats - _APART_BEATS, 0.05)
        self._sounding[tone.note] = _Sounding(
            tone.beat + beats, time + min(beats * grid.beat_s + 0.5, LONGEST_S))
        said.append(NoteOn(time, tone.note, tone.velocity, self.channel, time))

    def _end_before(self, grid: Grid, until: float, now: float, said: list[Note]) -> None:
        for note, (beat, latest) in sorted(self._sounding.items(), key=lambda item: item[1]):
            time = min(grid.time_of(beat), latest)
            if time < until:
                del self._sounding[note]
                said.append(NoteOff(max(time, now), note, 64, self.channel, max(time, now)))

    def stop(self, now: float) -> list[Note]:
        """Forget what is to come, and end what sounds."""
        self._coming.clear()
        ended: list[Note] = [NoteOff(now, note, 64, self.channel, now)
                             for note in sorted(self._sounding)]
        self._sounding.clear()
        return ended
