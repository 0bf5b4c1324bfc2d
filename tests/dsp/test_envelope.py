"""The room, the loudest of late, and the floor over both."""

import numpy as np
import pytest

from engine.dsp.envelope import floor_of, follow_peak, follow_room, to_db
from engine.units import HOP, SAMPLE_RATE

BANDS = 8
HOPS_A_SECOND = SAMPLE_RATE // HOP


def level(value):
    return np.full(BANDS, value, np.float32)


def test_levels_are_decibels_and_end_at_minus_100():
    levels = level(0.0)
    to_db(np.array([1.0, 0.1, 1e-4, 0.0] * 2, np.float32), levels)
    assert levels[:4] == pytest.approx([0.0, -10.0, -40.0, -100.0], abs=0.01)


def test_the_room_falls_in_milliseconds_and_rises_in_seconds():
    room = level(-40.0)
    for _ in range(HOPS_A_SECOND // 5):
        follow_room(level(-80.0), room)
    assert room == pytest.approx(level(-80.0), abs=1.0)
    for _ in range(HOPS_A_SECOND):
        follow_room(level(-20.0), room)
    assert room == pytest.approx(level(-76.0), abs=1.5)


def test_the_peak_rises_at_once_and_falls_slowly():
    peak = follow_peak(level(-10.0), np.float32(-45.0))
    assert peak == -10.0
    for _ in range(HOPS_A_SECOND):
        peak = follow_peak(level(-90.0), peak)
    assert peak == pytest.approx(-14.5, abs=0.1)


def test_the_floor_is_the_highest_of_room_range_and_what_no_microphone_hears():
    floor = level(0.0)
    room = np.array([-60.0, -80.0, -100.0] + [-100.0] * 5, np.float32)
    floor_of(room, np.float32(6.0), np.float32(-30.0), floor)
    assert floor[:3] == pytest.approx([-54.0, -74.0, -80.0])
    floor_of(room, np.float32(6.0), np.float32(-60.0), floor)
    assert floor[2] == -90.0
