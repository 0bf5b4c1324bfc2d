"""The nearest of some points, in directions that count as told."""

import numpy as np
import pytest

from engine.dsp.distance import nearest


def test_it_is_the_squared_distance_to_the_nearest_in_whitened_units():
    rng = np.random.default_rng(1)
    point, whiten, others = (rng.standard_normal(shape).astype(np.float32)
                             for shape in (24, (24, 24), (5, 24)))
    wanted = ((point.astype(np.float64) @ whiten - others) ** 2).mean(axis=1)
    white = np.full(24, np.nan, np.float32)
    assert nearest(point, whiten, others, white) == pytest.approx(wanted.min(), rel=1e-4)
    assert white == pytest.approx(point @ whiten, rel=1e-3, abs=1e-4)


def test_where_a_direction_doesnt_count_nothing_is_far_in_it():
    others = np.zeros((1, 2), np.float32)
    flat = np.diag(np.array([1.0, 0.0], np.float32))
    far = np.array([0.0, 1e3], np.float32)
    assert nearest(far, flat, others, np.zeros(2, np.float32)) == 0.0
