"""What the performer plays, on its way past the player that answers it."""

from collections.abc import Iterable
from dataclasses import replace

from engine.events import Gesture, Note, NoteOff, NoteOn

_Place = tuple[int, str, int]


class Thru:
    """Notes pass as they are; a pedal, a wheel or pressure never reaches an answer.

    While an answer sounds, the gestures on its channel rest; when it is over they stand again as
    the performer has them. What began ends, also where passing on is turned off in between.
    """

    def __init__(self) -> None:
        self._held: set[tuple[int, int]] = set()        # channel and note of what was passed on
        self._stands: dict[_Place, Gesture] = {}        # as the performer has it
        self._told: dict[_Place, int] = {}              # as it was passed on, where not at rest
        self._rule = (False, 0)

    def past(self, played: Iterable[Note | Gesture], now: float, *, on: bool, answering: int
             ) -> list[Note | Gesture]:
        """What of this passes.

        on        : is anything passed on?
        answering : the channel on which an answer sounds; 0 where none does
        """
        said: list[Note | Gesture] = []
        if self._rule != (on, answering):
            self._rule = on, answering
            self._settle(now, said)
        for event in played:
            if isinstance(event, Gesture):
                self._move(event, said)
            elif isinstance(event, NoteOn) and on:
                self._held.add((event.channel, event.note))
                said.append(event)
            elif (event.channel, event.note) in self._held:
                self._held.discard((event.channel, event.note))
                said.append(event)
        return said

    def let_go(self, now: float) -> list[Note | Gesture]:
        """End all that was passed on; a pedal that is still held counts when it is moved again."""
        said: list[Note | Gesture] = []
        self._rule = (False, 0)
        self._settle(now, said)
        self._stands.clear()
        return said

    def _settle(self, now: float, said: list[Note | Gesture]) -> None:
        """Another rule holds: what it changes of all that stands."""
        if not self._rule[0]:
            said += [NoteOff(now, note, 64, channel) for channel, note in sorted(self._held)]
            self._held.clear()
        for gesture in self._stands.values():
            self._tell(replace(gesture, time=now), said)

    def _move(self, gesture: Gesture, said: list[Note | Gesture]) -> None:
        if gesture.rest is not None:
            self._stands[_place(gesture)] = gesture
            self._tell(gesture, said)
        elif self._rule[0]:                             # a volume, a pan: it holds no note
            said.append(gesture)

    def _tell(self, gesture: Gesture, said: list[Note | Gesture]) -> None:
        """Where it stands as far as the others shall know; said only where that is new."""
        on, answering = self._rule
        shown = gesture if on and gesture.channel != answering else gesture.at_rest(gesture.time)
        place, rest = _place(gesture), gesture.rest
        if self._told.get(place, rest) != shown.value:
            said.append(shown)
        if shown.value == rest:
            self._told.pop(place, None)
        else:
            self._told[place] = shown.value


def _place(gesture: Gesture) -> _Place:
    return gesture.channel, gesture.kind, gesture.number
