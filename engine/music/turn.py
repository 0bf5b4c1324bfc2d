"""An answer's turn: from which beat to which it lasts, and when it gives way to the performer."""

from collections.abc import Iterable

from engine.events import Note
from engine.music.ending import LEFT_BEATS
from engine.music.grid import Grid
from engine.music.playing import Playing, Tone

_GRACE_BEATS = 0.25         # into an answer of fours: the hand that was late meant its own bars


class Turn:
    """The answer that is played, if one is.

    began, until : the beats on which it begins and ends; None while there is none
    """

    def __init__(self) -> None:
        self.began = 0.0
        self.until: float | None = None
        self._playing = Playing()
        self._yield: float | None = None        # the beat on which it gives way
        self._parting: list[Note] = []          # ends that leave with the next hop

    @property
    def sounds(self) -> bool:
        """May a pedal still hold a note of it?"""
        return self._playing.busy or bool(self._parting)

    @property
    def yields(self) -> bool:
        """Is it about to give way?"""
        return self._yield is not None

    def begin(self, tones: Iterable[Tone], start: float, beats: float, left: float) -> None:
        """Play from beat `start` on; the last `left` beats stay silent."""
        end = start + beats - left
        self._playing.add(tone._replace(beats=min(tone.beats, end - tone.beat))
                          for tone in tones if tone.beat < end - 1e-6)
        self.began, self.until = start, start + beats

    def may_interrupt(self, beat: float, next_beat: float, interrupt: str, *, to_the_end: bool,
                      fours: bool) -> bool:
        """Is a note on `beat`, while the answer sounds, the performer's? Then it gives way.

        interrupt  : "beat" at the next beat, "now", or "never"
        to_the_end : the answer leaves nothing at its end
        fours      : it began by count, whether the performer was done or not
        """
        if self.until is None or (not to_the_end and beat >= self.until - LEFT_BEATS):
            return True
        if interrupt == "never" or (fours and beat < self.began + _GRACE_BEATS):
            return False
        if interrupt == "now":
            self._yield = beat
        elif self._yield is None:
            self._yield = next_beat
        return True

    def say(self, grid: Grid, now: float, until: float, channel: int) -> list[Note]:
        """The notes of it that begin or end before `until`; none any more once it gave way."""
        self._playing.channel = channel
        said: list[Note] = []
        if self._yield is not None and grid.time_of(self._yield) < until:
            said += self._playing.stop(max(now, grid.time_of(self._yield)))
            self.over()
        return said + self._playing.say(grid, now, until)

    def part(self) -> list[Note]:
        """What `give_way` has ended."""
        ended, self._parting = self._parting, []
        return ended

    def give_way(self, now: float) -> None:
        """End it in this hop."""
        self._parting += self._playing.stop(now)
        self.over()

    def over(self) -> None:
        """It is nobody's turn; what rings may ring out."""
        self.until = self._yield = None
