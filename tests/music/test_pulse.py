"""Which tempo somebody means who plays alone: neither half of it nor double."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.music.pulse import FASTEST, SLOWEST, USUAL, tempo_of

TUNE = (0, 1, 1.5, 2, 3, 4, 4.5, 5, 5.5, 6, 7)         # beats


@pytest.mark.parametrize("bpm", [72.0, 90.0, 100.0, 116.0, 132.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_tempo_of_quarters_and_eighths_is_found_though_nobody_plays_exactly(bpm, seed):
    off = np.random.default_rng(seed).normal(0.0, 0.012, len(TUNE))
    times = [place * 60.0 / bpm + late for place, late in zip(TUNE, off, strict=True)]
    assert tempo_of(times) == pytest.approx(bpm, rel=0.04)


def test_a_tempo_is_finer_than_a_beat_a_minute():
    assert tempo_of([place * 60.0 / 97.4 for place in TUNE]) == pytest.approx(97.4, abs=0.01)


def test_a_few_notes_say_nothing_about_the_tempo():
    assert tempo_of([0.0, 0.31, 0.9]) == USUAL


@given(st.lists(st.floats(0.0, 3600.0), max_size=24))
def test_whatever_is_played_the_tempo_is_one_that_people_play(times):
    assert 0.9 * SLOWEST < tempo_of(sorted(times)) < 1.1 * FASTEST
