"""The mixing desk, as a patch has it."""

import numpy as np
import pytest

from engine.audio import AudioList, Feed
from engine.nodes.mixer import Mixer

FEEDS = {"mic": 0.1, "kit": 0.2}


def mixed(node: Mixer, seconds: float = 0.01, **then: float) -> float:
    """The level that leaves when the microphone gives 0.1 and the kit 0.2."""
    audio = AudioList()
    feeds = [Feed(name, np.full((2, 256), level, np.float32)) for name, level in FEEDS.items()]
    buffer = node.build(audio, {"audio": feeds})
    audio.compile()
    if then:
        node.set("gain_db", then)
    frames = round(seconds * 48_000)
    audio.process(np.zeros((frames, 1), np.float32), np.zeros((frames, 2), np.float32))
    return float(buffer[0, frames % 256 - 1])


def test_what_has_no_gain_comes_at_0_db():
    assert mixed(Mixer()) == pytest.approx(0.3)


def test_each_cable_has_the_gain_of_the_node_it_comes_from():
    assert mixed(Mixer(gain_db={"mic": -20.0})) == pytest.approx(0.21)
    assert mixed(Mixer(gain_db={"kit": -20.0, "mic": -40.0})) == pytest.approx(0.021)


def test_a_fader_moved_while_it_plays_is_heard_a_few_ms_later():
    assert mixed(Mixer(), 0.1, mic=-20.0) == pytest.approx(0.21, rel=1e-3)
    assert 0.1 < mixed(Mixer(), 0.001, mic=-60.0, kit=-60.0) < 0.29


def test_a_gain_it_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"must lie in -60..12"):
        Mixer(gain_db={"mic": 40.0})
