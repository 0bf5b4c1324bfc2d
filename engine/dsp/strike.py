"""What is heard of one strike: forty bands every 2 ms, from 6 ms before its attack on.

Each frame leans on its newest milliseconds and is told relative to the loudest band heard of this
strike so far, so a soft kick looks like a loud one. On stage and in training, these kernels are
the one way in which the drum model hears.

    frame 0 ends 4 ms before the attack, frame 2 at the attack, frame 2 + n after 2n ms
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.dsp.mel import BANDS, log_mel, mel_bands
from engine.dsp.stft import leaning, plan_for, power_512
from engine.units import Samples

STEP = 96                   # 2 ms: half a strike's fastest rise
LEAD = 288                  # 6 ms: the room just before, and an attack announced a little late
WINDOW = 512                # 10.7 ms
FALL = 96                   # what has begun counts fully after one step

SILENCE = 1e-6              # about -100 dBFS in one band: what no microphone hears
NOTHING = float(np.log(SILENCE))
RANGE = 13.8                # 60 dB in nats, below the loudest band; all that is softer is alike


def ear() -> tuple[Samples, Samples, NDArray[np.int32], Samples]:
    """The plan, weights, spans and scratch that `hear` needs; one set a thread."""
    weights, spans = mel_bands(WINDOW, BANDS)
    return plan_for(leaning(WINDOW, FALL)), weights, spans, np.zeros(WINDOW // 2 + 1, np.float32)


def frames_by(heard: int) -> int:
    """How many frames end within the first `heard` samples after the attack.

    >>> frames_by(0), frames_by(96), frames_by(24 * 48)
    (3, 4, 15)
    """
    return max(0, (heard + LEAD) // STEP)


@njit(cache=True, nogil=True, error_model="numpy")
def _tell(most, out):
    """Log power in each band, told relative to the loudest band of this strike yet."""
    for band in range(len(out)):
        most[0] = max(most[0], out[band])
    for band in range(len(out)):
        level = np.float32(1.0) + (out[band] - most[0]) * np.float32(2.0 / RANGE)
        out[band] = max(level, np.float32(-1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def hear(samples, plan, weights, spans, power, most, out):
    """One frame of a strike.

    samples                     : float32 (WINDOW,)   the last that was heard
    plan, weights, spans, power : from `ear`; overwritten where they are scratch
    most                        : float32 (2,)        the loudest band and the highest sample of
                                                      this strike yet; begins as NOTHING, 0
    out                         : float32 (BANDS,)    filled: 1 = the loudest band yet, -1 = 60 dB
                                                      below it or softer
    """
    power_512(samples, plan, power)
    log_mel(power, weights, spans, SILENCE, out)
    _tell(most, out)
    for i in range(WINDOW - STEP, WINDOW):
        most[1] = max(most[1], abs(samples[i]))


@njit(cache=True, nogil=True, error_model="numpy")
def level_all(samples, attack, plan, weights, spans, power, out):
    """The same frames as `hear_all`'s, as they are: the log power of each band.

    out : float32 (frames, BANDS)   filled, natural logarithm
    """
    samples_heard = np.zeros(WINDOW, np.float32)
    for j in range(len(out)):
        first = attack - LEAD + STEP * (j + 1) - WINDOW
        for i in range(WINDOW):
            inside = 0 <= first + i < len(samples)
            samples_heard[i] = samples[first + i] if inside else np.float32(0.0)
        power_512(samples_heard, plan, power)
        log_mel(power, weights, spans, SILENCE, out[j])


@njit(cache=True, nogil=True, error_model="numpy")
def tell_all(levels):
    """What `hear_all` would have given, from what `level_all` gave.

    levels : float32 (frames, BANDS)   overwritten
    """
    most = np.array([NOTHING, 0.0], np.float32)
    for j in range(len(levels)):
        _tell(most, levels[j])


@njit(cache=True, nogil=True, error_model="numpy")
def hear_all(samples, attack, plan, weights, spans, power, out):
    """All frames of a strike in a recording, as the stage would hear them one by one.

    samples : float32 (n,)             what lies outside is silence
    attack  : int                      the sample at which the strike begins
    out     : float32 (frames, BANDS)  filled
    """
    samples_heard = np.zeros(WINDOW, np.float32)
    most = np.array([NOTHING, 0.0], np.float32)
    for j in range(len(out)):
        first = attack - LEAD + STEP * (j + 1) - WINDOW
        for i in range(WINDOW):
            inside = 0 <= first + i < len(samples)
            samples_heard[i] = samples[first + i] if inside else np.float32(0.0)
        hear(samples_heard, plan, weights, spans, power, most, out[j])
