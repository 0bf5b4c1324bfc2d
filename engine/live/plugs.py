"""The MIDI ports that a patch asks for: opened by name, missed when gone, opened again.

Cables are pulled on stage, and programs are closed and opened. Every two seconds the names of
what is connected are looked at; what has gone is told, and plugged in again when it is back.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.devices.midi import Input, Output, Sequencer, find
from engine.errors import DeviceError
from engine.live.ledger import PORTS, Door, Ledger
from engine.live.messages import NO_MIDI

P = TypeVar("P", Output, Input)

_LOOK_NS = 2_000_000_000        # how often names are looked at
_RETRY_NS = 1_000_000_000       # how often a MIDI that isn't there is asked for
_ALIVE_NS = 20_000_000          # how often the server is felt for
_BUSY_NS = 5_000_000            # names are not asked for so shortly before something is due
_FAREWELL_NS = 100_000_000      # between the last note-off and the end of a port
_AT_ONCE = 64                   # messages taken from an input before the others have their turn


@dataclass(slots=True, eq=False)
class _Plug(Generic[P]):
    """A port that is wanted: `slot` is its number in the ledger, `port` is None while it's away.

    missed : what was said about its absence; from then on it is opened only where it is found
    """

    name: str
    slot: int
    port: P | None = None
    missed: str = ""


class Plugs:
    """All ports, by the numbers that the engine gives them.

    say : is told, in one line each, what a performer should know, and `NO_MIDI` with the line that
          says that there is none
    """

    def __init__(self, ledger: Ledger, door: Door, say: Callable[..., None]) -> None:
        self._ledger, self._door, self._say = ledger, door, say
        self._sequencer: Sequencer | None = None
        self._absent = ""                           # what was said where there is no MIDI
        self._outputs: list[_Plug[Output]] = []
        self._inputs: list[_Plug[Input]] = []
        self._by_slot: dict[int, _Plug[Output]] = {}
        self._parting: deque[tuple[int, Output]] = deque()
        self._ends: deque[tuple[int, int, int, int, int]] = deque()
        self._look_ns = self._alive_ns = 0

    @property
    def listens(self) -> bool:
        """Is any input open?"""
        return any(plug.port for plug in self._inputs)

    # -- the patch -----------------------------------------------------------------------------

    def want(self, outputs: Sequence[str], inputs: Sequence[str], now_ns: int) -> None:
        """Open what is new, close what isn't named any more, number all from 0."""
        if len(outputs) > PORTS:
            self._say(f"{len(outputs)} MIDI outputs are too many: only the first {PORTS} play")
        for plug in self._outputs:
            if plug.name not in outputs[:PORTS]:
                self._part(plug, now_ns)
        for heard in self._inputs:
            if heard.name not in inputs:
                self._door.lost(heard.slot)
                _release(heard)
        self._outputs = _numbered(outputs[:PORTS], self._outputs)
        self._inputs = _numbered(inputs, self._inputs)
        self._by_slot = {plug.slot: plug for plug in self._outputs}
        if self._sequencer:
            self._fill(self._sequencer, now_ns)
        elif outputs or inputs:
            self._begin(now_ns)

    def slot(self, number: int) -> int | None:
        """The ledger's number for the engine's; None where there is no such output."""
        return self._outputs[number].slot if 0 <= number < len(self._outputs) else None

    # -- playing and hearing -------------------------------------------------------------------

    def play(self, now_ns: int) -> None:
        """Send what must leave by now."""
        for message in self._ledger.leaving(now_ns):
            plug = self._by_slot.get(message.port)
            if plug is None or plug.port is None:
                continue                            # it was lost a moment ago
            if plug.port.send(*message[1:]):
                self._door.sent(message, now_ns)
            else:
                self._lose_output(plug)

    def heard(self) -> Iterator[tuple[int, int, int, int, int]]:
        """What has come in: the input's number, status, two data bytes, monotonic ns."""
        while self._ends:
            yield self._ends.popleft()
        for number, plug in enumerate(self._inputs):
            for _ in range(_AT_ONCE):
                message = plug.port.receive() if plug.port else None
                if message is None:
                    break
                if self._door.admits(plug.slot, *message):
                    yield (number, *message)

    # -- coming and going ----------------------------------------------------------------------

    def look(self, now_ns: int) -> None:
        """See what has gone and what is back; costs next to nothing until it's time."""
        while self._parting and self._parting[0][0] <= now_ns:
            self._parting.popleft()[1].release()
        if now_ns >= self._alive_ns:
            self._alive_ns = now_ns + _ALIVE_NS
            if self._sequencer and not self._sequencer.alive:
                self._abandon(self._sequencer, now_ns)
        due_ns = self._ledger.next_ns
        if now_ns >= self._look_ns and (due_ns is None or due_ns > now_ns + _BUSY_NS):
            if self._sequencer:
                self._look_ns = now_ns + _LOOK_NS
                self._compare(self._sequencer, now_ns)
            elif self._outputs or self._inputs:
                self._begin(now_ns)

    def close(self, now_ns: int) -> Callable[[], None]:
        """End every note; what is returned closes the ports, a moment after."""
        self._ledger.forget()
        self.play(now_ns)
        for plug in self._outputs:
            self._part(plug, now_ns)

        def release() -> None:
            for _, port in self._parting:
                port.release()
            for heard in self._inputs:
                _release(heard)
            if self._sequencer:
                self._sequencer.close()
        return release

    def _begin(self, now_ns: int) -> None:
        self._look_ns = now_ns + _RETRY_NS
        try:
            self._sequencer = Sequencer()
        except DeviceError as error:
            if not self._absent:
                self._absent = str(error)
                self._say(self._absent, NO_MIDI)
            return
        if self._absent:
            self._absent = ""
            self._say(f"MIDI is back ({self._sequencer.api})")
        self._fill(self._sequencer, now_ns)

    def _fill(self, sequencer: Sequencer, now_ns: int) -> None:
        """Open what is away; what has been missed only where it is found."""
        outputs, inputs = sequencer.outputs(), sequencer.inputs()
        for plug in self._outputs:
            if plug.port is None and (not plug.missed or find(plug.name, outputs)):
                self._open(plug, sequencer.open_output)
                if plug.port:
                    self._ledger.opened(plug.slot, now_ns)
        for heard in self._inputs:
            if heard.port is None and (not heard.missed or find(heard.name, inputs)):
                self._open(heard, sequencer.open_input)
        self.play(now_ns)

    def _open(self, plug: _Plug[P], opener: Callable[[str], P]) -> None:
        try:
            plug.port = opener(plug.name)
        except DeviceError as error:
            if plug.missed != str(error):
                plug.missed = str(error)
                self._say(plug.missed)
            return
        if plug.missed:
            plug.missed = ""
            self._say(f'MIDI port "{plug.port.name}" is back')
        elif plug.port.own and plug.port.name != plug.name:
            self._say(f'another Kuchi has "{plug.name}": this one is "{plug.port.name}"')

    def _compare(self, sequencer: Sequencer, now_ns: int) -> None:
        """Lose what isn't listed any more; leave a port of our own for the one it stands for."""
        outputs, inputs = sequencer.outputs(), sequencer.inputs()
        for plug in self._outputs:
            if plug.port and not plug.port.own and plug.port.name not in outputs:
                self._lose_output(plug)
            elif plug.port and plug.port.own and find(plug.name, outputs):
                self._part(plug, now_ns)
        for heard in self._inputs:
            if heard.port and not heard.port.own and heard.port.name not in inputs:
                self._lose_input(heard, now_ns)
            elif heard.port and heard.port.own and find(heard.name, inputs):
                _release(heard)
        self._fill(sequencer, now_ns)

    def _part(self, plug: _Plug[Output], now_ns: int) -> None:
        """End a port's notes; it is released when that has been heard."""
        self._ledger.closing(plug.slot)
        self.play(now_ns)
        self._ledger.closed(plug.slot)
        if plug.port:
            plug.port.hush()
            self._parting.append((now_ns + _FAREWELL_NS, plug.port))
            plug.port = None

    def _lose_output(self, plug: _Plug[Output]) -> None:
        self._ledger.lost(plug.slot)
        self._miss(plug)

    def _lose_input(self, plug: _Plug[Input], now_ns: int) -> None:
        """What was held there is let go."""
        number = self._inputs.index(plug)
        self._ends.extend((number, *end[1:], now_ns) for end in self._door.lost(plug.slot))
        self._miss(plug)

    def _miss(self, plug: _Plug[P]) -> None:
        if plug.port:
            plug.missed = f'MIDI port "{plug.port.name}" has gone; it is opened when it is back'
            self._say(plug.missed)
        _release(plug)

    def _abandon(self, sequencer: Sequencer, now_ns: int) -> None:
        """The server has died, and every port with it."""
        sequencer.abandon(*(plug.port for plug in self._outputs if plug.port),
                          *(heard.port for heard in self._inputs if heard.port),
                          *(port for _, port in self._parting))
        self._parting.clear()
        self._sequencer = None
        self._absent = f"the MIDI server ({sequencer.api}) has gone; its ports open when it is back"
        self._say(self._absent)
        for plug in self._outputs:
            self._ledger.lost(plug.slot)
            plug.port, plug.missed = None, ""
        for number, heard in enumerate(self._inputs):
            self._ends.extend((number, *end[1:], now_ns) for end in self._door.lost(heard.slot))
            heard.port, heard.missed = None, ""
        self._look_ns = now_ns + _RETRY_NS


def _numbered(names: Sequence[str], before: Sequence[_Plug[P]]) -> list[_Plug[P]]:
    """A plug a name, in this order; those that were there stay as they are."""
    kept = {plug.name: plug for plug in before if plug.name in names}
    taken = {plug.slot for plug in kept.values()}
    free = (slot for slot in range(len(names) + len(taken)) if slot not in taken)
    return [kept[name] if name in kept else kept.setdefault(name, _Plug(name, next(free)))
            for name in names]


def _release(plug: _Plug[P]) -> None:
    if plug.port:
        plug.port.release()
        plug.port = None
