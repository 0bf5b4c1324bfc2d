"""What the engine thread asks of a sounding unit: play this at that very frame.

A ring of rows leads from one producer, the engine thread, to one consumer, the unit. At each
slice the unit moves what has arrived to a table ordered by start, and obeys every row at its
frame inside the slice; a row that comes too late is obeyed at once. Nothing waits, nothing
allocates, and a full ring says so. A stop needs no room in it, so it always gets through.
"""

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from engine.audio.intrinsics import load_acquire, pointer, store_release
from engine.audio.unit import Integers, kernel

ROWS = 256                          # a power of two; as many again may wait in the table
WIDTH = 6
START, KIND, A, B, C, D = range(WIDTH)

SET = 0
"""The kind every unit knows: setting `a` becomes `b`. It survives a stop."""

_WRITTEN, _VOID = 0, 1              # the producer's: rows written, and how many of them are void
_TAKEN, _WAITING, _SEEN = 8, 9, 10  # the unit's, a cache line on: rows taken, rows in the table,
_ENDS = 16                          # and the last _VOID it has obeyed

Mail = tuple[NDArray[np.float64], Integers, NDArray[np.float64]]
"""What both sides share: ring, ends and pending."""


class Commands:
    """The producer's side.

    ring, pending : float64 (ROWS, WIDTH)   [start frame, kind, a, b, c, d]
    ends          : int64 (16,)             how far each side has come
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

    def stop(self) -> None:
        """Forget all that was sent but settings, and fall silent."""
        _void(self.ends)


@njit("boolean(float64[:, ::1], int64[::1], float64, float64, float64, float64, float64, float64)",
      cache=True, nogil=True, error_model="numpy")
def _push(ring, ends, start, kind, a, b, c, d):
    written = ends[_WRITTEN]
    if written - load_acquire(ends.ctypes.data + 8 * _TAKEN) == ROWS:
        return False
    row = ring[written & (ROWS - 1)]
    row[START], row[KIND], row[A], row[B], row[C], row[D] = start, kind, a, b, c, d
    store_release(ends.ctypes.data + 8 * _WRITTEN, written + 1)
    return True


@njit("void(int64[::1])", cache=True, nogil=True, error_model="numpy")
def _void(ends):
    store_release(ends.ctypes.data + 8 * _VOID, ends[_WRITTEN])


@kernel
def mail_at(ring, ends, pending):
    """The arrays behind the three addresses in a handle."""
    return (carray(pointer(ring), (ROWS, WIDTH), np.float64),
            carray(pointer(ends), _ENDS, np.int64),
            carray(pointer(pending), (ROWS, WIDTH), np.float64))


@kernel
def arrive(mail):
    """Move what has arrived to the table; what finds no room there stays in the ring.

    returns : bool   a stop has come: all sound sent for until now must end
    """
    ring, ends, pending = mail
    taken = ends[_TAKEN]
    void = load_acquire(ends.ctypes.data + 8 * _VOID)
    written = load_acquire(ends.ctypes.data + 8 * _WRITTEN)
    stopped = void != ends[_SEEN]
    if stopped:
        ends[_SEEN] = void
        _keep_settings(ends, pending)
    while taken < written and ends[_WAITING] < ROWS:
        row = ring[taken & (ROWS - 1)]
        if taken >= void or row[KIND] == SET:
            _insert(ends, pending, row)
        taken += 1
    store_release(ends.ctypes.data + 8 * _TAKEN, taken)
    return stopped


@kernel
def due(mail, frame):
    """Is there a row whose frame has come?"""
    _, ends, pending = mail
    waiting = ends[_WAITING]
    return waiting > 0 and pending[waiting - 1, START] <= frame


@kernel
def take(mail):
    """The row that `due` has seen, float64 (WIDTH,); valid until the next `arrive`."""
    _, ends, pending = mail
    ends[_WAITING] -= 1
    return pending[ends[_WAITING]]


@kernel
def until(mail, end):
    """The frame of the next row, or `end` where that comes first."""
    _, ends, pending = mail
    waiting = ends[_WAITING]
    if waiting == 0 or pending[waiting - 1, START] >= end:
        return end
    return np.int64(pending[waiting - 1, START])


@kernel
def waiting_rows(mail):
    """The table's rows that are still to come, float64 (n, WIDTH), latest first."""
    _, ends, pending = mail
    return pending[:ends[_WAITING]]


@kernel
def _insert(ends, pending, row):
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
def _keep_settings(ends, pending):
    kept = 0
    for place in range(ends[_WAITING]):
        if pending[place, KIND] == SET:
            for k in range(WIDTH):
                pending[kept, k] = pending[place, k]
            kept += 1
    ends[_WAITING] = kept
