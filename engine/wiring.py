"""Lay the cables of a patch: rings for the sound that event nodes hear, lists for their events.

It is done once, before anything runs. What a node says in a hop is then put straight into the very
lists that the nodes behind it are called with, so that nothing is looked up while it plays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.audio import AudioList, Feed
from engine.events import Event, Features, Release
from engine.node import Node, SoundingNode
from engine.patch import Patch
from engine.ports import AudioBlock
from engine.units import Samples

ONLY_FLOW = {Features, Release}
"""They flow from node to node and never leave: none is an answer."""

Way = tuple[list[Event], tuple[type, ...]]
"""A list that a node fills, and with what of all that it says; () is everything."""

Delayed = tuple[list[Event], list[Event]]
"""What was said for a delayed inlet in this hop, and the list that it is brought in the next."""


@dataclass(slots=True)
class Step:
    """One event node: its arguments are the very lists that the nodes before it fill."""

    name: str
    node: Node
    arguments: list[Any]
    targets: list[Way] = field(default_factory=list)
    later: list[Way] = field(default_factory=list)        # delayed inlets' next hop

    @property
    def matters(self) -> bool:
        """Does anybody notice what it does? Not if all it says is for cables that aren't there."""
        says = self.node.ports().says
        return bool(self.targets or self.later or not says or set(says) - ONLY_FLOW)


def only(kinds: tuple[type, ...], events: Sequence[Event]) -> Sequence[Event]:
    """Those of the events that go this way."""
    return [event for event in events if isinstance(event, kinds)] if kinds else events


def wire_audio(patch: Patch, nodes: Mapping[str, Node], audio: AudioList) -> dict[str, AudioBlock]:
    """Build the audio list in order, and a ring for each sum of buffers that an event node hears.

    returns : the names of the nodes that are heard, joined by "+" -> what is heard of them
    """
    buffers: dict[str, Samples] = {}
    for name, node in nodes.items():
        if isinstance(node, SoundingNode):
            feeds = {port: [Feed(cable.source, buffers[cable.source])
                            for cable in patch.into(name, port)] for port in node.hears}
            given = node.build(audio, feeds)
            if given is not None:
                buffers[name] = given
    taps: dict[str, AudioBlock] = {}
    for name, node in nodes.items():
        for port in node.ports().inlets:
            heard = _heard(patch, name, port.name)
            if port.flow == "audio" and not port.compiled and heard and heard not in taps:
                tapped = [Feed(cable.source, buffers[cable.source])
                          for cable in patch.into(name, port.name)]
                taps[heard] = AudioBlock(audio.tap(audio.sum(tapped)))
    audio.compile()
    return taps


def wire_events(patch: Patch, nodes: Mapping[str, Node], taps: Mapping[str, AudioBlock]
                ) -> tuple[list[Step], list[Delayed]]:
    """A step for each node that hears or says events, in order, and what waits for the next hop.

    taps : from `wire_audio`
    """
    inboxes: dict[tuple[str, str], list[Event]] = {}
    steps = [Step(name, node, _arguments(patch, name, node, taps, inboxes))
             for name, node in nodes.items() if hasattr(node, "process")]
    later: dict[tuple[str, str], list[Event]] = {}
    for step in steps:
        says = set(step.node.ports().says)
        for cable in patch.cables:
            if cable.source == step.name and cable.port.flow != "audio":
                inlet = cable.target, cable.port.name
                kinds = () if says <= set(cable.port.kinds) else cable.port.kinds
                if cable.port.delayed:
                    step.later.append((later.setdefault(inlet, []), kinds))
                else:
                    step.targets.append((inboxes[inlet], kinds))
    return steps, [(events, inboxes[inlet]) for inlet, events in later.items()]


def _arguments(patch: Patch, name: str, node: Node, taps: Mapping[str, AudioBlock],
               inboxes: dict[tuple[str, str], list[Event]]) -> list[Any]:
    """What `process` is called with in every hop: a ring or a list for each of its inlets."""
    return [taps.get(_heard(patch, name, port.name)) if port.flow == "audio"
            else inboxes.setdefault((name, port.name), [])
            for port in node.ports().inlets if not port.compiled]


def _heard(patch: Patch, name: str, port: str) -> str:
    """One ring serves all event nodes that hear the same buffers."""
    return "+".join(cable.source for cable in patch.into(name, port))
