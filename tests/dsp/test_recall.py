"""A memory's arithmetic, beside the same written the slow way."""

import numpy as np
import pytest

from engine.dsp import recall


def test_likeness_is_the_faded_sum_of_what_set_two_moments_apart():
    rng = np.random.default_rng(2)
    sets = rng.integers(0, 512, 40)
    apart = rng.random(512).astype(np.float32)
    apart[0] = 0.0
    alike = np.full(5, -4.0, np.float32)
    for kept in range(1, 41):
        recall.liken(alike, sets, kept, 4, 0.8, apart)
    for back in range(5):
        lag = 4 * (back + 1)
        expected = -4.0 * 0.8 ** (40 - lag) - sum(
            0.8 ** (39 - now) * apart[sets[now] ^ sets[now - lag]] for now in range(lag, 40))
        assert alike[back] == pytest.approx(expected, rel=1e-4)


def test_a_recollection_repeats_what_followed_the_moment_that_was_alike():
    sets = np.array([256, 1, 128, 1, 256, 1, 0, 0])
    hits = np.zeros((8, 9), np.float32)
    hits[2, 1], offsets = 0.8, np.full((8, 9), 0.2, np.float32)
    votes, strokes = np.zeros(512, np.float32), np.zeros((2, 9), np.float32)
    usual = np.full((2, 9), 0.1, np.float32)
    recall.recollect(np.array([-9.0, 0.0], np.float32), 2.0, sets, hits, offsets, 6, 2, usual,
                     votes, strokes)
    assert votes.argmax() == 128
    assert votes.sum() == pytest.approx(1.0, abs=1e-3)
    assert strokes[0, 1] == pytest.approx((0.8 + 0.05 * 0.1) / 1.05, rel=1e-4)
    assert strokes[0, 0] == pytest.approx(0.1)


def test_odds_weigh_the_sets_that_hold_a_drum_against_the_others():
    votes, found = np.zeros(512, np.float32), np.zeros(9, np.float32)
    votes[256], votes[257] = 1.0, 2.0
    assert recall.odds(votes, found) == pytest.approx(3.0)
    assert found[0] == pytest.approx(np.log(3.1 / 0.1), rel=1e-4)
    assert found[8] == pytest.approx(np.log(2.1 / 1.1), rel=1e-4)
    assert found[3] == pytest.approx(np.log(0.1 / 3.1), rel=1e-4)


def test_a_window_into_the_time_before_the_take_is_silent():
    rows = np.arange(1, 19, dtype=np.float32).reshape(2, 9)
    into = np.zeros((4, 9), np.float32)
    recall.window(rows, 2, 3, False, into)
    assert (into[0] == 0).all()
    assert (into[1:3] == rows).all()
    assert (into[3] == 0).all()
