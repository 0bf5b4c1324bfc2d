"""The engine process: one thread that hears hops and lets notes leave, and nothing beside it.

It is woken by the audio callback, or by a timer of a millisecond where no audio runs. A patch is
built and warmed by a builder thread, a card is opened by another; the loop only takes them in.
Everything it says goes through pipes that are never waited for.
"""

import os
import select
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from engine.audio.deck import Deck
from engine.clock import Clock
from engine.controls import ACTIONS
from engine.devices.priority import quieten
from engine.errors import KuchiError
from engine.events import Control, Sent
from engine.live.builder import Builder, Built
from engine.live.card import Card
from engine.live.desks import Desks
from engine.live.hands import Hands
from engine.live.link import Link
from engine.live.messages import (
    Did,
    Forget,
    Heard,
    Keep,
    Kept,
    Load,
    Loaded,
    Message,
    Open,
    Osc,
    Panic,
    Ports,
    Ready,
    Relink,
    Said,
    Set,
    Stop,
    ignore_interrupts,
    offer,
    read,
)
from engine.live.outlets import Outlets
from engine.live.shared import (
    ANALYSED,
    BEGAN,
    ENGINE_BEAT,
    FRAME_NS,
    IN_PLUGIN,
    LISTENING,
    SKIPPED,
    SharedBlock,
)
from engine.live.tempo import Tempo
from engine.node import OnStage
from engine.nodes.clock import Clock as BeatClock
from engine.nodes.midi_in import MidiIn
from engine.nodes.midi_out import MidiOut
from engine.units import HOP, SAMPLE_RATE

CARD_LOST, PLUGIN_HANGS = 3, 4         # exit codes: a process with a fresh driver is needed

_BEHIND = 96 * HOP                     # 128 ms: what lies further back is given up for the newest
_MOST_LATENCY_S = 0.04                 # of the card: more can't be taken off what is to come
_EARLY_S = 0.02                        # what is known beforehand is handed on so early
_HANGS_NS = 150_000_000                # a block that takes so long has met a plugin that hangs
_IDLE_S = 0.02                         # woken at least so often, to be seen alive
_TIMER_S = 0.001


def run(command: Connection, links: Sequence[Connection], workers: Sequence[Connection],
        block_name: str) -> None:
    """The whole life of the engine process.

    command : to and from the command process; its end is the end of this one
    links   : one to each port process that may come; the first is there now
    workers : the same to each worker
    """
    ignore_interrupts()
    code = Engine(command, Link(links), Desks(workers), SharedBlock(block_name)).live()
    os._exit(code)                         # not by way of the drivers, which may hang


class Engine:
    """The loop and what it owns."""

    def __init__(self, command: Connection, link: Link, desks: Desks, block: SharedBlock) -> None:
        self._command, self._link, self._block = command, link, block
        self._desks = desks
        self._started = time.monotonic()
        self._clock = Clock()
        self._outlets = Outlets(self._clock, block, link, self._tell)
        self._hands = Hands()
        self._tempo = Tempo(block.words, self._clock)
        self._deck: Deck | None = None              # these three come with the first `Open`
        self._card: Card | None = None
        self._builder: Builder | None = None
        self._playing: Built | None = None
        self._next: Built | None = None             # put on the deck, not yet taken by it
        self._enter_ns = 0                          # back after a fall: silent until a bar line
        self._fell = bool(block.words[ENGINE_BEAT])
        self._words: list[str] = []
        self._ready = False
        self._unheard = 0                           # lines for which there was no room
        self._code: int | None = None

    # -- the loop ------------------------------------------------------------------------------

    def live(self) -> int:
        """Until told to stop, or nobody is there to tell; returns the exit code."""
        self._words.append(quieten("engine"))
        try:
            while self._code is None:
                self._wait()
                self._block.words[ENGINE_BEAT] = time.monotonic_ns()
                self._hear_pipes()
                self._watch_card()
                self._take_built()
                self._advance()
                for news in self._outlets.send_due():
                    self._say(news)
                self._link.flush()
        except Exception as error:                  # a mistake of ours: said, not shown
            self._say(f"the engine has failed: {type(error).__name__}: {error}")
            self._code = 1
        self._leave()
        return self._code

    def _wait(self) -> None:
        """Until the callback has brought audio, or an OSC message is due."""
        deck, card = self._deck, self._card
        if deck is None or card is None:
            time.sleep(_TIMER_S)
            return
        timeout = _IDLE_S if card.calls else _TIMER_S
        if (due_ns := self._outlets.next_ns) is not None:
            due_s = (due_ns - time.monotonic_ns()) / 1e9
            if due_s < _TIMER_S:                    # finer than a poll; sound that comes waits
                time.sleep(max(0.0, due_s))
                return
            timeout = min(timeout, due_s - _TIMER_S)
        deck.wake.wait(timeout)
        if not card.calls and not card.opening:
            deck.pretend(time.monotonic_ns())       # no card: silence at the same pace

    def _advance(self) -> None:
        """Hear every hop that has come in; too many are given up, and that is said."""
        if self._playing is None or self._deck is None:
            return
        graph, words = self._playing.graph, self._block.words
        if self._enter_ns and time.monotonic_ns() >= self._enter_ns:
            self._enter_ns, graph.listening = 0, bool(words[LISTENING])
        frame, heard_ns = self._deck.mark
        self._clock.mark(frame, heard_ns)
        if frame - self._clock.frame > _BEHIND:
            self._skip(frame - frame % HOP - HOP)
        graph.catch_up(frame)
        words[ANALYSED] = self._clock.frame
        self._outlets.leave(graph.take(_EARLY_S))
        self._say_if(self._tempo.keep(self._link))

    def _skip(self, frame: int) -> None:
        assert self._playing is not None
        skipped = self._playing.graph.skip_to(frame)
        self._block.words[SKIPPED] += round(skipped.seconds * SAMPLE_RATE / HOP)
        self._outlets.leave([Sent(self._clock.now, "engine", skipped)])
        self._link.tell(Forget())
        self._say(f"skipped {skipped.seconds * 1000:.0f} ms to catch up")

    # -- what is said to us --------------------------------------------------------------------

    def _hear_pipes(self) -> None:
        for pipe in _readable(self._command, self._link.pipe):
            try:
                message = read(pipe)
            except EOFError:
                if pipe is self._command:
                    self._code = 0
                else:
                    self._link.close()              # the command process tells of a new one
                continue
            if message is not None:
                self._obey(message)

    def _obey(self, message: Message) -> None:
        match message:
            case Heard():
                time_s = self._clock.time_at(message.heard_ns)
                for name, value in self._hands.touch(message, time_s):
                    self._control(name, value, message.heard_ns)
            case Osc(name, value, heard_ns):        # a button on a screen is as good as a pedal
                self._control(name, True if name in ACTIONS else value, heard_ns)
            case Set(name, value, heard_ns):
                self._control(name, value, heard_ns)
            case Open():
                self._open(message)
            case Load() if self._builder is not None:
                self._builder.build(message)
            case Keep() if self._builder is not None and self._playing is not None:
                self._builder.keep(message, self._playing.graph)
            case Relink(number, "worker"):
                self._desks.use(number)
            case Relink(number):
                self._link.use(number)
                self._ask_for_ports()
            case Panic():
                self._panic()
            case Stop():
                self._code = 0

    def _control(self, name: str, value: Any, heard_ns: int = 0) -> None:
        """A setting or scene moves; an action is done here, or told to the command process."""
        heard_ns = heard_ns or time.monotonic_ns()
        if name == "listen":
            self._listen(value)
        elif name == "panic":
            self._panic()
        elif name == "program":
            self._tell(Did(name, value))
        elif self._playing and self._playing.graph.acts(name):
            self._move(name, value)
        elif "." not in name:
            self._tell(Did(name))
        elif self._playing and self._move(name, value):
            self._tell(Set(name, value))            # so that it outlives this process
        self._keep_time(name, heard_ns)
        self._show_lights()

    def _move(self, name: str, value: Any) -> bool:
        """Let the graph answer; what it can't do is said."""
        assert self._playing is not None
        try:
            self._playing.graph.control(Control(self._clock.now, name, value))
        except KuchiError as error:
            self._say(str(error))
            return False
        return True

    def _keep_time(self, name: str, heard_ns: int) -> None:
        if name == "tap" and (bpm := self._tempo.tap(heard_ns)):
            self._say(f"{bpm:.1f} bpm")
        elif name == "one":
            self._tempo.one(heard_ns)

    def _listen(self, value: Any) -> None:
        """A press turns it over, a number sets it."""
        words = self._block.words
        words[LISTENING] = 1 - words[LISTENING] if value is True else int(bool(value))
        if self._playing and not self._enter_ns:
            self._playing.graph.listening = bool(words[LISTENING])
        self._say("", "LISTENING" if words[LISTENING] else "NOT LISTENING")

    def _panic(self) -> None:
        self._outlets.forget()
        if self._playing:
            self._outlets.leave(self._playing.graph.finish())
        self._link.tell(Panic())

    def _show_lights(self) -> None:
        for light in self._hands.lights(bool(self._block.words[LISTENING])):
            self._link.tell(light)

    # -- patches -------------------------------------------------------------------------------

    def _take_built(self) -> None:
        """Put a new graph on the deck; once the callback has taken it, its nodes take over."""
        deck, builder, card = self._deck, self._builder, self._card
        if deck is None or builder is None or card is None or card.opening:
            return
        if self._next is None and (built := builder.take()) is not None:
            if isinstance(built, Loaded | Kept):
                self._tell(built)
                return
            self._next = built
            deck.put(built.graph.audio)
        if self._next is not None and (taken := deck.taken_at()) is not None:
            self._swap(self._next, taken)
            self._next = None
        deck.collect()

    def _swap(self, built: Built, frame: int) -> None:
        """From `frame` on the new graph plays; notes of outlets that are gone are ended."""
        graph, words = built.graph, self._block.words
        if self._playing is None:
            self._clock.move_to(frame)
            graph.listening = bool(words[LISTENING])
        else:
            old = self._playing.graph
            old.catch_up(frame)
            self._outlets.leave(old.leave(graph))
            graph.follow(old, frame)
        self._playing = built
        words[BEGAN] = frame
        self._bind(built)
        self._tell(Loaded(graph.patch.source))
        if not self._ready:
            self._ready = True
            if self._fell:
                self._enter_ns = self._tempo.bar_line(time.monotonic_ns())
                graph.listening = False
            self._tell(Ready(time.monotonic() - self._started, tuple(self._words)))

    def _bind(self, built: Built) -> None:
        """Give each outlet and inlet of the patch its port or address."""
        outputs, inputs = _names(built)
        ports = {name: outputs.index(node.port) for name, node in built.graph.nodes.items()
                 if isinstance(node, MidiOut)}
        self._outlets.bind(ports, built.targets)
        self._tempo.bind(built.graph, outputs, back=self._fell and not self._ready)
        self._hands.bind(built.graph, inputs, outputs.index(built.control_port))
        self._ask_for_ports()

    def _ask_for_ports(self) -> None:
        if self._playing:
            self._link.tell(Ports(*_names(self._playing), self._playing.graph.actions))
            self._hands.darken()
            self._show_lights()

    def _fault(self, node: str, error: Exception) -> None:
        self._say(f"{node} failed and is muted: {type(error).__name__}: {error}", "NODE MUTED")

    # -- devices -------------------------------------------------------------------------------

    def _open(self, wanted: Open) -> None:
        if self._deck is None:
            block = self._block
            self._deck = Deck(wanted.input_channels, wanted.output_channels, block.words,
                              block.heard, block.played)
            self._card = Card(self._deck)
            self._builder = Builder(self._clock, wanted.input_channels, wanted.output_channels,
                                    self._fault, self._desks,
                                    OnStage(self._say, block.words[IN_PLUGIN:IN_PLUGIN + 2]))
            self._outlets.log = wanted.log
        assert self._card is not None
        if wanted.audio:
            self._card.open(wanted)

    def _watch_card(self) -> None:
        if self._card is None:
            return
        if (news := self._card.news()) is not None:
            self._words.append(news.words)
            self._clock.latency = min(self._card.latency, _MOST_LATENCY_S)
            self._tell(news)
        if self._plugin_hangs():
            self._code = PLUGIN_HANGS
        elif self._card.lost:
            self._code = CARD_LOST

    def _plugin_hangs(self) -> bool:
        """Has the audio thread been inside a plugin for so long that it won't come back?"""
        words = self._block.words
        inside = int(words[IN_PLUGIN])
        if not inside or time.monotonic_ns() - int(words[FRAME_NS]) < _HANGS_NS:
            return False
        return inside == int(words[IN_PLUGIN])

    def _leave(self) -> None:
        """Everything ended, everything closed; the port process ends what we no longer can."""
        if self._playing:
            self._outlets.leave(self._playing.graph.finish())
        self._tempo.end(self._link)
        self._link.flush()
        self._outlets.close()
        if self._card and self._code not in (CARD_LOST, PLUGIN_HANGS):
            self._card.close()

    # -- saying --------------------------------------------------------------------------------

    def _say(self, text: str, state: str = "") -> None:
        self._tell(Said(text, state))

    def _say_if(self, text: str) -> None:
        if text:
            self._say(text)

    def _tell(self, message: Message) -> None:
        """To the command process; it may be stopped, and we play on."""
        if not offer(self._command, message):
            self._unheard += 1
        elif self._unheard:
            self._unheard, count = 0, self._unheard
            self._say(f"{count} {'line' if count == 1 else 'lines'} found nobody who read them")


def _names(built: Built) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ports of a patch, out and in, each once, and the controller's among both."""
    nodes = built.graph.nodes.values()
    clocks = [node for node in nodes if isinstance(node, BeatClock)]
    outputs = (*(node.port for node in nodes if isinstance(node, MidiOut)), built.control_port,
               *(node.port_out for node in clocks if node.port_out))
    inputs = (*(node.port for node in nodes if isinstance(node, MidiIn)), built.control_port,
              *(node.port_in for node in clocks if node.port_in))
    return tuple(dict.fromkeys(outputs)), tuple(dict.fromkeys(inputs))


def _readable(*pipes: Connection) -> list[Connection]:
    """Those that have something to say, without waiting."""
    there = [pipe for pipe in pipes if not pipe.closed]
    if sys.platform == "win32":
        return [pipe for pipe in there if pipe.poll()]
    return select.select(there, [], [], 0)[0]
