"""What a strike is heard through: a high-pass against rumble, and twelve bands side by side.

Each band is three damped resonators in a row, as in a model of the inner ear (a gammatone). Its
energy has no ripple, so a band rises when the sound rises, not when its wave does.
"""

import numpy as np
from numba import njit

from engine.units import SAMPLE_RATE, Samples

BANDS = 12
ROWS = 10

LOUDEST = 8.0

CENTRES_HZ = (70.0, 140.0, 280.0, 560.0, 1_100.0, 2_000.0, 3_400.0, 5_400.0, 7_800.0, 10_500.0,
              13_500.0, 17_000.0)
WIDTHS_HZ = (35.0, 50.0, 90.0, 180.0, 350.0, 600.0, 900.0, 1_300.0, 1_600.0, 2_000.0, 2_400.0,
             2_800.0)
"""How far from its centre one resonator has lost 3 dB: narrower hears later."""


def high_pass(cutoff_hz: float) -> Samples:
    """A second-order Butterworth high-pass: float32 (5,), b0 b1 b2 a1 a2.

    Source: R. Bristow-Johnson, "Audio EQ Cookbook", Q = 1/√2.
    """
    angle = 2.0 * np.pi * cutoff_hz / SAMPLE_RATE
    alpha, cosine = np.sin(angle) / np.sqrt(2.0), np.cos(angle)
    b = (1.0 + cosine) / 2.0
    return np.array([b, -2.0 * b, b, -2.0 * cosine, 1.0 - alpha], np.float32) / np.float32(
        1.0 + alpha)


def resonators() -> Samples:
    """A bank at rest: float32 (ROWS * BANDS,), rows of one value a band.

    Rows 0-2 are the poles' real and imaginary parts and the gain of a stage, 3-8 the stages'
    states, 9 the energy of the last block. All in one array, so that the compiler can see that no
    band touches another and work on all of them at once: four times as fast.
    """
    radius = np.exp(-2.0 * np.pi * np.array(WIDTHS_HZ) / SAMPLE_RATE)
    angle = 2.0 * np.pi * np.array(CENTRES_HZ) / SAMPLE_RATE
    bank = np.zeros((ROWS, BANDS), np.float32)
    bank[:3] = radius * np.cos(angle), radius * np.sin(angle), 1.0 - radius
    return bank.ravel()


@njit(cache=True, nogil=True, error_model="numpy")
def sane(samples, out):
    """Copy a block; what no microphone gives (over +18 dBFS, infinite, no number) is silence.

    samples, out : float32 (n,)
    """
    for i in range(len(samples)):
        out[i] = samples[i] if abs(samples[i]) < np.float32(LOUDEST) else np.float32(0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def biquad(samples, coefficients, state, out):
    """Pass a block through one second-order section.

    samples      : float32 (n,)
    coefficients : float32 (5,)   b0 b1 b2 a1 a2
    state        : float32 (2,)   carried on; zeros at first
    out          : float32 (n,)   filled; may be `samples` itself
    """
    b0, b1, b2, a1, a2 = coefficients
    first, second = state[0], state[1]
    for i in range(len(samples)):
        heard = samples[i]
        value = b0 * heard + first
        first = b1 * heard - a1 * value + second
        second = b2 * heard - a2 * value
        out[i] = value
    state[0], state[1] = first, second


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def band_energies(samples, bank):
    """Pass a block through all bands; row 9 then holds the mean energy of each.

    A sine of amplitude 1 at a band's centre gives 1/4.

    samples : float32 (n,)
    bank    : float32 (ROWS * BANDS,)   from `resonators`, carried on

    Source: M. Slaney, "An Efficient Implementation of the Patterson-Holdsworth Auditory Filter
    Bank", 1993; here with complex poles, third order.
    """
    bands = len(bank) // ROWS
    for k in range(9 * BANDS, 9 * BANDS + bands):
        bank[k] = 0.0
    for i in range(len(samples)):
        sample = samples[i]
        for k in range(bands):
            re, im, gain = bank[k], bank[BANDS + k], bank[2 * BANDS + k]
            a, b = bank[3 * BANDS + k], bank[4 * BANDS + k]
            c, d = bank[5 * BANDS + k], bank[6 * BANDS + k]
            e, f = bank[7 * BANDS + k], bank[8 * BANDS + k]
            a, b = re * a - im * b + gain * sample, im * a + re * b
            c, d = re * c - im * d + gain * a, im * c + re * d + gain * b
            e, f = re * e - im * f + gain * c, im * e + re * f + gain * d
            bank[3 * BANDS + k], bank[4 * BANDS + k] = a, b
            bank[5 * BANDS + k], bank[6 * BANDS + k] = c, d
            bank[7 * BANDS + k], bank[8 * BANDS + k] = e, f
            bank[9 * BANDS + k] += e * e + f * f
    for k in range(9 * BANDS, 9 * BANDS + bands):
        bank[k] /= np.float32(len(samples))
