"""The bands a strike is heard through, against scipy."""

import numpy as np
import pytest
from scipy import signal

from engine.dsp.filters import (
    BANDS,
    CENTRES_HZ,
    LANES,
    WIDTHS_HZ,
    band_energies,
    biquad,
    high_pass,
    resonators,
    sane,
)
from engine.units import HOP, SAMPLE_RATE


def noise(n, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def sine(hz, seconds=0.5):
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
                  ).astype(np.float32)


def energies(samples, bank):
    """The mean energies of all whole hops, (hops, BANDS), with no high-pass before them."""
    found, through = [], np.array([1.0, 0.0, 0.0, 0.0, 0.0], np.float32)
    for first in range(0, len(samples) - HOP + 1, HOP):
        band_energies(samples[None, first:first + HOP], through, np.zeros((1, 2), np.float32), bank)
        found.append(bank[-LANES:][:BANDS].copy())
    return np.array(found)


def test_the_high_pass_is_a_butterworth():
    b, a = signal.butter(2, 40.0, "high", fs=SAMPLE_RATE)
    assert high_pass(40.0) == pytest.approx([*b, *a[1:]], abs=1e-6)


def test_a_biquad_filters_like_scipy():
    samples, section = noise(4800), high_pass(300.0)
    expected = signal.lfilter(section[:3].astype(float), [1.0, *section[3:].astype(float)], samples)
    state = np.zeros(2, np.float32)
    assert [biquad(sample, section, state) for sample in samples] == pytest.approx(expected,
                                                                                   abs=1e-5)


def test_two_ears_hear_what_each_would_alone():
    both, section = np.stack([noise(HOP), noise(HOP, seed=1)]), high_pass(40.0)
    alone = []
    for samples in both:
        bank = resonators()
        band_energies(samples[None], section, np.zeros((1, 2), np.float32), bank)
        alone.append(bank)
    bank = np.tile(resonators(), 2)
    band_energies(both, section, np.zeros((2, 2), np.float32), bank)
    assert bank.tobytes() == np.concatenate(alone).tobytes()


def test_a_band_is_three_complex_resonators_in_a_row():
    samples = noise(HOP * 20)
    expected = []
    for centre, width in zip(CENTRES_HZ, WIDTHS_HZ, strict=True):
        radius = np.exp(-2 * np.pi * width / SAMPLE_RATE)
        pole = radius * np.exp(2j * np.pi * centre / SAMPLE_RATE)
        heard = samples.astype(complex)
        for _ in range(3):
            heard = signal.lfilter([1 - radius], [1, -pole], heard)
        expected.append((np.abs(heard) ** 2).reshape(-1, HOP).mean(axis=1))
    assert energies(samples, resonators()) == pytest.approx(np.array(expected).T, rel=1e-3)


@pytest.mark.parametrize("band", range(BANDS))
def test_a_sine_is_heard_by_its_own_band_without_ripple(band):
    heard = energies(sine(CENTRES_HZ[band]), resonators())[-100:]
    assert heard[:, band] == pytest.approx(0.25, rel=0.05)
    others = np.delete(heard.mean(axis=0), band)
    assert others.max() < 0.25 / 10


def test_what_lies_above_the_bands_is_hardly_heard():
    assert 10 * np.log10(energies(sine(23_000.0), resonators())[-100:].max() / 0.25) < -18.0


def test_what_no_microphone_gives_is_silence():
    given = [0.5, np.nan, np.inf, -np.inf, 1e30, -1.0]
    assert [sane(np.float32(sample)) for sample in given] == [0.5, 0.0, 0.0, 0.0, 0.0, -1.0]
