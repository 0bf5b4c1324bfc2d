"""The bridge between a sound card and the audio list that plays.

The card calls the compiled `callback` with the deck's address, block after block, and the
deck's other end belongs to the engine thread: it puts the next list, sleeps until sound has
come, and lets go of lists that have rung out.
"""

import time
from collections import deque

import numpy as np
from numba import njit

from engine.audio.callback import (
    BEGAN,
    DECK,
    FRAME,
    FRAME_NS,
    GONE,
    LAST_FRAMES,
    LAST_NS,
    MAIL,
    NEXT,
    PLACES,
    TAKEN,
    THREAD,
    callback,
)
from engine.audio.intrinsics import exchange, load_acquire
from engine.audio.run_list import AudioList
from engine.audio.unit import Integers, handle_of
from engine.audio.wake import Wake, address_of
from engine.units import HOP, SAMPLE_RATE, SLICE, Samples

_HOP_NS = round(1e9 * HOP / SAMPLE_RATE)
_JUMP_NS = 250_000_000
_MONOTONIC = getattr(time, "CLOCK_UPTIME_RAW", getattr(time, "CLOCK_MONOTONIC", 0))
_PAGE = 1024                    # float32 samples; no system has smaller pages


class Deck:
    """What plays, what has been heard and when, for one card after another.

    words   : int64 (64,)         the clock pair and the counts, for whoever wants to know
    heard   : float32 (n,)        the input; frame k is at k modulo n, a power of two
    played  : float32 (n, 2)      what left on the first two channels
    wake    : Wake                where the engine thread sleeps
    address : int                 the user data of `callback`

    All lists have `input_channels` and `output_channels`, whatever the card has: see `fit`.
    """

    def __init__(self, input_channels: int, output_channels: int, words: Integers,
                 heard: Samples, played: Samples) -> None:
        kept = len(heard)
        if input_channels < 1 or output_channels < 2 or kept & (kept - 1) or len(played) != kept:
            raise ValueError("a deck needs an input, two outputs, and rings a power of two long")
        for ring in (heard, played):                    # let every page be there before the
            ring.reshape(-1)[::_PAGE] += np.float32(0.0)        # audio thread writes to it
        words[FRAME] += -words[FRAME] % HOP             # a restarted engine goes on from there
        self.words = words
        self.input_channels, self.output_channels = input_channels, output_channels
        self.wake = Wake(words)
        self._mail = np.zeros(MAIL, np.int64)
        self._lists: deque[AudioList] = deque()         # all that the callback may still touch
        self._puts = self._gone = self._pretended_ns = 0
        self._touched: dict[str, np.ndarray | int] = {      # a collected array would be a crash
            "inputs": input_channels, "outputs": output_channels,
            "driver_inputs": input_channels, "driver_outputs": output_channels,
            "channel": 0, "kept": kept, "heard": heard, "played": played,
            "words": words, "mail": self._mail, "places": np.zeros(PLACES, np.int64),
            "source": np.zeros((SLICE, input_channels), np.float32),
            "fading": np.zeros((SLICE, input_channels), np.float32),
            "made": np.zeros((SLICE, output_channels), np.float32),
            "mixed": np.zeros((SLICE, output_channels), np.float32),
            "clock_at": address_of("clock_gettime"), "clock": _MONOTONIC,
            "instant": np.zeros(2, np.int64), "thread_at": address_of("gettid"),
            "write_at": self.wake.write_at, "write_to": self.wake.write_to,
            "one": np.ones(1, np.int64)}
        self._table = handle_of(self._touched[name] for name in DECK.names or ()).view(DECK)
        self.address = self._table.ctypes.data

    @property
    def channel(self) -> int:
        """Which channel of the input `heard` keeps, from 0; MEAN: that of the first two."""
        return int(self._table["channel"][0])

    @channel.setter
    def channel(self, channel: int) -> None:
        self._table["channel"] = channel

    def fit(self, input_channels: int, output_channels: int) -> None:
        """Expect a card with so many channels, 0 for none; call before it is opened.

        Inputs it lacks hear its last one, outputs it lacks are not sent, and a single output
        gets the mean of the first two.
        """
        self._table["driver_inputs"] = input_channels
        self._table["driver_outputs"] = output_channels
        self._mail[[THREAD, LAST_NS, LAST_FRAMES]] = 0

    @property
    def mark(self) -> tuple[int, int]:
        """The clock pair: frames heard, and the monotonic ns at which the last block had come."""
        words, pair = self.words, (-1, -1)
        while pair != (pair := (int(words[FRAME]), int(words[FRAME_NS]))):
            continue                                    # it moved while it was read
        return pair

    @property
    def thread(self) -> int:
        """The system's number of the thread that calls; 0 before the first block, or unknown."""
        return int(self._mail[THREAD])

    @property
    def period_s(self) -> float:
        """How long the last block was; 0 before the first."""
        return float(self._mail[LAST_FRAMES]) / SAMPLE_RATE

    def pretend(self, now_ns: int) -> None:
        """Where no card calls: let as much silence pass as time has, in whole hops.

        now_ns : the monotonic clock; a jump of a quarter of a second or more is passed over
        """
        if now_ns - self._pretended_ns > _JUMP_NS:
            self._pretended_ns = now_ns
        hops = (now_ns - self._pretended_ns) // _HOP_NS
        if hops:
            self._pretended_ns += hops * _HOP_NS
            self._mail[LAST_NS] = 0                     # a timer isn't late
            callback.ctypes(None, None, hops * HOP, None, 0, self.address)

    # -- what plays ----------------------------------------------------------------------------

    def put(self, audio: AudioList) -> None:
        """Let a list play as soon as it can; one that hasn't begun until then never will.

        It begins at a multiple of HOP, and its clock with it; what still sounds in the list
        before it rings out, 8 s at most, or until the next but one comes. Raises ValueError
        where its channels aren't the deck's.
        """
        channels = (self.input_channels, self.output_channels)
        if audio.channels != channels:
            raise ValueError(f"a list with {audio.channels} inputs and outputs doesn't fit a "
                             f"deck with {channels}")
        self._lists.append(audio)
        if _exchange(self._mail, NEXT, audio.table.ctypes.data):
            del self._lists[-2]                         # passed over: it has never played
        else:
            self._puts += 1

    def taken_at(self) -> int | None:
        """The frame, a multiple of HOP, at which the list put last began; None before it has."""
        return int(self._mail[BEGAN]) if _read(self._mail, TAKEN) == self._puts else None

    def collect(self) -> int:
        """Let go of lists that have rung out, and tell how many are left; call now and then."""
        gone = _read(self._mail, GONE)
        for _ in range(gone - self._gone):
            self._lists.popleft()                       # they end in the order of their coming
        self._gone = gone
        return len(self._lists)

    def close(self) -> None:
        """Let go of the wake-up; no card may call any more."""
        self._table["write_at"] = 0                     # its descriptor may soon be another's
        self.wake.close()


@njit("int64(int64[::1], int64, int64)", cache=True, nogil=True, error_model="numpy")
def _exchange(mail, place, value):
    return exchange(mail.ctypes.data + 8 * place, value)


@njit("int64(int64[::1], int64)", cache=True, nogil=True, error_model="numpy")
def _read(mail, place):
    return load_acquire(mail.ctypes.data + 8 * place)
