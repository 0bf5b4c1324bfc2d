"""The port process: it owns the MIDI ports, and every note on them ends, whatever falls.

One loop and nothing else: messages leave when they are due, what comes in is passed on, and the
engine's heartbeat is watched. Where that stops, the notes that sound are ended here.
"""

import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from engine.controls import ACTIONS
from engine.devices.osc import Inlet
from engine.devices.priority import quieten
from engine.errors import DeviceError
from engine.live.ledger import Door, Leaving, Ledger
from engine.live.messages import (
    Forget,
    Heard,
    Message,
    Midi,
    Osc,
    OscIn,
    Panic,
    Ports,
    Said,
    Stop,
    ignore_interrupts,
    read,
    send,
)
from engine.live.plugs import Plugs
from engine.live.shared import ENGINE_BEAT, LISTENING, NOTES_ON, PORT_BEAT, SharedBlock
from engine.osc import read_control

_SILENCE_NS = 250_000_000       # an engine that gives no sign of life for so long has fallen
_TURN_NS = 20_000_000           # the loop turns at least so often,
_INPUT_NS = 1_000_000           # and so often while there is something to hear
_SPIN_NS = 300_000              # the last stretch before a note is waited for awake
_TELL_NS = 1_000_000_000        # what was refused is told so often
_MOST_UNSENT = 4096             # more than may come in before a silent engine is noticed
_AGAIN_NS = (120_000_000, 1_000_000_000)    # JACK clients that the engine's death made deaf
_FAREWELL_S = 0.1               # between the last note-off and the end of the ports


def run(command: Connection, links: Connection, block_name: str) -> None:
    """The whole life of the port process.

    command    : to and from the command process; its end is the end of this one
    links      : brings a connection to each engine that is started
    block_name : of the shared block
    """
    ignore_interrupts()
    quieten("port")
    desk = Desk(command, links, SharedBlock(block_name))
    signal.signal(signal.SIGTERM, lambda *_: desk.stop())
    desk.live()
    os._exit(0)                 # all is closed; a tidier end would wait for ports of dead servers


class Desk:
    """The loop and what it owns."""

    def __init__(self, command: Connection, links: Connection, block: SharedBlock) -> None:
        self._command, self._links = command, links
        self._block, self._words = block, block.words
        self._ledger, self._door = Ledger(block.journal), Door()
        self._plugs = Plugs(self._ledger, self._door, self._say)
        self._inlet: Inlet | None = None
        self._actions: tuple[str, ...] = ACTIONS
        self._engine: Connection | None = None
        self._unsent: deque[Message] = deque(maxlen=_MOST_UNSENT)
        self._linked_ns = self._turn_ns = 0
        self._hung = False
        self._told_ns = self._flooded = self._late = 0
        self._flood = False
        self._running = True

    def live(self) -> None:
        """Until told to stop, or until nobody is there to tell."""
        try:
            while self._running:
                said = self._wait()
                now_ns = time.monotonic_ns()
                keys = list(self._plugs.heard())
                if now_ns < self._turn_ns and not (
                        said or keys or self._unsent or self._ledger.sounding):
                    continue                        # nobody plays: to look costs little
                for source in said:
                    self._hear(source)
                now_ns = time.monotonic_ns()
                self._turn_ns = now_ns + _TURN_NS
                self._watch(now_ns)
                self._plugs.play(now_ns)
                for heard in keys:
                    self._tell_engine(Heard(*heard))
                self._hear_osc(now_ns)
                self._send_engine()
                self._plugs.look(now_ns)
                self._tell_refused(now_ns)
                self._words[PORT_BEAT] = now_ns
                self._words[NOTES_ON] = self._ledger.sounding
        finally:
            self._leave()

    def stop(self) -> None:
        """Leave at the next turn."""
        self._running = False

    def _leave(self) -> None:
        """Every note ended, and time for it to be heard."""
        release = self._plugs.close(time.monotonic_ns())
        time.sleep(_FAREWELL_S)
        release()
        if self._inlet:
            self._inlet.close()

    def _wait(self) -> list[Any]:
        """Who has something to say; returns in time for what is due."""
        pipes = [self._command, self._links, *([self._engine] if self._engine else [])]
        turn_ns = _INPUT_NS if self._plugs.listens else _TURN_NS
        due_ns = self._ledger.next_ns
        if due_ns is not None:
            turn_ns = min(turn_ns, due_ns - time.monotonic_ns() - _SPIN_NS)
            if turn_ns <= 0:
                self._turn_ns = 0                       # whatever else there is, this is due
                while time.monotonic_ns() < due_ns:
                    pass
        return _readable(pipes, self._inlet, max(turn_ns, 0) / 1e9)

    # -- what is said to us --------------------------------------------------------------------

    def _hear(self, source: Any) -> None:
        if source is self._links:
            self._link()
        elif source in (self._command, self._engine):
            try:
                self._obey(read(source))
            except EOFError:
                if source is self._command:
                    self.stop()
                else:
                    self._unlink()

    def _obey(self, message: Message | None) -> None:
        now_ns = time.monotonic_ns()
        match message:
            case Midi(number, status, data1, data2, due_ns):
                slot = self._plugs.slot(number)
                if slot is not None and _is_midi(status, data1, data2):
                    self._ledger.add(Leaving(slot, status, data1, data2), due_ns or now_ns)
            case Ports(outputs, inputs, actions):
                self._actions = (*ACTIONS, *actions)
                self._plugs.want(outputs, inputs, now_ns)
            case Forget():
                self._ledger.forget()
            case Panic():
                self._ledger.panic()
            case OscIn(port, allow):
                self._open_osc(port, allow)
            case Stop():
                self.stop()

    def _hear_osc(self, now_ns: int) -> None:
        for address, arguments in self._inlet.receive() if self._inlet else ():
            control = read_control(address, arguments, now_ns / 1e9, actions=self._actions)
            if control is None:
                continue
            if control.name == "panic":                # not even a hung engine delays this
                self._ledger.panic()
            value = int(control.value) if isinstance(control.value, bool) else control.value
            self._tell_engine(Osc(control.name, value, now_ns))

    def _open_osc(self, port: int, allow: Sequence[str]) -> None:
        if self._inlet:
            self._inlet.close()
            self._inlet = None
        try:
            self._inlet = Inlet(port, allow)
        except DeviceError as error:
            self._say(str(error))

    # -- the engine ----------------------------------------------------------------------------

    def _link(self) -> None:
        """Another engine takes the place of the one that was there."""
        try:
            engine = self._links.recv()
        except EOFError:
            self.stop()
            return
        except OSError:                                # it ended before we could take its hand
            return
        if self._engine:
            self._unlink()
        self._engine, self._hung = engine, False
        self._linked_ns = time.monotonic_ns()

    def _unlink(self) -> None:
        if self._engine:
            self._engine.close()
            self._engine = None
        self._unsent.clear()
        self._end_notes("the engine has gone")

    def _watch(self, now_ns: int) -> None:
        """An engine that has begun to beat and stops is taken for dead until it beats again."""
        beat_ns = int(self._words[ENGINE_BEAT])
        if self._engine is None or beat_ns <= self._linked_ns:
            return
        silent = now_ns - beat_ns > _SILENCE_NS
        if silent and not self._hung:
            self._end_notes("the engine doesn't answer")
        self._hung = silent

    def _end_notes(self, why: str) -> None:
        count, now_ns = self._ledger.sounding, time.monotonic_ns()
        self._ledger.forget([now_ns + later_ns for later_ns in _AGAIN_NS])
        self._plugs.play(time.monotonic_ns())
        if count:
            self._say(f"{why}: {count} {'note' if count == 1 else 'notes'} ended")

    def _tell_engine(self, message: Message) -> None:
        """Only one that listens; one that hangs hears the end of what it holds when it's back."""
        if self._engine is None or int(self._words[ENGINE_BEAT]) <= self._linked_ns:
            return
        if not self._hung or (isinstance(message, Heard) and _ends(message)):
            self._unsent.append(message)

    def _send_engine(self) -> None:
        """As much as there is room for: a full pipe would stop us, and who ended its notes then?"""
        while self._engine and self._unsent and _has_room(self._engine):
            if not send(self._engine, self._unsent.popleft()):
                self._unlink()

    # -- saying --------------------------------------------------------------------------------

    def _say(self, text: str, state: str = "") -> None:
        if _has_room(self._command):
            send(self._command, Said(text, state))

    def _tell_refused(self, now_ns: int) -> None:
        """Once a second, what there was too much of."""
        if now_ns - self._told_ns < _TELL_NS:
            return
        self._told_ns = now_ns
        flooded, late = self._ledger.flooded + self._door.flooded, self._ledger.late
        if flooded > self._flooded:
            self._say(f"MIDI: {flooded - self._flooded} messages were too many and are left out",
                      "FLOOD")
        elif self._flood:
            self._say("MIDI: the flood is over",
                      "LISTENING" if self._words[LISTENING] else "NOT LISTENING")
        if late > self._late:
            self._say(f"MIDI: {late - self._late} notes came too late and are left out")
        self._flood = flooded > self._flooded
        self._flooded, self._late = flooded, late
        if self._inlet and (news := self._inlet.news()):
            self._say(news)


def _ends(heard: Heard) -> bool:
    kind = heard.status & 0xF0
    return kind == 0x80 or (kind == 0x90 and not heard.data2)


def _is_midi(status: int, data1: int, data2: int) -> bool:
    return 0x80 <= status <= 0xFF and 0 <= data1 <= 127 and 0 <= data2 <= 127


def _readable(pipes: list[Connection], inlet: Inlet | None, seconds: float) -> list[Any]:
    if sys.platform == "win32":                        # sockets can't be waited for beside pipes
        return wait(pipes, min(seconds, _INPUT_NS / 1e9) if inlet else seconds)
    sources: list[Any] = [*pipes, inlet] if inlet else [*pipes]
    return select.select(sources, [], [], seconds)[0]


def _has_room(pipe: Connection) -> bool:
    return sys.platform == "win32" or bool(select.select([], [pipe], [], 0.0)[1])
