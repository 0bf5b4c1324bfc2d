"""Where an audio cable ends at an event node: a ring of the last seconds."""

from typing import TYPE_CHECKING

import numpy as np
from numba import carray

from engine.audio.intrinsics import pointer
from engine.audio.unit import handle_of, kernel, unit
from engine.units import SLICE, Samples

if TYPE_CHECKING:
    from engine.audio.run_list import AudioList

_HALF = np.float32(0.5)


class Tap:
    """Keep the mean of both channels: frame n is at n modulo the ring's length.

    ring : float32 (frames,)   a power of two long
    """

    def __init__(self, audio: "AudioList", feed: Samples, frames: int) -> None:
        self.ring = np.full(frames, 0.0, np.float32)    # written, so that every page is there
        parts = (audio.clock, feed, self.ring)
        audio.add(run.address, handle_of((*parts, frames)), parts)


@kernel
def record(frame, frames, feed, ring):
    """Write feed (2, SLICE) from `frame` on; halved first, so that the loudest can't overflow."""
    place = frame & (ring.shape[0] - 1)
    whole = min(frames, ring.shape[0] - place)
    for i in range(whole):
        ring[place + i] = _HALF * feed[0, i] + _HALF * feed[1, i]
    for i in range(whole, frames):
        ring[place + i - ring.shape[0]] = _HALF * feed[0, i] + _HALF * feed[1, i]


@unit
def run(handle, frames):
    parts = carray(handle, 4, np.int64)
    record(carray(pointer(parts[0]), 1, np.int64)[0], np.int64(frames),
           carray(pointer(parts[1]), (2, SLICE), np.float32),
           carray(pointer(parts[2]), parts[3], np.float32))
