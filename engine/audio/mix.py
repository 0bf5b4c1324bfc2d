"""Cables that meet: each with a fader of its own, which moves without a zip."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numba import carray

from engine.audio.commands import KIND, SET, A, B, Commands, arrive, due, mail_at, take, until
from engine.audio.fade import glide
from engine.audio.intrinsics import pointer
from engine.audio.unit import handle_of, kernel, unit
from engine.units import SLICE, Samples

if TYPE_CHECKING:
    from engine.audio.run_list import AudioList

_FEEDS = 7                                  # where the feeds begin in the handle


class Mix:
    """The sum of some buffers, each at its gain; `commands` SET gain `a` to `b`.

    buffer : float32 (2, SLICE)
    """

    def __init__(self, audio: "AudioList", feeds: Sequence[Samples], gains: Sequence[float]
                 ) -> None:
        self.commands = Commands()
        self.buffer = audio.buffer()
        faders = np.array([gains, gains], np.float32)       # where they are, where they go
        parts = (audio.clock, *self.commands.mail, self.buffer, faders)
        audio.add(run.address, handle_of((*parts, len(feeds), *feeds)), (*parts, *feeds))


@kernel
def mix(start, end, feeds, faders, buffer):
    """Fill buffer[:, start:end] with the sum of the feeds.

    feeds  : int64 (n,)      addresses of float32 (2, SLICE)
    faders : float32 (2, n)  gains as they are, and where they are going
    """
    for i in range(start, end):
        buffer[0, i] = buffer[1, i] = np.float32(0.0)
    for f in range(feeds.shape[0]):
        feed = carray(pointer(feeds[f]), (2, SLICE), np.float32)
        level, goal = faders[0, f], faders[1, f]
        if level == goal:                   # the usual case, and one the compiler can vectorise
            for channel in range(2):
                for i in range(start, end):
                    buffer[channel, i] += feed[channel, i] * level
        else:
            for i in range(start, end):
                level = glide(level, goal)
                buffer[0, i] += feed[0, i] * level
                buffer[1, i] += feed[1, i] * level
            faders[0, f] = level


@kernel
def mix_slice(frame, frames, mail, feeds, faders, buffer):
    """One slice, cut where a fader is told to move."""
    arrive(mail)
    done = 0
    while done < frames:
        while due(mail, frame + done):
            row = take(mail)
            if row[KIND] == SET:
                faders[1, np.int64(row[A])] = row[B]
        end = until(mail, frame + frames) - frame
        mix(done, end, feeds, faders, buffer)
        done = end


@unit
def run(handle, frames):
    count = carray(handle, _FEEDS, np.int64)[_FEEDS - 1]
    parts = carray(handle, _FEEDS + count, np.int64)
    mix_slice(carray(pointer(parts[0]), 1, np.int64)[0], np.int64(frames),
              mail_at(parts[1], parts[2], parts[3]), parts[_FEEDS:],
              carray(pointer(parts[5]), (2, count), np.float32),
              carray(pointer(parts[4]), (2, SLICE), np.float32))
