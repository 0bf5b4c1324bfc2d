"""Notes from a keyboard, pads or a MIDI file enter here."""

from collections.abc import Sequence

from engine.events import Note
from engine.node import Node, Param


class MidiIn(Node):
    """Pass on the notes that arrive on a port.

    Live it hears a virtual or a real port; offline, the MIDI file it is rendered with.
    """

    inlet = "midi"

    port = Param("Kuchi keys", help="a virtual port of this name, or part of a real one's")
    channel = Param(0, low=0, high=16, help="hear only this channel; 0 hears all")

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._arrived: list[Note] = []

    def arrive(self, note: Note) -> None:
        """A note came in; it leaves with the next hop."""
        if self.channel in (0, note.channel):
            self._arrived.append(note)

    def process(self) -> Sequence[Note]:
        if not self._arrived:
            return ()
        notes, self._arrived = self._arrived, []
        return notes

    def reset(self) -> None:
        self._arrived.clear()
