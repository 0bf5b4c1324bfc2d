"""A whole bar at once, the same for the same seed, within what the performer allows."""

import time

import numpy as np
import pytest

from engine.music.bars import Bar, compose, line_from, nats, reference, symbols_of, vary
from engine.music.line import HOLD, REST, Line, chord, line_of

BEFORE = line_of([(0, 4, 60), (4, 4, 64), (8, 2, 67), (10, 2, 65), (12, 4, 64)], 16)
C_MAJOR = 0b101010110101


def test_a_bar_survives_its_symbols():
    origin = reference(BEFORE)
    assert origin == 64
    back = line_from(symbols_of(BEFORE, origin), origin, 16)
    assert np.array_equal(back.steps, BEFORE.steps)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_composes_the_same_bar(seed):
    one, same, other = (compose(BEFORE, seed=s).steps for s in (seed, seed, seed + 100))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(5))
def test_a_bar_keeps_to_range_and_scale(seed):
    bar = compose(BEFORE, settings=Bar(low=60, top=72, scale=C_MAJOR), seed=seed)
    notes = bar.steps[bar.steps >= 0]
    assert all(60 <= n <= 72 and C_MAJOR >> n % 12 & 1 for n in notes.tolist())


def test_the_pad_asks_for_few_notes_or_many():
    few, many = (np.mean([(compose(BEFORE, settings=Bar(busy=busy, high=0.5), seed=s).steps >= 0)
                          .sum() for s in range(12)]) for busy in (0.15, 0.7))
    assert many > 1.5 * few


def test_the_pad_asks_for_low_notes_or_high():
    low, high = (np.mean([bar.steps[bar.steps >= 0].mean() for bar in
                          (compose(BEFORE, settings=Bar(busy=0.4, high=h), seed=s)
                           for s in range(12)) if (bar.steps >= 0).any()]) for h in (0.1, 0.9))
    assert high > low + 3


def test_the_chord_is_heard():
    """Over a chord its notes are likelier than over another."""
    bars = {}
    for name, code in (("C", chord(0, (0, 4, 7))), ("F#", chord(6, (6, 10, 1)))):
        made = [compose(BEFORE, np.full(16, code), seed=s).steps for s in range(12)]
        bars[name] = np.concatenate([steps[steps >= 0] for steps in made])
    assert np.isin(bars["C"] % 12, (0, 4, 7)).mean() > np.isin(bars["F#"] % 12, (0, 4, 7)).mean()


def test_a_variation_keeps_most_of_its_bar():
    bar = compose(BEFORE, seed=1)
    kept = [np.mean(vary(bar, BEFORE, seed=s, kept=0.8).steps == bar.steps) for s in range(8)]
    assert np.mean(kept) > 0.6
    assert np.array_equal(vary(bar, BEFORE, seed=3, kept=1.0).steps, bar.steps)


def test_a_likely_bar_surprises_less_than_a_silly_one():
    silly = line_of([(1, 1, 84), (6, 1, 41), (11, 1, 83)], 16)
    assert nats(BEFORE, BEFORE) < nats(silly, BEFORE)


@pytest.mark.parametrize("before", [
    Line(np.full(16, HOLD)), Line(np.full(12, HOLD), 12), line_of([(0, 1, 0)], 16),
    line_of([(0, 1, 127)], 12, bar=12)], ids=["silence", "three-four", "lowest", "highest"])
def test_after_the_oddest_bar_comes_a_bar(before):
    bar = compose(before, seed=0)
    assert len(bar.steps) == before.bar
    assert bar.bar == before.bar
    assert all(event in (HOLD, REST) or 0 <= event <= 127 for event in bar.steps.tolist())


def test_a_bar_takes_a_millisecond():
    compose(BEFORE)
    spent = []
    for seed in range(30):
        begun = time.thread_time()
        compose(BEFORE, seed=seed)
        spent.append(time.thread_time() - begun)
    assert np.median(spent) < 0.002
