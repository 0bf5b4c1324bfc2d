"""The engine process: one thread that hears hops and lets notes leave, and nothing beside it.

It is woken by the audio callback, or by a timer of a millisecond where no audio runs. A patch is
built and warmed by a builder thread; the loop only swaps it in. Everything it says goes through
pipes that are never waited for.
"""

import heapq
import os
import select
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from engine.audio.deck import Deck
from engine.clock import Clock
from engine.controls import Binding
from engine.devices import portaudio
from engine.devices.osc import Target
from engine.devices.priority import quieten
from engine.errors import DeviceError, KuchiError, PatchError
from engine.events import Control, Hit, NoteOff, NoteOn, Sent
from engine.events import Message as OscMessage
from engine.graph import Graph
from engine.live.messages import (
    Did,
    Heard,
    Load,
    Loaded,
    Message,
    Midi,
    Open,
    Osc,
    Panic,
    Ports,
    Ready,
    Said,
    Set,
    Stop,
    ignore_interrupts,
    read,
    send,
)
from engine.live.shared import ENGINE_BEAT, HITS, LISTENING, SKIPPED, SharedBlock
from engine.live.tempo import Tempo
from engine.nodes.midi_in import MidiIn
from engine.nodes.midi_out import MidiOut
from engine.nodes.osc_out import OscOut
from engine.patch import parse_patch
from engine.rig import load_rig
from engine.units import HOP, SAMPLE_RATE

_BEHIND = 96 * HOP                     # 128 ms: what lies further back is given up for the newest
_SHOWN = 8                             # hits in the snapshot
_IDLE_S = 0.02                         # woken at least so often, to be seen alive


def run(command: Connection, port: Connection, block_name: str) -> None:
    """The whole life of the engine process."""
    ignore_interrupts()
    Engine(command, port, SharedBlock(block_name)).live()
    os._exit(0)                            # not by way of the drivers, which may hang


@dataclass(frozen=True, slots=True)
class _Built:
    """A graph, warm, and where its OSC goes."""

    graph: Graph
    targets: dict[str, Target]
    control_port: str


class Engine:
    """The loop and what it owns."""

    def __init__(self, command: Connection, port: Connection, block: SharedBlock) -> None:
        self._command, self._port, self._block = command, port, block
        self._started = time.monotonic()
        self._clock = Clock()
        self._stream: portaudio.Stream | None = None
        self._deck: Deck | None = None
        self._graph: Graph | None = None
        self._next: _Built | None = None           # put on the deck, not yet taken by it
        self._built: deque[_Built | Loaded] = deque()
        self._ports: dict[str, int] = {}           # midi-out node -> the number of its port
        self._keys: dict[int, MidiIn] = {}         # the number of an input -> its node
        self._targets: dict[str, Target] = {}
        self._waiting: list[tuple[int, int, str, OscMessage]] = []    # OSC, by when it is due
        self._count = 0
        self._shown: deque[tuple[float, str, float, float, float]] = deque(maxlen=_SHOWN)
        self._lights: dict[Binding, int] = {}      # what the controller was told
        self._control_port = 0
        self._tempo = Tempo(block.words)
        self._enter_ns = 0                         # back after a fall: silent until a bar line
        self._fell = bool(block.words[ENGINE_BEAT])
        self._words: list[str] = []
        self._said_ready = False
        self._running = True

    # -- the loop ------------------------------------------------------------------------------

    def live(self) -> None:
        """Until told to stop, or until nobody is there to tell."""
        self._words.append(quieten("engine"))
        try:
            while self._running:
                self._wait()
                self._block.words[ENGINE_BEAT] = time.monotonic_ns()
                self._hear_pipes()
                self._take_built()
                self._advance()
                self._send_osc()
        finally:
            self._leave()

    def _wait(self) -> None:
        """Until the callback has brought audio, or an OSC message is due."""
        timeout = _IDLE_S if self._stream else 0.001
        if self._waiting:
            timeout = min(timeout, max(0.0, (self._waiting[0][0] - time.monotonic_ns()) / 1e9))
        if self._deck is None:
            time.sleep(timeout)
        else:
            self._deck.wake.wait(timeout)
            if self._stream is None:
                self._deck.pretend(time.monotonic_ns())     # no card: silence at the same pace

    def _advance(self) -> None:
        """Hear every hop that has come in; too many are given up, and that is said."""
        graph, words = self._graph, self._block.words
        if graph is None:
            return
        if self._enter_ns and time.monotonic_ns() >= self._enter_ns:
            self._enter_ns, graph.listening = 0, bool(words[LISTENING])
        assert self._deck is not None
        frame, heard_ns = self._deck.mark
        self._clock.mark(frame, heard_ns)
        if frame - self._clock.frame > _BEHIND:
            skipped = graph.skip_to(frame - frame % HOP - HOP)
            words[SKIPPED] += round(skipped.seconds * SAMPLE_RATE / HOP)
            self._say(f"skipped {skipped.seconds * 1000:.0f} ms to catch up")
        graph.catch_up(frame)
        for sent in graph.take():
            self._dispatch(sent)

    def _dispatch(self, sent: Sent) -> None:
        event = sent.event
        if isinstance(event, NoteOn | NoteOff):
            port = self._ports.get(sent.node)
            if port is not None:
                status = (0x90 if isinstance(event, NoteOn) else 0x80) | (event.channel - 1)
                self._tell_port(Midi(port, status, event.note, event.velocity,
                                     self._clock.ns_at(sent.sent)))
        elif isinstance(event, OscMessage):
            self._count += 1
            heapq.heappush(self._waiting,
                           (self._clock.ns_at(sent.sent), self._count, sent.node, event))
        elif isinstance(event, Hit):
            self._block.words[HITS] += 1
            self._shown.append((event.time, event.drum, event.velocity, event.confidence,
                                (sent.sent - event.time) * 1000.0))
            self._block.write_snapshot(msgspec.msgpack.encode(list(self._shown)))

    def _send_osc(self) -> None:
        now = time.monotonic_ns()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, node, message = heapq.heappop(self._waiting)
            target = self._targets.get(node)
            if target is not None:
                target.tell(message)
                if news := target.news():
                    self._say(news)

    # -- what is said to us --------------------------------------------------------------------

    def _hear_pipes(self) -> None:
        for pipe in _readable(self._command, self._port):
            try:
                message = read(pipe)
            except EOFError:
                if pipe is self._command:
                    self._running = False
                elif self._port_is_there():
                    self._port.close()              # the command process brings a new one
                continue
            if message is not None:
                self._obey(message)

    def _obey(self, message: Message) -> None:
        match message:
            case Heard():
                self._heard_midi(message)
            case Osc(name, value, heard_ns) | Set(name, value, heard_ns):
                self._control(name, value, heard_ns)
            case Open():
                self._open(message)
            case Load():
                threading.Thread(target=self._build, args=(message,), daemon=True).start()
            case Panic():
                self._panic()
            case Stop():
                self._running = False

    def _heard_midi(self, heard: Heard) -> None:
        """A note goes to the node of its port; knobs, pedals and programs to the controls."""
        if self._graph is None:
            return
        time_s, kind = self._clock.time_at(heard.heard_ns), heard.status & 0xF0
        channel = (heard.status & 0x0F) + 1
        node = self._keys.get(heard.port)
        if kind == 0x90 and heard.data2:
            note: NoteOn | NoteOff = NoteOn(time_s, heard.data1, heard.data2, channel)
        elif kind in (0x80, 0x90):
            note = NoteOff(time_s, heard.data1, heard.data2, channel)
        elif kind == 0xB0:
            self._touched("cc", (heard.data1, channel, heard.data2))
            return
        elif kind == 0xC0:
            self._touched("program", (heard.data1 + 1, channel, 127))
            return
        else:
            return
        if node is not None:
            node.arrive(note)
        pressed = heard.data2 if isinstance(note, NoteOn) else 0
        self._touched("note", (heard.data1, channel, pressed))

    def _touched(self, source: str, message: tuple[int, int, int]) -> None:
        assert self._graph is not None
        for name, value in self._graph.knobs.touch(source, *message):
            self._control(name, value, 0)

    def _control(self, name: str, value: Any, heard_ns: int = 0) -> None:
        """A setting or scene moves; an action is done here, or told to the command process."""
        if name == "listen":
            words = self._block.words
            words[LISTENING] = 1 - words[LISTENING] if value is True else int(bool(value))
            if self._graph:
                self._graph.listening = bool(words[LISTENING])
            self._say("", "LISTENING" if words[LISTENING] else "NOT LISTENING")
        elif name == "panic":
            self._panic()
        elif name == "tap":
            if bpm := self._tempo.tap(heard_ns or time.monotonic_ns()):
                self._say(f"{bpm:.1f} bpm")
        elif name == "one":
            self._tempo.one(heard_ns or time.monotonic_ns())
        elif "." not in name:
            send(self._command, Did(name))
        elif self._graph:
            try:
                self._graph.control(Control(self._clock.now, name, value))
                send(self._command, Set(name, value))       # so that it outlives this process
            except KuchiError as error:
                self._say(str(error))
        self._show_lights()

    def _show_lights(self) -> None:
        """Tell the controller where each of its knobs and buttons stands now."""
        if self._graph is None:
            return
        for binding in self._graph.knobs.bindings:
            if binding.source == "cc" and (binding.to == "listen" or not binding.is_action):
                on = (float(self._block.words[LISTENING]) if binding.to == "listen"
                      else self._graph.knobs.travel(binding))
                light = round(127 * on)
                if self._lights.get(binding) != light:
                    self._lights[binding] = light
                    self._tell_port(Midi(self._control_port, 0xB0 | ((binding.channel or 1) - 1),
                                         int(binding.number or 0), light))

    def _panic(self) -> None:
        self._waiting.clear()
        if self._graph:
            for sent in self._graph.finish():
                self._dispatch(sent)
        self._tell_port(Panic())

    # -- patches -------------------------------------------------------------------------------

    def _build(self, load: Load) -> None:
        """In the builder thread: make the next graph, warm, from a plan already checked."""
        try:
            patch = parse_patch(load.text, source=load.source, folder=Path(load.folder))
            rig = load_rig(Path(load.rig) if Path(load.rig).exists() else None)
            patch = rig.applied_to(patch)
            deck = self._deck
            assert deck is not None
            graph = Graph(patch, input_channels=deck.input_channels,
                          output_channels=deck.output_channels, clock=self._clock,
                          on_fault=self._fault)
            targets = {name: Target(*node.target) for name, node in graph.nodes.items()
                       if isinstance(node, OscOut)}
            self._built.append(_Built(graph, targets, rig.control_port))
        except PatchError as error:
            self._built.append(Loaded(load.source, tuple(error.mistakes)))
        except KuchiError as error:
            self._built.append(Loaded(load.source, (str(error),)))

    def _take_built(self) -> None:
        """Put a new graph on the deck; once the callback has taken it, its nodes take over."""
        deck = self._deck
        if deck is None:
            return
        if self._next is None and self._built:
            built = self._built.popleft()
            if isinstance(built, Loaded):
                send(self._command, built)
                return
            self._next = built
            deck.put(built.graph.audio)
        if self._next is not None and (taken := deck.taken_at()) is not None:
            self._swap(self._next, taken)
            self._next = None
        deck.collect()

    def _swap(self, built: "_Built", frame: int) -> None:
        """From `frame` on the new graph plays; notes of outlets that are gone are ended."""
        graph, old = built.graph, self._graph
        if old is not None:
            old.catch_up(frame)
            for sent in old.leave(graph):
                self._dispatch(sent)
        self._graph = graph
        if old is None:
            self._clock.move_to(frame - frame % HOP)
        else:
            graph.follow(old, frame)
        graph.listening = bool(self._block.words[LISTENING])
        self._bind(built)
        send(self._command, Loaded(graph.patch.source))
        self._lights.clear()
        self._show_lights()
        if not self._said_ready:
            self._said_ready = True
            if self._fell:
                self._enter_ns = self._tempo.bar_line(time.monotonic_ns())
                graph.listening = False
            send(self._command, Ready(time.monotonic() - self._started, tuple(self._words)))

    def _bind(self, built: "_Built") -> None:
        """Give each outlet and inlet of the patch its port or address."""
        graph = built.graph
        outputs = {name: node.port for name, node in graph.nodes.items()
                   if isinstance(node, MidiOut)}
        inputs = {name: node for name, node in graph.nodes.items() if isinstance(node, MidiIn)}
        names = list(dict.fromkeys(outputs.values()))
        heard = list(dict.fromkeys(node.port for node in inputs.values()))
        self._ports = {name: names.index(port) for name, port in outputs.items()}
        self._keys = {heard.index(node.port): node for node in inputs.values()}
        self._control_port = len(names)
        self._tell_port(Ports((*names, built.control_port), (*heard, built.control_port)))
        for target in self._targets.values():
            target.close()
        self._targets = built.targets

    def _fault(self, node: str, error: Exception) -> None:
        self._say(f"{node} failed and is muted: {type(error).__name__}: {error}", "NODE MUTED")

    # -- devices -------------------------------------------------------------------------------

    def _open(self, wanted: Open) -> None:
        block = self._block
        self._deck = Deck(wanted.input_channels, wanted.output_channels, block.words, block.heard,
                          block.played)
        if not wanted.audio:
            self._words.append("No sound card: running on a timer.")
            return
        try:
            self._stream = portaudio.open_stream(self._deck, wanted.device, wanted.input_channels,
                                                 wanted.output_channels, blocksize=wanted.block)
            self._words.append(self._stream.words)
        except DeviceError as error:
            self._say(str(error), "NO DEVICE")
            self._words.append("No sound card: running on a timer.")

    def _leave(self) -> None:
        """Everything ended, everything closed; the port process ends what we no longer can."""
        if self._graph:
            for sent in self._graph.finish():
                self._dispatch(sent)
        if self._stream:
            self._stream.close()
        for target in self._targets.values():
            target.close()

    # -- saying --------------------------------------------------------------------------------

    def _say(self, text: str, state: str = "") -> None:
        send(self._command, Said(text, state))

    def _tell_port(self, message: Message) -> None:
        if self._port_is_there() and _writable(self._port):
            send(self._port, message)

    def _port_is_there(self) -> bool:
        return not self._port.closed


def _readable(*pipes: Connection) -> list[Connection]:
    """Those that have something to say, without waiting."""
    there = [pipe for pipe in pipes if not pipe.closed]
    if sys.platform == "win32":
        return [pipe for pipe in there if pipe.poll()]
    return select.select(there, [], [], 0)[0]


def _writable(pipe: Connection) -> bool:
    """Is there room? A pipe nobody reads must not stop the engine."""
    return sys.platform == "win32" or bool(select.select([], [pipe], [], 0)[1])
