"""The only vocabulary between event nodes.

`time` is when the cause was heard, or, for anything generated or scheduled, when it is due.
`due` is when the event shall leave: a moment still to come, or 0 for "as soon as decided".
When it did leave is `sent`, which the graph notes beside the event; `sent - time` is the latency.
All are seconds on one clock, the count of samples heard.
"""

from dataclasses import dataclass, replace
from typing import Any

_STATUS = {"key_pressure": 0xA0, "controller": 0xB0, "pressure": 0xD0, "bend": 0xE0}
_KIND_OF = {status: kind for kind, status in _STATUS.items()}
_REST = {1: 0, 2: 0, 11: 127, **dict.fromkeys(range(64, 70), 0)}
_MODES = 120                    # controllers from here on are orders to a receiver, no gestures
_CENTRE = 8192


@dataclass(frozen=True, slots=True)
class Onset:
    """Something was struck. `strength`: how far above the room, dB."""

    time: float
    strength: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A strike with a name. `sound` is the performer's name for it, `drum` what it plays.

    velocity and confidence lie in 0..1. `corrects` is the `sent` of an earlier, provisional hit
    with the same `time` that this one replaces. A mapper may ask for a MIDI note of its own
    (-1: the drum's), and for an OSC address beside the drum's ("": none).
    """

    time: float
    sound: str
    drum: str
    velocity: float
    confidence: float
    due: float = 0.0
    corrects: float | None = None
    note: int = -1
    address: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """The sound of a hit has died away: an open hat's hiss, a lip roll. Flows beside hits."""

    time: float
    sound: str
    drum: str
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A MIDI note begins: note 0-127, velocity 1-127, channel 1-16."""

    time: float
    note: int
    velocity: int
    channel: int
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class NoteOff:
    """A MIDI note ends: note 0-127, channel 1-16; `velocity` is the release velocity."""

    time: float
    note: int
    velocity: int
    channel: int
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class Gesture:
    """What hands and feet do to notes: a pedal or wheel, bend, pressure. Flows beside notes.

    kind   : "controller" with its number 0-127, "key_pressure" with its note, "pressure" or "bend"
    value  : 0-127; of a bend -8192..8191
    """

    time: float
    kind: str
    number: int
    value: int
    channel: int
    due: float = 0.0

    @classmethod
    def of(cls, time: float, status: int, data1: int = 0, data2: int = 0) -> "Gesture | None":
        """The gesture of a MIDI message; None where it is none, such as a note.

        >>> Gesture.of(1.0, 0xB2, 64, 127)
        Gesture(time=1.0, kind='controller', number=64, value=127, channel=3, due=0.0)
        """
        kind, channel = _KIND_OF.get(status & 0xF0, ""), (status & 0x0F) + 1
        if not kind or (kind == "controller" and data1 >= _MODES):
            return None
        if kind == "bend":
            return cls(time, kind, 0, data1 + 128 * data2 - _CENTRE, channel)
        if kind == "pressure":
            return cls(time, kind, 0, data1, channel)
        return cls(time, kind, data1, data2, channel)

    @property
    def message(self) -> tuple[int, int, int]:
        """It as MIDI: a status and two data bytes, 0 where there is no second one."""
        status = _STATUS[self.kind] | (self.channel - 1)
        if self.kind == "bend":
            return status, (self.value + _CENTRE) % 128, (self.value + _CENTRE) // 128
        return (status, self.value, 0) if self.kind == "pressure" else (
            status, self.number, self.value)

    @property
    def rest(self) -> int | None:
        """Its value where nobody does anything; None of a volume, a pan or a bank, which stay.

        Source: MIDI Manufacturers Association, RP-015, Response to Reset All Controllers.
        """
        return _REST.get(self.number) if self.kind == "controller" else 0

    def at_rest(self, time: float) -> "Gesture":
        """Let go: what has no `rest` stays where it is."""
        value = self.value if self.rest is None else self.rest
        return replace(self, time=time, value=value, due=0.0)


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat falls; `phase` is the place in the bar, 0..1, which has `in_bar` beats.

    frozen : the tempo is held, no hit moves it
    """

    time: float
    bpm: float
    phase: float
    due: float = 0.0
    in_bar: int = 4
    frozen: bool = True


@dataclass(frozen=True, slots=True)
class Chord:
    """The harmony changes. `name` as on a lead sheet; root and bass are pitch classes 0-11.

    No chord is `N`, with root -1. Where the form is known, `coming` says what follows: the beats
    from here, and the name.
    """

    time: float
    name: str
    root: int
    bass: int
    pitches: tuple[int, ...]
    due: float = 0.0
    coming: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Features:
    """Continuous values, such as a level in dB; never logged, at most 60 a second."""

    time: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Control:
    """A knob, a pedal, an OSC set, a scene, a program change: `name` becomes `value`."""

    time: float
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Message:
    """What the visuals are told, as OSC: an address and its values. Leaves, never logged."""

    time: float
    address: str
    arguments: tuple[float | int | str, ...]
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A stretch that was not analysed, `seconds` long."""

    time: float
    seconds: float


Note = NoteOn | NoteOff
Event = (Onset | Hit | Release | NoteOn | NoteOff | Gesture | Beat | Chord | Features | Control
         | Message | Skipped)

_KINDS = {Onset: "onset", Hit: "hit", Release: "release", NoteOn: "note_on", NoteOff: "note_off",
          Gesture: "gesture", Beat: "beat", Chord: "chord", Features: "features",
          Control: "control", Message: "message", Skipped: "skipped"}


@dataclass(frozen=True, slots=True)
class Sent:
    """An event as it left: which node sent it, and when."""

    sent: float
    node: str
    event: Event

    def row(self) -> dict[str, Any]:
        """The event as one line of `events.jsonl`, times rounded to a tenth of a microsecond."""
        event = self.event
        row: dict[str, Any] = {"event": _KINDS[type(event)], "node": self.node,
                               "time": round(event.time, 7), "sent": round(self.sent, 7)}
        match event:
            case Onset():
                row["strength"] = round(event.strength, 3)
            case Hit():
                row |= {"sound": event.sound, "drum": event.drum,
                        "velocity": round(event.velocity, 4),
                        "confidence": round(event.confidence, 4)}
                if event.corrects is not None:
                    row["corrects"] = round(event.corrects, 7)
            case Release():
                row |= {"sound": event.sound, "drum": event.drum}
            case NoteOn() | NoteOff():
                row |= {"note": event.note, "velocity": event.velocity, "channel": event.channel}
            case Gesture():
                row |= {"kind": event.kind, "number": event.number, "value": event.value,
                        "channel": event.channel}
            case Beat():
                row |= {"bpm": event.bpm, "phase": event.phase}
            case Chord():
                row |= {"name": event.name, "root": event.root, "bass": event.bass,
                        "pitches": list(event.pitches)}
            case Features():
                row["values"] = list(event.values)
            case Control():
                row |= {"name": event.name, "value": event.value}
            case Message():
                row |= {"address": event.address, "arguments": list(event.arguments)}
            case Skipped():
                row["seconds"] = round(event.seconds, 7)
        return row
