"""How much louder the bands became, against the formula."""

from itertools import pairwise

import numpy as np
import pytest

from engine.dsp.flux import level_flux

FLOOR = np.full(8, -80, np.float32)


def test_the_flux_is_the_sum_of_the_increases():
    rng = np.random.default_rng(1)
    levels = rng.uniform(-90, -10, (50, 8)).astype(np.float32)
    floor = rng.uniform(-80, -60, 8).astype(np.float32)
    for before, now in pairwise(levels):
        change = np.maximum(now, floor) - np.maximum(before, floor)
        assert level_flux(now, before, floor) == pytest.approx(np.maximum(change, 0.0).sum(),
                                                               rel=1e-5)


def test_what_happens_below_the_floor_is_no_flux():
    assert level_flux(np.full(8, -81, np.float32), np.full(8, -99, np.float32), FLOOR) == 0.0


def test_what_becomes_softer_takes_nothing_away():
    before, now = np.array([-20, -60], np.float32), np.array([-70, -50], np.float32)
    assert level_flux(now, before, FLOOR[:2]) == 10.0
