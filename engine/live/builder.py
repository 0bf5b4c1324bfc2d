"""The engine's second thread: it makes the next graph, warm, while the old one plays.

The plan was checked before it came here. Of several that wait only the newest is built.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
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
from engine.live.messages import Keep, Kept, Load, Loaded
from engine.node import OnStage
from engine.nodes.osc_out import OscOut
from engine.patch import Patch, parse_patch
from engine.rig import parse_rig

_NICE = 10          # what plays comes first


@dataclass(frozen=True, slots=True)
class Built:
    """A graph, warm, and where its OSC goes."""

    graph: Graph
    targets: dict[str, Target]
    control_port: str


class Builder:
    """Takes loads, gives graphs, and never makes anybody wait.

    on_fault : for the graphs, see there
    desks    : the nodes' ways to the worker
    stage    : what else nodes may use live
    """

    def __init__(self, clock: Clock, input_channels: int, output_channels: int,
                 on_fault: Callable[[str, Exception], None], desks: Desks, stage: OnStage
                 ) -> None:
        self._clock, self._on_fault, self._desks, self._stage = clock, on_fault, desks, stage
        self._channels = input_channels, output_channels
        self._wanted: SimpleQueue[Load | tuple[Keep, Graph]] = SimpleQueue()
        self._done: deque[Built | Loaded | Kept] = deque()
        load_hosting()
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
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while True:
            wanted = self._wanted.get()
            while isinstance(wanted, Load) and not self._wanted.empty():
                wanted = self._wanted.get()
            self._done.append(self._try(wanted) if isinstance(wanted, Load)
                              else keep_states(*wanted))

    def _try(self, load: Load) -> Built | Loaded:
        try:
            return self._make(load)
        except PatchError as error:
            mistakes = tuple(error.mistakes)
        except KuchiError as error:
            mistakes = (str(error),)
        except Exception as error:              # a node's own: its author should read of it
            mistakes = (f"can't be built: {type(error).__name__}: {error}",)
        return Loaded(load.source, mistakes)

    def _make(self, load: Load) -> Built:
        patch = parse_patch(load.text, source=load.source, folder=Path(load.folder))
        rig = parse_rig(load.rig, load.rig_source)
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
        return Built(graph, targets, rig.control_port)


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


def _as_moved(patch: Patch, settings: Mapping[str, Any]) -> Patch:
    """The patch with what was moved by hand: a kit or a profile is read while it is built."""
    for name, value in settings.items():
        node, _, setting = name.partition(".")
        if node in patch.nodes and setting in patch.nodes[node][0].params():
            patch = patch.with_setting(setting, value, node=node)
    return patch
