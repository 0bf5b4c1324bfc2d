"""What resembles none of a performer's sounds is more doubtful than what does."""

from dataclasses import replace

import numpy as np
import pytest

from engine.voice.drum_model import CLASSES
from engine.voice.learning import MOMENTS_MS, Takes
from engine.voice.likeness import MOST, Likeness

MOMENTS, UNITS = len(MOMENTS_MS), 24
PLACES = 3.0 * np.random.default_rng(0).standard_normal((3, UNITS))


def given(each, seed=1, scatter=0.6, spread=None):
    """Takes scattered around PLACES, all moments alike."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(PLACES)), each)
    features = PLACES[labels] + scatter * rng.standard_normal((len(labels), UNITS))
    return Takes(np.repeat(features[:, None], MOMENTS, axis=1).astype(np.float32),
                 np.zeros((len(labels), MOMENTS, CLASSES), np.float32), labels,
                 np.arange(len(labels)), spread)


def doubts(likeness, features):
    return np.array([likeness.doubt(8, memory.astype(np.float32)) for memory in features])


def test_ones_own_strikes_are_hardly_doubted_and_what_lies_elsewhere_is():
    likeness = Likeness(given(5))
    own = doubts(likeness, given(200, seed=2).features[:, 8])
    assert (own == 0.0).mean() > 0.7
    assert own.mean() < 0.1 * MOST
    between = doubts(likeness, [PLACES.mean(axis=0), -PLACES[0], 0.5 * PLACES[1]])
    assert (between > 0.8 * MOST).all()


def test_doubt_grows_with_the_distance_and_has_an_end():
    away = np.random.default_rng(3).standard_normal(UNITS)
    grown = doubts(Likeness(given(5)), [PLACES[0] + far * away
                                        for far in (0.0, 0.7, 0.8, 9.0, 90.0)])
    assert grown[0] == 0.0
    assert list(grown) == sorted(grown)
    assert 0.0 < grown[1] < grown[2] < MOST
    assert grown[-1] == grown[-2] == MOST


def test_who_varies_much_is_doubted_less():
    near, wide = (Likeness(given(5, scatter=scatter)) for scatter in (0.3, 1.2))
    strike = [PLACES[0] + 1.0]
    assert doubts(near, strike) > doubts(wide, strike)


def test_directions_in_which_all_voices_vary_count_less():
    loose = np.eye(UNITS, dtype=np.float32)
    loose[0, 0] = 100.0
    off = np.zeros(UNITS)
    off[0] = 5.0
    plain, told = Likeness(given(5)), Likeness(given(5, spread=loose))
    assert doubts(plain, [PLACES[0] + off]) > doubts(told, [PLACES[0] + off])


def test_takes_that_are_all_alike_dont_make_every_other_strike_strange():
    likeness = Likeness(given(5, scatter=0.0))
    near = given(20, seed=2, scatter=0.3).features[:, 8]
    assert doubts(likeness, near).max() == 0.0
    assert doubts(likeness, [-PLACES[0]]) == pytest.approx([MOST])


def test_single_takes_dont_show_what_is_usual_so_nothing_is_doubted():
    assert doubts(Likeness(given(1)), [100.0 * PLACES[0]]) == pytest.approx([0.0])


def test_the_shifts_of_one_take_are_no_other_takes():
    """Each take three times, hardly moved: how far strikes lie apart is told by the takes."""
    takes = given(4)
    thrice = Takes(*(np.repeat(each, 3, axis=0) for each in (
        takes.features, takes.general, takes.labels, takes.take)))
    strikes = given(50, seed=4).features[:, 8]
    plain = doubts(Likeness(takes), strikes)
    assert doubts(Likeness(thrice), strikes) == pytest.approx(plain, abs=0.02)
    alone = replace(thrice, take=np.arange(len(thrice.take)))
    assert doubts(Likeness(alone), strikes).mean() > plain.mean() + 0.2
