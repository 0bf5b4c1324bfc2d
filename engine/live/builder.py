"""The engine's second thread: it makes the next graph, warm, while the old one plays.

Patches are checked here, and nowhere else on stage: what is to be built must be read anyway. Of
several that wait only the newest is built.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from engine.audio.lv2 import load as load_hosting
from engine.clock import Clock
from engine.devices.osc import Target
from engine.errors import KuchiError, PatchError
from engine.events import Control
from engine.graph import Graph
from engine.live.desks import Desks
from engine.live.messages import Keep, Kept, Load, Loaded, Sheet
from engine.node import OnStage
from engine.nodes.lv2_plugin import Lv2Plugin
from engine.nodes.osc_out import OscOut
from engine.patch import Patch, parse_patch
from engine.rig import parse_rig

_NICE = 10          # what plays comes first


@dataclass(frozen=True, slots=True)
class Built:
    """A graph, warm, and where its OSC goes."""

    ticket: int
    graph: Graph
    targets: dict[str, Target]
    control_port: str


class Builder:
    """Takes loads, gives graphs, and never makes anybody wait.

    on_fault : for the graphs, see there
    desks    : the nodes' ways to the worker
    stage    : what else nodes may use live
    suspects : the numbers of plugins that may have made the engine before this one fall
    fell     : how it did, see `Open`
    """

    def __init__(self, clock: Clock, input_channels: int, output_channels: int,
                 on_fault: Callable[[str, Exception], None], desks: Desks, stage: OnStage,
                 suspects: Collection[int] = (), fell: str = "") -> None:
        self._clock, self._on_fault, self._desks, self._stage = clock, on_fault, desks, stage
        self._channels = input_channels, output_channels
        self._suspects, self._fell = suspects, fell
        self._wanted: SimpleQueue[Load | tuple[Keep, Graph]] = SimpleQueue()
        self._done: deque[Built | Loaded | Kept] = deque()
        threading.Thread(target=self._work, daemon=True).start()

    def build(self, load: Load) -> None:
        """Begin; `take` gives it when it is done."""
        self._wanted.put(load)

    def keep(self, order: Keep, graph: Graph) -> None:
        """Have the nodes of a graph, which may be playing, write what settings can't tell."""
        self._wanted.put((order, graph))

    def take(self) -> Built | Loaded | Kept | None:
        """A graph, or why there is none, or what was kept; None while nothing is done."""
        return self._done.popleft() if self._done else None

    def _work(self) -> None:
        load_hosting()
        while True:
            wanted = self._wanted.get()
            while isinstance(wanted, Load) and not self._wanted.empty():
                wanted = self._wanted.get()
            self._done.append(self._try(wanted) if isinstance(wanted, Load)
                              else keep_states(*wanted))
            if sys.platform == "linux":             # the first one is waited for, others aren't
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)

    def _try(self, load: Load) -> Built | Loaded:
        source = load.patch.source
        try:
            return self._make(load)
        except PatchError as error:
            source, mistakes = error.source, tuple(error.mistakes)
        except KuchiError as error:
            mistakes = (str(error),)
        except Exception as error:              # a node's own: its author should read of it
            mistakes = (f"can't be built: {type(error).__name__}: {error}",)
        return Loaded(load.ticket, source, mistakes)

    def _make(self, load: Load) -> Built:
        patch, rig = _checked(load.patch), parse_rig(load.rig.text, load.rig.source)
        for other in load.others:
            _checked(other)
        if self._suspects:
            self._refuse(patch)
        inputs, outputs = self._channels
        patch = _as_moved(patch, load.settings)
        graph = Graph(rig.applied_to(patch), input_channels=inputs, output_channels=outputs,
                      clock=self._clock, on_fault=self._on_fault,
                      jobs=lambda _: self._desks.desk(self._clock), stage=self._stage)
        if load.scene:
            graph.control(Control(0.0, load.scene, 1))
        for name, value in load.settings.items():
            graph.control(Control(0.0, name, value))
        targets = {name: Target(*node.target) for name, node in graph.nodes.items()
                   if isinstance(node, OscOut)}
        return Built(load.ticket, graph, targets, rig.control_port)

    def _refuse(self, patch: Patch) -> None:
        """Was it in a plugin that the engine fell? Then this one is built without it."""
        from engine.audio.lv2 import verdicts
        suspects, self._suspects = self._suspects, ()
        for name, (kind, _) in patch.nodes.items():
            if not issubclass(kind, Lv2Plugin) or kind.loader != "lv2":     # others run apart
                continue
            hosted = kind.hosted
            if hosted and verdicts.number_of(hosted.uri) in suspects:
                verdicts.decide(hosted, f"it {self._fell} on stage")
                self._stage.say(f"{name}: {hosted.name} {self._fell}; it is refused from now on.",
                                "")


def keep_states(order: Keep, graph: Graph) -> Kept:
    """Let each node write what its settings can't tell; the graph may be playing."""
    settings: dict[str, Any] = {}
    mistakes = []
    for name, node in graph.nodes.items():
        try:
            kept = node.write_state(Path(f"{order.place}-{name}"))
        except (KuchiError, OSError) as error:
            mistakes.append(f"{name}: {error}")
            continue
        settings |= {f"{name}.{setting}": value for setting, value in kept.items()}
    return Kept(settings, tuple(mistakes))


def _checked(sheet: Sheet) -> Patch:
    return parse_patch(sheet.text, source=sheet.source, folder=Path(sheet.folder))


def _as_moved(patch: Patch, settings: Mapping[str, Any]) -> Patch:
    """The patch with what was moved by hand: a kit or a profile is read while it is built."""
    for name, value in settings.items():
        node, _, setting = name.partition(".")
        if node in patch.nodes and setting in patch.nodes[node][0].params():
            patch = patch.with_setting(setting, value, node=node)
    return patch
