"""Notes leave for a DAW, a synth or a `.mid` file here, and every note is ended."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from engine.drums import GM_NOTE
from engine.events import Gesture, Hit, Note, NoteOff, NoteOn, Release
from engine.node import Context, Node
from engine.param import Param

_REMEMBERED = 32                          # hits that may still be corrected

_CURVES = {"soft": 0.5, "musical": 0.7, "linear": 1.0, "hard": 1.6}


class MidiOut(Node):
    """Send hits as drum notes, notes as they are, and pedals, bend and pressure beside them.

    A hit becomes its General MIDI note, softly struck or hard, and its end follows after the
    gate: samplers and e-drum brains need one. A drum struck again is ended first. A hit that is
    corrected later has sounded already: it is left as it is, or ended and sent anew.
    """

    outlet = "midi"

    port = Param("Kuchi drums", help="a virtual port of this name, or part of a real one's")
    channel = Param(10, low=1, high=16, help="the channel of the drum notes, as on the gear")
    gate_ms = Param(100.0, low=5.0, high=5000.0, help="a drum's note ends after this long")
    gate = Param("fixed", choices=("fixed", "while it sounds"),
                 help="end a note after gate_ms, or when its sound has died away (4 s at most)")
    curve = Param("musical", choices=("soft", "musical", "linear", "hard", "fixed"),
                  help="how loudness becomes velocity; fixed is always 100")
    floor = Param(40, low=1, high=127, help="the velocity of the softest hit")
    corrected = Param("leave", choices=("leave", "send anew"),
                      help="a hit that was named wrongly at first: the first note stands, or is "
                           "ended and the right one sent")

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._sounding: dict[tuple[int, int], float] = {}      # (channel, note) -> when it ends
        self._moved: dict[tuple[int, str, int], Gesture] = {}  # pedals down, wheels turned
        self._told: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)    # (heard, note)
        self._plays: dict[str, int] = {}        # sound -> the note that it last played

    def prepare(self, context: Context) -> None:
        self._clock = context.clock

    def velocity(self, loudness: float) -> int:
        """MIDI velocity 1-127 of a hit's loudness 0..1."""
        if self.curve == "fixed":
            return 100
        bent = max(0.0, min(1.0, loudness)) ** _CURVES[self.curve]
        return round(self.floor + (127 - self.floor) * bent)

    def process(self, hits: Sequence[Hit | Release], notes: Sequence[Note | Gesture]
                ) -> Sequence[Note | Gesture]:
        if not (hits or notes or self._sounding):
            return ()
        sent: list[Note | Gesture] = []
        for hit in hits:
            if isinstance(hit, Hit):
                self._strike(hit, sent)
            elif self.gate != "fixed":
                number = self._plays.get(hit.sound, GM_NOTE[hit.drum])
                self._end(self.channel, number, max(hit.due, self._clock.now), sent)
        for note in notes:
            if isinstance(note, Gesture):
                self._move(note, sent)
            else:
                self._pass(note, sent)
        for (channel, number), end in list(self._sounding.items()):
            if end < self._clock.next:
                self._end(channel, number, max(end, self._clock.now), sent)
        return sent

    def _strike(self, hit: Hit, sent: list[Note | Gesture]) -> None:
        note = hit.note if hit.note >= 0 else GM_NOTE[hit.drum]
        start = max(hit.due, self._clock.now)
        was = None if hit.corrects is None else self._note_told(hit.time)
        if was is not None:
            if self.corrected == "leave":
                self._plays[hit.sound] = was
                return
            self._end(self.channel, was, start, sent)
        self._told.append((hit.time, note))
        self._plays[hit.sound] = note
        self._end(self.channel, note, start, sent)
        sent.append(NoteOn(hit.time, note, self.velocity(hit.velocity), self.channel, start))
        gate = self.gate_ms / 1000.0 if self.gate == "fixed" else 4.0
        self._sounding[self.channel, note] = start + gate

    def _note_told(self, heard: float) -> int | None:
        """The note by which the strike of this moment was last told."""
        return next((note for time, note in reversed(self._told) if time == heard), None)

    def _move(self, gesture: Gesture, sent: list[Note | Gesture]) -> None:
        key = gesture.channel, gesture.kind, gesture.number
        if gesture.value == gesture.rest:
            self._moved.pop(key, None)
        elif gesture.rest is not None:
            self._moved[key] = gesture
        sent.append(replace(gesture, due=max(gesture.due, self._clock.now)))

    def _pass(self, note: Note, sent: list[Note | Gesture]) -> None:
        start = max(note.due, self._clock.now)
        self._end(note.channel, note.note, start, sent)
        if isinstance(note, NoteOn):
            sent.append(NoteOn(note.time, note.note, note.velocity, note.channel, start))
            self._sounding[note.channel, note.note] = float("inf")

    def _end(self, channel: int, note: int, when: float, sent: list[Note | Gesture]) -> None:
        if self._sounding.pop((channel, note), None) is not None:
            sent.append(NoteOff(when, note, 64, channel, when))

    def release(self) -> Sequence[Note | Gesture]:
        ended: list[Note | Gesture] = []
        for channel, note in list(self._sounding):
            self._end(channel, note, self._clock.now, ended)
        for gesture in list(self._moved.values()):
            self._move(gesture.at_rest(self._clock.now), ended)
        return ended

    def reset(self) -> None:
        self._moved.clear()
        self._sounding.clear()
        self._told.clear()
        self._plays.clear()
