"""Strokes find their grid and come back from it as they were played."""

import numpy as np
import pytest

from engine.errors import UsageError
from engine.music.pattern import (
    SETS,
    Pattern,
    drums_in,
    empty,
    pattern_of,
    sets_of,
    swings,
)

SHUFFLE = [(beat + part / 3, 2, 0.5) for beat in range(4) for part in (0, 2)]
STRAIGHT = [(step / 4, 2, 0.5) for step in range(16)]


def test_strokes_come_back_from_the_grid_as_they_were_played():
    rng = np.random.default_rng(3)
    played = sorted((step / 4 + float(rng.uniform(-0.1, 0.1)), int(rng.integers(9)), 0.25)
                    for step in range(1, 64))
    back = pattern_of(played, triplets=False).strokes()
    assert [drum for _, drum, _ in back] == [drum for _, drum, _ in played]
    assert [beat for beat, _, _ in back] == pytest.approx([beat for beat, _, _ in played], abs=1e-6)


def test_a_shuffle_gets_twenty_four_steps_and_straight_sixteenths_sixteen():
    assert swings(SHUFFLE)
    assert not swings(STRAIGHT)
    assert not swings([])
    assert pattern_of(SHUFFLE).steps_per_bar == 24
    assert pattern_of(STRAIGHT).steps_per_bar == 16


def test_five_quarters_make_a_bar_of_twenty_steps():
    assert pattern_of([(0.0, 0, 1.0), (5.0, 0, 1.0)], beats_per_bar=5.0).bars == 2


def test_of_two_strokes_on_one_step_the_harder_stays():
    made = pattern_of([(0.0, 1, 0.4), (0.02, 1, 0.9), (0.03, 1, 0.2)])
    assert made.strokes() == [(pytest.approx(0.02), 1, pytest.approx(0.9))]


def test_every_set_is_its_drums_and_back():
    every = np.arange(SETS)
    assert (sets_of(drums_in(every).astype(np.float32)) == every).all()
    assert drums_in(256).tolist() == [True] + 8 * [False]


def test_arrays_that_are_not_steps_by_drums_are_refused():
    with pytest.raises(UsageError, match="both must be steps x 9"):
        Pattern(16, np.zeros((16, 8), np.float32), np.zeros((16, 8), np.float32))
    with pytest.raises(UsageError, match=r"may be 1\.\.96"):
        empty(16, steps_per_bar=0)
