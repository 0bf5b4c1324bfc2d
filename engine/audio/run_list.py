"""The audio list: what sounds, in the order in which it is made, as compiled code walks it.

A list is rows of (run, handle), both addresses. `process` takes one driver block of any size,
cuts it into slices of at most SLICE frames, and for each slice runs every row. The callback of a
sound card does the same walk.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import carray, njit

from engine.audio.intrinsics import (
    call_run,
    flush_denormals,
    load_acquire,
    pointer,
    restore_denormals,
    store_release,
)
from engine.audio.mix import Mix
from engine.audio.tap import Tap
from engine.audio.unit import Integers
from engine.units import SLICE, Samples

STEPS, COUNT, CLOCK, SOURCE, INPUTS, TARGET, OUTPUTS, BLOCKS = range(8)
"""The places in `AudioList.table`: address and number of the rows; the frame of the slice's first
sample; addresses of the driver's samples in this slice, interleaved, and how many channels they
have; how many blocks were made (a heartbeat)."""

TABLE = 8


@dataclass(frozen=True, slots=True)
class Feed:
    """A cable that reaches an audio inlet: the node it comes from and its float32 (2, SLICE)."""

    node: str
    buffer: Samples


class AudioList:
    """Everything that sounds in a patch, and all the memory it touches.

    clock : int64 (1,)   the frame of the current slice's first sample, shared with all units
    table : int64 (8,)   what the compiled walk reads and writes; see the names above
    """

    def __init__(self, input_channels: int = 1, output_channels: int = 2) -> None:
        self.table = np.zeros(TABLE, np.int64)
        self.table[INPUTS] = input_channels
        self.table[OUTPUTS] = output_channels
        self.clock = self.table[CLOCK:CLOCK + 1]
        self._rows: list[tuple[int, int]] = []
        self._kept: list[object] = []       # a collected array would be a crash
        self._silence: Samples | None = None

    def add(self, run_address: int, handle: Integers, keep: Iterable[object]) -> None:
        """Append a step; `keep` is what its handle points to, owned from now on."""
        self._rows.append((run_address, handle.ctypes.data))
        self._kept += [handle, *keep]

    def buffer(self) -> Samples:
        """A float32 (2, SLICE) for a unit to write."""
        return np.zeros((2, SLICE), np.float32)

    def sum(self, feeds: Sequence[Feed]) -> Samples:
        """What reaches one inlet, float32 (2, SLICE): cables that meet add at 0 dB."""
        if len(feeds) == 1:
            return feeds[0].buffer
        if not feeds:
            if self._silence is None:
                self._silence = self.buffer()
            return self._silence
        return Mix(self, [feed.buffer for feed in feeds], [1.0] * len(feeds)).buffer

    def tap(self, buffer: Samples, frames: int = 1 << 18) -> Samples:
        """Append a ring of the last `frames`, a power of two; frame n is at n modulo `frames`."""
        return Tap(self, buffer, frames).ring

    def compile(self) -> None:
        """Freeze the list, and call every row once for no frames, so that all is loaded."""
        self._steps = np.array(self._rows, np.int64).reshape(-1, 2)
        self.table[STEPS] = self._steps.ctypes.data
        self.table[COUNT] = len(self._steps)
        self.process(np.zeros((0, self.table[INPUTS]), np.float32),
                     np.zeros((0, self.table[OUTPUTS]), np.float32))
        self.table[BLOCKS] = 0

    def process(self, source: Samples, target: Samples, first: int = 0,
                frames: int | None = None) -> int:
        """One driver block of any number of frames, interleaved and C-contiguous.

        source  : float32 (n, input_channels)
        target  : float32 (n, output_channels), overwritten
        first   : where in them the block begins
        frames  : how many it has; None, or more than are left: to the end
        returns : `position`, behind it

        Raises ValueError where the shapes are others.
        """
        position: int = _walk_part(self.table, source, target, first,
                                   len(source) if frames is None else frames)
        if position < 0:
            inputs, outputs = self.channels
            raise ValueError(f"blocks of shape {source.shape} and {target.shape} don't fit a list "
                             f"with {inputs} input and {outputs} output channels")
        return position

    @property
    def channels(self) -> tuple[int, int]:
        """How many channels its blocks have, in and out."""
        return int(self.table[INPUTS]), int(self.table[OUTPUTS])

    @property
    def position(self) -> int:
        """How many frames have been made."""
        return int(self.clock[0])


@njit("boolean(int64[::1], float32[:, ::1], float32[:, ::1])",
      cache=True, nogil=True, error_model="numpy", forceinline=True)
def walk(table, source, target):
    """One driver block: every row for every slice. False where the shapes don't fit."""
    frames, inputs, outputs = source.shape[0], table[INPUTS], table[OUTPUTS]
    if source.shape[1] != inputs or target.shape[0] != frames or target.shape[1] != outputs:
        return False
    before = flush_denormals()
    for i in range(frames):
        for channel in range(outputs):
            target[i, channel] = np.float32(0.0)
    address = table.ctypes.data
    steps = carray(pointer(table[STEPS]), (table[COUNT], 2), np.int64)
    for done in range(0, max(frames, 1), SLICE):    # no frames: each row is called all the same
        length = min(frames - done, SLICE)
        table[SOURCE] = source.ctypes.data + 4 * inputs * done
        table[TARGET] = target.ctypes.data + 4 * outputs * done
        for k in range(table[COUNT]):
            call_run(steps[k, 0], steps[k, 1], length)
        store_release(address + 8 * CLOCK, table[CLOCK] + length)
    store_release(address + 8 * BLOCKS, load_acquire(address + 8 * BLOCKS) + 1)
    restore_denormals(before)
    return True


@njit("int64(int64[::1], float32[:, ::1], float32[:, ::1], int64, int64)",
      cache=True, nogil=True, error_model="numpy")
def _walk_part(table, source, target, first, frames):
    """One driver block out of longer ones; returns the frame behind it, -1 where they don't fit."""
    if source.shape[0] != target.shape[0]:
        return -1
    end = min(first + frames, source.shape[0])
    return table[CLOCK] if walk(table, source[first:end], target[first:end]) else -1
