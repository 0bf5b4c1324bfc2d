"""A performer who plays phrases to a duet, and listens to what comes back."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.events import Beat, Chord, Gesture, Note, NoteOff, NoteOn
from engine.jobs import Inline, Jobs
from engine.node import Context, Node
from engine.units import HOP, SAMPLE_RATE

BPM = 120.0
BEAT = 60.0 / BPM
SCALE = (60, 62, 64, 65, 67, 69, 67, 65, 64, 62, 60, 64, 67, 64, 62)


class Duet:
    """A node, hop by hop, with a clock at 120 whose first beat falls at 0.

    said     : every note, in the order in which it was said
    gestures : what came of pedals and wheels
    sounding : what has begun and not ended by now
    """

    def __init__(self, node: Node, *, clock: bool = True, bpm: float = BPM,
                 jobs: Jobs | None = None) -> None:
        self.node, self.clock = node, Clock()
        desk = jobs or Inline(self.clock)
        node.prepare(Context(self.clock, Path(), feeds={"chords": ("chords",)}, jobs=desk))
        self.said: list[Note] = []
        self.gestures: list[Gesture] = []
        self.sounding: set[tuple[int, int]] = set()
        self._ports = [port.name for port in node.ports().inlets]
        self._beat, self._beats, self._bpm = 0, clock, bpm
        self._notes: list[Note | Gesture] = []

    @property
    def now(self) -> float:
        return self.clock.now

    def play(self, notes: Iterable[Note | Gesture]) -> "Duet":
        """These will be played when their time comes."""
        self._notes = sorted([*self._notes, *notes], key=lambda note: note.time)
        return self

    def stop_the_clock(self) -> None:
        """No beat is said any more."""
        self._beats = False

    def start_the_clock(self) -> None:
        """Beats fall again from the next bar on."""
        self._beats = True
        self._beat = 4 * (int(self.clock.now * self._bpm / 240) + 1)

    def until(self, time: float, chords: Sequence[Chord] = ()) -> "Duet":
        """Let time pass."""
        coming = list(chords)
        while self.clock.now < time:
            self.clock.move_to(self.clock.frame + HOP)
            now, arrived, beats = self.clock.now, list[Note | Gesture](), list[Beat]()
            while self._notes and self._notes[0].time < now:
                arrived.append(self._notes.pop(0))
            while self._beats and self._beat * 60 / self._bpm < now + 0.1:
                time_of = self._beat * 60 / self._bpm
                beats.append(Beat(time_of, self._bpm, self._beat % 4 / 4, time_of, 4))
                self._beat += 1
            given = [coming.pop(0) for _ in [*coming] if coming and coming[0].time < now]
            inlets: dict[str, Any] = {"notes": arrived, "beats": beats, "chords": given}
            for event in self.node.process(*(inlets[name] for name in self._ports)) or ():
                if isinstance(event, Gesture):
                    self.gestures.append(event)
                else:
                    self._hear(event)
        return self

    def _hear(self, note: Note) -> None:
        assert note.due < self.clock.next + 1e-9, "said before the last hop"
        assert note.due >= self.clock.now - HOP / SAMPLE_RATE - 1e-9 or note.due == 0.0
        assert 0 <= note.note <= 127
        self.said.append(note)
        key = (note.channel, note.note)
        if isinstance(note, NoteOn):
            assert key not in self.sounding, "began twice"
            self.sounding.add(key)
        else:
            assert key in self.sounding, "ended twice"
            self.sounding.remove(key)

    def ons(self, start: float = 0.0, end: float = 1e9) -> list[NoteOn]:
        """The notes that began in a stretch."""
        return [note for note in self.said if isinstance(note, NoteOn) and start <= note.due < end]

    def offs(self) -> list[NoteOff]:
        return [note for note in self.said if isinstance(note, NoteOff)]


def key(time: float, note: int, length: float = 0.2, velocity: int = 80) -> list[Note]:
    """One key, pressed and let go."""
    return [NoteOn(time, note, velocity, 1), NoteOff(time + length, note, 64, 1)]


def phrase(start: float = 0.0, bars: int = 2, notes: Sequence[int] = SCALE, bpm: float = BPM
           ) -> list[Note]:
    """Quarters from `start` on, the last beat of the last bar left out."""
    beat = 60.0 / bpm
    count = 4 * bars - 1
    return [event for number in range(count)
            for event in key(start + number * beat + 0.004, notes[number % len(notes)],
                             0.8 * beat)]
