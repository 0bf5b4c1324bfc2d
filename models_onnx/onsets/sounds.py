"""What a stage sounds like while nobody strikes anything: noise, fans, hum, breath, held notes.

Each gives float32 (n,) at 48 kHz, peak or RMS as said. The same sounds are scored and, with other
seeds, levels and lengths, refused in training.
"""

import numpy as np
from numpy.typing import NDArray

from engine.mouth import PERFORMERS
from engine.mouth import hum as sung
from engine.units import SAMPLE_RATE, Samples, frames, gain

Wave = NDArray[np.floating]
Rng = np.random.Generator


def coloured(rng: Rng, n: int, slope_db: float) -> Wave:
    """Noise that falls by `slope_db` an octave, RMS 1: 0 is white, 3 pink."""
    hz = np.fft.rfftfreq(n, 1.0 / SAMPLE_RATE)
    hz[0] = hz[1]
    phases = np.exp(2j * np.pi * rng.random(len(hz)))
    shape = np.maximum(hz, 20.0) ** (-slope_db / 20.0 / np.log10(2.0))
    wave = np.fft.irfft(phases * shape, n)
    return wave / np.sqrt(np.mean(wave ** 2))


def steady(rng: Rng, n: int, level_db: float, slope_db: float) -> Samples:
    """A hiss that never changes; RMS `level_db`."""
    return _as_samples(gain(level_db) * coloured(rng, n, slope_db))


def fan(rng: Rng, n: int, level_db: float) -> Samples:
    """A fan and the hum of the mains, whose overtones beat; RMS `level_db`."""
    time = np.arange(n) / SAMPLE_RATE
    mains = rng.choice([50.0, 60.0]) * rng.uniform(0.998, 1.002)
    tones = sum(np.sin(2 * np.pi * mains * k * time + rng.uniform(0, 2 * np.pi)) / k
                * rng.uniform(0.3, 1.0) for k in (1, 2, 3, 4, 6))
    blades = 1.0 + 0.2 * np.sin(2 * np.pi * rng.uniform(5.0, 30.0) * time)
    wave = blades * coloured(rng, n, 4.5) + rng.uniform(0.5, 2.0) * tones
    return _as_samples(gain(level_db) * wave / np.sqrt(np.mean(wave ** 2)))


def breaths(rng: Rng, n: int, peak_db: float, rise_s: tuple[float, float] = (0.08, 0.3)
            ) -> Samples:
    """Breaths drawn and let go, one or two a second, over a room 25 dB softer."""
    wave = 0.02 * coloured(rng, n, 3.0)
    place = frames(rng.uniform(0.1, 0.5))
    while True:
        rise, fall = frames(rng.uniform(*rise_s)), frames(rng.uniform(0.1, 0.5))
        if place + rise + fall > n:
            return _as_samples(gain(peak_db) * wave / np.abs(wave).max())
        swell = np.concatenate([np.sin(np.linspace(0, np.pi / 2, rise)) ** 2,
                                np.cos(np.linspace(0, np.pi / 2, fall)) ** 2])
        air = _mouth(coloured(rng, rise + fall, rng.uniform(0.0, 4.0)), rng)
        wave[place:place + rise + fall] += rng.uniform(0.5, 1.0) * swell * air / np.abs(air).max()
        place += rise + fall + frames(rng.uniform(0.1, 0.6))


def held(rng: Rng, n: int, peak_db: float) -> Samples:
    """A note hummed or sung and held throughout, from before the first sample on."""
    seconds = n / SAMPLE_RATE + 0.5
    note = [(0.0, seconds, rng.uniform(36.0, 64.0))]
    wave = sung(note, int(rng.integers(len(PERFORMERS))), vowel="maiou"[rng.integers(5)],
                seed=int(rng.integers(1 << 30)))[frames(0.3):][:n]
    wave = np.pad(wave, (0, n - len(wave)))
    return _as_samples(gain(peak_db) * wave / np.abs(wave).max())


def _mouth(air: Wave, rng: Rng) -> Wave:
    """Air through an open mouth: most of it within an octave or two."""
    hz = np.maximum(np.fft.rfftfreq(len(air), 1.0 / SAMPLE_RATE), 20.0)
    centre, octaves = rng.uniform(500.0, 5_000.0), rng.uniform(1.0, 2.5)
    return np.fft.irfft(np.fft.rfft(air) * np.exp(-0.5 * (np.log2(hz / centre) / octaves) ** 2),
                        len(air))


def _as_samples(wave: Wave) -> Samples:
    return wave.astype(np.float32)
