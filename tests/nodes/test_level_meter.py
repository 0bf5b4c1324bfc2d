"""The meter tells peak and RMS, thirty times a second."""

import numpy as np
import pytest

from engine.nodes.level_meter import LevelMeter
from engine.rendering import play


def test_a_full_scale_sine_reads_zero_peak_and_minus_three_rms():
    sine = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000).astype(np.float32)
    levels = play(LevelMeter(), sine)
    assert 29 <= len(levels) <= 31
    for level in levels:
        assert level.values == pytest.approx((0.0, -3.01), abs=0.05)


def test_silence_has_a_bottom():
    assert play(LevelMeter(), np.zeros(4800, np.float32))[0].values == (-120.0, -120.0)
