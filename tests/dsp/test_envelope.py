"""The room, the loudest of late, and what our own speakers put into the microphone."""

import numpy as np
import pytest

from engine.dsp.envelope import (
    BLOCK,
    MEMORY,
    floor_of,
    follow_peak,
    follow_room,
    learn_bleed,
    raise_floor,
    to_db,
)
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


def played_beats(gain_db, late_hops, mouth_db=-100.0, hops=HOPS_A_SECOND * 4):
    """Beats of our own, each 40 ms of -20 dB, heard again later and softer beside a mouth."""
    heard, played = np.full((MEMORY, BANDS), -100, np.float32), np.full(
        (MEMORY, BANDS), -100, np.float32)
    gain = level(-5.0)
    beat = np.where(np.arange(hops) % 300 < 30, -20.0, -100.0)
    for hop in range(hops):
        echo = beat[hop - late_hops] + gain_db if hop >= late_hops else -100.0
        learn_bleed(hop, level(max(echo, mouth_db)), level(beat[hop]), heard, played, gain)
    return hop, played, gain


@pytest.mark.parametrize("late_hops", [8, 30, 60])
def test_how_loud_our_speakers_come_back_is_learnt_whenever_they_do(late_hops):
    _, _, gain = played_beats(gain_db=-12.0, late_hops=late_hops)
    assert gain == pytest.approx(level(-12.0), abs=0.5)


def test_a_mouth_that_sounds_meanwhile_does_not_make_the_gain_smaller():
    _, _, gain = played_beats(gain_db=-12.0, late_hops=30, mouth_db=-28.0)
    assert (gain >= -12.0).all()


def test_while_nothing_is_played_nothing_is_learnt():
    state = [np.full((MEMORY, BANDS), -100, np.float32) for _ in range(2)]
    gain = level(-10.0)
    for hop in range(500):
        learn_bleed(hop, level(-60.0), level(-100.0), *state, gain)
    assert (gain == -10.0).all()


def test_the_floor_covers_what_was_played_in_the_last_80_ms_and_then_lets_go():
    played, floor = np.full((MEMORY, BANDS), -100, np.float32), level(-80.0)
    played[0] = -20.0
    ms = HOP * 1000 / SAMPLE_RATE
    for hop in range(int(80 / ms)):
        floor[:] = -80.0
        raise_floor(hop, played, level(-12.0), np.float32(3.0), floor)
        assert floor == pytest.approx(level(-29.0))
    floor[:] = -80.0
    raise_floor(10 * BLOCK, played, level(-12.0), np.float32(3.0), floor)
    assert (floor == -80.0).all()
