"""Opinions are weighed drum by drum, and the result is a distribution that can be drawn from."""

import numpy as np
import pytest

from engine.music.mixing import Weighing, along, decisions, draw, opinions, set_chances
from engine.music.pattern import SETS, drums_in, sets_of

RNG = np.random.default_rng(5)
MASSES = RNG.random((5, SETS)) ** 4
FLAT = Weighing(np.zeros((5, 9), np.float32), np.zeros(9, np.float32), np.zeros((9, 9), np.float32))


def weighing():
    pairs = np.tril(RNG.normal(size=(9, 9)), -1)
    return Weighing(RNG.random((5, 9)).astype(np.float32) / 2, RNG.normal(size=9) / 2, pairs)


def test_one_opinion_alone_is_kept_as_it_is():
    alone = Weighing(np.zeros((5, 9), np.float32), FLAT.bias, FLAT.pairs)
    alone.weights[2] = 1.0
    assert set_chances(MASSES, alone) == pytest.approx(MASSES[2] / MASSES[2].sum(), abs=1e-5)


def test_chances_of_all_sets_sum_to_one_and_agree_with_the_way_to_each():
    mixed = weighing()
    chances = set_chances(MASSES, mixed)
    assert chances.sum() == pytest.approx(1.0)
    for played in (0, 1, 256, 311, 511):
        yes = drums_in(played)
        found = decisions(along(MASSES, np.array(played))[:, None], np.array([played]))[:, 0]
        sure = (mixed.weights * found).sum(axis=0) + mixed.bias + mixed.pairs @ yes
        nats = np.logaddexp(0.0, np.where(yes, -sure, sure)).sum()
        assert np.exp(-nats) == pytest.approx(chances[played], rel=1e-5)


def test_what_is_drawn_is_as_frequent_as_it_is_likely():
    mixed = weighing()
    chances = set_chances(MASSES, mixed) @ drums_in(np.arange(SETS))
    drawn = np.mean([draw(MASSES, mixed, RNG.random(9), np.zeros(9)) for _ in range(4000)], axis=0)
    assert drawn == pytest.approx(chances, abs=0.03)


def test_a_drum_pushed_up_is_struck_and_one_pushed_down_is_not():
    shift = np.array([40.0, -40.0] + 7 * [0.0])
    yes = draw(MASSES, weighing(), RNG.random(9), shift)
    assert yes[:2].tolist() == [True, False]
    assert int(sets_of(yes.astype(np.float32))) >= 256


def test_a_takes_own_counts_outweigh_the_many_once_there_are_enough():
    drummers = np.full(SETS, 1.0 / SETS)
    counts, votes = np.zeros((4, SETS)), np.zeros((3, SETS))
    counts[:, 7] = 200.0
    own = opinions(drummers, counts, counts.sum(axis=1, keepdims=True), votes)[0]
    assert own[7] > 0.95
    assert own.sum() == pytest.approx(1.0)
