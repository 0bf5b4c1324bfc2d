"""When it had begun, and how sure one must be."""

from itertools import pairwise

import numpy as np
import pytest

from engine.dsp.peaks import SPAN_HOPS, bar_for, bursts, rolls, steepest


def ring(rises, newest):
    """A ring of 16 hops in which the hop `age` before the newest rose by rises[age]."""
    flux = np.zeros(16, np.float32)
    for age, rise in rises.items():
        flux[(newest - age) % 16] = rise
    return flux


@pytest.mark.parametrize("newest", [5, 16, 1000])
@pytest.mark.parametrize("age", [0, 3, 11])
def test_the_one_hop_that_rose_is_found_anywhere_in_the_ring(newest, age):
    assert steepest(ring({age: 90.0}, newest), newest, 12) == pytest.approx(age)


def test_between_two_hops_that_rose_alike_lies_the_attack():
    assert steepest(ring({3: 60.0, 4: 60.0}, 20), 20, 12) == pytest.approx(3.5)


def test_a_small_rise_hardly_moves_the_attack():
    assert steepest(ring({2: 20.0, 6: 80.0}, 20), 20, 12) == pytest.approx(6.0, abs=0.05)


def test_what_rose_longer_ago_is_not_looked_at():
    assert steepest(ring({1: 10.0, 13: 90.0}, 20), 20, 12) == pytest.approx(1.0)


def test_where_nothing_rose_it_is_now():
    assert steepest(np.zeros(16, np.float32), 40, 12) == 0.0


def test_within_the_retrigger_time_nobody_can_be_sure_enough():
    assert bar_for(33, 33.75, 2.0, 1.0) == np.inf


def test_the_bar_comes_down_after_a_strike():
    bars = [bar_for(hops, 33.75, 2.0, 1.0) for hops in range(34, 34 + SPAN_HOPS + 5)]
    assert bars[0] == pytest.approx(3.0, abs=0.05)
    assert all(later <= sooner for sooner, later in pairwise(bars))
    assert bars[-1] == 2.0


def row(apart, count, rise=200.0, between=0.0):
    """A ring of 256 hops: rises so far apart, the newest four hops ago, and some between."""
    flux = np.zeros(256, np.float32)
    for k in range(count):
        flux[(300 - 4 - k * apart) % 256] = rise
        flux[(300 - 4 - k * apart - apart // 2) % 256] += between
    return flux


@pytest.mark.parametrize(("apart", "count", "rolling"), [
    (27, 3, True), (50, 3, True),
    (27, 2, False),                 # two are a flam
    (62, 3, False)])                # sixteenths at 180 bpm
def test_three_even_rises_faster_than_sixteenths_are_a_roll(apart, count, rolling):
    assert rolls(row(apart, count), 300, 4) == rolling


def test_a_crackling_tail_is_no_roll():
    assert not rolls(row(27, 3, between=150.0), 300, 4)
    assert not rolls(row(27, 3, rise=50.0), 300, 4)


def test_a_rise_three_times_as_large_stands_out_of_a_roll():
    flux = row(27, 3)
    flux[(300 - 4) % 256] = 600.0
    assert not rolls(flux, 300, 4)


def test_each_burst_of_a_roll_is_told_once_as_it_comes():
    flux = row(27, 3)
    told = [hop for hop in range(280, 310) if bursts(flux, hop)]
    assert told == pytest.approx([296], abs=4)
