"""The walk: any block size, any number of cables, the same samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio import AudioList, Feed
from engine.audio.commands import SET
from engine.audio.mix import Mix
from engine.audio.output import GAIN, Output
from engine.audio.run_list import BLOCKS
from engine.audio.sampler import CHOKE, CORRECT, PLAY, Sampler
from engine.audio.source import Source
from engine.drums import DRUMS
from engine.units import SLICE

FRAMES = 4000
KIT = {drum: np.random.default_rng(n).uniform(-0.3, 0.3, (2, 700 + 300 * n)).astype(np.float32)
       for n, drum in enumerate(DRUMS)}
SONG = np.random.default_rng(99).normal(0.0, 0.3, (FRAMES, 1)).astype(np.float32)


def stage() -> tuple[AudioList, np.ndarray]:
    """Microphone and kit into a mixer, into the speakers, with some of everything asked for."""
    audio = AudioList()
    source = Source(audio, 0)
    kit = Sampler(audio, KIT, 0.8)
    desk = Mix(audio, [source.buffer, kit.buffer], [0.5, 1.0])
    output = Output(audio, desk.buffer, 0, 1.5)
    ring = audio.tap(output.buffer, frames=8192)
    audio.compile()
    for n in range(40):
        kit.commands.send(37 * n, PLAY, n % 16, 0.5, n)
    kit.commands.send(500, CORRECT, 9, 0.4, 12, 444)
    kit.commands.send(801, CHOKE, 0b11111)
    kit.commands.send(1200, SET, 0, 0.3)
    desk.commands.send(333, SET, 0, 1.0)
    output.commands.send(2222, SET, GAIN, 0.7)
    return audio, ring


@pytest.fixture(scope="module")
def expected(drive):
    audio, ring = stage()
    return drive(audio, SONG, [64]), ring


@settings(max_examples=30)
@given(st.lists(st.integers(1, 1024), min_size=1, max_size=8))
def test_the_driver_block_size_does_not_change_one_sample(drive, expected, blocks):
    audio, ring = stage()
    np.testing.assert_array_equal(drive(audio, SONG, blocks), expected[0])
    np.testing.assert_array_equal(ring, expected[1])


def test_every_block_is_a_beat_of_the_heart_and_every_frame_is_counted(drive):
    audio, _ = stage()
    assert audio.position == audio.table[BLOCKS] == 0
    drive(audio, 1000, [300])
    assert audio.table[BLOCKS] == 4
    assert audio.position == 1000


def test_an_empty_list_is_silent(drive):
    audio = AudioList()
    audio.compile()
    assert not drive(audio, SONG).any()


def test_cables_that_meet_add_at_0_db_and_an_inlet_without_any_is_silent(drive):
    audio = AudioList()
    one, two = Source(audio, 0).buffer, Source(audio, 0).buffer
    alone = audio.sum([Feed("one", one)])
    both = audio.sum([Feed("one", one), Feed("two", two)])
    none = audio.sum([])
    audio.compile()
    drive(audio, SONG[:SLICE], [SLICE])
    assert alone is one
    np.testing.assert_array_equal(both, 2.0 * one)
    np.testing.assert_array_equal(one[0], SONG[:SLICE, 0])
    assert not none.any()


def test_blocks_that_do_not_fit_are_refused_and_not_heard():
    audio, _ = stage()
    with pytest.raises(ValueError, match=r"\(64, 2\).*1 input"):
        audio.process(np.zeros((64, 2), np.float32), np.zeros((64, 2), np.float32))
    with pytest.raises(ValueError, match="don't fit"):
        audio.process(np.zeros((64, 1), np.float32), np.zeros((32, 2), np.float32))
    with pytest.raises(TypeError):
        audio.process(np.zeros((64, 1)), np.zeros((64, 2)))
    assert audio.position == 0


def test_a_decaying_tail_is_zero_in_the_list_and_the_caller_keeps_its_small_numbers():
    audio = AudioList()
    tail = Mix(audio, [Source(audio, 0).buffer], [0.5])
    audio.compile()
    tiny = np.finfo(np.float32).tiny
    audio.process(np.full((8, 1), tiny), np.zeros((8, 2), np.float32))
    assert not tail.buffer.any()
    assert tiny * np.float32(0.5) > 0.0


def test_a_list_owns_what_it_touches(drive, expected):
    audio, _ = stage()                      # all that it was built from is out of sight by now
    sizes = {part.nbytes for part in audio._kept if isinstance(part, np.ndarray)}
    rubbish = [np.full(size // 8 + 1, np.nan) for size in sizes for _ in range(50)]
    np.testing.assert_array_equal(drive(audio, SONG), expected[0])
    assert all(np.isnan(part).all() for part in rubbish)
