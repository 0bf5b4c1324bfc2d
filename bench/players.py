"""A singer and a listener on JACK, compiled, so that what they measure isn't Python's own delay.

Each is one client. The singer's song leaves sample by sample, and the moment of every block is
kept; the listener keeps each MIDI message with its moment, and all that the speakers played.
"""

import ctypes
import ctypes.util
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import carray, cfunc, njit, types
from numpy.typing import NDArray

from engine.audio.intrinsics import pointer
from engine.units import SAMPLE_RATE, Samples

MOST_EVENTS = 1 << 15
KEPT = 1 << 24                          # frames of the speakers: nearly six minutes
MOST_CYCLES = 1 << 18
MOST_PLANNED = 1 << 16

_PLAYER = np.dtype([(name, np.int64) for name in (
    "client", "mouth", "ear", "midi", "hand", "song", "length", "place", "again", "cycles",
    "count", "ended", "events", "heard", "kept", "recorded", "touch", "instant", "score",
    "planned", "sent")])
_INT = ctypes.c_ssize_t                 # pointers too: numba passes them as numbers


def _function(library: ctypes.CDLL, name: str, *arguments: type, returns: type = _INT
              ) -> Any:
    found = library[name]
    found.argtypes, found.restype = arguments, returns
    return found


_jack = ctypes.CDLL(ctypes.util.find_library("jack") or "libjack.so.0")
_buffer_of = _function(_jack, "jack_port_get_buffer", _INT, ctypes.c_uint32)
_frame_of = _function(_jack, "jack_last_frame_time", _INT, returns=ctypes.c_uint32)
_count_of = _function(_jack, "jack_midi_get_event_count", _INT, returns=ctypes.c_uint32)
_event_of = _function(_jack, "jack_midi_event_get", _INT, _INT, ctypes.c_uint32,
                      returns=ctypes.c_int)
_clear = _function(_jack, "jack_midi_clear_buffer", _INT)
_reserve = _function(_jack, "jack_midi_event_reserve", _INT, ctypes.c_uint32, _INT)
_clock = _function(ctypes.CDLL(None), "clock_gettime", ctypes.c_int, _INT, returns=ctypes.c_int)


@njit(error_model="numpy")
def _now_ns(player: Any) -> Any:
    _clock(np.int32(1), player.instant)
    instant = carray(pointer(player.instant), 2, np.int64)
    return instant[0] * 1_000_000_000 + instant[1]


@njit(error_model="numpy")
def _sing(player: Any, place: Any, frames: Any) -> Any:
    """Copy the song from `place` on; returns the new place."""
    out = carray(pointer(_buffer_of(player.mouth, np.uint32(frames))), frames, np.float32)
    song = carray(pointer(player.song), player.length, np.float32)
    for i in range(frames):
        if place >= player.length and player.again != 0:
            place = 0
        out[i] = song[place] if place < player.length else np.float32(0.0)
        place += 1
    return place


@njit(error_model="numpy")
def _keep_events(player: Any, frames: Any, frame: Any, now: Any, count: Any) -> Any:
    """Note every MIDI message: frame, ns, three bytes; returns how many there are now."""
    buffer = _buffer_of(player.midi, np.uint32(frames))
    events = carray(pointer(player.events), (MOST_EVENTS, 5), np.int64)
    event = carray(pointer(player.instant + 16), 3, np.int64)       # time, size, address
    for number in range(_count_of(buffer)):
        if count < MOST_EVENTS and _event_of(event.ctypes.data, buffer, np.uint32(number)) == 0:
            data = carray(pointer(event[2]), 3, np.uint8)
            events[count, 0], events[count, 1] = frame + (event[0] & 0xFFFFFFFF), now
            for i in range(3):
                events[count, 2 + i] = data[i] if i < event[1] else 0
            count += 1
    return count


@njit(error_model="numpy")
def _touch(player: Any, frames: Any) -> None:
    """Send the one message that waits, if any."""
    buffer = _buffer_of(player.hand, np.uint32(frames))
    _clear(buffer)
    if player.touch != 0:
        size = 2 if player.touch & 0x60 == 0x40 else 3      # a program change is shorter
        place = _reserve(buffer, np.uint32(0), size)
        if place != 0:
            data = carray(pointer(place), size, np.uint8)
            for i in range(size):
                data[i] = (player.touch >> (8 * i)) & 0x7F
            data[0] |= 0x80


@njit(error_model="numpy")
def _send_planned(player: Any, frames: Any, now: Any) -> Any:
    """Send what is due within this block, or was earlier; returns how many were sent so far."""
    buffer = _buffer_of(player.hand, np.uint32(frames))
    score = carray(pointer(player.score), (MOST_PLANNED, 3), np.int64)
    sent = player.sent
    while sent < player.planned:
        ahead = (score[sent, 0] - now) * SAMPLE_RATE // 1_000_000_000
        if ahead >= frames:
            break
        size = score[sent, 1]
        place = _reserve(buffer, np.uint32(max(ahead, 0)), size)
        if place == 0:
            break                                       # the block is full
        data = carray(pointer(place), size, np.uint8)
        for i in range(size):
            data[i] = (score[sent, 2] >> (8 * i)) & 0xFF
        sent += 1
    return sent


@cfunc(types.int32(types.uint32, types.voidptr), error_model="numpy")
def _process(frames: Any, at: Any) -> Any:
    table = carray(at, 1, _PLAYER)
    player = table[0]
    now, frame = _now_ns(player), np.int64(_frame_of(player.client))
    cycles = carray(pointer(player.cycles), (MOST_CYCLES, 3), np.int64)
    row = player.count & (MOST_CYCLES - 1)
    cycles[row, 0], cycles[row, 1], cycles[row, 2] = player.place, frame, now
    table[0]["count"] = player.count + 1
    if player.mouth != 0:
        table[0]["place"] = _sing(player, player.place, np.int64(frames))
    if player.midi != 0:
        table[0]["ended"] = _keep_events(player, np.int64(frames), frame, now, player.ended)
    if player.ear != 0:
        ear = carray(pointer(_buffer_of(player.ear, frames)), frames, np.float32)
        heard = carray(pointer(player.heard), KEPT, np.float32)
        for i in range(frames):
            heard[(player.recorded + i) & (KEPT - 1)] = ear[i]
        table[0]["recorded"] = player.recorded + frames
    if player.hand != 0:
        _touch(player, np.int64(frames))
        table[0]["touch"] = 0
        table[0]["sent"] = _send_planned(player, np.int64(frames), now)
    return 0


class Note(NamedTuple):
    """A MIDI message that arrived: JACK's frame, the monotonic ns of its block, its bytes."""

    frame: int
    ns: int
    status: int
    note: int
    velocity: int

    @property
    def is_on(self) -> bool:
        return self.status & 0xF0 == 0x90 and self.velocity > 0

    @property
    def is_off(self) -> bool:
        return self.status & 0xF0 == 0x80 or (self.status & 0xF0 == 0x90 and not self.velocity)


class Player:
    """A client of a JACK server; `does` names its ports: "mouth", "ear", "midi", "hand"."""

    def __init__(self, name: str, server: str, does: Sequence[str]) -> None:
        from .jack_client import Client
        self.client = Client(name, server)
        self.name = self.client.name
        self._arrays: dict[str, NDArray[Any]] = {
            "song": np.zeros(1, np.float32), "cycles": np.zeros((MOST_CYCLES, 3), np.int64),
            "events": np.zeros((MOST_EVENTS, 5), np.int64),
            "heard": np.zeros(KEPT if "ear" in does else 1, np.float32),
            "score": np.zeros((MOST_PLANNED if "hand" in does else 1, 3), np.int64),
            "instant": np.zeros(8, np.int64)}
        self._table = np.zeros(1, _PLAYER)
        for each in ("song", "cycles", "events", "heard", "score", "instant"):
            self._table[each] = self._arrays[each].ctypes.data
        self._songs = [self._arrays["song"]]            # all that the callback may still read
        kinds = {"mouth": self.client.outports, "ear": self.client.inports,
                 "midi": self.client.midi_inports, "hand": self.client.midi_outports}
        for each in does:
            self._table[each] = _address(kinds[each].register(each)._ptr)
        self._table["client"] = _address(self.client._ptr)
        _jack.jack_set_process_callback(ctypes.c_void_p(_address(self.client._ptr)),
                                        ctypes.c_void_p(_process.address),
                                        ctypes.c_void_p(self._table.ctypes.data))
        self.client.activate()

    # -- singing -------------------------------------------------------------------------------

    def sing(self, song: Samples, *, again: bool = False) -> None:
        """Begin with the next block; `again` and again until something else is sung."""
        song = np.ascontiguousarray(song, np.float32)
        self._songs.append(song)
        self._table["place"] = self._table["length"] = 0
        time.sleep(0.05)                                # a block that began has ended
        self._table["count"] = 0
        self._table["song"], self._table["again"] = song.ctypes.data, again
        self._table["place"], self._table["length"] = 0, len(song)

    @property
    def done(self) -> bool:
        """Has the whole song been sung?"""
        return bool(self._table["place"][0] >= self._table["length"][0])

    def cycles(self) -> NDArray[np.int64]:
        """int64 (blocks, 3) since the song began: its place, JACK's frame, monotonic ns."""
        return self._arrays["cycles"][:int(self._table["count"][0])].copy()

    def sung_at_ns(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """When these samples of the song were in the air: a block is sung before it is heard."""
        rows = self.cycles()
        rows = rows[np.r_[True, np.diff(rows[:, 0]) > 0]]
        block = np.searchsorted(rows[:, 0], places, side="right") - 1
        length = int(np.median(np.diff(rows[:, 0])))
        ahead = rows[block, 0] + length - places
        return rows[block, 2] - np.round(ahead * 1e9 / SAMPLE_RATE).astype(np.int64)

    def touch(self, status: int, data1: int, data2: int = 0) -> None:
        """Play a key, turn a knob, press a pedal; waits until the one before has left."""
        deadline = time.monotonic() + 1.0
        while self._table["touch"][0] and time.monotonic() < deadline:
            time.sleep(0.0005)
        self._table["touch"] = (status & 0x7F) | data1 << 8 | data2 << 16

    def plan(self, messages: Iterable[tuple[float, bytes]]) -> None:
        """Messages, each to leave at a monotonic second, later than those planned before.

        A sequencer has a clock of its own: JACK's falls behind where the machine stands still.
        """
        planned, score = int(self._table["planned"][0]), self._arrays["score"]
        for second, message in messages:
            score[planned] = round(1e9 * second), len(message), int.from_bytes(message, "little")
            planned += 1
        self._table["planned"] = planned

    @property
    def played(self) -> bool:
        """Has all that was planned left?"""
        return bool(self._table["sent"][0] == self._table["planned"][0])

    # -- listening -----------------------------------------------------------------------------

    def messages(self, since: int = 0) -> list[Note]:
        """All that arrived by MIDI, from a number on."""
        rows = self._arrays["events"][since:int(self._table["ended"][0])]
        return [Note(*row) for row in rows.tolist()]

    def heard(self) -> Samples:
        """What the speakers played since this client began."""
        return self._arrays["heard"][:min(int(self._table["recorded"][0]), KEPT)]

    def close(self) -> None:
        """Leave the server."""
        self.client.deactivate()
        self.client.close()


def _address(pointer_: object) -> int:
    from jack import _ffi
    return int(_ffi.cast("uintptr_t", pointer_))
