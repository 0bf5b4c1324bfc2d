"""What a microphone gives, and what is wrong with it."""

import numpy as np
import pytest

from engine.mouth import beat, hum, perform
from engine.rehearsal.microphone import listen
from engine.units import SAMPLE_RATE, gain

SECONDS = 5.0
SUNG, _ = perform(beat({"b": "x...X...o...x...", "ts": "..o...x...X...x."}, 90, start=0.2), "aki",
                  seconds=SECONDS)


def noise(level_db, seconds, seed=0):
    """White noise of this RMS level."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE))
    return (gain(level_db) * samples).astype(np.float32)


def sine(hz, level_db, seconds):
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (gain(level_db) * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def test_exact_silence_is_no_microphone():
    sound = listen(np.zeros(SAMPLE_RATE, np.float32))
    assert sound.silent
    assert "privacy settings" in sound.mends[0]


@pytest.mark.parametrize("mains", [50, 60])
def test_hum_is_named_by_its_frequency_and_noise_is_not_hum(mains):
    humming = noise(-60, SECONDS) + sum(sine(mains * n, -50 - 3 * n, SECONDS) for n in (1, 2, 3))
    sound = listen(humming.astype(np.float32))
    assert sound.hum_hz == mains
    assert sound.hum_db == pytest.approx(-51, abs=3)
    assert f"Hum at {mains} Hz" in sound.mends[0]
    for seed in range(5):
        assert listen(noise(-60, SECONDS, seed)).hum_hz == 0


def test_a_singer_humming_a_bass_is_no_hum():
    assert listen(hum([(0.2, 1.5, 31.0), (2.0, 1.5, 35.0)], "aki", seconds=5.0)).hum_hz == 0


def test_sound_without_treble_is_a_noise_suppressor_and_a_voice_is_not():
    spectrum = np.fft.rfft(SUNG)
    spectrum[np.fft.rfftfreq(len(SUNG), 1 / SAMPLE_RATE) > 6_000] = 0
    muffled = np.fft.irfft(spectrum, len(SUNG)).astype(np.float32)
    assert "Nothing above 6 kHz" in listen(muffled).mends[0]
    assert listen(SUNG).mends == []


def test_a_clipped_input_is_told_and_a_full_one_is_not():
    loud = SUNG / np.abs(SUNG).max()
    assert "Too hot" in listen((2 * loud).clip(-1, 1)).mends[0]
    assert listen(0.98 * loud).mends == []
