"""Where sound enters: one channel of the driver's input, and never anything but numbers."""

import numpy as np
from numba import carray

from engine.audio.intrinsics import pointer
from engine.audio.run_list import INPUTS, SOURCE, TABLE, AudioList
from engine.audio.unit import handle_of, kernel, unit
from engine.units import SLICE

MEAN = -1
_HALF = np.float32(0.5)


class Source:
    """One channel, from 0, or the MEAN of the first two, on both sides of `buffer`.

    A driver with a single channel gives that one whatever is asked for. `channel` may change
    while it runs.
    """

    def __init__(self, audio: AudioList, channel: int) -> None:
        self.buffer = audio.buffer()
        self._channel = np.array([channel], np.int64)
        handle = handle_of((audio.table, self._channel, self.buffer))
        audio.add(run.address, handle, (audio.table, self._channel, self.buffer))

    @property
    def channel(self) -> int:
        return int(self._channel[0])

    @channel.setter
    def channel(self, channel: int) -> None:
        self._channel[0] = channel          # one aligned word: the audio thread sees old or new


@kernel
def one_of(frame, channel):
    """One channel of a frame (channels,), or the MEAN of the first two; NaN and inf become 0."""
    last = frame.shape[0] - 1
    first = min(max(channel, 0), last)
    second = min(1, last) if channel == MEAN else first
    sample = _HALF * frame[first] + _HALF * frame[second]
    return sample if np.isfinite(sample) else np.float32(0.0)


@kernel
def pick(driver, channel, buffer):
    """Write one channel of driver (n, channels) to both rows of buffer."""
    for i in range(driver.shape[0]):
        sample = one_of(driver[i], channel)
        buffer[0, i] = sample
        buffer[1, i] = sample


@unit
def run(handle, frames):
    parts = carray(handle, 3, np.int64)
    table = carray(pointer(parts[0]), TABLE, np.int64)
    pick(carray(pointer(table[SOURCE]), (np.int64(frames), table[INPUTS]), np.float32),
         carray(pointer(parts[1]), 1, np.int64)[0],
         carray(pointer(parts[2]), (2, SLICE), np.float32))
