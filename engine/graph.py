"""Make a patch run: the nodes in order, the compiled audio list beside them, one clock.

The same graph serves the stage and `render`. Whoever drives it calls `hear` with one block of
audio at a time; the audio list runs first, as it does in the callback, then each whole hop that
has come in passes through the event nodes in order. What leaves is handed out by `take`, in the
order in which it leaves.
"""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from engine.audio import AudioList, denormals
from engine.clock import Clock
from engine.errors import KuchiError
from engine.events import (
    Control,
    Event,
    Gesture,
    Hit,
    Note,
    NoteOff,
    NoteOn,
    Onset,
    Sent,
    Skipped,
)
from engine.jobs import Inline, Jobs
from engine.knobs import Knobs
from engine.node import Context, Node, OnStage, SoundingNode
from engine.nodes.midi_in import MidiIn
from engine.patch import Patch
from engine.units import HOP, SAMPLE_RATE, Samples
from engine.wiring import ONLY_FLOW, Step, only, wire_audio, wire_events


class Graph:
    """A patch, built and warm. Not restartable: a fresh take begins with a fresh graph.

    clock    : given where this graph will take over from another one on the same stage
    on_fault : is told (node, error) of a node that raised, which is muted from then on; without
               it the error is raised, as a KuchiError that names the node
    stage    : what nodes may use live
    jobs     : gives each node, by its name, its way to the worker; without it work is done inline
    """

    def __init__(self, patch: Patch, *, input_channels: int = 1, output_channels: int = 2,
                 seed: int = 0, clock: Clock | None = None,
                 on_fault: Callable[[str, Exception], None] | None = None,
                 jobs: Callable[[str], Jobs] | None = None,
                 stage: OnStage | None = None) -> None:
        self.patch = patch
        self.clock = clock or Clock()
        self.listening = True
        self._on_fault = on_fault
        self.audio = AudioList(input_channels=input_channels, output_channels=output_channels)
        self.nodes: dict[str, Node] = {}
        self._feeds: dict[str, dict[str, tuple[str, ...]]] = {}
        self._filled: list[list[Event]] = []            # inboxes to be emptied after this hop
        self._arriving: deque[Note | Gesture | Control] = deque()
        self._outbox: list[tuple[float, int, Sent]] = []
        self._count = 0                                 # events sent; keeps equal times in order
        for name, (kind, settings) in patch.nodes.items():
            node = kind(**settings)
            feeds = self._feeds[name] = {
                port.name: tuple(cable.source for cable in patch.into(name, port.name))
                for port in kind.ports().inlets}
            desk = jobs(name) if jobs else Inline(self.clock)
            node.prepare(Context(self.clock, patch.folder, seed, name=name, feeds=feeds,
                                 jobs=desk, stage=stage))
            self.nodes[name] = node
        self.knobs = Knobs(patch.controls, self.nodes)
        self._taps = wire_audio(patch, self.nodes, self.audio)
        self._blocks = list(self._taps.values())
        self._steps, self._delayed = wire_events(patch, self.nodes, self._taps)
        self._line_up()
        self._keys = [node for node in self.nodes.values() if isinstance(node, MidiIn)]

    @property
    def sounds(self) -> bool:
        """Does any audio leave this patch?"""
        return any(node.outlet == "audio" for node in self.nodes.values())

    @property
    def has_read(self) -> dict[Path, str]:
        """The files that its nodes have read, and which edition of each."""
        return {path: edition for node in self.nodes.values()
                for path, edition in node.has_read.items()}

    # -- running -------------------------------------------------------------------------------

    def hear(self, source: Samples, target: Samples, block: int | None = None) -> None:
        """In each driver block the audio list first, then the event nodes, hop by hop.

        source : float32 (n, input_channels), interleaved as the driver gives it, for any n
        target : float32 (n, output_channels), overwritten
        block  : frames of a block; None: all is one
        """
        before = denormals.flush()
        try:
            for first in range(0, len(source), block or max(1, len(source))):
                self._catch_up(self.audio.process(source, target, first, block))
        finally:
            denormals.restore(before)

    def catch_up(self, frame: int) -> None:
        """Pass every whole hop before `frame` through the event nodes."""
        before = denormals.flush()
        try:
            self._catch_up(frame)
        finally:
            denormals.restore(before)

    def _catch_up(self, frame: int) -> None:
        while self.clock.frame + HOP <= frame:
            self._hop()

    def skip_to(self, frame: int) -> Skipped:
        """Give up on what lies before `frame`, a multiple of HOP: nodes forget, the clock jumps.

        What outlets still hold, such as notes, is ended first; `take` hands it out.
        """
        skipped = Skipped(self.clock.now, (frame - self.clock.frame) / SAMPLE_RATE)
        for step in self._steps:
            if step.node.outlet:
                self._send(step, step.node.release())
            step.node.reset()
        self.clock.move_to(frame)
        return skipped

    def leave(self, to: "Graph") -> list[Sent]:
        """Make room for another graph: what nodes hold that it lacks is ended and handed out."""
        kept = {step.name: type(step.node) for step in to._steps}
        for step in self._steps:
            step.node.let_go()
            if kept.get(step.name) is not type(step.node) and step.node.outlet:
                self._send(step, step.node.release())
        return self.take()

    def follow(self, old: "Graph", frame: int) -> None:
        """From `frame` on, take over from a graph on the same clock; what is unchanged goes on.

        An event node with the same name and type keeps all it knows, and is given its new
        settings; what was heard until now is there for it. One that has loaded another file than
        before, or another edition of it, takes over what that one hears.
        """
        self.listening = old.listening
        for key, block in self._taps.items():
            if key in old._taps:
                block.take_over(old._taps[key], frame)
        known = {step.name: step.node for step in old._steps}
        for step in self._steps:
            node = known.get(step.name)
            if type(node) is not type(step.node) or isinstance(node, SoundingNode):
                continue
            if not node.has_loaded_the_same_as(step.node):
                step.node.take_over(node)
            else:
                node.set_like(step.node)
                if self._feeds[step.name] != old._feeds[step.name]:
                    node.rewired(step.node)
                step.node = self.nodes[step.name] = node
        self._line_up()
        self._keys = [node for node in self.nodes.values() if isinstance(node, MidiIn)]
        self._outbox += old._outbox
        heapq.heapify(self._outbox)
        self._count += old._count

    def _line_up(self) -> None:
        """What the loop calls in each hop, looked up beforehand; who isn't heard needn't speak."""
        self._calls = [(partial(step.node.process, *step.arguments), step)
                       for step in self._steps if step.matters]

    def _hop(self) -> None:
        clock = self.clock
        start = clock.frame
        clock.move_to(start + HOP)
        for block in self._blocks:
            block.move_to(start)
        if self._arriving:
            self._deliver_arrived()
        for process, step in self._calls:
            try:
                events = process()
            except Exception as error:
                self._mute(step, error)
                continue
            if events:
                self._send(step, events)
        if self._filled:
            for inbox in self._filled:
                inbox.clear()
            self._filled.clear()
        for events, inbox in self._delayed:
            if events:
                inbox += events
                self._filled.append(inbox)
                events.clear()

    def _mute(self, step: Step, error: Exception) -> None:
        """A node that raised falls silent, its notes ended, and the show goes on."""
        if self._on_fault is None:
            raise KuchiError(f"node {step.name} failed at {self.clock.now:.3f} s: "
                             f"{type(error).__name__}: {error}") from error
        self._steps = [other for other in self._steps if other is not step]
        self._line_up()
        self._on_fault(step.name, error)
        self._send(step, step.node.release())

    def _send(self, step: Step, events: Sequence[Event]) -> None:
        if not self.listening:
            events = [event for event in events if not _was_heard(event)]
        for target, kinds in step.targets:
            target.extend(only(kinds, events))
            self._filled.append(target)
        for target, kinds in step.later:
            target.extend(only(kinds, events))
        if step.node.inlet:
            return                                      # what came in has not left
        now = self.clock.now
        for event in events:
            if type(event) not in ONLY_FLOW:
                sent = max(getattr(event, "due", 0.0), now)
                self._count += 1
                heapq.heappush(self._outbox, (sent, self._count, Sent(sent, step.name, event)))

    def take(self, early_s: float = 0.0) -> list[Sent]:
        """What has left since the last call, in the order of `sent`.

        early_s : what is known beforehand may be taken so early, out of order
        """
        if not self._outbox:
            return []
        outbox, taken, until = self._outbox, [], self.clock.next + early_s
        while outbox and outbox[0][0] < until:          # nothing decided later can leave earlier
            taken.append(heapq.heappop(outbox)[2])
        return taken

    def finish(self) -> list[Sent]:
        """End every note and voice that still sounds, forget what is to come, hand out the rest.

        It is the panic of the stage too: the graph can go on afterwards.
        """
        self._outbox = [item for item in self._outbox if item[0] < self.clock.next]
        heapq.heapify(self._outbox)
        for step in self._steps:
            self._send(step, step.node.release())
        return self.take()

    # -- from outside --------------------------------------------------------------------------

    def arrive(self, event: Note | Gesture | Control) -> None:
        """A note, a gesture or a control from outside; call in order of time."""
        self._arriving.append(event)

    def _deliver_arrived(self) -> None:
        arriving = self._arriving
        while arriving and arriving[0].time < self.clock.now:
            event = arriving.popleft()
            if isinstance(event, Control):
                self.control(event)
                continue
            if isinstance(event, Gesture) and self.knobs.take(event):
                self.control(Control(event.time, "cc", (event.number, event.channel, event.value)))
                continue
            for node in self._keys:
                node.arrive(event)
            if isinstance(event, NoteOn | NoteOff):
                pressed = event.velocity if isinstance(event, NoteOn) else 0
                self.control(Control(event.time, "note", (event.note, event.channel, pressed)))

    def control(self, control: Control) -> None:
        """Move a setting ("onsets.sensitivity_db"), a scene ("scene.chorus") or a raw message, or
        press an action ("friend.start"; "wrong.snare", which reaches all nodes that have it).

        A raw message is named `cc`, `note` or `program` with (number, channel, value) as value;
        an action is pressed by any value but 0 and False, which release it.
        Raises KuchiError where there is no such thing or the value doesn't fit.
        """
        if control.name in ("cc", "note", "program"):
            number, channel, value = control.value
            for name, moved in self.knobs.touch(control.name, number, channel, value):
                if "." in name or self.acts(name):      # other actions are the stage's
                    self.control(Control(control.time, name, moved))
            return
        if self.acts(control.name):
            self._act(control.name, bool(control.value))
            return
        head, _, tail = control.name.partition(".")
        if head == "scene":
            for (name, setting), value in self._scene(tail).items():
                self.nodes[name].set(setting, value)
            return
        if head not in self.nodes:
            raise KuchiError(f'{control.name}: there is no node "{head}"')
        try:
            self.nodes[head].set(tail, control.value)
        except ValueError as error:
            raise KuchiError(f"{control.name} = {control.value!r}: {error}") from None

    def acts(self, name: str) -> bool:
        """Is this an action of a node ("friend.start"), or one that any node has ("wrong")?"""
        head, _, tail = name.partition(".")
        node = self.nodes.get(head)
        return tail in node.actions() if node else bool(self.patch.nodes_with(head, tail))

    @property
    def actions(self) -> tuple[str, ...]:
        """All that `acts` knows; "wrong.*" for any word behind it."""
        own = {(name, action) for name, node in self.nodes.items()
               for action in node.actions().values()}
        names = {f"{name}.{action.name}" for name, action in own}
        names |= {action.name for _, action in own}
        return tuple(sorted(names | {f"{action.name}.*" for _, action in own if action.words}))

    def _act(self, name: str, pressed: bool) -> None:
        head, _, tail = name.partition(".")
        if head in self.nodes:
            self.nodes[head].act(tail, pressed=pressed)
            return
        for own in self.patch.nodes_with(head, tail):
            self.nodes[own].act(head, pressed=pressed, word=tail)

    def _scene(self, name: str) -> dict[tuple[str, str], Any]:
        if name not in self.patch.scenes:
            known = ", ".join(self.patch.scenes) or "none"
            raise KuchiError(f'there is no scene "{name}"; this patch has: {known}')
        return self.patch.scenes[name]


def _was_heard(event: Event) -> bool:
    """Is it a strike of somebody's? What is generated is due the moment that is its time."""
    return isinstance(event, Onset) or (isinstance(event, Hit) and event.due != event.time)
