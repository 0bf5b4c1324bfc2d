"""Sounds of a stage that are no drum: breath, hum, vowels, rustle, a steady fan.

Each gives float64 (n,), beginning at its first sample, near full scale. All from a generator.
"""

import numpy as np
from numpy.typing import NDArray

from engine.units import SAMPLE_RATE

Noise = NDArray[np.float64]

FORMANTS_HZ = {"a": (730, 1090, 2440), "e": (530, 1840, 2480), "i": (270, 2290, 3010),
               "o": (570, 840, 2410), "u": (300, 870, 2240)}
"""G. E. Peterson and H. L. Barney, 1952: men's vowels."""


def breath(rng: np.random.Generator, n: int) -> Noise:
    """Air: noise about one or two resonances that swells slowly."""
    places = rng.uniform(600.0, 5_000.0, 2)
    return _scaled(_coloured(rng, n, places, rng.uniform(0.4, 1.2)) * _swell(rng, n, 0.03, 0.2))


def hum(rng: np.random.Generator, n: int) -> Noise:
    """A hummed bass: few harmonics, no consonant."""
    return _scaled(_voice(rng, n, rng.uniform(60.0, 250.0), (300.0,)) * _swell(rng, n, 0.01, 0.1))


def vowel(rng: np.random.Generator, n: int) -> Noise:
    """A sung or spoken vowel; sometimes it begins hard."""
    places = tuple(FORMANTS_HZ.values())[rng.integers(len(FORMANTS_HZ))]
    size = rng.uniform(0.85, 1.25)
    tone = _voice(rng, n, rng.uniform(80.0, 320.0), tuple(size * hz for hz in places))
    return _scaled(tone * _swell(rng, n, 0.004, 0.06))


def rustle(rng: np.random.Generator, n: int) -> Noise:
    """Cloth and cables: grains that come when they like."""
    grains = (rng.random(n) < rng.uniform(30.0, 300.0) / SAMPLE_RATE) * rng.standard_normal(n)
    ring = np.exp(-np.arange(480) / rng.uniform(20.0, 150.0)) * rng.standard_normal(480)
    return _scaled(np.convolve(grains, ring)[:n] + 1e-3 * rng.standard_normal(n))


def fan(rng: np.random.Generator, n: int) -> Noise:
    """Steady noise with a hum: nothing begins at all."""
    time = np.arange(n) / SAMPLE_RATE
    hz = rng.choice([50.0, 60.0, 100.0, 120.0])
    noise = _coloured(rng, n, rng.uniform(100.0, 4_000.0, 2), rng.uniform(1.0, 2.5))
    return _scaled(noise + rng.uniform(0.0, 2.0) * np.sin(2 * np.pi * hz * time))


NOISES = (breath, hum, vowel, rustle, fan)


def _swell(rng: np.random.Generator, n: int, least_s: float, most_s: float) -> Noise:
    rise = max(1, int(rng.uniform(least_s, most_s) * SAMPLE_RATE))
    level = np.minimum(1.0, np.arange(n) / rise)
    return np.sin(0.5 * np.pi * level) ** rng.uniform(1.0, 2.0)


def _coloured(rng: np.random.Generator, n: int, places_hz: Noise, octaves: float) -> Noise:
    hz = np.maximum(np.fft.rfftfreq(n, 1.0 / SAMPLE_RATE), 20.0)
    shape = sum(np.exp(-0.5 * (np.log2(hz / place) / octaves) ** 2) for place in places_hz)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * shape, n)
    return noise / noise.std()


def _voice(rng: np.random.Generator, n: int, pitch_hz: float, formants_hz: tuple[float, ...]
           ) -> Noise:
    """A glottal tone, its harmonics raised near the formants."""
    time = np.arange(n) / SAMPLE_RATE
    glide = 1.0 + rng.uniform(-0.15, 0.15) * time / time[-1]
    phase = 2 * np.pi * np.cumsum(pitch_hz * glide) / SAMPLE_RATE
    tone = np.zeros(n)
    for k in range(1, int(min(60, 5_000.0 / pitch_hz)) + 1):
        near = sum(np.exp(-0.5 * ((k * pitch_hz - f) / 120.0) ** 2) for f in formants_hz)
        tone += (0.08 + near) / k * np.sin(k * phase + rng.uniform(0.0, 2 * np.pi))
    return tone / tone.std() + rng.uniform(0.0, 0.1) * rng.standard_normal(n)


def _scaled(sound: Noise) -> Noise:
    return 0.5 * sound / (np.abs(sound).max() + 1e-9)
