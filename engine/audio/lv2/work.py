"""Slow work that a plugin asks for from the audio thread, such as reading a sample from disk.

The audio thread only leaves a note in a ring; a thread of our own does the work, and the answer is
handed to the plugin in the audio thread, after its `run`. Offline the work is done on the spot, so
that a recording gives the same take each time.
"""

import os
import threading
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types

from engine.audio.intrinsics import (
    call_response,
    call_system,
    call_work,
    load_acquire,
    pointer,
    store_release,
)
from engine.audio.lv2.lilv import ffi
from engine.audio.unit import Integers, handle_of, kernel
from engine.audio.wake import address_of

ROOM = 1 << 16                      # bytes in a ring, a power of two
_WRITTEN, _READ = 0, 8              # how far each side has come, a cache line apart

WORKER = np.dtype([(name, np.int64) for name in (
    "inline", "instance", "work", "work_response", "end_run", "respond", "own",
    "asked", "asked_ends", "answered", "answered_ends", "body", "write_at", "write_to", "one")])
"""Addresses of the plugin's three functions, of ours, and of two rings of bytes."""


@kernel
def push(ring, ends, size, data):
    """Append a note of `size` bytes; False where there is no room."""
    room = 8 + ((size + 7) & -8)
    written = ends[_WRITTEN]
    if size < 0 or written + room - load_acquire(ends.ctypes.data + 8 * _READ) > ROOM:
        return False
    for k in range(8):
        ring[(written + k) & (ROOM - 1)] = np.uint8((size >> (8 * k)) & 255)
    for k in range(size):
        ring[(written + 8 + k) & (ROOM - 1)] = data[k]
    store_release(ends.ctypes.data + 8 * _WRITTEN, written + room)
    return True


@kernel
def pop(ring, ends, body):
    """The size of the oldest note, now in `body`; -1 where there is none."""
    read = ends[_READ]
    if read == load_acquire(ends.ctypes.data + 8 * _WRITTEN):
        return -1
    size = np.int64(0)
    for k in range(8):
        size |= np.int64(ring[(read + k) & (ROOM - 1)]) << (8 * k)
    for k in range(size):
        body[k] = ring[(read + 8 + k) & (ROOM - 1)]
    store_release(ends.ctypes.data + 8 * _READ, read + 8 + ((size + 7) & -8))
    return size


@kernel
def _ring(address):
    return carray(pointer(address), ROOM, np.uint8)


@kernel
def _ends(address):
    return carray(pointer(address), 16, np.int64)


@cfunc(types.int32(types.voidptr, types.uint32, types.voidptr), cache=True, error_model="numpy")
def schedule(handle, size, data):
    """LV2's `schedule_work`, called by the plugin in the audio thread."""
    worker = carray(handle, 1, WORKER)[0]
    count, body = np.int64(size), carray(data, np.int64(size), np.uint8)
    if worker.inline != 0:
        return np.int32(call_work(worker.work, worker.instance, worker.respond, worker.own, count,
                                  body.ctypes.data))
    if not push(_ring(worker.asked), _ends(worker.asked_ends), count, body):
        return np.int32(3)                              # LV2_WORKER_ERR_NO_SPACE
    call_system(worker.write_at, worker.write_to, worker.one, 8)
    return np.int32(0)


@cfunc(types.int32(types.voidptr, types.uint32, types.voidptr), cache=True, error_model="numpy")
def respond(handle, size, data):
    """LV2's `respond`, called by the plugin from within its `work`."""
    worker = carray(handle, 1, WORKER)[0]
    count = np.int64(size)
    kept = push(_ring(worker.answered), _ends(worker.answered_ends), count,
                carray(data, count, np.uint8))
    return np.int32(0 if kept else 3)


@kernel
def hand_out(worker):
    """After a `run`: hand the plugin what its work has given."""
    body = _ring(worker.body)
    while True:
        size = pop(_ring(worker.answered), _ends(worker.answered_ends), body)
        if size < 0:
            break
        call_response(worker.work_response, worker.instance, size, worker.body)
    if worker.end_run != 0:
        call_response(worker.end_run, worker.instance, 0, 0)


@njit("int64(uint8[::1], int64[::1], uint8[::1])", cache=True, nogil=True, error_model="numpy")
def _take(ring, ends, body):
    return pop(ring, ends, body)


class Worker:
    """A plugin's way to have slow work done.

    address : of its WORKER, what `schedule` is called with
    """

    def __init__(self) -> None:
        self._rings = [np.zeros(ROOM, np.uint8) for _ in range(4)]
        self._ends = [np.zeros(16, np.int64) for _ in range(2)]
        self._one = np.ones(1, np.int64)
        self._read_from, self._write_to = -1, -1
        self._thread: threading.Thread | None = None
        asked, answered, body, self._work_body = self._rings
        self.record = np.zeros(1, WORKER)
        values = {"inline": 1, "respond": respond.address, "own": self.record, "asked": asked,
                  "asked_ends": self._ends[0], "answered": answered,
                  "answered_ends": self._ends[1], "body": body, "one": self._one,
                  "write_at": address_of("write")}
        names = WORKER.names or ()
        filled: Integers = handle_of(values.get(name, 0) for name in names)
        self.record.view(np.int64)[:] = filled
        self.address = int(self.record.ctypes.data)

    def serve(self, instance: int, functions: Any) -> None:
        """Work for this instance; `functions` is its LV2_Worker_Interface."""
        self._work, self._instance = functions.work, instance
        places = {"instance": instance, "work": functions.work,
                  "work_response": functions.work_response, "end_run": functions.end_run}
        for name, value in places.items():
            self.record[name] = int(ffi.cast("intptr_t", value)) if name != "instance" else value

    def go_live(self) -> None:
        """From now on work is done by a thread, and the audio thread never waits for it."""
        self._read_from, self._write_to = os.pipe()
        os.set_blocking(self._write_to, False)
        self.record["write_to"] = self._write_to
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self.record["inline"] = 0

    def close(self) -> None:
        """End the thread; the plugin must not run any more."""
        if self._thread is not None:
            os.close(self._write_to)
            self._thread.join()
            os.close(self._read_from)
            self._thread = None

    def _live(self) -> None:
        work = ffi.cast("int (*)(void *, void *, void *, uint32_t, void *)", self._work)
        body = ffi.from_buffer(self._work_body)
        instance = ffi.cast("void *", self._instance)
        answer, own = ffi.cast("void *", respond.address), ffi.cast("void *", self.address)
        while os.read(self._read_from, 64):             # empty: the other end is closed
            while (size := _take(self._rings[0], self._ends[0], self._work_body)) >= 0:
                work(instance, answer, own, size, body)
