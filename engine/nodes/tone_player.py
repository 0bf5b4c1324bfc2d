"""A small synth, so that a laptop alone sounds: notes become tones."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.audio.commands import SET
from engine.audio.tones import END, PLAY, SOUNDS, Tones
from engine.events import Event, NoteOff, NoteOn
from engine.node import SoundingNode
from engine.param import Param
from engine.units import Samples, frames, gain

if TYPE_CHECKING:
    from engine.audio import AudioList, Feed


class TonePlayer(SoundingNode):
    """Play notes on an electric piano, a soft pad or a round bass, sixteen at once.

    A note with a due time starts at that very sample, any other at once; it rings until it ends.
    No pedal holds it.
    """

    sound = Param("keys", choices=SOUNDS, help="an electric piano, a soft pad or a round bass")
    gain_db = Param(-3.0, low=-60.0, high=12.0, help="how loud the synth is")

    _tones: Tones | None = None

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._held: set[int] = set()

    def changed(self, name: str) -> None:
        if self._tones is None:
            return
        if name == "gain_db":
            self._tones.commands.send(0, SET, 0, gain(self.gain_db))
        elif name == "sound":
            self._tones.commands.send(0, SET, 1, SOUNDS.index(self.sound))

    def build(self, audio: "AudioList", feeds: "Mapping[str, Sequence[Feed]]") -> Samples:
        self._tones = Tones(audio, gain(self.gain_db), SOUNDS.index(self.sound))
        return self._tones.buffer

    def process(self, notes: Sequence[NoteOn | NoteOff]) -> None:
        if self._tones is None:
            return
        for note in notes:
            key = 128 * note.channel + note.note
            if isinstance(note, NoteOn):
                self._held.add(key)
                self._tones.commands.send(frames(note.due), PLAY, key, note.velocity / 127.0)
            else:
                self._held.discard(key)
                self._tones.commands.send(frames(note.due), END, key)

    def let_go(self) -> None:
        if self._tones is not None:
            for key in self._held:
                self._tones.commands.send(0, END, key)

    def release(self) -> Sequence[Event]:
        """Fall silent within 5 ms, and forget what was still to come."""
        self.reset()
        return ()

    def reset(self) -> None:
        self._held.clear()
        if self._tones is not None:
            self._tones.commands.stop()

    @property
    def refused(self) -> int:
        """How many commands found no room, since hundreds came at once."""
        return self._tones.commands.refused if self._tones else 0
