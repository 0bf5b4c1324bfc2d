"""The engine process: one thread that hears hops and lets notes leave, and nothing beside it.

It is woken by the audio callback, or by a timer of a millisecond where no audio runs. In each turn
it does what can't wait, every few milliseconds what can: a card that was opened, a graph that was
built. Everything it says goes through pipes that are never waited for.
"""

import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from engine.clock import Clock
from engine.devices.priority import quieten
from engine.events import Sent
from engine.live.builder import Built
from engine.live.desks import Desks
from engine.live.ears import Ears
from engine.live.helm import Helm
from engine.live.link import Link
from engine.live.messages import (
    CARD_LOST,
    PLUGIN_HANGS,
    Forget,
    Keep,
    Load,
    Loaded,
    Message,
    Open,
    Panic,
    Ports,
    Ready,
    Relink,
    Said,
    Stop,
    ignore_interrupts,
    offer,
    read,
)
from engine.live.outlets import Outlets
from engine.live.shared import ANALYSED, BEGAN, ENGINE_BEAT, LISTENING, SKIPPED, SharedBlock
from engine.live.tempo import Tempo
from engine.live.turntable import Turntable
from engine.nodes.clock import Clock as BeatClock
from engine.nodes.midi_in import MidiIn
from engine.nodes.midi_out import MidiOut
from engine.units import HOP, SAMPLE_RATE

_BEHIND = 96 * HOP                     # 128 ms: what lies further back is given up for the newest
_EARLY_S = 0.02                        # what is known beforehand is handed on so early
_IDLE_S = 0.02                         # woken at least so often, to be seen alive
_TIMER_S = 0.001
_SLOW_NS = 5_000_000                   # how long a card or a built graph may wait to be noticed


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
        self._tempo = Tempo(block.words, self._clock)
        self._helm = Helm(self._clock, block.words, self._tempo, link, self._tell, self._panic)
        self._ears = Ears()
        self._ears.listen((command, link.pipe), None)
        self._turntable: Turntable | None = None    # comes with the first `Open`
        self._playing: Built | None = None
        self._enter_ns = 0                          # back after a fall: silent until a bar line
        self._fell = bool(block.words[ENGINE_BEAT])
        self._words: list[str] = []
        self._ready = False
        self._slow_ns = 0
        self._unheard = 0                           # lines for which there was no room
        self._code: int | None = None

    # -- the loop ------------------------------------------------------------------------------

    def live(self) -> int:
        """Until told to stop, or nobody is there to tell; returns the exit code."""
        self._words.append(quieten("engine"))
        try:
            while self._code is None:
                self.turn()
        except Exception as error:                  # a mistake of ours: said, not shown
            self._say(f"the engine has failed: {type(error).__name__}: {error}")
            self._code = 1
        self._leave()
        return self._code

    def turn(self) -> None:
        """Sleep until there is something to do, and do it."""
        for pipe in self._ears.wait(self._patience_s()):
            self._hear(pipe)
        now_ns = time.monotonic_ns()
        self._block.words[ENGINE_BEAT] = now_ns
        turntable = self._turntable
        if turntable is None:
            return
        turntable.pretend()
        if (taken := turntable.taken()) is not None:
            self._swap(*taken)
        if self._playing is not None:
            self._advance(turntable)
        if self._outlets.next_ns is not None:
            for news in self._outlets.send_due():
                self._say(news)
        self._link.flush()
        self._outlets.report()
        if now_ns >= self._slow_ns:
            self._slow_ns = now_ns + _SLOW_NS
            self._look_round(turntable)

    def _patience_s(self) -> float:
        """How long nothing needs to be done, unless sound comes or somebody speaks."""
        timeout_s = _IDLE_S if self._turntable and self._turntable.calls else _TIMER_S
        due_ns = self._outlets.next_ns
        if due_ns is None:
            return timeout_s
        return min(timeout_s, (due_ns - time.monotonic_ns()) / 1e9)

    def _look_round(self, turntable: Turntable) -> None:
        """What need not be looked at for every hop."""
        if (news := turntable.news()) is not None:
            self._words.append(news.words)
            self._tell(news)
        if self._code is None:
            self._code = turntable.trouble()
        if (told := turntable.put()) is not None:
            self._tell(told)
        self._say_if(self._tempo.keep(self._link))

    def _advance(self, turntable: Turntable) -> None:
        """Hear every hop that has come in; too many are given up, and that is said."""
        assert self._playing is not None
        graph, words = self._playing.graph, self._block.words
        if self._enter_ns and time.monotonic_ns() >= self._enter_ns:
            self._enter_ns = 0
        graph.listening = bool(words[LISTENING]) and not self._enter_ns
        frame, heard_ns = turntable.deck.mark
        self._clock.mark(frame, heard_ns)
        if frame - self._clock.frame > _BEHIND:
            self._skip(frame - frame % HOP - HOP)
        graph.catch_up(frame)
        words[ANALYSED] = self._clock.frame
        self._outlets.leave(graph.take(_EARLY_S))

    def _skip(self, frame: int) -> None:
        assert self._playing is not None
        skipped = self._playing.graph.skip_to(frame)
        self._block.words[SKIPPED] += round(skipped.seconds * SAMPLE_RATE / HOP)
        self._outlets.leave([Sent(self._clock.now, "engine", skipped)])
        self._link.tell(Forget())
        self._say(f"skipped {skipped.seconds * 1000:.0f} ms to catch up")

    # -- what is said to us --------------------------------------------------------------------

    def _hear(self, pipe: Connection) -> None:
        try:
            message = read(pipe)
        except EOFError:
            if pipe is self._command:
                self._code = 0
            else:
                self._link.close()                  # the command process tells of a new one
                self._listen()
            return
        if message is not None:
            self._obey(message)

    def _obey(self, message: Message) -> None:
        match message:
            case Open():
                self._open(message)
            case Load() if self._turntable is not None:
                self._turntable.build(message)
            case Keep() if self._turntable is not None and self._playing is not None:
                self._turntable.keep(message, self._playing.graph)
            case Relink(number, "worker"):
                self._desks.use(number)
            case Relink(number):
                self._link.use(number)
                self._listen()
                self._ask_for_ports()
            case Panic():
                self._panic()
            case Stop():
                self._code = 0
            case _:
                self._helm.obey(message)

    def _open(self, wanted: Open) -> None:
        if self._turntable is None:
            self._turntable = Turntable(wanted, self._clock, self._block, self._desks, self._say,
                                        self._fault)
            self._outlets.log = wanted.log
            self._listen()
        self._turntable.open(wanted)

    def _listen(self) -> None:
        """To sound, and to who is there now."""
        wake = self._turntable.deck.wake if self._turntable else None
        self._ears.listen((self._command, self._link.pipe), wake)

    def _panic(self) -> None:
        self._outlets.forget()
        if self._playing:
            self._outlets.leave(self._playing.graph.finish())
        self._link.tell(Panic())

    # -- patches -------------------------------------------------------------------------------

    def _swap(self, built: Built, frame: int) -> None:
        """From `frame` on the new graph plays; notes of outlets that are gone are ended."""
        graph, words = built.graph, self._block.words
        if self._playing is None:
            self._clock.move_to(frame)
        else:
            old = self._playing.graph
            old.catch_up(frame)
            self._outlets.leave(old.leave(graph))
            graph.follow(old, frame)
        self._playing = built
        words[BEGAN] = frame
        self._bind(built)
        self._tell(Loaded(built.ticket, graph.patch.source, files={
            str(path): edition for path, edition in graph.has_read.items()}))
        if not self._ready:
            self._ready = True
            if self._fell:
                self._enter_ns = self._tempo.bar_line(time.monotonic_ns())
            self._tell(Ready(time.monotonic() - self._started, tuple(self._words)))

    def _bind(self, built: Built) -> None:
        """Give each outlet and inlet of the patch its port or address."""
        outputs, inputs = _names(built)
        ports = {name: outputs.index(node.port) for name, node in built.graph.nodes.items()
                 if isinstance(node, MidiOut)}
        self._outlets.bind(ports, built.targets)
        self._tempo.bind(built.graph, outputs, back=self._fell and not self._ready)
        self._helm.bind(built.graph, inputs, outputs.index(built.control_port))
        self._ask_for_ports()

    def _ask_for_ports(self) -> None:
        if self._playing:
            self._link.tell(Ports(*_names(self._playing), self._playing.graph.actions))
            self._helm.light_up()

    def _fault(self, node: str, error: Exception) -> None:
        self._say(f"{node} failed and is muted: {type(error).__name__}: {error}", "NODE MUTED")

    def _leave(self) -> None:
        """Everything ended, everything closed; the port process ends what we no longer can."""
        if self._playing:
            self._outlets.leave(self._playing.graph.finish())
        self._tempo.end(self._link)
        self._link.flush()
        self._outlets.report()
        self._outlets.close()
        if self._turntable and self._code not in (CARD_LOST, PLUGIN_HANGS):
            self._turntable.close()

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
