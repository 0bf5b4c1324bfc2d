"""Sets are chosen drum by drum, and no mass is lost on the way."""

import numpy as np
import pytest

from engine.dsp import choice


def upto(masses):
    return np.concatenate([np.zeros((len(masses), 1)), np.cumsum(masses, axis=1)], axis=1)


def test_log_odds_are_of_what_is_struck_against_what_is_not_and_never_endless():
    assert choice.log_odds(0.75, 1.0) == pytest.approx(np.log(3.0), abs=1e-6)
    assert choice.log_odds(1.0, 1.0) == choice.SUREST
    assert choice.log_odds(0.0, 1.0) == -choice.SUREST
    assert choice.log_odds(0.0, 0.0) == 0.0


def test_two_drums_and_one_opinion_come_back_as_they_went_in():
    masses = np.array([[0.1, 0.2, 0.3, 0.4]])
    chances = np.empty(4)
    choice.every_chance(upto(masses), np.ones((1, 2), np.float32), np.zeros(2, np.float32),
                        np.zeros((2, 2), np.float32), chances)
    assert chances == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=1e-6)


def test_a_drum_that_is_struck_speaks_for_its_companion():
    yes = np.zeros(2, bool)
    pairs = np.array([[0.0, 0.0], [40.0, 0.0]], np.float32)
    masses = upto(np.full((1, 4), 0.25))
    for shift, expected in ((40.0, [True, True]), (-40.0, [False, False])):
        choice.draw(masses, np.ones((1, 2), np.float32), np.array([0.0, -20.0], np.float32), pairs,
                    np.array([shift, 0.0]), 1.0, np.array([0.5, 0.5]), yes)
        assert yes.tolist() == expected
