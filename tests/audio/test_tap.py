"""The ring at the end of an audio cable."""

import numpy as np
import pytest

from engine.audio import AudioList
from engine.audio.source import Source
from engine.ports import AudioBlock
from engine.units import HOP


@pytest.mark.parametrize("blocks", [[64], [1024], [1, 63, 500, 7]])
def test_the_ring_holds_the_last_frames_each_at_its_place(drive, blocks):
    audio = AudioList()
    ring = audio.tap(Source(audio, 0).buffer, frames=1024)
    audio.compile()
    song = np.arange(5000, dtype=np.float32)[:, None]
    drive(audio, song, blocks)
    frames = np.arange(5000 - 1024, 5000)
    np.testing.assert_array_equal(ring[frames % 1024], frames)


def test_an_event_node_reads_its_hop_and_its_history(drive):
    audio = AudioList()
    block = AudioBlock(audio.tap(Source(audio, 0).buffer))
    audio.compile()
    song = np.random.default_rng(0).normal(size=(3 * HOP, 1)).astype(np.float32)
    drive(audio, song)
    block.move_to(2 * HOP)
    np.testing.assert_array_equal(block.samples, song[2 * HOP:, 0])
    past = np.zeros(100, np.float32)
    block.history(10, past)
    np.testing.assert_array_equal(past, song[10:110, 0])


def test_the_ring_holds_the_mean_of_both_sides():
    audio = AudioList()
    buffer = audio.buffer()
    buffer[0], buffer[1] = 0.5, -0.1
    ring = audio.tap(buffer, frames=256)
    audio.compile()
    audio.process(np.zeros((4, 1), np.float32), np.zeros((4, 2), np.float32))
    np.testing.assert_allclose(ring[:4], 0.2, rtol=1e-6)
