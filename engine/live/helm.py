"""What the stage is told to do: by keys, knobs, pedals and OSC, and from the command process.

Settings and a node's own actions are the graph's; `listen`, `panic`, `tap` and `one` are done
here; all else is told to the command process, such as `next`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from engine.audio.unit import Integers
from engine.clock import Clock
from engine.controls import ACTIONS
from engine.errors import KuchiError
from engine.events import Control
from engine.graph import Graph
from engine.live.hands import Hands
from engine.live.link import Link
from engine.live.messages import Did, Heard, Message, Osc, Said, Set
from engine.live.shared import LISTENING
from engine.live.tempo import Tempo


class Helm:
    """Controls of the graph that plays, and the lights that answer them.

    words : the shared block's
    tell  : tells the command process
    panic : ends all that sounds
    """

    def __init__(self, clock: Clock, words: Integers, tempo: Tempo, link: Link,
                 tell: Callable[[Message], None], panic: Callable[[], None]) -> None:
        self._clock, self._words, self._tempo, self._link = clock, words, tempo, link
        self._tell, self._panic = tell, panic
        self._hands = Hands()
        self._graph: Graph | None = None

    def bind(self, graph: Graph, inputs: Sequence[str], light_port: int) -> None:
        """Steer this graph from now on; see `Hands.bind`."""
        self._graph = graph
        self._hands.bind(graph, inputs, light_port)

    def obey(self, message: Message) -> None:
        """Do what a hand, a screen or the command process wants."""
        match message:
            case Heard():
                time_s = self._clock.time_at(message.heard_ns)
                for name, value in self._hands.touch(message, time_s):
                    self._control(name, value, message.heard_ns)
            case Osc(name, value, heard_ns):        # a button on a screen is as good as a pedal
                self._control(name, True if name in ACTIONS else value, heard_ns)
            case Set(name, value, heard_ns):
                self._control(name, value, heard_ns or time.monotonic_ns())

    def light_up(self) -> None:
        """Tell a controller that knows nothing yet where everything stands."""
        self._hands.darken()
        self._show_lights()

    def _control(self, name: str, value: Any, heard_ns: int) -> None:
        """A setting or scene moves; an action is done here, or told to the command process."""
        if name == "listen":
            self._listen(value)
        elif name == "panic":
            self._panic()
        elif name == "program":
            self._tell(Did(name, value))
        elif self._graph and self._graph.acts(name):
            self._move(self._graph, name, value)
        elif "." not in name:
            self._tell(Did(name))
        elif self._graph and self._move(self._graph, name, value):
            self._tell(Set(name, value))            # so that it outlives this process
        self._keep_time(name, heard_ns)
        self._show_lights()

    def _move(self, graph: Graph, name: str, value: Any) -> bool:
        """Let the graph answer; what it can't do is said."""
        try:
            graph.control(Control(self._clock.now, name, value))
        except KuchiError as error:
            self._tell(Said(str(error)))
            return False
        return True

    def _keep_time(self, name: str, heard_ns: int) -> None:
        if name == "tap" and (bpm := self._tempo.tap(heard_ns)):
            self._tell(Said(f"{bpm:.1f} bpm"))
        elif name == "one":
            self._tempo.one(heard_ns)

    def _listen(self, value: Any) -> None:
        """A press turns it over, a number sets it."""
        words = self._words
        words[LISTENING] = 1 - words[LISTENING] if value is True else int(bool(value))
        self._tell(Said("", "LISTENING" if words[LISTENING] else "NOT LISTENING"))

    def _show_lights(self) -> None:
        for light in self._hands.lights(bool(self._words[LISTENING])):
            self._link.tell(light)
