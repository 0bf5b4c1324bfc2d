"""Which notes sound, and which are still to come: the bookkeeping that leaves no note hanging.

A pedal that is down holds notes that have ended, so pedals, bend and pressure are kept too, and
let go wherever notes are ended. Everything that leaves for a MIDI port passes `Ledger`, everything
that comes in passes `Door`. Neither touches a port; times are monotonic nanoseconds, given by
whoever asks. What is limited here is counted, so that it can be said.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.events import Gesture

PORTS = 16
MOST_DUE = 4096             # messages still to come
MOST_NOTES = 500            # notes a second and port: no player needs more, a feedback loop does
MOST_HEARD = 1000           # messages a second from one input
LATE_NS = 250_000_000       # a note this late is not played any more
ECHO_NS = 10_000_000        # a note that comes back this soon is our own
AGAIN_NS = 1_000_000_000    # owed ends are sent again for a receiver that connects late
_KEPT_NS = 50_000_000       # how long the journal remembers an end: it may still be on its way

_OFF, _ON, _CONTROL = 0x80, 0x90, 0xB0
_ALL_NOTES_OFF, _ALL_SOUND_OFF, _RESET_CONTROLLERS = 123, 120, 121
_CLOCK = 0xF0
_RELEASE = 64               # the velocity of an end that we make up

Key = tuple[int, int, int]


class Leaving(NamedTuple):
    """A MIDI message on its way to an output."""

    port: int
    status: int
    data1: int
    data2: int


class Ledger:
    """Notes that sound and messages that are due.

    journal : uint8 (ports, channels, notes)   1 while a note sounds, and a moment longer; what it
              holds at first sounded when another ledger was lost, and is ended on every port
    flooded : note-ons refused so far because there were too many
    late    : note-ons refused so far because their moment had passed
    """

    def __init__(self, journal: NDArray[np.uint8]) -> None:
        hanging = journal.any(axis=0)
        journal[:] = hanging                    # which port had which number died with the other
        notes = [(int(channel), int(note)) for channel, note in np.argwhere(hanging)]
        self._owed: list[set[Key]] = [{(port, *note) for note in notes} for port in range(PORTS)]
        self._journal = journal
        self._sounding: set[Key] = set()
        self._moved: dict[Key, Leaving] = {}    # pedals that are down and the like; what ends them
        self._used: list[set[int]] = [set() for _ in range(PORTS)]
        self._open: set[int] = set()
        self._floods = [_Flood(MOST_NOTES) for _ in range(PORTS)]
        self._due: list[tuple[int, int, Leaving]] = []
        self._again: deque[tuple[int, Leaving]] = deque()
        self._ended: deque[tuple[int, Key]] = deque()
        self._count = 0                         # keeps what is due at one moment in order
        self.flooded = self.late = 0

    @property
    def sounding(self) -> int:
        """How many notes sound."""
        return len(self._sounding)

    @property
    def next_ns(self) -> int | None:
        """When `leaving` has something again."""
        moments = [queue[0][0] for queue in (self._due, self._again) if queue]
        return min(moments, default=None)

    # -- ports ---------------------------------------------------------------------------------

    def opened(self, port: int, now_ns: int) -> None:
        """A port is there, or there again: what it still owes is ended, now and once more."""
        owed = self._owed[port]
        self._owed[port] = set()
        self._open.add(port)
        self._sounding |= owed
        self._again.extend((now_ns + AGAIN_NS, _end_of(key)) for key in sorted(owed))
        self._used[port] |= {channel for _, channel, _ in owed}
        if owed or any(key[0] == port for key in self._moved):
            self.panic(port)

    def closing(self, port: int) -> None:
        """A port is about to be closed: its notes end, what was due there is dropped."""
        self._drop(port)
        self._end(port)

    def closed(self, port: int) -> None:
        """Nothing leaves through this port any more, and nothing is owed to it."""
        self.lost(port)
        self._owed[port].clear()
        self._moved = {key: end for key, end in self._moved.items() if key[0] != port}
        self._used[port].clear()
        self._journal[port] = 0

    def lost(self, port: int) -> None:
        """A port has vanished; its notes can't be ended before it is back."""
        self._drop(port)
        self._open.discard(port)
        self._owed[port] |= {key for key in self._sounding if key[0] == port}
        self._sounding -= self._owed[port]

    # -- messages ------------------------------------------------------------------------------

    def add(self, message: Leaving, due_ns: int) -> None:
        """A message shall leave at `due_ns`. Where too many wait, everything is forgotten."""
        if len(self._due) >= MOST_DUE:
            if not _ends(message):
                self.flooded += 1
                return
            if len(self._due) >= 2 * MOST_DUE:
                self.forget()
        self._push(message, due_ns)

    def leaving(self, now_ns: int) -> list[Leaving]:
        """What must leave by now, in order; call it at least every 50 ms."""
        self._tidy(now_ns)
        found: list[Leaving] = []
        while self._due and self._due[0][0] <= now_ns:
            due_ns, _, message = heapq.heappop(self._due)
            if message.port in self._open:
                self._pass(message, due_ns, now_ns, found)
        while self._again and self._again[0][0] <= now_ns:
            _, end = self._again.popleft()
            if end.port in self._open and not self._begun(end):
                found.append(end)
        return found

    def forget(self, again_ns: Sequence[int] = ()) -> None:
        """Drop all that is still to come; notes that have begun end now.

        again_ns : when their ends are sent once more, for a listener that is deaf now
        """
        repeated = [(moment, end) for moment in again_ns for end in self._ends(None)]
        self._again = deque(sorted([*self._again, *repeated]))
        self._drop(None)
        self._end(None)

    def panic(self, port: int | None = None) -> None:
        """The same, then all-notes-off, all-sound-off and reset on every channel used."""
        self._drop(port)
        self._end(port)
        for number in sorted(self._open) if port is None else [port]:
            for channel in sorted(self._used[number]):
                for control in (_ALL_NOTES_OFF, _ALL_SOUND_OFF, _RESET_CONTROLLERS):
                    self._push(Leaving(number, _CONTROL | channel, control, 0), 0)

    # -- within --------------------------------------------------------------------------------

    def _push(self, message: Leaving, due_ns: int) -> None:
        self._count += 1
        heapq.heappush(self._due, (due_ns, self._count, message))

    def _drop(self, port: int | None) -> None:
        """Notes and controls; a clock goes on, since whoever counts its ticks must lose none."""
        self._due = [row for row in self._due if row[2].status >= _CLOCK
                     or port not in (None, row[2].port)]
        heapq.heapify(self._due)

    def _end(self, port: int | None) -> None:
        for end in self._ends(port):
            self._push(end, 0)

    def _ends(self, port: int | None) -> list[Leaving]:
        """What ends all that sounds and lets go of all that is held, on one port or on all."""
        ends = [*map(_end_of, sorted(self._sounding)), *self._moved.values()]
        return [end for end in ends if port in (None, end.port)]

    def _begun(self, end: Leaving) -> bool:
        """Does what this message ends sound, or stand, by now?"""
        key = (end.port, end.status & 0x0F, end.data1)
        return key in self._sounding if _ends(end) else end in self._moved.values()

    def _pass(self, message: Leaving, due_ns: int, now_ns: int, found: list[Leaving]) -> None:
        """Let a message out as the notes that sound demand it."""
        port, status, note, velocity = message
        if status >= 0xF0:
            found.append(message)
            return
        key = (port, status & 0x0F, note)
        self._used[port].add(key[1])
        if _ends(message):
            if key not in self._sounding:
                return
            self._sounding.discard(key)
            self._ended.append((now_ns + _KEPT_NS, key))
            message = message if velocity else _end_of(key)
        elif status & 0xF0 == _ON:
            if now_ns - due_ns > LATE_NS:
                self.late += 1
                return
            if not self._floods[port].admits(now_ns):
                self.flooded += 1
                return
            if key in self._sounding:
                found.append(_end_of(key))
            self._sounding.add(key)
            self._journal[key] = 1
        elif gesture := Gesture.of(0.0, *message[1:]):
            self._keep(port, gesture)
        found.append(message)

    def _keep(self, port: int, gesture: Gesture) -> None:
        """Remember what a pedal or wheel needs to come to rest."""
        end = Leaving(port, *gesture.at_rest(0.0).message)
        key = (port, end.status, gesture.number)
        if gesture.value == gesture.rest:
            self._moved.pop(key, None)
        elif gesture.rest is not None:
            self._moved[key] = end

    def _tidy(self, now_ns: int) -> None:
        while self._ended and self._ended[0][0] <= now_ns:
            _, key = self._ended.popleft()
            if key not in self._sounding and key not in self._owed[key[0]]:
                self._journal[key] = 0


class Door:
    """What may come in: no echo of our own notes, no flood, no end without a beginning.

    flooded : messages refused so far because there were too many
    """

    def __init__(self) -> None:
        self._sent: dict[tuple[int, int], tuple[int, int]] = {}
        self._held: set[Key] = set()
        self._floods: dict[int, tuple[_Flood, _Flood]] = {}
        self.flooded = 0

    def sent(self, message: Leaving, now_ns: int) -> None:
        """Remember a note that has just left, whatever its port."""
        if message.status < _CONTROL:
            self._sent[message.status, message.data1] = message.data2, now_ns

    def admits(self, port: int, status: int, data1: int, data2: int, now_ns: int) -> bool:
        """May this message from input `port` pass?"""
        kind, key = status & 0xF0, (port, status & 0x0F, data1)
        if kind in (_OFF, _ON):
            velocity, sent_ns = self._sent.get((status, data1), (-1, 0))
            if velocity == data2 and now_ns - sent_ns < ECHO_NS:
                del self._sent[status, data1]
                return False
        if kind == _OFF or (kind == _ON and not data2):
            if key not in self._held:
                return False
            self._held.discard(key)
            return True
        notes, all_else = self._floods.setdefault(port, (_Flood(MOST_NOTES), _Flood(MOST_HEARD)))
        if not (notes if kind == _ON else all_else).admits(now_ns):
            self.flooded += 1
            return False
        if kind == _ON:
            self._held.add(key)
        return True

    def lost(self, port: int) -> list[Leaving]:
        """The ends of what is held on an input that has vanished."""
        held = sorted(key for key in self._held if key[0] == port)
        self._held.difference_update(held)
        return [_end_of(key) for key in held]


class _Flood:
    """At most `most` in any second."""

    def __init__(self, most: int) -> None:
        self._times: deque[int] = deque(maxlen=most)

    def admits(self, now_ns: int) -> bool:
        if len(self._times) == self._times.maxlen and now_ns - self._times[0] < 1_000_000_000:
            return False
        self._times.append(now_ns)
        return True


def _ends(message: Leaving) -> bool:
    kind = message.status & 0xF0
    return kind == _OFF or (kind == _ON and not message.data2)


def _end_of(key: Key) -> Leaving:
    port, channel, note = key
    return Leaving(port, _OFF | channel, note, _RELEASE)
