"""Faders: what they add, and how they move."""

import numpy as np

from engine.audio import AudioList
from engine.audio.commands import SET
from engine.audio.mix import Mix
from engine.audio.source import Source
from engine.units import SLICE, frames


def desk(*gains: float) -> tuple[AudioList, Mix, np.ndarray]:
    audio = AudioList()
    mix = Mix(audio, [Source(audio, 0).buffer for _ in gains], gains)
    ring = audio.tap(mix.buffer, frames=8192)
    audio.compile()
    return audio, mix, ring


def test_each_cable_comes_at_its_own_gain(drive):
    audio, mix, _ = desk(0.5, 0.25, 1.0)
    song = np.random.default_rng(0).normal(size=(SLICE, 1)).astype(np.float32)
    drive(audio, song, [SLICE])
    np.testing.assert_allclose(mix.buffer[0], 1.75 * song[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(mix.buffer[0], mix.buffer[1])


def test_a_fader_starts_to_move_at_its_frame_and_arrives_within_a_few_ms_without_a_step(drive):
    audio, mix, ring = desk(0.0)
    mix.commands.send(1000, SET, 0, 1.0)
    drive(audio, np.ones((4000, 1), np.float32), [100])
    assert not ring[:1000].any()
    assert ring[1000] > 0.0
    assert ring[1000 + frames(0.005)] > 0.9
    assert (ring[1000 + frames(0.030):4000] == 1.0).all()
    assert np.abs(np.diff(ring[:4000])).max() < 0.02


def test_a_fader_moves_only_its_own_cable(drive):
    audio, mix, ring = desk(1.0, 1.0)
    mix.commands.send(0, SET, 1, 0.0)
    drive(audio, np.ones((4000, 1), np.float32))
    assert ring[3999] == 1.0
