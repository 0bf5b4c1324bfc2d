"""Our own speakers in the microphone: how late, how loud, and what is left of a mouth."""

import numpy as np
import pytest

from engine.dsp.echo import (
    BLOCK,
    LAGS,
    MEMORY,
    find_lag,
    learn_bleed,
    learn_gain,
    note_rises,
    raise_floor,
    take_away,
)
from engine.units import HOP, SAMPLE_RATE

BANDS, PAST = 8, 128
HOPS_A_SECOND = SAMPLE_RATE // HOP


def level(value):
    return np.full(BANDS, value, np.float32)


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


def looped(late_hops, gain_db, seconds=4.0, mouth_db=-45.0):
    """Strikes of a loop, each 30 hops dying away, that come back beside a mouth's own strikes:
    (played, heard), float32 (hops, BANDS), dB."""
    rng, hops = np.random.default_rng(5), int(seconds * HOPS_A_SECOND)
    played, mouth = (np.full((hops, BANDS), -90.0) + rng.normal(0.0, 1.0, (hops, BANDS))
                     for _ in range(2))
    for line, loudest in ((played, -20.0), (mouth, mouth_db)):
        for place in np.cumsum(rng.integers(80, 250, hops // 160)):
            strike = loudest + rng.normal(0.0, 2.0, BANDS) - 0.7 * np.arange(30)[:, None]
            line[place:place + 30] = strike[:len(line[place:place + 30])]
    back = np.roll(played, late_hops, axis=0) + gain_db
    return played.astype(np.float32), np.maximum(mouth, back).astype(np.float32)


def follow(played, heard, gain):
    """Lags hop by hop, with `gain` learnt meanwhile."""
    rings = {name: np.full((PAST, BANDS), -100, np.float32) for name in ("played", "heard")}
    rises = {name: np.zeros((PAST, BANDS), np.float32) for name in rings}
    alike, lags = np.zeros(LAGS, np.float32), []
    for hop in range(len(played)):
        for name, line in (("played", played), ("heard", heard)):
            rings[name][hop % PAST] = line[hop]
            note_rises(hop, line[hop], rings[name][(hop - 1) % PAST], level(-70.0), rises[name])
        lags.append(find_lag(hop, rises["heard"], rises["played"], alike))
        if lags[-1] >= 0:
            learn_gain(hop, lags[-1], rings["heard"], rings["played"], gain)
    return np.array(lags)


@pytest.mark.parametrize("late_hops", [8, 33, 60])
def test_how_late_our_speakers_are_heard_is_found_beside_a_mouth(late_hops):
    lags = follow(*looped(late_hops, gain_db=-12.0), level(-10.0))
    assert (lags[:50] == -1).all()
    assert (np.abs(lags[lags >= 0] - late_hops) <= 1).all()
    assert (lags[-HOPS_A_SECOND:] >= 0).mean() > 0.9


def test_where_nothing_comes_back_no_lag_is_found():
    played, _ = looped(20, gain_db=-12.0)
    _, heard = looped(20, gain_db=-200.0, mouth_db=-30.0)
    other = np.roll(heard[::-1], 100, axis=0)
    assert (follow(played, np.ascontiguousarray(other), level(-10.0)) >= 0).mean() < 0.05


def test_with_the_lag_the_gain_is_learnt_though_a_mouth_sounds():
    gain = level(-5.0)
    follow(*looped(33, gain_db=-12.0, seconds=12.0), gain)
    assert gain == pytest.approx(level(-12.0), abs=2.5)


def left_of(played, heard, late_hops=20, floor_db=-70.0):
    """What `take_away` leaves of what is heard, hop by hop: float32 (hops, BANDS), dB."""
    ring, left = np.full((PAST, BANDS), -100, np.float32), []
    back, kept = level(-100.0), level(-100.0)
    for hop in range(len(played)):
        ring[hop % PAST] = played[hop]
        left.append(heard[hop].copy())
        take_away(hop, late_hops, ring, level(-12.0), np.float32(3.0), level(floor_db), back,
                  kept, left[-1])
    return np.array(left)


def one_beat(hops=200, at=40):
    """A hop of -20 dB in silence: float32 (hops, BANDS), dB."""
    played = np.full((hops, BANDS), -100, np.float32)
    played[at] = -20.0
    return played


def test_what_comes_back_is_taken_away_and_a_louder_mouth_is_left():
    heard = np.full((200, BANDS), -80, np.float32)
    heard[60] = [-34.0, -32.0, -20.0, -5.0] * 2
    levels = left_of(one_beat(), heard)[60]
    assert levels[:2] == pytest.approx([-70.0, -70.0])
    assert -23.0 < levels[2] < -20.0
    assert levels[3] == pytest.approx(-5.0, abs=0.02)


def test_what_came_back_long_ago_hides_nothing():
    heard = np.full((200, BANDS), -80, np.float32)
    heard[60 + 110] = -40.0
    assert left_of(one_beat(), heard)[60 + 110] == pytest.approx(level(-40.0), abs=0.01)


def test_a_room_that_answers_for_long_is_taken_away_too():
    heard = np.full((200, BANDS), -100, np.float32)
    heard[60:] = -32.0 - 0.35 * np.arange(140)[:, None]
    assert left_of(one_beat(), heard).max() == pytest.approx(-70.0)


def test_a_mouth_that_drowns_does_not_strike_when_it_is_heard_again():
    mouth = np.full(200, -38.0, np.float32)
    heard = np.repeat(mouth[:, None], BANDS, axis=1)
    heard[60] = -32.0
    left = left_of(one_beat(), heard)[40:, 0]
    assert left.min() > -53.0
    assert np.diff(left).max() < 6.0
