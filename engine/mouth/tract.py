"""The mouth as a tube: what makes the sound, and the cavities that colour it.

Sources are air (noise) and the vocal folds (pulses); everything after them is resonance. A cavity
closed at one end rings at the odd multiples of c / 4l, which is why the small space in front of
the tongue hisses at 8 kHz for "s", rings near 2 kHz for "k", and a whole throat near 500 Hz.

Pure kernels: arrays in, arrays out; each runs once over a whole sound, never on stage.
"""

import math

import numpy as np
from numba import njit

from engine.units import SAMPLE_RATE, Samples

SPEED_OF_SOUND_CM = 35_000.0      # cm/s in warm, moist air


def cavity_hz(length_cm: float, mode: int = 1) -> float:
    """Where a cavity of this length rings: its first resonance, or a higher mode.

    >>> cavity_hz(17.5)
    500.0
    """
    return (2 * mode - 1) * SPEED_OF_SOUND_CM / (4.0 * length_cm)


@njit(cache=True, nogil=True, error_model="numpy")
def glottis(hz: Samples, out: Samples) -> None:
    """Pulses of the vocal folds, as they leave the lips.

    hz  : float32 (frames,)   pitch at each frame; 0 is silence
    out : float32 (frames,)   overwritten; flow derivative, about ±1

    Source: A. E. Rosenberg, "Effect of glottal pulse shape on the quality of natural vowels",
    JASA 49 (1971), shape C: opening 40 %, closing 16 % of the period.
    """
    opening, closing = 0.40, 0.16
    phase, before = 0.0, 0.0
    for i in range(len(hz)):
        if phase < opening:
            flow = 0.5 * (1.0 - math.cos(math.pi * phase / opening))
        elif phase < opening + closing:
            flow = math.cos(0.5 * math.pi * (phase - opening) / closing)
        else:
            flow = 0.0
        step = hz[i] / SAMPLE_RATE
        out[i] = (flow - before) * closing / max(step, 1e-4)
        before = flow
        phase += step
        if phase >= 1.0:
            phase -= 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def formant(samples: Samples, hz: Samples, bandwidth_hz: float) -> None:
    """Ring one resonance of the throat, in place; low frequencies keep their level.

    samples : float32 (frames,)   overwritten
    hz      : float32 (frames,)   where it rings, may glide

    Source: D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67 (1980).
    """
    radius = math.exp(-math.pi * bandwidth_hz / SAMPLE_RATE)
    c = -radius * radius
    last, before = 0.0, 0.0
    for i in range(len(samples)):
        b = 2.0 * radius * math.cos(2.0 * math.pi * hz[i] / SAMPLE_RATE)
        now = (1.0 - b - c) * samples[i] + b * last + c * before
        before, last = last, now
        samples[i] = now


@njit(cache=True, nogil=True, error_model="numpy")
def colour(samples: Samples, hz: float, q: float, low: float, band: float, high: float) -> None:
    """Weigh what lies below, at and above a frequency, in place; 1, 1, 1 changes nothing.

    samples : float32 (frames,)   overwritten
    q       : how narrow the middle is

    Source: V. Zavalishin, "The Art of VA Filter Design" (2012), the trapezoidal state variable
    filter.
    """
    g = math.tan(math.pi * min(hz, 0.49 * SAMPLE_RATE) / SAMPLE_RATE)
    k = 1.0 / q
    a = 1.0 / (1.0 + g * (g + k))
    state_band, state_low = 0.0, 0.0
    for i in range(len(samples)):
        top = (samples[i] - (k + g) * state_band - state_low) * a
        middle = g * top + state_band
        bottom = g * middle + state_low
        state_band = 2.0 * middle - state_band
        state_low = 2.0 * bottom - state_low
        samples[i] = low * bottom + band * k * middle + high * top


@njit(cache=True, nogil=True, error_model="numpy")
def room(samples: Samples, delays: np.ndarray, feedback: Samples, damping: float, level: float,
         out: Samples) -> None:
    """The walls' answer, added to the voice: four delays that feed each other, duller each turn.

    samples  : float32 (frames,)
    delays   : int64 (4,)       frames, the longest below 8192
    feedback : float32 (4,)     loss per turn, below 1
    damping  : 0..1, how much of the top is lost per turn
    out      : float32 (frames,)   overwritten with voice + level * room

    Source: J. Stautner, M. Puckette, "Designing multi-channel reverberators", CMJ 6 (1982);
    Hadamard mixing as in M. Gerzon (1971).
    """
    lines = np.zeros((4, 8192), np.float32)
    dull = np.zeros(4, np.float32)
    turn = np.zeros(4, np.float32)
    for i in range(len(samples)):
        for k in range(4):
            heard = lines[k, (i - delays[k]) & 8191]
            dull[k] = heard + damping * (dull[k] - heard)
            turn[k] = dull[k] * feedback[k]
        a, b = turn[0] + turn[1], turn[0] - turn[1]
        c, d = turn[2] + turn[3], turn[2] - turn[3]
        place = i & 8191
        lines[0, place] = samples[i] + 0.5 * (a + c)
        lines[1, place] = samples[i] + 0.5 * (b + d)
        lines[2, place] = samples[i] + 0.5 * (a - c)
        lines[3, place] = samples[i] + 0.5 * (b - d)
        out[i] = samples[i] + level * (turn[0] - turn[1] + turn[2] - turn[3])
