"""What a strike is heard through: a high-pass against rumble, and eight bands side by side.

Each band is three damped resonators in a row, as in a model of the inner ear (a gammatone). Its
energy has no ripple, so a band rises when the sound rises, not when its wave does.
"""

import numpy as np
from numba import njit

from engine.units import SAMPLE_RATE, Samples

BANDS = 8
STAGES = 3

CENTRES_HZ = (70.0, 140.0, 280.0, 560.0, 1_200.0, 2_600.0, 5_600.0, 10_500.0)
WIDTHS_HZ = (35.0, 50.0, 90.0, 180.0, 400.0, 900.0, 1_800.0, 3_000.0)
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
    """The bands' poles: float32 (3, BANDS), real part, imaginary part, gain of a stage."""
    radius = np.exp(-2.0 * np.pi * np.array(WIDTHS_HZ) / SAMPLE_RATE)
    angle = 2.0 * np.pi * np.array(CENTRES_HZ) / SAMPLE_RATE
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), 1.0 - radius]
                    ).astype(np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def biquad(samples, coefficients, state, out):
    """Pass a block through one second-order section.

    samples      : float32 (n,)
    coefficients : float32 (5,)   b0 b1 b2 a1 a2
    state        : float32 (2,)   carried on; zeros at first
    out          : float32 (n,)   filled
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
def band_energies(samples, poles, state, energies):
    """The mean energy of a block in each band.

    samples  : float32 (n,)
    poles    : float32 (3, BANDS)            from `resonators`
    state    : float32 (2 * STAGES, BANDS)   carried on; zeros at first
    energies : float32 (BANDS,)              filled; a sine of amplitude 1 at a centre gives 1/4

    Source: M. Slaney, "An Efficient Implementation of the Patterson-Holdsworth Auditory Filter
    Bank", 1993; here with complex poles, third order.
    """
    for band in range(BANDS):
        energies[band] = 0.0
    for i in range(len(samples)):
        for band in range(BANDS):
            re, im, gain = poles[0, band], poles[1, band], poles[2, band]
            a, b = state[0, band], state[1, band]
            a, b = re * a - im * b + gain * samples[i], im * a + re * b
            c, d = state[2, band], state[3, band]
            c, d = re * c - im * d + gain * a, im * c + re * d + gain * b
            e, f = state[4, band], state[5, band]
            e, f = re * e - im * f + gain * c, im * e + re * f + gain * d
            state[0, band], state[1, band] = a, b
            state[2, band], state[3, band] = c, d
            state[4, band], state[5, band] = e, f
            energies[band] += e * e + f * f
    for band in range(BANDS):
        energies[band] /= np.float32(len(samples))
