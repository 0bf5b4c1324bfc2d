"""The microphone, as a patch has it."""

import numpy as np
import pytest

from engine.audio import AudioList
from engine.nodes.audio_in import AudioIn

STEREO = np.array([[0.2, -0.6], [0.4, 0.8]], np.float32)


def heard(node: AudioIn, *, then: str | None = None) -> list[float]:
    audio = AudioList(input_channels=2)
    buffer = node.build(audio, {})
    audio.compile()
    if then is not None:
        node.set("channel", then)
    audio.process(STEREO, np.zeros((2, 2), np.float32))
    return buffer[0, :2].tolist()


@pytest.mark.parametrize(("channel", "expected"), [
    ("1", [0.2, 0.4]), ("2", [-0.6, 0.8]), ("1+2", [-0.2, 0.6])])
def test_it_hears_the_channel_asked_for(channel, expected):
    assert heard(AudioIn(channel=channel)) == pytest.approx(expected)
    assert heard(AudioIn(), then=channel) == pytest.approx(expected)


def test_the_first_channel_is_the_default():
    assert heard(AudioIn()) == heard(AudioIn(channel="1"))


def test_there_is_no_sum_of_everything():
    with pytest.raises(ValueError, match=r"must be 1, 2 or 1\+2"):
        AudioIn(channel="all")


def test_it_gives_audio_and_takes_nothing():
    assert AudioIn.ports().gives == "audio"
    assert AudioIn.ports().inlets == ()
