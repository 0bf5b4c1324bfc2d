"""Two bars as a point: the density asked is got, the pad is a map, a feel is the performer's."""

import numpy as np
import pytest

from engine.errors import UsageError
from engine.music.groove import (
    PLAIN,
    between,
    decode,
    density_of,
    encode,
    humanise,
    on_pad,
    pad,
    two_bars,
)
from engine.music.pattern import Pattern, empty, pattern_of

ROCK = pattern_of([(bar * 4 + beat, drum, velocity) for bar in range(8)
                   for beat, drum, velocity in [
                       (0, 0, 0.9), (1, 1, 0.8), (2, 0, 0.7), (2.5, 0, 0.6), (3, 1, 0.8),
                       *((eighth / 2, 2, 0.5) for eighth in range(8))]], triplets=False)


def test_a_rock_beat_comes_back_as_a_rock_beat():
    truth = two_bars(ROCK)
    made = decode(encode(ROCK), density_of(truth))
    both = ((made.hits > 0.0) & (truth.hits > 0.0)).sum()
    assert both / (truth.hits > 0.0).sum() > 0.9


def test_each_drum_is_struck_as_often_as_was_asked():
    asked = np.array([0, 4, 16, 1, 0, 0, 32, 2, 7]) / 32
    made = decode(pad(0.3, 0.8), asked.astype(np.float32))
    assert density_of(made).tolist() == asked.tolist()


def test_the_same_point_is_the_same_groove():
    one, two = (decode(pad(0.7, 0.2), density_of(ROCK)) for _ in range(2))
    assert (one.hits == two.hits).all()
    assert (one.offsets == two.offsets).all()


def test_a_finger_on_the_pad_finds_its_point_again():
    assert on_pad(pad(0.25, 0.875)) == pytest.approx((0.25, 0.875), abs=1e-4)
    assert on_pad(between(pad(0.0, 0.0), pad(1.0, 1.0), 0.5)) == pytest.approx((0.5, 0.5), abs=1e-4)


def test_humanise_moves_no_stroke_to_another_step_and_nothing_when_amount_is_nought():
    flat = Pattern(16, np.where(ROCK.hits > 0.0, PLAIN, 0.0).astype(np.float32),
                   np.zeros_like(ROCK.hits))
    played = humanise(flat)
    assert ((played.hits > 0.0) == (flat.hits > 0.0)).all()
    assert played.hits[played.hits > 0.0].std() > 0.02
    assert (humanise(flat, amount=0.0).hits == flat.hits).all()


def test_a_feel_is_taken_from_who_just_played():
    flat = two_bars(ROCK)
    late = Pattern(16, ROCK.hits, np.where(ROCK.hits > 0.0, 0.3, 0.0).astype(np.float32))
    early = Pattern(16, ROCK.hits, np.where(ROCK.hits > 0.0, -0.3, 0.0).astype(np.float32))
    struck = flat.hits > 0.0
    assert humanise(flat, late).offsets[struck].mean() > 0.15
    assert humanise(flat, early).offsets[struck].mean() < -0.15


def test_short_long_triplet_and_empty_patterns_all_have_a_point():
    shuffle = pattern_of([(beat + part / 3, 2, 0.5) for beat in range(8) for part in (0, 2)])
    bar = pattern_of([(0.0, 0, 1.0)])
    for pattern in (ROCK, shuffle, bar, empty(0), empty(640)):
        assert np.isfinite(encode(pattern)).all()
    assert two_bars(bar).hits[16, 0] == 1.0
    for there, back in zip(shuffle.strokes(), two_bars(shuffle).strokes(), strict=True):
        assert back == pytest.approx(there, abs=1e-5)


def test_a_feel_of_another_metre_is_refused():
    with pytest.raises(UsageError, match="16 steps a bar can't take its feel from one of 24"):
        humanise(ROCK, empty(24, 24, 6))
    with pytest.raises(UsageError, match="density of 0"):
        decode(pad(0.5, 0.5), np.full(9, 1.5, np.float32))
