"""Where sound leaves: a fader, a limiter that nothing passes, and a stop without a click.

The limiter looks at the sample it is about to play and at nothing later, so it adds no delay:
what is too loud is turned down at once and let up again over a tenth of a second. Beneath the
ceiling it changes nothing.
"""

import math

import numpy as np
from numba import carray

from engine.audio.commands import KIND, SET, A, B, Commands, arrive, due, mail_at, take, until
from engine.audio.fade import FADE_STEP, glide
from engine.audio.intrinsics import pointer
from engine.audio.run_list import OUTPUTS, TABLE, TARGET, AudioList
from engine.audio.unit import handle_of, kernel, unit
from engine.units import SAMPLE_RATE, SLICE, Samples, frames, gain

CEILING = np.float32(gain(-0.3))
_NEAR = np.float32(0.999) * CEILING         # a peak this high keeps the limiter where it is
_HOLD = np.float32(frames(0.012))           # otherwise the wave itself would be bent
_LET_UP = np.float32(1.0 - math.exp(-1.0 / (0.05 * SAMPLE_RATE)))
_LET_GO = np.float32(0.9999)                # from here the limiter lets go altogether

GAIN, OPEN = 0, 1
"""What the commands SET: the fader, a factor; and whether sound passes at all, 1 or 0."""

_LEVEL, _FADE, _LIMIT, _HELD = range(2, 6)  # in `state`, after GAIN and OPEN: where they are now
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class Output:
    """A pair of the driver's channels, the first of them `first`; fades in when it starts.

    `buffer` holds what was sent, float32 (2, SLICE). Outputs on the same pair add, beneath the
    same ceiling. A pair the driver doesn't have is made all the same, and not sent.
    """

    def __init__(self, audio: AudioList, feed: Samples, first: int, level: float) -> None:
        self.commands = Commands()
        self.buffer = audio.buffer()
        state = np.array([level, 1.0, level, 0.0, 1.0, 0.0], np.float32)
        parts = (audio.clock, *self.commands.mail, feed, self.buffer, state, audio.table)
        audio.add(run.address, handle_of((*parts, first)), parts)


@kernel
def limit(start, end, feed, state, buffer):
    """Write feed[:, start:end] to buffer, no sample of it above the ceiling.

    state : float32 (6,)   GAIN and OPEN as asked for; gain, fade and limiter as they are, and for
                           how many frames more the limiter is held
    """
    if is_calm(start, end, feed, state, buffer):
        return
    level, fade, limit_to, held = state[_LEVEL], state[_FADE], state[_LIMIT], state[_HELD]
    step = FADE_STEP if state[OPEN] > _ZERO else -FADE_STEP
    for i in range(start, end):
        level = glide(level, state[GAIN])
        fade = min(max(fade + step, _ZERO), _ONE)
        left, right = _number(feed[0, i] * level), _number(feed[1, i] * level)
        peak = max(abs(left), abs(right))
        held -= _ONE
        if held < _ZERO:
            limit_to = _ONE if limit_to > _LET_GO else limit_to + (_ONE - limit_to) * _LET_UP
        if peak * limit_to >= _NEAR:
            limit_to = min(limit_to, CEILING / peak)
            held = _HOLD
        buffer[0, i] = _within(left * limit_to) * fade
        buffer[1, i] = _within(right * limit_to) * fade
    state[_LEVEL], state[_FADE] = level, fade
    state[_LIMIT], state[_HELD] = limit_to, max(held, _ZERO)


@kernel
def is_calm(start, end, feed, state, buffer):
    """Is nothing moving, and nothing too loud? That is the usual case: buffer is written then."""
    level = state[_LEVEL]
    if (state[OPEN] <= _ZERO or level != state[GAIN] or state[_FADE] != _ONE
            or state[_LIMIT] != _ONE):
        return False
    peak = _ZERO
    for channel in range(2):
        for i in range(start, end):
            sample = _number(feed[channel, i] * level)
            buffer[channel, i] = sample
            peak = max(peak, abs(sample))
    if peak >= _NEAR:
        return False
    state[_HELD] = max(state[_HELD] - np.float32(end - start), _ZERO)
    return True


@kernel
def _number(sample):
    """Ears are protected from a broken plugin, too."""
    return sample if np.isfinite(sample) else _ZERO


@kernel
def _within(sample):
    return min(max(sample, -CEILING), CEILING)


@kernel
def send(buffer, first, driver):
    """Add the pair to driver (n, channels), beneath the ceiling."""
    if first + 2 > driver.shape[1]:
        return
    for i in range(driver.shape[0]):
        driver[i, first] = _within(driver[i, first] + buffer[0, i])
        driver[i, first + 1] = _within(driver[i, first + 1] + buffer[1, i])


@kernel
def limit_slice(frame, frames, mail, feed, state, buffer):
    """One slice, cut where the fader or the stop is moved."""
    arrive(mail)
    done = 0
    while done < frames:
        while due(mail, frame + done):
            row = take(mail)
            if row[KIND] == SET:
                state[np.int64(row[A])] = row[B]
        end = until(mail, frame + frames) - frame
        limit(done, end, feed, state, buffer)
        done = end


@unit
def run(handle, frames):
    parts = carray(handle, 9, np.int64)
    length = np.int64(frames)
    table = carray(pointer(parts[7]), TABLE, np.int64)
    buffer = carray(pointer(parts[5]), (2, SLICE), np.float32)
    limit_slice(carray(pointer(parts[0]), 1, np.int64)[0], length,
                mail_at(parts[1], parts[2], parts[3]),
                carray(pointer(parts[4]), (2, SLICE), np.float32),
                carray(pointer(parts[6]), 6, np.float32), buffer)
    send(buffer, parts[8], carray(pointer(table[TARGET]), (length, table[OUTPUTS]), np.float32))
