"""Sounds of a stage that are no drum: breath, hum, talk, rustle, a steady fan.

Each gives float (n,), near full scale, heard from its first sample on. All from a generator.
"""

import numpy as np
from numpy.typing import NDArray

from engine.mouth import PERFORMERS
from engine.mouth import breath as drawn_breath
from engine.mouth import hum as sung_note
from engine.mouth import speech as talk
from engine.units import SAMPLE_RATE

Noise = NDArray[np.floating]

VOWELS = "maiou"
BEGINS_S = 0.02             # at most so long after a syllable or a note began


def breath(rng: np.random.Generator, n: int) -> Noise:
    """Air drawn in, somewhere in its swell."""
    return _cut(rng, drawn_breath(_someone(rng), seconds=rng.uniform(0.3, 1.0), seed=_seed(rng)), n)


def hum(rng: np.random.Generator, n: int) -> Noise:
    """A hummed or sung note begins."""
    note = [(0.0, 1.0, rng.uniform(32.0, 66.0))]
    sound = sung_note(note, _someone(rng), vowel=VOWELS[rng.integers(len(VOWELS))], seed=_seed(rng))
    return _scaled(sound[int(rng.uniform(0.0, BEGINS_S) * SAMPLE_RATE):][:n])


def speech(rng: np.random.Generator, n: int) -> Noise:
    """Somewhere in a sentence."""
    return _cut(rng, talk(_someone(rng), seconds=1.5, seed=_seed(rng)), n)


def rustle(rng: np.random.Generator, n: int) -> Noise:
    """Cloth and cables: grains that come when they like."""
    grains = (rng.random(n) < rng.uniform(30.0, 300.0) / SAMPLE_RATE) * rng.standard_normal(n)
    ring = np.exp(-np.arange(480) / rng.uniform(20.0, 150.0)) * rng.standard_normal(480)
    return _scaled(np.convolve(grains, ring)[:n] + 1e-3 * rng.standard_normal(n))


def fan(rng: np.random.Generator, n: int) -> Noise:
    """Steady noise with a hum: nothing begins at all."""
    time = np.arange(n) / SAMPLE_RATE
    hz = rng.choice([50.0, 60.0, 100.0, 120.0])
    bins_hz = np.maximum(np.fft.rfftfreq(n, 1.0 / SAMPLE_RATE), 20.0)
    shape = np.exp(-0.5 * (np.log2(bins_hz / rng.uniform(100.0, 4_000.0)) / 1.5) ** 2)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * shape, n)
    tone = rng.uniform(0.0, 2.0) * np.sin(2 * np.pi * hz * time)
    return _scaled(noise / noise.std() + tone)


NOISES = (breath, hum, speech, rustle, fan)


def _someone(rng: np.random.Generator) -> int:
    return int(rng.integers(len(PERFORMERS)))


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 30))


def _cut(rng: np.random.Generator, sound: Noise, n: int) -> Noise:
    place = int(rng.uniform(0.0, 0.6) * len(sound))
    return _scaled(sound[place:place + n])


def _scaled(sound: Noise) -> Noise:
    return 0.5 * sound / (np.abs(sound).max() + 1e-9)
