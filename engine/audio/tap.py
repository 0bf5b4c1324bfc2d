"""Where an audio cable ends at an event node: a ring of the last seconds."""

from typing import Any

import numpy as np
from numba import carray

from engine.audio.intrinsics import pointer
from engine.audio.unit import Integers, handle_of, kernel, unit
from engine.units import SLICE, Samples

_HALF = np.float32(0.5)


def tap_handle(clock: Integers, buffer: Samples, ring: Samples) -> Integers:
    """`ring`: float32, a power of two long; frame n is at n modulo its length."""
    return handle_of((clock, buffer, ring, len(ring)))


@kernel
def record(frame: int, frames: int, buffer: Samples, ring: Samples) -> None:
    """Write the mean of both channels; halved first, so that the loudest can't overflow."""
    mask = ring.shape[0] - 1
    for i in range(frames):
        ring[(frame + i) & mask] = _HALF * buffer[0, i] + _HALF * buffer[1, i]


@unit
def run(handle: Any, frames: int) -> None:
    table = carray(handle, 4, np.int64)
    record(carray(pointer(table[0]), 1, np.int64)[0], np.int64(frames),
           carray(pointer(table[1]), (2, SLICE), np.float32),
           carray(pointer(table[2]), table[3], np.float32))
