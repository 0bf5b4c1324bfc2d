"""A plugin that nobody trusts, in a process of its own, one block later.

The unit in the audio list leaves each slice, with its notes, in shared memory and takes what has
come back of the block before. Whatever happens over there — a crash, a hang, five milliseconds for
a block — nobody here waits: what has not come in time is passed by.
"""

import mmap
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
import numpy as np
from numba import carray
from numpy.typing import NDArray

from engine.audio.commands import KIND, SET, START, A, B, C, Commands, arrive, due, mail_at, take
from engine.audio.fade import FADE_STEP
from engine.audio.intrinsics import call_system, load_acquire, pointer, store_release
from engine.audio.unit import handle_of, kernel, unit
from engine.audio.wake import address_of
from engine.errors import KuchiError
from engine.units import SAMPLE_RATE, SLICE, Samples

if TYPE_CHECKING:
    from engine.audio.run_list import AudioList

SLOTS, EVENTS = 64, 128                     # slices under way, and messages in one of them
KEPT = 1 << 13                              # frames of what comes back, a power of two
MOST_DELAY = 2048                           # the longest driver block that is waited for
WRITTEN, DONE, READY, SAVED = 0, 8, 16, 24
"""Places in `head`: slices sent; frames that have come back; it runs; what came of a save: 1 it is
written, 2 there was nothing to write, 3 it failed."""


MISSED, DELAY, GOT = 1, 2, 3
"""Places in `words`, beside 0, which is 0 while it may run: slices that came back too late since
one last came in time; how many frames later it is heard; slices that came in time."""

SLOT = np.dtype([("frame", np.int64), ("frames", np.int64), ("count", np.int64),
                 ("events", np.int64, (EVENTS, 5)), ("sound", np.float32, (2, SLICE))])
"""What goes over: rows of [offset, kind, a, b, c], and the input. Values are 1e6 times theirs."""

APART = np.dtype([(name, np.int64) for name in (
    "clock", "ring", "ends", "pending", "feed", "hears", "words", "wet", "buffer", "head", "slots",
    "back", "write_at", "write_to", "one", "clock_at", "instant", "timing", "sleep_at", "waits")])

_MILLION = 1e6
_READY_S = 30.0
_SAVED_S = 10.0
_LEARN = SAMPLE_RATE // 2                   # frames in which the driver's block is got to know
_PATIENCE = 20_000                          # naps of 0.1 ms, offline
_HALF = 0.5


class Shared:
    """The memory between the two processes; every view of it."""

    def __init__(self, descriptor: int | None = None) -> None:
        sizes = (64 * 8, SLOTS * SLOT.itemsize, KEPT * 8)
        if descriptor is None:
            descriptor = os.memfd_create("kuchi-plugin")    # it has no name, so it never stays
            os.ftruncate(descriptor, sum(sizes))
        self.descriptor = descriptor
        buffer = mmap.mmap(descriptor, sum(sizes))
        ends = np.cumsum((0, *sizes)).tolist()
        self.head: NDArray[np.int64] = np.frombuffer(buffer, np.int64, 64)
        self.slots: NDArray[Any] = np.frombuffer(buffer, SLOT, SLOTS, ends[1])
        self.back: Samples = np.frombuffer(buffer, np.float32, 2 * KEPT, ends[2]).reshape(2, KEPT)


class Apart:
    """The unit, and the process at its other end. KuchiError where that doesn't come up.

    commands, buffer : as of any unit
    words            : int64 (8,)   see the names above
    """

    _child: "subprocess.Popen[bytes] | None" = None

    def __init__(self, audio: "AudioList", feed: Samples | None, order: dict[str, Any], *,
                 live: bool) -> None:
        if not hasattr(os, "eventfd"):
            raise KuchiError("isolated plugins need Linux")
        self.commands, self.buffer = Commands(), audio.buffer()
        self.words = np.zeros(8, np.int64)
        self._order, self._shared = order, Shared()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        ring, ends, pending = self.commands.mail
        shared = self._shared
        parts: dict[str, np.ndarray | int] = {
            "clock": audio.clock, "ring": ring, "ends": ends, "pending": pending,
            "feed": audio.sum(()) if feed is None else feed, "hears": int(feed is not None),
            "words": self.words, "wet": np.array([1.0, 1.0], np.float32), "buffer": self.buffer,
            "head": shared.head, "slots": shared.slots, "back": shared.back,
            "write_at": address_of("write"), "write_to": self._wake, "one": np.ones(1, np.int64),
            "clock_at": address_of("clock_gettime"), "instant": np.zeros(4, np.int64),
            "timing": int(live), "sleep_at": address_of("usleep"), "waits": int(not live)}
        handle = handle_of(parts[name] for name in APART.names or ())
        audio.add(run.address, handle, (*parts.values(), shared, self))
        self.start()

    def start(self) -> None:
        """Let the other process begin, and wait until it is ready (seconds)."""
        self.end()
        self._shared.head[READY] = 0
        with tempfile.TemporaryFile() as said:
            self._begin(said)
            deadline = time.monotonic() + _READY_S
            while not self._shared.head[READY]:
                assert self._child is not None
                if self._child.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    lines = said.read().decode(errors="replace").strip().splitlines()
                    self.end()
                    raise KuchiError(f"{self._order['name']} doesn't start, even in a process of "
                                     f"its own: {lines[-1] if lines else 'it hangs'}")
                time.sleep(0.01)

    def _begin(self, said: IO[bytes]) -> None:
        alive, self._held = os.pipe()       # closed with this process, and the other one leaves
        order = msgspec.json.encode(self._order | {
            "memory": self._shared.descriptor, "wake": self._wake, "alive": alive})
        self._child = subprocess.Popen(
            [sys.executable, "-m", "engine.audio.lv2.apart_process", order.decode()],
            cwd=Path(__file__).parents[3], pass_fds=(self._wake, alive, self._shared.descriptor),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        os.close(alive)

    @property
    def fallen(self) -> bool:
        """Has its process ended, or not answered for a quarter of a second of slices?"""
        gone = self._child is None or self._child.poll() is not None
        return gone or self.words[MISSED] * SLICE > SAMPLE_RATE

    @property
    def process_id(self) -> int:
        """The other process, 0 for none."""
        return self._child.pid if self._child else 0

    def save(self, path: Path) -> bool:
        """Have the plugin's state written there; False where it holds nothing. KuchiError where it
        can't be."""
        head, child = self._shared.head, self._child
        head[SAVED], deadline = 0, time.monotonic() + _SAVED_S
        if child is not None and child.stdin is not None:
            with suppress(OSError):                     # it has just fallen
                child.stdin.write(f"{path}\n".encode())
                child.stdin.flush()
            while not head[SAVED] and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
        if head[SAVED] not in (1, 2):
            raise KuchiError(f"{self._order['name']} couldn't save its state in {path}")
        return bool(head[SAVED] == 1)

    def end(self) -> None:
        """End the other process."""
        if self._child is not None:
            if self._child.stdin is not None:
                with suppress(OSError):
                    self._child.stdin.close()
            os.close(self._held)
            self._child.kill()
            self._child.wait(5)
            self._child = None

    def let_in(self) -> None:
        """It was started again."""
        self.words[MISSED] = 0
        self.words[0] = 0

    def __del__(self) -> None:
        self.end()
        if hasattr(self, "_wake"):
            os.close(self._wake)
            os.close(self._shared.descriptor)


@kernel
def send_slice(apart, frame, frames, feed):
    """Leave the slice and what is due in it for the other process; False where it is far behind."""
    head = carray(pointer(apart.head), 64, np.int64)
    written = head[WRITTEN]
    slot = carray(pointer(apart.slots), SLOTS, SLOT)[written & (SLOTS - 1)]
    mail = mail_at(apart.ring, apart.ends, apart.pending)
    count = np.int64(0)
    if arrive(mail):
        slot.events[count, 1] = -1                      # a stop
        count += 1
    while count < EVENTS and due(mail, frame + frames - 1):
        row = take(mail)
        if row[KIND] == SET and row[A] == -1:
            carray(pointer(apart.wet), 2, np.float32)[1] = row[B]
            continue
        slot.events[count, 0] = max(np.int64(row[START]) - frame, 0)
        slot.events[count, 1] = np.int64(row[KIND])
        slot.events[count, 2] = np.int64(row[A])
        slot.events[count, 3] = np.int64(np.rint(row[B] * _MILLION))
        slot.events[count, 4] = np.int64(row[C])
        count += 1
    slot.frame, slot.frames, slot.count = frame, frames, count
    for channel in range(2):
        for i in range(frames):
            slot.sound[channel, i] = feed[channel, i]
    store_release(apart.head + 8 * WRITTEN, written + 1)
    call_system(apart.write_at, apart.write_to, apart.one, 8)


@kernel
def learn_delay(apart, words, frame, frames):
    """Slices that come at once are one driver block; what comes back is one block late."""
    instant = carray(pointer(apart.instant), 4, np.int64)
    if words[DELAY] < frames:
        words[DELAY] = frames
    if apart.timing == 0 or frame > instant[3] + _LEARN:
        return
    call_system(apart.clock_at, 1, apart.instant, 0)
    now = instant[0] * 1_000_000_000 + instant[1]
    at_once = now - words[5] < frames * 500_000_000 // SAMPLE_RATE
    words[6] = words[6] + frames if at_once else frames
    words[5] = now
    if words[6] > words[DELAY] and words[6] <= MOST_DELAY:
        words[DELAY] = words[6]


@kernel
def fetch(apart, words, frame, frames, feed, buffer):
    """Take what has come back of one block ago, or pass by what comes in."""
    back = carray(pointer(apart.back), (2, KEPT), np.float32)
    wet = carray(pointer(apart.wet), 2, np.float32)
    first = frame - words[DELAY]
    naps = 0
    done = load_acquire(apart.head + 8 * DONE)
    while apart.waits != 0 and done < first + frames and naps < _PATIENCE:
        call_system(apart.sleep_at, 100, apart.one, 0)
        naps += 1
        done = load_acquire(apart.head + 8 * DONE)
    there = done >= first + frames
    words[MISSED] = 0 if there else words[MISSED] + 1
    words[GOT] += there
    goal = wet[1] if there else np.float32(0.0)
    level = wet[0]
    for i in range(frames):
        level = min(max(goal, level - FADE_STEP), level + FADE_STEP) if there else goal
        place = (first + i) & (KEPT - 1)
        for channel in range(2):
            dry = feed[channel, i] if apart.hears != 0 else np.float32(0.0)
            made = back[channel, place] if there and first + i >= 0 else np.float32(0.0)
            buffer[channel, i] = dry + (made - dry) * level
    wet[0] = level


@unit
def run(handle, frames):
    apart = carray(handle, 1, APART)[0]
    count = np.int64(frames)
    if count == 0:
        return
    frame = carray(pointer(apart.clock), 1, np.int64)[0]
    words = carray(pointer(apart.words), 8, np.int64)
    feed = carray(pointer(apart.feed), (2, SLICE), np.float32)
    buffer = carray(pointer(apart.buffer), (2, SLICE), np.float32)
    learn_delay(apart, words, frame, count)
    send_slice(apart, frame, count, feed)
    fetch(apart, words, frame, count, feed, buffer)
