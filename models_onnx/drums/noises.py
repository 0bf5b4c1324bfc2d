"""Sounds of a stage that are no drum: breath, voices, hiss, clapping hands, music, cloth, a fan.

Each gives float (n,), near full scale. All from a generator: no recording is needed.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.mouth import PERFORMERS
from engine.mouth import breath as drawn_breath
from engine.mouth import hum as sung_note
from engine.mouth import speech as mumbled
from engine.units import SAMPLE_RATE, frames

Noise = NDArray[np.floating]
Rng = np.random.Generator
Maker = Callable[[Rng, int], Noise]

VOWELS = "maeiou"
SCALE = (0, 2, 4, 5, 7, 9, 11)
LOWEST, HIGHEST = 40, 76            # notes of the music


def breath(rng: Rng, n: int) -> Noise:
    """Air drawn in and let go, again and again."""
    out = np.zeros(n)
    place = 0
    while place < n:
        length_s = rng.uniform(0.25, 1.2)
        _lay(out, place, rng.uniform(0.4, 1.0) * drawn_breath(
            _someone(rng), seconds=length_s, seed=_seed(rng)))
        place += frames(length_s + rng.uniform(0.05, 0.6))
    return _scaled(out)


def vowels(rng: Rng, n: int) -> Noise:
    """Someone sings, a vowel or a hum at a time."""
    out = np.zeros(n)
    place = 0
    who, low = _someone(rng), rng.uniform(34.0, 60.0)
    while place < n:
        length_s = rng.uniform(0.15, 1.2)
        note = [(0.0, length_s, low + rng.uniform(0.0, 12.0))]
        _lay(out, place, rng.uniform(0.5, 1.0) * sung_note(
            note, who, vowel=VOWELS[rng.integers(len(VOWELS))], seed=_seed(rng)))
        place += frames(length_s + (rng.uniform(0.0, 0.5) if rng.random() < 0.5 else 0.0))
    return _scaled(out)


def mumble(rng: Rng, n: int) -> Noise:
    """Talk without words."""
    return _scaled(mumbled(_someone(rng), seconds=n / SAMPLE_RATE + 0.1, seed=_seed(rng))[:n])


def sibilants(rng: Rng, n: int) -> Noise:
    """s, sh, f: hisses that swell in 30 ms or slower and last longer than any hat."""
    out = np.zeros(n)
    place = 0
    while place < n:
        length = frames(rng.uniform(0.12, 0.7))
        rise, fall = frames(rng.uniform(0.03, 0.12)), frames(rng.uniform(0.03, 0.15))
        swell = np.minimum(1.0, np.minimum(np.arange(length) / rise,
                                           np.arange(length)[::-1] / fall))
        _lay(out, place, rng.uniform(0.4, 1.0) * swell * _band(
            rng, length, rng.uniform(2_500.0, 9_000.0), rng.uniform(0.25, 0.9)))
        place += length + frames(rng.uniform(0.02, 0.5))
    return _scaled(out)


def applause(rng: Rng, n: int) -> Noise:
    """A few dozen to a few hundred clapping hands, somewhere in the room."""
    hands = rng.uniform(60.0, 900.0)                        # claps a second
    out = 0.02 * rng.standard_normal(n)
    for place in rng.integers(n, size=int(hands * n / SAMPLE_RATE)):
        length = frames(rng.uniform(0.004, 0.02))
        clap = _band(rng, length, rng.uniform(700.0, 3_500.0), rng.uniform(0.4, 1.0))
        clap *= np.exp(-5.0 * np.arange(length) / length)
        _lay(out, int(place), 10.0 ** rng.uniform(-1.3, 0.0) * clap)
    return _scaled(_ring(rng, out))


def music(rng: Rng, n: int) -> Noise:
    """Chords, a bass and a tune, plucked, bowed or blown, from a loudspeaker: no drums."""
    out = np.zeros(n)
    beat = frames(60.0 / rng.uniform(70.0, 150.0))
    key, shine = rng.integers(12), rng.uniform(0.3, 1.5)
    rise_s, hold_s = 10.0 ** rng.uniform(-2.3, -0.8), rng.uniform(0.15, 1.5)
    for place in range(0, n, beat // 2):
        notes = [n_ for n_ in (LOWEST + key % 12 + 12 * rng.integers(3) + SCALE[rng.integers(7)]
                               for _ in range(rng.integers(4))) if n_ <= HIGHEST]
        for note in notes:
            _lay(out, place, rng.uniform(0.3, 1.0) * _tone(rng, float(note), rise_s, hold_s, shine))
    return _scaled(_ring(rng, out))


def rustle(rng: Rng, n: int) -> Noise:
    """Cloth and cables: grains that come when they like."""
    grains = (rng.random(n) < rng.uniform(30.0, 300.0) / SAMPLE_RATE) * rng.standard_normal(n)
    ring = np.exp(-np.arange(480) / rng.uniform(20.0, 150.0)) * rng.standard_normal(480)
    return _scaled(np.convolve(grains, ring)[:n] + 1e-3 * rng.standard_normal(n))


def fan(rng: Rng, n: int) -> Noise:
    """Steady noise with a hum, or a feedback tone: nothing begins at all."""
    time = np.arange(n) / SAMPLE_RATE
    hz = rng.choice([50.0, 60.0, 100.0, 120.0, rng.uniform(200.0, 4_000.0)])
    tone = rng.uniform(0.0, 2.0) * np.sin(2 * np.pi * hz * time)
    return _scaled(_band(rng, n, rng.uniform(100.0, 4_000.0), 1.5) / 0.3 + tone)


NOISES: dict[str, Maker] = {
    "breath": breath, "vowels": vowels, "talk": mumble, "sibilants": sibilants,
    "applause": applause, "music": music, "rustle": rustle, "fan": fan,
}


def _someone(rng: Rng) -> int:
    return int(rng.integers(len(PERFORMERS)))


def _seed(rng: Rng) -> int:
    return int(rng.integers(1 << 30))


def _lay(out: Noise, place: int, sound: Noise) -> None:
    """Add a sound where there is room for it."""
    end = min(len(out), place + len(sound))
    out[place:end] += sound[:end - place]


def _band(rng: Rng, n: int, centre_hz: float, octaves: float) -> Noise:
    """Noise around a frequency, peak about 1."""
    hz = np.maximum(np.fft.rfftfreq(n, 1.0 / SAMPLE_RATE), 20.0)
    shape = np.exp(-0.5 * (np.log2(hz / centre_hz) / octaves) ** 2)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * shape, n)
    return np.asarray(noise / (3.0 * noise.std() + 1e-9))


def _tone(rng: Rng, note: float, rise_s: float, hold_s: float, shine: float) -> Noise:
    """One note of an instrument: partials that fall off, the high ones sooner."""
    time = np.arange(frames(min(2.0, 3.0 * hold_s))) / SAMPLE_RATE
    hz = 440.0 * 2.0 ** ((note - 69.0) / 12.0)
    out = np.zeros(len(time))
    for k in range(1, 9):
        if k * hz < 16_000.0:
            out += k ** -(1.0 / shine) * np.exp(-time * (0.5 + 0.3 * k) / hold_s) * np.sin(
                2.0 * np.pi * k * hz * time + rng.uniform(0.0, 6.3))
    return out * np.minimum(1.0, time / rise_s)


def _ring(rng: Rng, sound: Noise) -> Noise:
    """In a hall."""
    time = np.arange(frames(0.6)) / SAMPLE_RATE
    tail = rng.standard_normal(len(time)) * np.exp(-6.9 * time / rng.uniform(0.3, 1.0))
    tail *= rng.uniform(0.05, 1.0) / np.sqrt((tail ** 2).sum())
    size = len(sound) + len(tail)
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[:len(sound)]
    return np.asarray(sound + wet)


def _scaled(sound: Noise) -> Noise:
    return np.asarray(0.5 * sound / (np.abs(sound).max() + 1e-9))
