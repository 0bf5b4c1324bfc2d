"""Grids, counts, taps, first loops, and a follower that hears hits: the arithmetic of time."""

from itertools import pairwise

import numpy as np
import pytest

from engine.events import Beat
from engine.music.follower import MOST_A_BAR, Follower
from engine.music.grid import Count, Grid
from engine.music.ideas import fitted, fuller, seed_groove, swung
from engine.music.listening import Listener, places
from engine.music.loop import tempo_of_loop
from engine.music.taps import Taps


def test_a_change_of_tempo_leaves_its_pivot_where_it_is():
    grid = Grid(1.0, 120.0).at_tempo(90.0, pivot=8)
    assert grid.time_of(8) == pytest.approx(5.0)
    assert grid.time_of(9) == pytest.approx(5.0 + 60.0 / 90.0)


def test_bars_begin_where_the_metre_says():
    grid = Grid(0.5, 100.0, in_bar=5)
    assert grid.bar_line(0.6) == pytest.approx(3.5)
    assert grid.bar_began(3.6) == pytest.approx(3.5)
    assert [grid.phase(beat) for beat in (0, 4, 5, -1)] == [0.0, 0.8, 0.0, 0.8]


def test_a_count_never_goes_backwards_when_the_one_is_moved():
    count = Count()
    count.hear([Beat(time, 120.0, (number % 4) / 4) for number, time in
                enumerate(np.arange(0.0, 3.0, 0.5))])
    assert count.last == 5
    count.hear([Beat(3.1, 120.0, 0.0)])                     # the one, now
    assert count.last == 8
    assert count.bar_of(3.2) == 2


def test_taps_that_wobble_give_their_middle():
    taps, grid = Taps(), None
    for time in (0.0, 0.51, 0.99, 1.5, 2.01):
        grid = taps.tap(time) or grid
    assert grid.bpm == pytest.approx(120.0, rel=0.03)


@pytest.mark.parametrize("bars", [1, 2, 4, 8])
def test_a_loop_of_whole_bars_is_as_fast_as_people_play(bars):
    for bpm in (75.0, 100.0, 125.0):
        found = tempo_of_loop(bars * 240.0 / bpm)
        assert 70.0 <= found <= 160.0
        assert np.log2(found / bpm) == pytest.approx(round(np.log2(found / bpm)))


@pytest.mark.parametrize("seed", range(4))
def test_a_follower_s_tempo_moves_by_no_more_than_two_hundredths_a_bar(seed):
    rng, follower, tempos = np.random.default_rng(seed), Follower(Grid(0.0, 100.0)), []
    for number in range(60):
        time = number * 30.0 / 112.0
        follower.hear(time, ("kick", "hihat_closed", "snare", "hihat_closed")[number % 4], 0.8)
        found = follower.grid(time + 0.03 + float(rng.uniform(0.0, 0.01)))
        tempos += [found.bpm] if found else []
    assert all(b / a <= 1.0 + MOST_A_BAR + 1e-9 for a, b in pairwise(tempos))


def test_noise_of_hits_at_random_never_raises():
    rng, follower = np.random.default_rng(0), Follower()
    time = 0.0
    for _ in range(2000):
        time += float(rng.exponential(0.2))
        follower.hear(time, "kick", float(rng.uniform()))
        follower.grid(time + 0.01)


def test_a_listener_knows_its_bars_and_the_drums_that_are_played():
    listener, count = Listener(), Count()
    count.hear([Beat(number * 0.5, 120.0, (number % 4) / 4) for number in range(9)])
    for time in (0.0, 1.0, 2.0, 3.0):
        listener.hear(time, 0, 0.8)
    heard = listener.bars(count, 0, 2)
    assert np.flatnonzero(heard.hits[:, 0]).tolist() == [0, 8, 16, 24]
    assert listener.plays(0, 4.03, 2.0)
    assert not listener.plays(1, 4.03, 2.0)
    assert not listener.plays(0, 4.5, 2.0)


def test_a_correction_takes_the_place_of_what_it_corrects():
    listener = Listener()
    listener.hear(1.0, 0, 0.8)
    listener.hear(1.0, 1, 0.8)
    assert listener.hits_since(0.0) == 1


def test_drums_are_named_in_a_row_or_all():
    assert places("kick, snare") == (0, 1)
    assert len(places("all")) == 9
    with pytest.raises(ValueError, match="must be all"):
        places("kik")


def test_fuller_and_emptier_keep_the_one():
    bar, die = seed_groove(), np.random.default_rng(0)
    counts = [np.count_nonzero(fuller(bar, by, die).hits) for by in (-0.8, -0.4, 0.0, 0.5, 1.0)]
    assert counts == sorted(counts)
    assert fuller(bar, -0.8, die).hits[0, 0] > 0.0


def test_swing_delays_every_second_sixteenth_only():
    bar = fuller(seed_groove(), 1.0, np.random.default_rng(0))
    late = swung(bar, 0.6).offsets
    assert np.allclose(late[1::2][bar.hits[1::2] > 0], 0.2)
    assert not late[::2].any()


def test_a_bar_is_cut_or_goes_round_to_fit_another_metre():
    assert fitted(seed_groove(7), 4).steps_per_bar == 16
    assert fitted(seed_groove(4), 5).steps_per_bar == 20
