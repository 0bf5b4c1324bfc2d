"""What a node takes and gives: its ports, read from the signature of its `process`.

Inlets are the arguments, by type:

    AudioBlock                      the last hop of an audio cable; always there
    Bleed (AudioBlock | None)       the same, `delayed`: it may close a loop, and may hear nothing
    Sequence[Onset], [Hit], ...     what arrived since the last hop, in order; often empty
    Annotated[Sequence[Beat], DELAYED]   the same, but what arrived in the hop before

and the annotation of what it returns is what the node gives.
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np

from engine.errors import KuchiError
from engine.events import (
    Beat,
    Chord,
    Control,
    Features,
    Gesture,
    Hit,
    Message,
    NoteOff,
    NoteOn,
    Onset,
    Release,
)
from engine.units import HOP, Samples

Flow = Literal["audio", "onsets", "hits", "notes", "beats", "chords", "features", "controls",
               "messages"]

_FLOW_OF: dict[type, Flow] = {Onset: "onsets", Hit: "hits", Release: "hits", NoteOn: "notes",
                              NoteOff: "notes", Gesture: "notes", Beat: "beats", Chord: "chords",
                              Features: "features", Control: "controls", Message: "messages"}


class AudioBlock:
    """The last hop of an audio cable, and what came before it.

    samples : float32 (HOP,)   valid until `process` returns
    start   : int              the frame of samples[0]
    """

    __slots__ = ("_hops", "_last", "_ring", "samples", "start")

    def __init__(self, ring: Samples) -> None:
        self._ring = ring                   # a power of two long, written by the audio thread
        self._hops = [ring[place:place + HOP] for place in range(0, len(ring), HOP)]
        self._last = len(self._hops) - 1
        self.samples = self._hops[0]
        self.start = 0

    def move_to(self, start: int) -> None:
        """Let `samples` be the hop that begins at frame `start`, a multiple of HOP."""
        self.start = start
        self.samples = self._hops[start // HOP & self._last]

    def take_over(self, old: "AudioBlock", frame: int) -> None:
        """What another block of the same sound heard before `frame` shall be this one's past."""
        past = np.empty(min(self.reach, frame), np.float32)
        old.history(frame - len(past), past)
        places = np.arange(frame - len(past), frame) & (len(self._ring) - 1)
        self._ring[places] = past

    @property
    def reach(self) -> int:
        """How many frames before the end of this hop `history` can still give."""
        return len(self._ring) // 2         # the other half is being written

    def history(self, start: int, out: Samples) -> None:
        """Copy the len(out) samples from frame `start` on; frames before 0 are silent.

        The stretch must end with this hop or before it, and begin at most `reach` before.
        """
        length, ring = len(out), self._ring
        if start < 0:
            silent = min(-start, length)
            out[:silent] = 0.0
            out, start, length = out[silent:], start + silent, length - silent
        place = start & (len(ring) - 1)
        first = min(length, len(ring) - place)
        out[:first] = ring[place:place + first]
        out[first:] = ring[:length - first]


DELAYED = "delayed"
"""Marks an inlet that hears the previous block, and so may close a loop."""

Bleed = Annotated[AudioBlock | None, DELAYED]
"""An audio inlet that is delayed."""


@dataclass(frozen=True, slots=True)
class Port:
    """An inlet. `compiled` audio inlets are served by the audio thread, not by `process`; an
    `optional` one may hear nothing where another of the node's does. Of what flows there it is
    brought the `kinds` that it names: `Sequence[Note]` hears no pedal."""

    name: str
    flow: Flow
    delayed: bool = False
    compiled: bool = False
    optional: bool = False
    kinds: tuple[type, ...] = ()


@dataclass(frozen=True, slots=True)
class Ports:
    """What a type of node takes and gives, and the kinds of events that it may say."""

    inlets: tuple[Port, ...]
    gives: Flow | None = field(default=None)
    says: tuple[type, ...] = ()


def read_ports(process: Callable[..., Any] | None) -> Ports:
    """The ports of a `process`; without one there are none.

    Raises KuchiError where an annotation is no kind of port.
    """
    hints = typing.get_type_hints(process, include_extras=True) if process else {}
    returned = hints.pop("return", None)
    inlets = tuple(_port(name, hint) for name, hint in hints.items())
    return Ports(inlets, _flow(returned), _kinds(returned))


def _port(name: str, hint: Any) -> Port:
    if hint is AudioBlock:
        return Port(name, "audio")
    if hint == Bleed:
        return Port(name, "audio", delayed=True)
    delayed = typing.get_origin(hint) is Annotated and DELAYED in hint.__metadata__
    hint = typing.get_args(hint)[0] if delayed else hint
    flow = _flow(hint)
    assert flow is not None
    return Port(name, flow, delayed, kinds=_kinds(hint))


def _flow(hint: Any) -> Flow | None:
    if hint in (None, type(None)):
        return None
    flows = {_FLOW_OF[kind] for kind in _kinds(hint) if kind in _FLOW_OF}
    if len(flows) != 1:
        raise KuchiError(f"{hint} is no kind of port: use AudioBlock, Bleed or Sequence[an event]")
    return flows.pop()


def _kinds(hint: Any) -> tuple[type, ...]:
    """`Sequence[NoteOn | NoteOff]` -> NoteOn, NoteOff."""
    arguments = typing.get_args(hint)
    return typing.get_args(arguments[0]) or arguments[:1] if arguments else ()
