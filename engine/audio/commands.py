"""What the engine thread asks of a sounding unit: play this at that very frame.

A ring of rows leads from one producer, the engine thread, to one consumer, the unit. At each
slice the unit moves what has arrived to a table ordered by start, and obeys every row at its
frame inside the slice; a row that comes too late is obeyed at once. Nothing waits, nothing
allocates, and a full ring says so.
"""

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from engine.audio.intrinsics import load_acquire, pointer, store_release
from engine.audio.unit import Integers, kernel

ROWS = 256                          # a power of two; as many again may wait in the table
WIDTH = 6
START, KIND, A, B, C, D = range(WIDTH)

STOP, SET = 0, 1
"""STOP forgets all that was sent before it but settings; SET moves setting `a` to `b`.
A unit's own kinds follow."""

_WRITTEN, _TAKEN, _WAITING = 0, 8, 16        # a cache line apart: each side writes its own
_ENDS = 24

Rows = NDArray[np.float64]
Mail = tuple[Rows, Integers, Rows]
"""ring, ends and pending: what both sides share."""


class Commands:
    """The producer's side, and the arrays both sides share.

    ring, pending : float64 (ROWS, WIDTH)   [start frame, kind, a, b, c, d]
    ends          : int64 (24,)             rows written, rows taken, rows waiting in `pending`
    refused       : int                     rows that found the ring full
    """

    def __init__(self) -> None:
        self.ring = np.zeros((ROWS, WIDTH), np.float64)
        self.pending = np.zeros((ROWS, WIDTH), np.float64)
        self.ends = np.zeros(_ENDS, np.int64)
        self.refused = 0

    @property
    def mail(self) -> Mail:
        """What a handle holds of them, in this order."""
        return self.ring, self.ends, self.pending

    def send(self, start_frame: int, kind: int, a: float = 0.0, b: float = 0.0, c: float = 0.0,
             d: float = 0.0) -> bool:
        """Ask for something at `start_frame`, 0 for at once; False where the ring is full."""
        if _push(self.ring, self.ends, start_frame, kind, a, b, c, d):
            return True
        self.refused += 1
        return False


@njit("boolean(float64[:, ::1], int64[::1], float64, float64, float64, float64, float64, float64)",
      cache=True, nogil=True, error_model="numpy")
def _push(ring: Rows, ends: Integers, start: float, kind: float, a: float, b: float, c: float,
          d: float) -> bool:
    written = ends[_WRITTEN]
    if written - load_acquire(ends.ctypes.data + 8 * _TAKEN) == ROWS:
        return False
    row = ring[written & (ROWS - 1)]
    row[START], row[KIND], row[A], row[B], row[C], row[D] = start, kind, a, b, c, d
    store_release(ends.ctypes.data + 8 * _WRITTEN, written + 1)
    return True


@kernel
def mail_at(ring: int, ends: int, pending: int) -> Mail:
    """The arrays behind the addresses in a handle."""
    return (carray(pointer(ring), (ROWS, WIDTH), np.float64),
            carray(pointer(ends), _ENDS, np.int64),
            carray(pointer(pending), (ROWS, WIDTH), np.float64))


@kernel
def arrive(mail: Mail) -> None:
    """Move what has arrived to the table; what finds no room there stays in the ring."""
    ring, ends, pending = mail
    taken = ends[_TAKEN]
    written = load_acquire(ends.ctypes.data + 8 * _WRITTEN)
    if taken == written:
        return
    stop = taken                            # but for settings, rows before the last STOP are void
    for k in range(taken, written):
        if ring[k & (ROWS - 1), KIND] == STOP:
            stop = k
            _keep_settings(ends, pending)
    while taken < written and ends[_WAITING] < ROWS:
        row = ring[taken & (ROWS - 1)]
        if taken >= stop or row[KIND] == SET:
            _insert(ends, pending, row)
        taken += 1
    store_release(ends.ctypes.data + 8 * _TAKEN, taken)


@kernel
def due(mail: Mail, frame: int) -> bool:
    """Is there a row whose frame has come?"""
    _, ends, pending = mail
    waiting = ends[_WAITING]
    return waiting > 0 and pending[waiting - 1, START] <= frame


@kernel
def take(mail: Mail) -> NDArray[np.float64]:
    """The row that `due` has seen, float64 (WIDTH,); valid until the next `arrive`."""
    _, ends, pending = mail
    ends[_WAITING] -= 1
    return pending[ends[_WAITING]]


@kernel
def until(mail: Mail, end: int) -> int:
    """The frame of the next row, or `end` where that comes first."""
    _, ends, pending = mail
    waiting = ends[_WAITING]
    if waiting == 0 or pending[waiting - 1, START] >= end:
        return end
    return np.int64(pending[waiting - 1, START])


@kernel
def _insert(ends: Integers, pending: Rows, row: NDArray[np.float64]) -> None:
    """Latest first, so that the next is the last; of equal starts the first sent comes first."""
    place = ends[_WAITING]
    while place > 0 and pending[place - 1, START] <= row[START]:
        for k in range(WIDTH):
            pending[place, k] = pending[place - 1, k]
        place -= 1
    for k in range(WIDTH):
        pending[place, k] = row[k]
    ends[_WAITING] += 1


@kernel
def _keep_settings(ends: Integers, pending: Rows) -> None:
    kept = 0
    for place in range(ends[_WAITING]):
        if pending[place, KIND] == SET:
            for k in range(WIDTH):
                pending[kept, k] = pending[place, k]
            kept += 1
    ends[_WAITING] = kept
