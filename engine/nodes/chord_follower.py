"""Chords enter here: held by the left hand, written in the patch, or sent by another program."""

from collections.abc import Sequence

from engine.errors import UsageError
from engine.events import Beat, Chord, Note, NoteOff, NoteOn
from engine.music.chords import ChordError, Harmony, chord_of, read_chord, read_key
from engine.music.forms import Form, read_form
from engine.music.grid import Count
from engine.music.keys import read_note
from engine.node import Context, Node, action
from engine.param import Param

_SETTLE_S = 0.05            # fingers of one chord land this far apart
_AHEAD_BEATS = 64.0         # so much of the form is told with every chord
_LONGEST_HELD_S = 600.0     # a key held for longer is stuck


class ChordFollower(Node):
    """Say which chord holds.

    Three ways, and the last that speaks is believed: `track` writes the song's chords, which
    follow the beats and go round; keys below `split` that are held mean a chord, which stays
    until another is played; a pad (`note36 = "chord.Am7"`) or OSC (`/kuchi/chord/Am7`, with Db
    for C#, since OSC addresses have no #) names one. With a track every chord tells what
    follows it, so that a phrase can be thought out over a form.
    """

    begins = True           # a chord may come from OSC alone

    track = Param("", reads=read_form,
                  help='the song: "| Am7 | Dm7 G7 |", "|: i7 | iv7 :|", "blues in F"')
    key = Param("C", reads=read_key, help="where I stands for Roman chords: C, Bb, F# minor")
    split = Param("C4", reads=read_note, help="keys below this one are chords; C4 is middle C")

    def __init__(self, **settings: object) -> None:
        self._form: Form | None = None
        self._named: Harmony | None = None
        self._held: dict[int, float] = {}           # note -> when it was pressed
        super().__init__(**settings)
        self._forget()

    def _forget(self) -> None:
        self._count = Count()
        self._began: int | None = None              # the bar in which the form began
        self._settled: float | None = None          # when a change of the held keys is believed
        self._said = ""

    def prepare(self, context: Context) -> None:
        self._clock = context.clock

    def changed(self, name: str) -> None:
        if name in ("track", "key"):
            self._form = read_form(self.track, self.key) if self.track else None
            self._said = ""

    @action(help="a chord by name, such as chord.Am7: it holds until another one comes")
    def chord(self, word: str) -> None:
        try:
            self._named = read_chord(word)
        except ChordError as error:
            raise UsageError(str(error)) from None

    @action(help="the form begins again with the next bar")
    def restart(self) -> None:
        self._began = None

    def process(self, notes: Sequence[Note], beats: Sequence[Beat]) -> Sequence[Chord]:
        if not (notes or beats or self._named or self._settled):
            return ()
        said: list[Chord] = []
        for beat in beats:
            self._count.hear([beat])
            self._follow_form(beat, said)
        for note in notes:
            self._hold(note)
        now = self._clock.now
        if self._settled is not None and now >= self._settled:
            self._settled = None
            fresh = [note for note, since in self._held.items() if now - since < _LONGEST_HELD_S]
            if harmony := chord_of(fresh):
                self._say(harmony, now, 0.0, (), said)
        if self._named:
            self._say(self._named, now, 0.0, (), said)
            self._named = None
        return said

    def _hold(self, note: Note) -> None:
        if note.note >= read_note(self.split):
            return
        if isinstance(note, NoteOn):
            self._held[note.note] = note.time
            self._settled = note.time + _SETTLE_S
        elif isinstance(note, NoteOff):
            self._held.pop(note.note, None)         # a chord that is let go of still holds

    def _follow_form(self, beat: Beat, said: list[Chord]) -> None:
        """Say every chord of the form that begins within this beat."""
        if self._form is None:
            return
        in_bar, number = max(1, beat.in_bar), self._count.last
        if self._began is None:
            if number % in_bar:
                return                              # a form begins with a bar
            self._began = number
        place = float(number - self._began)
        if place < 0.0:
            return
        for ahead, harmony in self._form.coming(place, 1.0):
            due = beat.time + ahead * 60.0 / beat.bpm
            coming = tuple((beats, each.name) for beats, each in
                           self._form.coming(place + ahead, _AHEAD_BEATS)[1:])
            self._say(harmony, due, due, coming, said)

    def _say(self, harmony: Harmony, time: float, due: float,
             coming: tuple[tuple[float, str], ...], said: list[Chord]) -> None:
        if harmony.name != self._said:
            self._said = harmony.name
            said.append(Chord(time, harmony.name, harmony.root, harmony.bass, harmony.pitches, due,
                              coming))

    def reset(self) -> None:
        self._held.clear()
        self._forget()
