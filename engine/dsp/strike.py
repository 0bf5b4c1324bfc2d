"""What is heard of one strike: forty bands every 2 ms, from 6 ms before its attack on.

Each frame leans on its newest milliseconds and is told relative to the loudest band heard of this
strike so far, so a soft kick looks like a loud one. On stage and in training, these kernels are
the one way in which the drum model hears. Beside its bands a frame tells how loud the strike was
until now, for a drum begins at once, and how loud the room was before it: applause is never quiet.

    frame 0 ends 4 ms before the attack, frame 2 at the attack, frame 2 + n after 2n ms; on stage
    all of them up to 1 ms off, so that the last one ends where the hit is named
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
NOTHING = float("-inf")     # the loudest band before any was heard, however loud the strike is
RANGE = 13.8                # 60 dB in nats, below the loudest band; all that is softer is alike

PAST = 4_320                # 90 ms that end where the strike is first heard,
SLICE = 240                 # in slices of 5 ms, of which the
HUSH = 3                    # quietest, the middle and the loudest are told
HUSH_RANGE = 4.6            # 40 dB in nats of amplitude: quieter rooms are alike
QUIETEST = 1e-5             # -100 dBFS: what no microphone hears
LOUDER = 1.5                # a room this far above the strike is told as no louder: 10 dB

WIDTH = BANDS + 1 + HUSH    # of a frame

NEIGHBOUR = 0.9             # of a band is told by its neighbour below: so they go in one sound
NEWEST = (0.63, 0.22)       # the share of the newest frame in what lingers 2 ms, and 8 ms
TOLD = 5.0                  # so that what lingers weighs about as much as the drum model's state
LINGERING = len(NEWEST) * BANDS


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
    """Log power in each band, told relative to the loudest band of this strike yet; and so that
    which was the loudest until this frame."""
    out[BANDS] = most[0]
    for band in range(BANDS):
        most[0] = max(most[0], out[band])
    for band in range(BANDS + 1):
        level = np.float32(1.0) + (out[band] - most[0]) * np.float32(2.0 / RANGE)
        out[band] = max(level, np.float32(-1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def hear(samples, plan, weights, spans, power, hush, most, out):
    """One frame of a strike.

    samples                     : float32 (WINDOW,)   the last that was heard
    plan, weights, spans, power : from `ear`; overwritten where they are scratch
    hush                        : float32 (HUSH,)     the room's, from `before`
    most                        : float32 (2,)        the loudest band and the highest sample of
                                                      this strike yet; begins as NOTHING, 0
    out                         : float32 (WIDTH,)    filled: the bands, 1 = the loudest yet, -1 =
                                                      60 dB below it or softer; as the last of
                                                      them, the loudest until this frame; then the
                                                      room, 1 = the strike's highest sample yet,
                                                      -1 = 40 dB below it or softer
    """
    power_512(samples, plan, power)
    log_mel(power, weights, spans, SILENCE, out[:BANDS])
    _tell(most, out)
    for i in range(WINDOW - STEP, WINDOW):
        most[1] = max(most[1], abs(samples[i]))
    highest = np.log(max(most[1], np.float32(QUIETEST)))
    for k in range(HUSH):
        level = np.float32(1.0) + (hush[k] - highest) * np.float32(2.0 / HUSH_RANGE)
        out[BANDS + 1 + k] = min(max(level, np.float32(-1.0)), np.float32(LOUDER))


@njit(cache=True, nogil=True, error_model="numpy")
def linger(frame, lingering):
    """Let what is heard linger, each band against its neighbour below.

    Between two strikes of one sound, neighbouring bands grow or fade together; what is left of a
    band beside its neighbour varies alike in all of them, so a few takes show what is usual.

    frame     : float32 (WIDTH,)       from `hear`
    lingering : float32 (LINGERING,)   begins as zeros; all bands for each of NEWEST, overwritten
    """
    for band in range(BANDS):
        below = frame[band - 1] if band > 0 else frame[0]
        told = np.float32(TOLD) * (frame[band] - np.float32(NEIGHBOUR) * below)
        for k in range(len(NEWEST)):
            at = k * BANDS + band
            lingering[at] += np.float32(NEWEST[k]) * (told - lingering[at])


@njit(cache=True, nogil=True, error_model="numpy")
def before(samples, out):
    """How loud the room was before a strike.

    samples : float32 (PAST,)   what was heard before its first frame
    out     : float32 (HUSH,)   filled: natural logarithms of the quietest, the middle and the
                                loudest slice's highest sample
    """
    highest = np.zeros(PAST // SLICE, np.float32)
    for i in range(PAST):
        highest[i // SLICE] = max(highest[i // SLICE], abs(samples[i]))
    highest.sort()
    for k in range(HUSH):
        at = k * (len(highest) - 1) // (HUSH - 1)
        out[k] = np.log(max(highest[at], np.float32(QUIETEST)))


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
    """What `hear_all` would have given, from what `level_all` gave; the room stays as it is.

    levels : float32 (frames, WIDTH)   overwritten
    """
    most = np.array([NOTHING, 0.0], np.float32)
    for j in range(len(levels)):
        _tell(most, levels[j])


@njit(cache=True, nogil=True, error_model="numpy")
def hear_all(samples, attack, plan, weights, spans, power, out):
    """All frames of a strike in a recording, as the stage would hear them one by one.

    samples : float32 (n,)             what lies outside is silence
    attack  : int                      the sample at which the strike begins
    out     : float32 (frames, WIDTH)  filled
    """
    room, hush = np.zeros(PAST, np.float32), np.zeros(HUSH, np.float32)
    for i in range(PAST):
        at = attack - LEAD - PAST + i
        room[i] = samples[at] if 0 <= at < len(samples) else np.float32(0.0)
    before(room, hush)
    samples_heard = np.zeros(WINDOW, np.float32)
    most = np.array([NOTHING, 0.0], np.float32)
    for j in range(len(out)):
        first = attack - LEAD + STEP * (j + 1) - WINDOW
        for i in range(WINDOW):
            inside = 0 <= first + i < len(samples)
            samples_heard[i] = samples[first + i] if inside else np.float32(0.0)
        hear(samples_heard, plan, weights, spans, power, hush, most, out[j])
