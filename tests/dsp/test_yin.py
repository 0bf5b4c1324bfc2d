"""A pitch is the shortest time after which a voice repeats itself."""

import numpy as np
import pytest

from engine.dsp.yin import FRAME, LONGEST, RATE, TAPS, low_pass, quarter, yin
from engine.units import HOP, SAMPLE_RATE

TIME = np.arange(FRAME) / RATE


def pitch_of(frame):
    return yin(np.asarray(frame, np.float32), 0.15, np.zeros(LONGEST + 2, np.float32))


@pytest.mark.parametrize("hz", [61.0, 82.4, 110.0, 196.0, 329.6, 523.3, 987.8])
def test_a_tone_with_harmonics_is_within_five_cents(hz):
    tone = sum(np.sin(2 * np.pi * k * hz * TIME + k) / k for k in range(1, 5) if k * hz < RATE / 2)
    found, clarity, _ = pitch_of(tone)
    assert abs(1200 * np.log2(found / hz)) < 5
    assert clarity > 0.95


def test_a_strong_second_harmonic_is_not_taken_for_the_pitch():
    tone = 0.3 * np.sin(2 * np.pi * 150 * TIME) + np.sin(2 * np.pi * 300 * TIME)
    assert pitch_of(tone)[0] == pytest.approx(150, rel=0.01)


def test_noise_is_not_clear_and_silence_even_less():
    noise = np.random.default_rng(1).standard_normal(FRAME)
    assert pitch_of(noise)[1] < 0.6
    assert pitch_of(np.zeros(FRAME)) == (pytest.approx(RATE / 11, rel=0.1), 0.0, 0.0)


def test_a_quarter_of_the_rate_keeps_the_tone_and_loses_what_would_fold():
    def after(hz):
        past, frame = np.zeros(TAPS + HOP, np.float32), np.zeros(FRAME, np.float32)
        audio = np.sin(2 * np.pi * hz * np.arange(64 * HOP) / SAMPLE_RATE).astype(np.float32)
        for hop in audio.reshape(-1, HOP):
            quarter(hop, low_pass(), past, frame)
        return float(np.abs(frame).max())
    assert after(300.0) == pytest.approx(1.0, abs=0.02)
    assert after(9000.0) < 0.01
