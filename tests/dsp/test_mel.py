"""The mel bands agree with the textbook's triangles, and no band is ever empty."""

import numpy as np
import pytest

from engine.dsp.mel import hz_of, log_mel, mel_bands, mel_of


def textbook(power, size, bands, low_hz, high_hz):
    """Triangles as librosa draws them (htk=True, norm=None), in double precision."""
    mels = np.linspace(mel_of(low_hz), mel_of(high_hz), bands + 2)
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    hz = np.linspace(0.0, 24_000.0, size // 2 + 1)
    rising = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling)) @ power


def banded(power, size, bands=40, low_hz=60.0, high_hz=16_000.0, floor=1e-10):
    weights, spans = mel_bands(size, bands, low_hz, high_hz)
    out = np.zeros(bands, np.float32)
    log_mel(power, weights, spans, floor, out)
    return out


def test_bands_wider_than_a_bin_are_the_textbooks():
    power = np.random.default_rng(3).random(1025).astype(np.float32)
    expected = textbook(power.astype(np.float64), 2048, 40, 60.0, 16_000.0)
    assert np.exp(banded(power, 2048)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [256, 512, 1024, 2048])
@pytest.mark.parametrize("bands", [24, 40, 64])
def test_no_band_is_empty_and_none_reaches_beyond_its_range(size, bands):
    weights, spans = mel_bands(size, bands)
    assert (spans[:, 1] > spans[:, 0]).all()
    assert weights.min() > 0.0
    assert weights.max() <= 1.0
    assert spans[-1, 1] - 1 <= 16_000.0 / 48_000.0 * size + 1


def test_a_tone_is_loudest_in_its_own_band():
    for band in (5, 20, 35):
        centre = hz_of(np.linspace(mel_of(60.0), mel_of(16_000.0), 42)[band + 1])
        power = np.zeros(1025, np.float32)
        power[round(centre / 48_000.0 * 2048)] = 1.0
        assert banded(power, 2048).argmax() == band


def test_silence_is_the_floor():
    assert banded(np.zeros(257, np.float32), 512) == pytest.approx(np.log(1e-10))
