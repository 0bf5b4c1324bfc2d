"""Notes, pedals and wheels from a keyboard, pads or a MIDI file enter here."""

from collections.abc import Sequence

from engine.events import Gesture, Note
from engine.node import Node
from engine.param import Param


class MidiIn(Node):
    """Pass on what is played on a port: notes, and pedals, bend and pressure beside them.

    Live it hears a virtual or a real port; offline, the MIDI file it is rendered with. A pedal
    or knob that is bound in `[controls]` stays here: it moves what it is bound to.
    """

    inlet = "midi"

    port = Param("Kuchi keys", help="a virtual port of this name, or part of a real one's")
    channel = Param(0, low=0, high=16, help="hear only this channel; 0 hears all")

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._arrived: list[Note | Gesture] = []

    def arrive(self, event: Note | Gesture) -> None:
        """It came in; it leaves with the next hop."""
        if self.channel in (0, event.channel):
            self._arrived.append(event)

    def process(self) -> Sequence[Note | Gesture]:
        if not self._arrived:
            return ()
        arrived, self._arrived = self._arrived, []
        return arrived

    def reset(self) -> None:
        self._arrived.clear()
