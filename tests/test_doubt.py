"""How much the strikes before one say of it."""

import pytest

from engine.voice.doubt import Doubt

UNSURE = 0.5


def after(*strikes, wait_s=0.3, strength=1.0):
    """The chance that an unsure strike is none, so long after others, one each 300 ms."""
    doubt = Doubt()
    for place, none in enumerate(strikes):
        doubt.heard(0.3 * place, none)
    return doubt.weigh(0.3 * (len(strikes) - 1) + wait_s, UNSURE, strength)


def test_the_first_strike_counts_by_itself():
    doubt = Doubt()
    assert [doubt.weigh(7.0, none) for none in (0.0, 0.3, 1.0)] == pytest.approx([0.0, 0.3, 1.0])


def test_each_strike_that_was_none_makes_the_next_more_doubtful_and_a_hit_less():
    doubts = [after(*[0.9] * count) for count in range(1, 6)]
    assert doubts[0] > UNSURE
    assert doubts == sorted(doubts)
    assert doubts[-1] > 0.85
    assert after(0.9, 0.9, 0.9, 0.01) < after(0.9, 0.9, 0.9)
    assert after(UNSURE, UNSURE) == pytest.approx(UNSURE)


def test_what_is_clearly_a_hit_is_one_after_any_stream_and_what_is_clearly_none_is_none():
    talk, groove = Doubt(), Doubt()
    for place in range(100):
        talk.heard(0.1 * place, 1.0)
        groove.heard(0.1 * place, 0.0)
    assert talk.weigh(10.0, 0.02) < 0.2
    assert 0.8 < groove.weigh(10.0, 0.9) < 0.9


def test_doubt_fades_within_a_few_seconds():
    assert after(0.9, 0.9, 0.9, wait_s=1.0) > after(0.9, 0.9, 0.9, wait_s=3.0) > UNSURE
    assert after(0.9, 0.9, 0.9, wait_s=20.0) == pytest.approx(UNSURE, abs=0.001)


def test_a_strike_that_is_decided_out_of_turn_does_no_harm():
    doubt = Doubt()
    doubt.heard(5.0, 0.9)
    doubt.heard(4.9, 0.9)
    assert doubt.weigh(4.8, UNSURE) == pytest.approx(doubt.weigh(5.0, UNSURE))
    assert doubt.weigh(5.1, UNSURE) < doubt.weigh(5.0, UNSURE)


def test_it_counts_as_much_as_is_asked_for_and_is_forgotten_at_a_reset():
    assert after(0.9, 0.9, strength=0.0) == pytest.approx(UNSURE)
    assert UNSURE < after(0.9, 0.9, strength=0.5) < after(0.9, 0.9)
    doubt = Doubt()
    doubt.heard(0.0, 0.9)
    doubt.reset()
    assert doubt.weigh(0.1, UNSURE) == pytest.approx(UNSURE)
