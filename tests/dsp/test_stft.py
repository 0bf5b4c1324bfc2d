"""The streaming spectrum agrees with scipy's at every size, wherever the frame stands."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.fft

from engine.dsp.stft import POWER, SIZES, hann, leaning, plan_for, push


def power_of(frame, window):
    size = len(frame)
    power = np.zeros(size // 2 + 1, np.float32)
    POWER[size](frame, plan_for(window), power)
    return power


@pytest.mark.parametrize("size", SIZES)
def test_the_power_spectrum_is_scipys(size):
    noise = np.random.default_rng(1).standard_normal(size).astype(np.float32)
    expected = np.abs(scipy.fft.rfft(noise.astype(np.float64) * hann(size))) ** 2
    assert power_of(noise, hann(size)) == pytest.approx(expected, rel=1e-5,
                                                        abs=1e-5 * expected.mean())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bin_share", [0.0, 0.1, 0.25, 0.5])
def test_a_sine_on_a_bin_is_one_line(size, bin_share):
    k = round(bin_share * size)
    sine = np.cos(2 * np.pi * k * np.arange(size) / size).astype(np.float32)
    power = power_of(sine, np.ones(size, np.float32))
    assert power.argmax() == k
    assert np.delete(power, k).max() < 1e-6 * power[k]


def test_energy_is_kept():
    noise = np.random.default_rng(2).standard_normal(1024).astype(np.float32)
    power = power_of(noise, np.ones(1024, np.float32)).astype(np.float64)
    energy = (power[0] + 2 * power[1:-1].sum() + power[-1]) / 1024
    assert energy == pytest.approx((noise.astype(np.float64) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize("hop", [1, 64, 96, 512])
def test_pushed_hop_by_hop_the_frame_is_the_end_of_what_was_heard(hop):
    heard = np.arange(hop * 20, dtype=np.float32)
    frame = np.zeros(512, np.float32)
    for start in range(0, len(heard), hop):
        push(frame, heard[start:start + hop])
    expected = np.concatenate([np.zeros(512, np.float32), heard])[-512:]
    assert np.array_equal(frame, expected)


def test_the_leaning_window_peaks_where_its_fall_begins():
    window = leaning(512, fall=64)
    assert abs(int(window.argmax()) - 448) <= 1
    assert window[0] < 1e-4
    assert window[-1] < 1e-3
    assert window.max() == pytest.approx(1.0, abs=1e-3)


def test_one_bad_sample_does_not_outlive_its_frame():
    frame = np.zeros(256, np.float32)
    frame[17] = np.nan
    assert np.isnan(power_of(frame, hann(256))).any()
    frame[17] = 0.0
    assert not power_of(frame, hann(256)).any()


def test_a_second_start_compiles_nothing():
    look = ("import numpy as np; from engine.dsp.stft import *;"
            "frame, power = np.zeros(256, np.float32), np.zeros(129, np.float32);"
            "power_256(frame, plan_for(hann(256)), power);"
            "print(sum(power_256.stats.cache_misses.values()))")
    starts = [subprocess.run([sys.executable, "-c", look], capture_output=True, text=True,
                             check=True).stdout.strip() for _ in range(2)]
    assert starts[1] == "0"
