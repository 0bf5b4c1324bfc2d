"""What is heard of a strike: the same live as in training, and how loud it was before."""

import numpy as np
import pytest

from engine.dsp.mel import BANDS
from engine.dsp.strike import (
    HUSH,
    LEAD,
    LINGERING,
    LOUDER,
    NOTHING,
    PAST,
    SLICE,
    STEP,
    WIDTH,
    WINDOW,
    before,
    ear,
    hear,
    hear_all,
    linger,
)
from engine.units import gain

ATTACK = 9_600


def strike(room_db=-60.0, rise_ms=0.0):
    """A hiss that begins at ATTACK, at once or slowly, in a room that hisses too."""
    rng = np.random.default_rng(6)
    swell = np.clip((np.arange(19_200) - ATTACK) / max(1.0, 48.0 * rise_ms), 0.0, 1.0)
    noise = rng.uniform(-0.5, 0.5, (2, 19_200))
    return (swell * noise[0] + gain(room_db) * noise[1]).astype(np.float32)


def heard(samples):
    out = np.zeros((40, WIDTH), np.float32)
    hear_all(samples, ATTACK, *ear(), out)
    return out


def test_frame_by_frame_it_is_heard_as_all_at_once():
    samples, plan = strike(), ear()
    most, hush = np.array([NOTHING, 0.0], np.float32), np.zeros(HUSH, np.float32)
    before(samples[ATTACK - LEAD - PAST:ATTACK - LEAD], hush)
    for j, expected in enumerate(heard(samples)):
        end, frame = ATTACK - LEAD + STEP * (j + 1), np.zeros(WIDTH, np.float32)
        hear(samples[end - WINDOW:end], *plan, hush, most, frame)
        assert np.array_equal(frame, expected)


def test_it_is_heard_alike_however_loud_it_is():
    samples = strike(room_db=-20.0)
    loud, soft = heard(samples), heard(np.float32(0.2) * samples)
    assert soft == pytest.approx(loud, abs=1e-3)


def test_a_drum_is_at_once_and_a_hiss_comes_slowly():
    sudden, slow = (heard(strike(rise_ms=ms))[:, BANDS] for ms in (0.0, 60.0))
    assert sudden[2:6].min() < slow[2:6].min()               # the loudest until then was far below
    assert (sudden[12:] > 0.85).all()                        # and soon nothing is much louder
    assert (slow[12:30] < 1.0).sum() > (sudden[12:30] < 1.0).sum()


@pytest.mark.parametrize("room_db", [-30.0, -20.0, -10.0])
def test_the_room_is_told_in_proportion_to_the_strike(room_db):
    quietest, middle, loudest = heard(strike(room_db))[-1, BANDS + 1:]
    told = 1.0 + room_db / 20.0                              # 40 dB are two
    assert quietest <= middle <= loudest
    assert middle == pytest.approx(told, abs=0.15)   # both hiss when it is loudest


def test_a_silent_room_and_one_louder_than_the_strike_are_told_as_such():
    loud = strike()
    loud[ATTACK - LEAD - SLICE:ATTACK - LEAD] = 0.9
    assert heard(strike(-100.0))[-1, BANDS + 1:].tolist() == [-1.0] * HUSH
    assert 1.0 < heard(loud)[-1, -1] <= LOUDER
    assert heard(loud)[-1, BANDS + 1] == -1.0                # for the most part it was quiet


def test_a_band_lingers_against_its_neighbour_the_longer_the_slower():
    alone, level, lingering = (np.zeros(size, np.float32) for size in (WIDTH, WIDTH, LINGERING))
    alone[20], level[:BANDS] = 1.0, 1.0
    linger(alone, lingering)
    linger(np.zeros(WIDTH, np.float32), lingering)
    fast, slow = lingering.reshape(2, BANDS)
    assert set(np.flatnonzero(fast)) == set(np.flatnonzero(slow)) == {20, 21}
    assert fast[21] < 0.0 < fast[20]
    assert slow[20] / fast[20] == pytest.approx(0.74, abs=0.01)
    lone = np.abs(lingering).max()
    lingering[:] = 0.0
    for _ in range(2):
        linger(level, lingering)
    assert np.abs(lingering).max() < lone                    # what all bands share counts for less
