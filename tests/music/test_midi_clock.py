"""MIDI clock: jitter is smoothed away, jumps are followed, and ticks that leave never drift."""

from itertools import pairwise

import numpy as np
import pytest

from engine.music.grid import Grid
from engine.music.midi_clock import CONTINUE, POSITION, START, STOP, TICK, Master, Slave


def ticked(slave: Slave, bpm: float, ticks: int, begin: float = 1.0, jitter_s: float = 0.0,
           seed: int = 0) -> Grid | None:
    """What a slave makes of the ticks of a steady clock."""
    rng, grid = np.random.default_rng(seed), None
    for tick in range(ticks):
        time = begin + tick * 2.5 / bpm + float(rng.uniform(-jitter_s, jitter_s))
        grid = slave.hear(TICK, 0, 0, time) or grid
    return grid


@pytest.mark.parametrize("bpm", [2.0, 60.0, 120.0, 175.0, 300.0])
@pytest.mark.parametrize("seed", range(10))
def test_jitter_of_three_milliseconds_is_smoothed_away_within_four_bars(bpm, seed):
    slave = Slave()
    slave.hear(START, 0, 0, 0.99)
    grid = ticked(slave, bpm, 4 * 96, jitter_s=0.003, seed=seed)
    assert grid.bpm == pytest.approx(bpm, abs=0.3)
    assert grid.time_of(16) == pytest.approx(1.0 + 16 * 60.0 / bpm, abs=0.005)


def test_a_jump_of_the_tempo_is_followed_within_a_bar():
    slave = Slave()
    ticked(slave, 100.0, 200, jitter_s=0.002)
    grid = ticked(slave, 140.0, 96, begin=1.0 + 200 * 2.5 / 100.0, jitter_s=0.002, seed=1)
    assert grid.bpm == pytest.approx(140.0, rel=0.01)


@pytest.mark.parametrize("held_s", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_ticks_that_were_held_up_and_come_all_at_once_change_nothing(held_s, seed):
    slave, rng, until = Slave(), np.random.default_rng(seed), 1.0 + 3.3 + held_s
    for tick in range(6 * 96):
        due = 1.0 + tick * 2.5 / 126.0
        time = due + float(rng.uniform(-0.003, 0.003))
        held = until - held_s < due < until
        grid = slave.hear(TICK, 0, 0, until + 1e-4 * tick / 96 if held else time)
        if tick > 96:
            assert grid.bpm == pytest.approx(126.0, abs=0.5)
            assert grid.beat_at(due) == pytest.approx(tick / 24, abs=0.005 * 126.0 / 60.0)
    assert grid.bpm == pytest.approx(126.0, abs=0.3)


def test_a_stop_in_the_middle_of_a_bar_is_gone_on_from_there():
    slave = Slave()
    slave.hear(START, 0, 0, 0.9)
    ticked(slave, 120.0, 30)                                # a beat and a quarter
    slave.hear(STOP, 0, 0, 1.7)
    assert not slave.runs
    assert ticked(slave, 120.0, 10, begin=3.0) is None
    slave.hear(CONTINUE, 0, 0, 3.5)
    grid = ticked(slave, 120.0, 24, begin=3.6)
    assert grid.beat_at(3.6) == pytest.approx(30 / 24, abs=0.02)


@pytest.mark.parametrize("paused_s", [0.3, 2.5])
@pytest.mark.parametrize("seed", range(5))
def test_who_goes_on_after_a_pause_has_the_tempo_of_before_from_the_first_tick(paused_s, seed):
    """Half a beat of ticks with their jitter would be one or two bpm off."""
    slave = Slave()
    slave.hear(START, 0, 0, 0.9)
    ticked(slave, 126.0, 100, jitter_s=0.003, seed=seed)
    end = 1.0 + 99 * 2.5 / 126.0
    slave.hear(STOP, 0, 0, end + 0.005)
    slave.hear(CONTINUE, 0, 0, end + paused_s)
    grid = ticked(slave, 126.0, 12, begin=end + paused_s, jitter_s=0.003, seed=seed + 100)
    assert grid.bpm == pytest.approx(126.0, abs=0.5)


def test_another_tempo_after_a_pause_is_followed_within_a_bar():
    slave = Slave()
    ticked(slave, 100.0, 200, jitter_s=0.002)
    slave.hear(STOP, 0, 0, 6.0)
    slave.hear(START, 0, 0, 9.0)
    grid = ticked(slave, 140.0, 96, begin=9.0, jitter_s=0.002, seed=1)
    assert grid.bpm == pytest.approx(140.0, rel=0.01)


def test_the_song_position_says_where_a_continue_begins():
    slave = Slave()
    slave.hear(STOP, 0, 0, 0.0)
    slave.hear(POSITION, 8, 1, 0.5)                         # 136 sixteenths: beat 34
    slave.hear(CONTINUE, 0, 0, 0.6)
    assert ticked(slave, 120.0, 48).beat_at(1.0) == pytest.approx(34.0, abs=0.02)


def test_a_clock_that_falls_silent_leaves_its_grid_and_comes_back_in_any_tempo():
    slave = Slave()
    assert ticked(slave, 120.0, 50).bpm == pytest.approx(120.0)
    assert ticked(slave, 90.0, 50, begin=60.0).bpm == pytest.approx(90.0)


def test_a_flood_is_no_tempo():
    slave = Slave()
    before = ticked(slave, 120.0, 96)
    flood = [slave.hear(TICK, 0, 0, 3.0 + i * 1e-4) for i in range(2000)]
    assert all(grid is None or grid.bpm <= 400.0 for grid in flood)
    assert before.bpm == pytest.approx(120.0)


def test_half_an_hour_of_ticks_is_not_a_tick_too_many_and_drifts_by_nothing():
    master, grid, sent, now = Master(), Grid(0.5, 123.4), [], 0.0
    while now < 1800.0:
        sent += master.leaving(grid, now, now + 0.05)
        now += 0.0213
    ticks = [time for time, status, *_ in sent if status == TICK]
    assert sent[0][1] == START
    assert len(ticks) == int((now - 0.0213 + 0.05 - 0.5) / (2.5 / 123.4)) + 1
    assert ticks[-1] - ticks[0] == pytest.approx((len(ticks) - 1) * 2.5 / 123.4, abs=1e-6)
    assert np.diff(ticks) == pytest.approx(2.5 / 123.4, abs=1e-9)


def test_a_slave_of_our_own_counts_every_tick_of_ours():
    """A change of tempo moves no tick; after a jump the place in the song is told."""
    master, slave, grid, now, heard = Master(), Slave(), Grid(0.0, 120.0), 0.0, None
    while now < 20.0:
        if now > 5.0:
            grid = grid.at_tempo(90.0, grid.beat_after(now)) if grid.bpm == 120.0 else grid
        if 10.0 < now < 10.015:
            grid = grid.moved(0.2)
        for time, status, data1, data2 in master.leaving(grid, now, now + 0.02):
            heard = slave.hear(status, data1, data2, time) or heard
        now += 0.01
    assert heard.bpm == pytest.approx(90.0, abs=0.05)
    assert heard.beat_at(20.0) == pytest.approx(grid.beat_at(20.0), abs=0.01)


def test_ticks_never_go_backwards():
    master, grid, now, sent = Master(), Grid(0.0, 120.0), 0.0, []
    for _ in range(3000):
        grid = grid.moved(float(np.sin(now * 3.0)) * 0.004)
        sent += master.leaving(grid, now, now + 0.05)
        now += 0.01
    times = [time for time, *_ in sent]
    assert all(b >= a for a, b in pairwise(times))
