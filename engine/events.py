"""The only vocabulary between event nodes.

`time` is when the cause was heard, or, for anything generated or scheduled, when it is due.
`due` is when the event shall leave: a moment still to come, or 0 for "as soon as decided".
When it did leave is `sent`, which the graph notes beside the event; `sent - time` is the latency.
All are seconds on one clock, the count of samples heard.
"""

from dataclasses import dataclass
from typing import Any


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
Event = (Onset | Hit | Release | NoteOn | NoteOff | Beat | Chord | Features | Control | Message
         | Skipped)

_KINDS = {Onset: "onset", Hit: "hit", Release: "release", NoteOn: "note_on", NoteOff: "note_off",
          Beat: "beat", Chord: "chord", Features: "features", Control: "control",
          Message: "message", Skipped: "skipped"}


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
