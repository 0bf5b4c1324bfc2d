"""The speakers, as a patch has them."""

import numpy as np
import pytest

from engine.audio import AudioList, Feed
from engine.nodes.audio_out import AudioOut
from engine.units import Samples, frames

FADE = frames(0.005)


def played(node: AudioOut, frame_count: int = 2000, *, channels: int = 2, **later: object
           ) -> Samples:
    """What leaves when 0.5 comes in; `later` settings are made after the first half."""
    audio = AudioList(output_channels=channels)
    feed = np.full((2, 256), 0.5, np.float32)
    node.build(audio, {"audio": [Feed("mic", feed)]})
    audio.compile()
    target = np.zeros((frame_count, channels), np.float32)
    silence, half = np.zeros((frame_count // 2, 1), np.float32), frame_count // 2
    audio.process(silence, target[:half])
    for name, value in later.items():
        node.set(name, value)
    audio.process(silence, target[half:])
    return target


def test_it_plays_on_the_first_pair_unless_told_otherwise():
    assert (played(AudioOut())[FADE:] == 0.5).all()
    cue = played(AudioOut(channels="3-4"), channels=4)
    assert not cue[:, :2].any()
    assert (cue[FADE:, 2:] == 0.5).all()


def test_its_fader_is_in_decibels_and_moves_while_it_plays():
    assert played(AudioOut(gain_db=-20.0))[-1, 0] == pytest.approx(0.05)
    moved = played(AudioOut(), 8000, gain_db=-20.0)
    assert moved[3999, 0] == 0.5
    assert moved[-1, 0] == pytest.approx(0.05, rel=1e-3)


def test_cables_that_meet_in_it_add():
    audio = AudioList()
    feeds = [Feed(name, np.full((2, 256), 0.2, np.float32)) for name in ("kit", "mic")]
    buffer = AudioOut().build(audio, {"audio": feeds})
    audio.compile()
    audio.process(np.zeros((1000, 1), np.float32), np.zeros((1000, 2), np.float32))
    np.testing.assert_allclose(buffer[:, :200], 0.4, rtol=1e-6)


def test_it_stops_and_starts_on_command_and_gives_what_is_heard():
    audio, node = AudioList(), AudioOut()
    buffer = node.build(audio, {"audio": [Feed("mic", np.full((2, 256), 0.5, np.float32))]})
    ring = audio.tap(buffer, frames=8192)
    audio.compile()
    node.stop(0.02)
    node.start(0.05)
    target = np.zeros((4000, 2), np.float32)
    audio.process(np.zeros((4000, 1), np.float32), target)
    assert (target[FADE:960] == 0.5).all()
    assert not target[960 + FADE:2400].any()
    assert (target[2400 + FADE:] == 0.5).all()
    np.testing.assert_array_equal(ring[:4000], target[:, 0])


def test_without_a_cable_it_is_silent():
    audio, node = AudioList(), AudioOut()
    node.build(audio, {"audio": []})
    audio.compile()
    target = np.ones((500, 2), np.float32)
    audio.process(np.zeros((500, 1), np.float32), target)
    assert not target.any()
