"""What a strike is heard through: a high-pass against rumble, and twelve bands side by side.

Each band is three damped resonators in a row, as in a model of the inner ear (a gammatone). Its
energy has no ripple, so a band rises when the sound rises, not when its wave does.
"""

import numpy as np
from numba import njit

from engine.dsp.fused import fma
from engine.units import SAMPLE_RATE, Samples

BANDS = 12
LANES = 16                  # the bands' places in memory: registers are full, none is left over
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
    """A bank at rest: float32 (ROWS * LANES,), rows of one value a band, and zeros.

    Rows 0-2 are the poles' real and imaginary parts and the gain of a stage, 3-8 the stages'
    states, 9 the energy of the last block. All in one array, so that the compiler can see that no
    band touches another and work on all of them at once: four times as fast.
    """
    radius = np.exp(-2.0 * np.pi * np.array(WIDTHS_HZ) / SAMPLE_RATE)
    angle = 2.0 * np.pi * np.array(CENTRES_HZ) / SAMPLE_RATE
    bank = np.zeros((ROWS, LANES), np.float32)
    bank[:3, :BANDS] = radius * np.cos(angle), radius * np.sin(angle), 1.0 - radius
    return bank.ravel()


@njit(cache=True, nogil=True, error_model="numpy")
def sane(sample):
    """What no microphone gives (over +18 dBFS, infinite, no number) is silence."""
    return sample if abs(sample) < np.float32(LOUDEST) else np.float32(0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def biquad(sample, coefficients, state):
    """Pass one sample through a second-order section.

    coefficients : float32 (5,)   b0 b1 b2 a1 a2
    state        : float32 (2,)   carried on; zeros at first
    """
    b0, b1, b2, a1, a2 = coefficients
    value = b0 * sample + state[0]
    state[0] = b1 * sample - a1 * value + state[1]
    state[1] = b2 * sample - a2 * value
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def band_energies(samples, section, rumble, bank):
    """Pass a block of each ear through a high-pass and all bands; row 9 then holds the mean energy
    of each. Two ears take hardly longer than one: neither has to wait for its own last sample.

    A sine of amplitude 1 at a band's centre gives 1/4.

    samples : float32 (ears, n)
    section : float32 (5,)                   from `high_pass`
    rumble  : float32 (ears, 2)              its states, carried on
    bank    : float32 (ears * ROWS * LANES,) `resonators` for each ear, carried on

    Source: M. Slaney, "An Efficient Implementation of the Patterson-Holdsworth Auditory Filter
    Bank", 1993; here with complex poles, third order.
    """
    ears, count = samples.shape
    for ear in range(ears):
        energy = (ear * ROWS + 9) * LANES
        for k in range(energy, energy + LANES):
            bank[k] = 0.0
    for i in range(count):
        for ear in range(ears):
            sample = biquad(sane(samples[ear, i]), section, rumble[ear])
            first = ear * ROWS * LANES
            for k in range(first, first + LANES):
                re, im, gain = bank[k], bank[k + LANES], bank[k + 2 * LANES]
                a, b = _turn(re, im, gain, bank[k + 3 * LANES], bank[k + 4 * LANES], sample,
                             np.float32(0.0))
                c, d = _turn(re, im, gain, bank[k + 5 * LANES], bank[k + 6 * LANES], a, b)
                e, f = _turn(re, im, gain, bank[k + 7 * LANES], bank[k + 8 * LANES], c, d)
                bank[k + 3 * LANES], bank[k + 4 * LANES] = a, b
                bank[k + 5 * LANES], bank[k + 6 * LANES] = c, d
                bank[k + 7 * LANES], bank[k + 8 * LANES] = e, f
                bank[k + 9 * LANES] += fma(e, e, f * f)
    for ear in range(ears):
        energy = (ear * ROWS + 9) * LANES
        for k in range(energy, energy + LANES):
            bank[k] /= np.float32(count)


@njit(cache=True, nogil=True, error_model="numpy")
def _turn(re, im, gain, a, b, heard, turned):
    """One step of a damped resonator: its state a + bi, what reaches it heard + turned·i."""
    return (fma(gain, heard, fma(re, a, -(im * b))),
            fma(gain, turned, fma(im, a, re * b)))
