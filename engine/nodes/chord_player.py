"""Chords become notes: plain voicings that move as little as a pianist's left hand."""

from collections.abc import Sequence

from engine.events import Beat, Chord, Note, NoteOff, NoteOn
from engine.node import Context, Node
from engine.param import Param

_LONGEST_S = 32.0           # a chord held for longer was forgotten


class ChordPlayer(Node):
    """Play the chords that hold, on a channel of their own.

    The bass goes below, the other notes lie close around `middle` and move by the smallest
    steps. *held* lets a chord sound until the next one; *beats* strikes it again on every beat
    that is cabled in.
    """

    channel = Param(2, low=1, high=16, help="the channel of the chords")
    velocity = Param(64, low=1, high=127, help="how loud the chords are")
    middle = Param(57, low=36, high=84, help="the note around which the chords lie")
    bass = Param(True, help="the bass note, an octave or more below")
    style = Param("held", choices=("held", "beats"), help="held until the next, or on every beat")

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._sounding: dict[int, float] = {}       # note -> when it ends at the latest
        self._voicing: list[int] = []

    def prepare(self, context: Context) -> None:
        self._clock = context.clock

    def process(self, chords: Sequence[Chord], beats: Sequence[Beat]) -> Sequence[Note]:
        if not (chords or beats or self._sounding):
            return ()
        sent: list[Note] = []
        for chord in chords:
            self._voicing = self._voiced(chord)
            self._strike(max(chord.due, self._clock.now), sent)
        if self.style == "beats":
            for beat in beats:
                if not any(abs(chord.due - beat.time) < 1e-6 for chord in chords):
                    self._strike(max(beat.due, self._clock.now), sent)
        for note, end in list(self._sounding.items()):
            if end < self._clock.next:
                self._end([note], max(end, self._clock.now), sent)
        return sent

    def _voiced(self, chord: Chord) -> list[int]:
        """The notes of a chord, each pitch as near as it can be to where the hand was."""
        if chord.root < 0:
            return []
        before = [note for note in self._voicing if note >= self.middle - 9]
        centre = round(sum(before) / len(before)) if before else self.middle
        centre = min(max(centre, self.middle - 3), self.middle + 3)
        upper = sorted(centre + (pitch - centre + 6) % 12 - 6 for pitch in set(chord.pitches))
        low = self.middle - 12
        bass = [low - (low - chord.bass) % 12] if self.bass else []
        return bass + [note for note in upper if note not in bass]

    def _strike(self, when: float, sent: list[Note]) -> None:
        self._end(list(self._sounding), when, sent)
        for note in self._voicing:
            sent.append(NoteOn(when, note, self.velocity, self.channel, when))
            self._sounding[note] = when + _LONGEST_S

    def _end(self, notes: Sequence[int], when: float, sent: list[Note]) -> None:
        for note in notes:
            del self._sounding[note]
            sent.append(NoteOff(when, note, 64, self.channel, when))

    def release(self) -> Sequence[Note]:
        ended: list[Note] = []
        self._end(list(self._sounding), self._clock.now, ended)
        return ended

    def reset(self) -> None:
        self._sounding.clear()
        self._voicing = []
