"""How high a voice is: the shortest time after which it repeats itself.

A voice is compared with itself a little later, for every delay it may have. Where the difference
falls to nearly nothing, that delay is its period. Works at a quarter of the house's rate: a voice
below 1 kHz needs no more, and costs a sixteenth.
"""

import math

import numpy as np
from numba import njit

from engine.units import HOP, SAMPLE_RATE, Samples

QUARTER = 4
RATE = SAMPLE_RATE // QUARTER               # 12 kHz
LOW_HZ, HIGH_HZ = 58.0, 1040.0
SHORTEST = int(RATE / HIGH_HZ)              # delays, in samples at RATE
LONGEST = math.ceil(RATE / LOW_HZ)
FINE = 32                    # samples: a shorter period is measured over four of them
WINDOW = 256                                # what is compared: 21 ms
FRAME = WINDOW + LONGEST + 1
"""Samples at RATE that one look needs: 38 ms, whose middle is heard 19 ms late."""

TAPS = 48


def low_pass() -> Samples:
    """What lets a quarter of the rate be enough: a windowed sinc to 4.5 kHz, float32 (TAPS,)."""
    place = np.arange(TAPS) - (TAPS - 1) / 2
    ideal = np.sinc(2.0 * 4500.0 / SAMPLE_RATE * place) * np.blackman(TAPS)
    return np.asarray(ideal / ideal.sum(), np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def quarter(samples, taps, past, frame):
    """Slide one hop into a frame at a quarter of the rate.

    samples : float32 (HOP,)
    taps    : float32 (TAPS,)
    past    : float32 (TAPS + HOP,)   the hop before, kept from call to call
    frame   : float32 (n,)            the newest last; moved on by HOP / 4
    """
    new = HOP // QUARTER
    for i in range(TAPS):
        past[i] = past[i + HOP]
    for i in range(HOP):
        past[TAPS + i] = samples[i]
    for i in range(len(frame) - new):
        frame[i] = frame[i + new]
    for k in range(new):
        total = np.float32(0.0)
        first = QUARTER * (k + 1)
        for i in range(TAPS):
            total += past[first + i] * taps[i]
        frame[len(frame) - new + k] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _dip_near(difference, lag):
    """The lowest place within two of a delay; 0 where it is longer than any looked at."""
    if lag > LONGEST - 2:
        return 0
    best = lag - 2
    for near in range(lag - 1, lag + 3):
        if difference[near] < difference[best]:
            best = near
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _bottom(difference, lag):
    """Where between samples the dip at `lag` is lowest: a parabola through three of them."""
    left, middle, right = difference[lag - 1], difference[lag], difference[lag + 1]
    bend = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / bend if bend > 1e-9 else 0.0
    return lag + min(max(shift, -0.5), 0.5)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
def yin(frame, sure, difference):
    """The pitch of a frame, how clear it is, and how loud.

    frame      : float32 (FRAME,)         at RATE
    sure       : float                    a difference below this is a repetition, 0.1-0.2
    difference : float32 (LONGEST + 2,)   overwritten
    returns    : hz, clarity 0..1, mean square; hz is 0 where nothing repeats

    Source: A. de Cheveigné, H. Kawahara, "YIN, a fundamental frequency estimator for speech and
    music", JASA 111 (2002), steps 2-5.
    """
    power = np.float32(0.0)
    for i in range(WINDOW):
        power += frame[i] * frame[i]
    mean_square = power / np.float32(WINDOW)
    difference[0] = np.float32(1.0)
    total = np.float32(0.0)
    for lag in range(1, LONGEST + 2):
        apart = np.float32(0.0)
        for i in range(WINDOW):
            step = frame[i] - frame[i + lag]
            apart += step * step
        total += apart
        difference[lag] = apart * lag / total if total > 0.0 else np.float32(1.0)
    best = 0
    for lag in range(SHORTEST, LONGEST + 1):
        if difference[lag] < sure:
            best = lag
            while best < LONGEST and difference[best + 1] < difference[best]:
                best += 1
            break
    if best == 0:
        best = SHORTEST
        for lag in range(SHORTEST, LONGEST + 1):
            if difference[lag] < difference[best]:
                best = lag
    twice = _dip_near(difference, 2 * best)
    if twice and difference[best] > 0.03 and difference[twice] < 0.4 * difference[best]:
        best = twice                        # a strong second harmonic repeats at half the period
    clarity, period = max(0.0, 1.0 - difference[best]), _bottom(difference, best)
    if best < FINE:                         # few samples long: told more finely by four of them
        four = _dip_near(difference, round(4.0 * period))
        if four and difference[four] < sure:
            period = 0.25 * _bottom(difference, four)
    return RATE / period, clarity, mean_square
