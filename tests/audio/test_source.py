"""The microphone: one channel of the driver's, and never anything but numbers."""

import numpy as np
import pytest

from engine.audio import AudioList
from engine.audio.source import MEAN, Source

STEREO = np.array([[0.1, 0.3], [0.2, -0.6]], np.float32)


def heard(driver: np.ndarray, channel: int) -> np.ndarray:
    audio = AudioList(input_channels=driver.shape[1])
    source = Source(audio, channel)
    audio.compile()
    audio.process(driver, np.zeros((len(driver), 2), np.float32))
    left, right = source.buffer[:, :len(driver)]
    np.testing.assert_array_equal(left, right)
    return left


@pytest.mark.parametrize(("channel", "expected"), [
    (0, [0.1, 0.2]), (1, [0.3, -0.6]), (MEAN, [0.2, -0.2])])
def test_one_channel_is_heard_or_the_mean_of_two(channel, expected):
    np.testing.assert_allclose(heard(STEREO, channel), np.float32(expected), rtol=1e-6)


@pytest.mark.parametrize("channel", [0, 1, MEAN])
def test_a_single_channel_is_heard_whatever_is_asked_for(channel):
    mono = np.ascontiguousarray(STEREO[:, :1])
    np.testing.assert_array_equal(heard(mono, channel), mono[:, 0])


@pytest.mark.parametrize("channel", [0, MEAN])
def test_what_is_no_number_is_silence_and_the_rest_is_kept(channel):
    broken = np.float32([[np.nan], [0.5], [np.inf], [-np.inf], [-0.5]])
    assert heard(broken, channel).tolist() == [0.0, 0.5, 0.0, 0.0, -0.5]


def test_the_loudest_numbers_stay_numbers():
    loudest = np.full((2, 2), np.finfo(np.float32).max)
    assert np.isfinite(heard(loudest, MEAN)).all()


def test_the_channel_may_change_between_blocks():
    audio = AudioList(input_channels=2)
    source = Source(audio, 0)
    audio.compile()
    source.channel = 1
    audio.process(STEREO, np.zeros((2, 2), np.float32))
    assert source.buffer[0, :2].tolist() == STEREO[:, 1].tolist()
