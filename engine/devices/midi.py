"""MIDI ports, by way of RtMidi: found by part of a name, or made under a name of their own.

The only file that knows a binding: python-rtmidi, or supriya-midi where that has no wheels. Both
give the same RtMidi. Where the system has no MIDI at all, `Sequencer` raises DeviceError.
"""

import importlib
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.errors import DeviceError

Message = tuple[int, int, int]
"""A status and two data bytes; 0 where the message has fewer."""

_JACK, _WINDOWS, _DUMMY = 3, 4, 5                  # RtMidi's own numbers
_BINDINGS = ("rtmidi", "supriya_midi")
_AT_ONCE = 64                                      # messages looked at in one `receive`
_QUEUE = 8192                                      # messages kept until they are received
_LOST_NS = 100_000_000                             # later than this: one before was left out
_DRIFT = 10_000                                    # clocks drift by less than a part of so many
_FAREWELL_S = 0.1                                  # a receiver's time to hear the last note-off

_CLOCK = frozenset((0xF8, 0xFA, 0xFB, 0xFC))       # tick, start, continue, stop
_SONG_POSITION = 0xF2
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}

_left_behind: list[Any] = []                       # see `Sequencer.abandon`


class Parser:
    """Bytes to whole messages: channel messages, clock and song position, nothing else.

    Takes running status and bytes in any order; sysex of any length is let go by, byte by byte.
    """

    def __init__(self) -> None:
        self._status = 0
        self._wanted = 0                           # data bytes of a message; 0: they mean nothing
        self._data: list[int] = []

    def feed(self, data: Sequence[int]) -> list[Message]:
        """The messages that these bytes complete."""
        found: list[Message] = []
        for byte in data:
            if byte >= 0xF8:                       # real time: may stand anywhere, even in sysex
                if byte in _CLOCK:
                    found.append((byte, 0, 0))
            elif byte >= 0x80:
                self._status = byte
                self._wanted = 2 if byte == _SONG_POSITION else _DATA_BYTES.get(byte & 0xF0, 0)
                self._data.clear()
            elif self._wanted:
                self._data.append(byte)
                if len(self._data) == self._wanted:
                    found.append((self._status, self._data[0], (*self._data, 0)[1]))
                    self._data.clear()
                    if self._status >= 0xF0:
                        self._wanted = 0
        return found


class Output:
    """An open MIDI output; one thread may send.

    name : what the system calls it, or what we called it
    own  : is it a virtual port that we made?
    """

    def __init__(self, port: Any, name: str, own: bool,
                 errors: tuple[type[Exception], ...]) -> None:
        self._port, self.name, self.own, self._errors = port, name, own, errors
        self._used: set[int] = set()

    def send(self, status: int, data1: int = 0, data2: int = 0) -> bool:
        """Send a message at once; False where the port has gone."""
        if status < 0xF0:
            self._used.add(status & 0x0F)
            count = _DATA_BYTES[status & 0xF0]
        else:
            count = 2 if status == _SONG_POSITION else 0
        try:
            self._port.send_message([status, data1, data2][:count + 1])
        except self._errors:
            return False
        return True

    def hush(self) -> None:
        """All notes and all sound off, on the channels used."""
        for channel in sorted(self._used):
            for control in (123, 120):
                self.send(0xB0 | channel, control, 0)

    def release(self) -> None:
        """Give the port back at once."""
        self._port.delete()

    def close(self) -> None:
        """Hush, wait until it has been heard, and give the port back: 100 ms."""
        self.hush()
        time.sleep(_FAREWELL_S)
        self.release()


class Arrival:
    """When messages came, though we look for them only now and then, and late on a busy machine.

    The system says how long each came after the one before. That gives their moments but for one
    constant, and the message that was found soonest tells it.
    """

    def __init__(self) -> None:
        self._sum_ns = 0                           # of what the system said
        self._least_ns: int | None = None          # from there to when a message was found
        self._last_ns = 0

    def of(self, after_ns: int, found_ns: int) -> int:
        """When a message came: so long after the one before, found at this moment."""
        self._sum_ns += after_ns
        late_ns = found_ns - self._sum_ns
        if self._least_ns is None or not self._least_ns <= late_ns <= self._least_ns + _LOST_NS:
            self._least_ns = late_ns
        else:
            self._least_ns += min(after_ns // _DRIFT, late_ns - self._least_ns)
        self._last_ns = max(self._last_ns, self._sum_ns + self._least_ns)
        return self._last_ns


class Input:
    """An open MIDI input; `name` and `own` as for an output."""

    def __init__(self, port: Any, name: str, own: bool) -> None:
        self._port, self.name, self.own = port, name, own
        self._parser = Parser()
        self._waiting: deque[Message] = deque()
        self._arrival, self._came_ns = Arrival(), 0
        port.ignore_types(True, False, True)       # no sysex, no active sensing; but clock

    def receive(self) -> tuple[int, int, int, int] | None:
        """The next message and when it came, monotonic ns; None where there is none."""
        for _ in range(_AT_ONCE):
            if self._waiting:
                return (*self._waiting.popleft(), self._came_ns)
            found = self._port.get_message()
            if not found:
                return None
            self._came_ns = self._arrival.of(round(1e9 * found[1]), time.monotonic_ns())
            self._waiting.extend(self._parser.feed(found[0]))
        return None

    def release(self) -> None:
        """Give the port back."""
        self._port.delete()


class Sequencer:
    """The system's MIDI: what is connected, and ports of our own.

    api : "ALSA", "Jack", "CoreMidi" or "Windows MultiMedia"

    Names are asked from one probe a direction, kept for as long as this lives: each new one would
    be another client of the system's. Raises DeviceError where there is no MIDI.
    """

    def __init__(self) -> None:
        self._library = _library()
        self._errors = (self._library.RtMidiError, RuntimeError)
        self._own: set[str] = set()                # as the system calls them
        before = _threads()
        self._api, self._to, self._from = self._first_api()
        self._heartbeat = _threads() - before if int(self._api) == _JACK else set()
        self.api = str(self._library.get_api_display_name(self._api))

    def _first_api(self) -> tuple[Any, Any, Any]:
        library = self._library
        list_apis = getattr(library, "get_compiled_api", None) or library.get_compiled_apis
        for api in list_apis():
            if int(api) != _DUMMY:
                try:
                    with _quiet():
                        to, heard = library.MidiOut(api, "Kuchi"), library.MidiIn(api, "Kuchi")
                        to.get_ports()              # supriya-midi says only here what's missing
                    return api, to, heard
                except self._errors:
                    continue
        raise DeviceError("this computer has no MIDI" + (
            " (no ALSA sequencer; no JACK server runs)" if sys.platform == "linux" else ""))

    @property
    def alive(self) -> bool:
        """Is the server still there? JACK tells its clients so only by ending their threads."""
        return self._heartbeat <= _threads() if self._heartbeat else True

    def outputs(self) -> list[str]:
        """The names of what can be played; our own inputs are not among them."""
        return [name for name in self._to.get_ports() if name not in self._own]

    def inputs(self) -> list[str]:
        """The names of what can be heard; our own outputs are not among them."""
        return [name for name in self._from.get_ports() if name not in self._own]

    def open_output(self, name: str) -> Output:
        """The first output whose name contains `name`, or else a virtual port of that name.

        Where another Kuchi has that virtual port, the name gets a number: see `Output.name`.
        Raises DeviceError where neither can be had.
        """
        port, full, own = self._open(lambda: self._library.MidiOut(self._api, "Kuchi"), name,
                                     self.outputs, self.inputs)
        return Output(port, full, own, self._errors)

    def open_input(self, name: str) -> Input:
        """The same for an input."""
        return Input(*self._open(lambda: self._library.MidiIn(self._api, "Kuchi", _QUEUE), name,
                                 self.inputs, self.outputs))

    def _open(self, make: Callable[[], Any], name: str, there: Callable[[], list[str]],
              taken: Callable[[], list[str]]) -> tuple[Any, str, bool]:
        found = find(name, there())
        if found is None and int(self._api) == _WINDOWS:
            raise DeviceError(f'no MIDI port contains "{name}"; connected: '
                              f'{", ".join(there()) or "none"}. Windows has no virtual ports: '
                              f'install loopMIDI and make a port named "{name}" there')
        before = self._everything()
        port = None
        try:
            port = make()
            if found is not None:
                port.open_port(port.get_ports().index(found), f"{name} (Kuchi)")
            else:
                port.open_virtual_port(_free_name(name, taken()))
        except (*self._errors, ValueError) as error:       # it may have gone just now
            if port:
                port.delete()
            raise DeviceError(f'MIDI port "{found or name}" can\'t be opened: {error}') from None
        made = self._everything() - before
        self._own |= {full for full in made if _short(full).startswith(name)}
        own = next((_short(full) for full in made if full in self._own), name)
        return port, found or own, found is None

    def _everything(self) -> set[str]:
        return {*self._to.get_ports(), *self._from.get_ports()}

    def abandon(self, *ports: Output | Input) -> None:
        """Let go of everything after the server's death.

        libjack waits a second for each port that nobody will ever take back, so they are kept.
        """
        _left_behind.extend((self._to, self._from, *(port._port for port in ports)))

    def close(self) -> None:
        """Give the probes back."""
        self._to.delete()
        self._from.delete()


def find(name: str, names: Sequence[str]) -> str | None:
    """The port meant by part of its name; a port called just so goes first.

    >>> find("through", ["Midi Through:Midi Through Port-0 14:0", "Keys:Keys 20:0"])
    'Midi Through:Midi Through Port-0 14:0'
    """
    wanted = name.casefold()
    meant = [full for full in names if wanted in full.casefold()]
    exact = [full for full in meant if _short(full).casefold() == wanted]
    return next(iter(exact + meant), None)


def _free_name(name: str, taken: Sequence[str]) -> str:
    """The name itself, or with the first number that nobody has."""
    others = {_short(full) for full in taken}
    number = 1
    while (numbered := name if number == 1 else f"{name} {number}") in others:
        number += 1
    return numbered


def _short(full: str) -> str:
    """Without the client before it and ALSA's numbers behind it.

    >>> _short("Kuchi:Kuchi drums 128:0")
    'Kuchi drums'
    """
    return re.sub(r"^[^:]*:| \d+:\d+$", "", re.sub(r" \d+:\d+$", "", full))


def _library() -> Any:
    for name in _BINDINGS:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise DeviceError("no MIDI: install python-rtmidi (from Python 3.13 on, supriya-midi)")


def _threads() -> set[str]:
    """The threads of this process, where the system tells."""
    try:
        return set(os.listdir("/proc/self/task"))
    except OSError:
        return set()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what C libraries print about a missing server away from the performer."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
