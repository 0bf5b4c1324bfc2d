"""Cables that meet: each with a fader of its own, which moves without a zip."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import carray

from engine.audio.commands import KIND, SET, A, B, Commands, Mail, arrive, due, mail_at, take, until
from engine.audio.fade import glide
from engine.audio.intrinsics import pointer
from engine.audio.unit import Integers, handle_of, kernel, unit
from engine.units import SLICE, Samples

_FEEDS = 7                                  # where the feeds begin in the handle


class Mix:
    """The sum of some buffers, each with its gain; `commands` SET gain `a` to `b`."""

    def __init__(self, clock: Integers, feeds: Sequence[Samples], gains: Sequence[float],
                 target: Samples) -> None:
        self.commands = Commands()
        self.faders = np.array([gains, gains], np.float32)      # where they are, where they go
        self.handle = handle_of((clock, *self.commands.mail, target, self.faders, len(feeds),
                                 *feeds))
        self.keep = (clock, *self.commands.mail, target, self.faders, *feeds)


@kernel
def mix(start: int, end: int, feeds: Integers, faders: Samples, target: Samples) -> None:
    """Fill target[:, start:end] with the sum of the feeds.

    feeds  : int64 (n,)      addresses of float32 (2, SLICE)
    faders : float32 (2, n)  gains now, and where they are going
    """
    target[:, start:end] = np.float32(0.0)
    for f in range(feeds.shape[0]):
        feed = carray(pointer(feeds[f]), (2, SLICE), np.float32)
        level, goal = faders[0, f], faders[1, f]
        if level == goal:                   # the usual case, and one the compiler can vectorise
            for i in range(start, end):
                target[0, i] += feed[0, i] * level
                target[1, i] += feed[1, i] * level
        else:
            for i in range(start, end):
                level = glide(level, goal)
                target[0, i] += feed[0, i] * level
                target[1, i] += feed[1, i] * level
            faders[0, f] = level


@kernel
def mix_slice(frame: int, frames: int, mail: Mail, feeds: Integers, faders: Samples,
              target: Samples) -> None:
    """One slice, cut where a fader is told to move."""
    arrive(mail)
    done = 0
    while done < frames:
        while due(mail, frame + done):
            row = take(mail)
            if row[KIND] == SET:
                faders[1, np.int64(row[A])] = row[B]
        end = until(mail, frame + frames) - frame
        mix(done, end, feeds, faders, target)
        done = end


@unit
def run(handle: Any, frames: int) -> None:
    count = carray(handle, _FEEDS, np.int64)[_FEEDS - 1]
    table = carray(handle, _FEEDS + count, np.int64)
    mix_slice(carray(pointer(table[0]), 1, np.int64)[0], np.int64(frames),
              mail_at(table[1], table[2], table[3]), table[_FEEDS:],
              carray(pointer(table[5]), (2, count), np.float32),
              carray(pointer(table[4]), (2, SLICE), np.float32))
