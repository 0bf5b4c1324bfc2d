"""What the judge of strikes is told and what it makes of it, against numpy."""

from itertools import pairwise

import numpy as np
import pytest

from engine.dsp.filters import BANDS
from engine.dsp.onsets import (
    DEEPER,
    EAR,
    EDGES,
    EVERY,
    FEATURES,
    FINE,
    HIDDEN,
    PAST,
    POINTS,
    STATE,
    begin,
    describe,
    judge,
    margin_of,
    rises_over,
    strength,
)


def past(seed=0):
    return np.random.default_rng(seed).uniform(-95, -20, (PAST, BANDS)).astype(np.float32)


def told(levels, hop, floor, peak):
    """`describe`, in numpy."""
    over = np.array([np.maximum(levels[(hop - age) % PAST] - floor, 0.0) for age in range(PAST)])
    rows = list(over[:POINTS])
    for first, last in pairwise(EDGES):
        rows.append(over[first:last:1 if first < FINE else EVERY].mean(axis=0))
    older = [over[first:last:1 if first < FINE else EVERY].max(axis=0)
             for first, last in pairwise(EDGES)]
    rows += [peak - floor, np.max(older, axis=0)]
    return np.concatenate(rows) / 20.0


@pytest.mark.parametrize("hop", [PAST, PAST + 7, 12_345])
def test_the_judge_is_told_of_levels_over_the_floor(hop):
    levels, features = past(), np.empty(FEATURES, np.float32)
    floor = np.linspace(-80, -60, BANDS).astype(np.float32)
    describe(levels, hop, floor, np.float32(-15.0), np.array(EDGES), features)
    assert features == pytest.approx(told(levels, hop, floor, -15.0), abs=1e-4)


def test_how_loud_a_take_is_makes_no_difference():
    levels, soft, loud = past(), np.empty(FEATURES, np.float32), np.empty(FEATURES, np.float32)
    floor = np.full(BANDS, -70, np.float32)
    describe(levels, PAST, floor, np.float32(-15), np.array(EDGES), loud)
    describe(levels - np.float32(20), PAST, floor - np.float32(20), np.float32(-35),
             np.array(EDGES), soft)
    assert soft == pytest.approx(loud, abs=1e-4)


def test_the_judge_is_a_network_of_three_layers():
    rng = np.random.default_rng(2)
    ear = np.zeros(1, EAR)
    for name in ("first", "first_bias", "second", "second_bias", "last", "last_bias"):
        ear[name] = 0.2 * rng.standard_normal(ear[name].shape)
    features = rng.random(FEATURES).astype(np.float32)
    hidden = np.maximum(features @ ear["first"][0] + ear["first_bias"][0], 0.0)
    deeper = np.maximum(hidden @ ear["second"][0] + ear["second_bias"][0], 0.0)
    odds = deeper @ ear["last"][0] + ear["last_bias"][0]
    scratch = np.empty(HIDDEN, np.float32), np.empty(DEEPER, np.float32)
    assert judge(features, ear[0], *scratch) == pytest.approx(odds, rel=1e-4)


def test_one_band_over_its_floor_is_enough_to_ask():
    floor, levels = np.full(BANDS, -60, np.float32), np.full(BANDS, -61, np.float32)
    assert not rises_over(levels, floor)
    levels[3] = -59.0
    assert rises_over(levels, floor)


def test_strength_is_the_loudest_band_of_the_last_hops_over_the_room():
    levels = np.full((PAST, BANDS), -90, np.float32)
    levels[(700 - 2) % PAST, 5] = -30.0
    assert strength(levels, 700, np.full(BANDS, -75, np.float32)) == 45.0
    assert strength(levels, 700 + POINTS, np.full(BANDS, -75, np.float32)) == 0.0


def test_the_floor_follows_the_sensitivity_and_never_lies_under_the_room():
    assert [margin_of(db) for db in (3.0, 10.0, 40.0)] == [0.0, 6.0, 36.0]


def test_beginning_again_forgets_what_was_heard_and_keeps_what_is_set():
    fresh, used = np.zeros(1, STATE), np.zeros(1, STATE)
    for state in (fresh, used):
        state["sensitivity_db"], state["retrigger_hops"] = 14.0, 30.0
    used["levels"], used["bank"], used["hop"], used["gain"] = -3.0, 1.0, 999, -30.0
    begin(fresh)
    begin(used)
    assert used.tobytes() == fresh.tobytes()
    assert used["sensitivity_db"][0] == 14.0
