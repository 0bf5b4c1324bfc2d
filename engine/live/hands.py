"""What hands do at keys, knobs and pedals, and the lights that answer them."""

from collections.abc import Iterator, Sequence
from typing import Any

from engine.controls import Binding
from engine.events import Gesture, Note, NoteOff, NoteOn
from engine.graph import Graph
from engine.live.messages import Heard, Midi
from engine.nodes.clock import Clock
from engine.nodes.midi_in import MidiIn


class Hands:
    """The inlets and controls of the graph that plays."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._keys: dict[int, list[MidiIn]] = {}        # the number of an input -> its nodes
        self._clocks: list[tuple[int | None, Clock]] = []       # and the input it hears, or all
        self._light_port = 0
        self._lights: dict[Binding, int] = {}           # what the controller was told

    def bind(self, graph: Graph, inputs: Sequence[str], light_port: int) -> None:
        """Play into this graph from now on.

        inputs     : the names of the ports, in the order of their numbers
        light_port : the number of the output to the controller
        """
        self._graph, self._light_port = graph, light_port
        self._keys, self._clocks = {}, []
        for node in graph.nodes.values():
            if isinstance(node, MidiIn):
                self._keys.setdefault(inputs.index(node.port), []).append(node)
            elif isinstance(node, Clock):
                heard = inputs.index(node.port_in) if node.port_in else None
                self._clocks.append((heard, node))
        self.darken()

    def darken(self) -> None:
        """The controller knows nothing of where things stand."""
        self._lights.clear()

    def touch(self, heard: Heard, time: float) -> Iterator[tuple[str, Any]]:
        """Let the graph hear a message; yields the controls that it moves, and to where.

        A program change to which nothing is bound yields "program" and its number, 1-128.
        """
        if self._graph is None:
            return
        if heard.status >= 0xF0:
            for port, node in self._clocks:
                if port in (None, heard.port):
                    node.midi(heard.status, heard.data1, heard.data2, time)
            return
        kind, channel = heard.status & 0xF0, (heard.status & 0x0F) + 1
        knobs = self._graph.knobs
        if kind in (0x80, 0x90):
            velocity = heard.data2 if kind == 0x90 else 0
            self._play(heard, channel, velocity, time)
            yield from knobs.touch("note", heard.data1, channel, velocity)
        elif kind == 0xC0:
            moved = list(knobs.touch("program", heard.data1 + 1, channel, 127))
            yield from moved or [("program", heard.data1 + 1)]
        elif gesture := Gesture.of(time, heard.status, heard.data1, heard.data2):
            if knobs.take(gesture):
                yield from knobs.touch("cc", gesture.number, channel, gesture.value)
            else:
                self._arrive(heard.port, gesture)

    def _play(self, heard: Heard, channel: int, velocity: int, time: float) -> None:
        note: Note = (NoteOn(time, heard.data1, velocity, channel) if velocity
                      else NoteOff(time, heard.data1, heard.data2, channel))
        self._arrive(heard.port, note)

    def _arrive(self, port: int, event: Note | Gesture) -> None:
        for node in self._keys.get(port, ()):
            node.arrive(event)

    def lights(self, listening: bool) -> Iterator[Midi]:
        """What the controller must be told, so that its knobs and buttons show what holds now."""
        if self._graph is None:
            return
        knobs = self._graph.knobs
        for binding in knobs.bindings:
            if binding.source != "cc" or (knobs.fires(binding) and binding.to != "listen"):
                continue
            on = float(listening) if binding.is_action else knobs.travel(binding)
            light = round(127 * on)
            if self._lights.get(binding) != light:
                self._lights[binding] = light
                yield Midi(self._light_port, 0xB0 | ((binding.channel or 1) - 1),
                           int(binding.number or 0), light)
