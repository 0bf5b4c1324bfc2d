"""The melody model hears a line, follows it in any key, and learns what comes back."""

import time

import numpy as np
import pytest

from engine.music.line import HOLD, REST, chord, line_of
from engine.music.melody import CAPACITY, Melody, continue_line

TUNE = line_of([(4 * i, 4, p) for i, p in enumerate(
    [60, 62, 64, 60, 60, 62, 64, 60, 64, 65, 67, 67, 64, 65, 67, 67])], 64)


def heard(line, up=0, **settings):
    melody = Melody(bar=line.bar, start=line.start, **settings)
    for event in line.steps.tolist():
        melody.hear(event + up if event >= 0 else event)
    return melody


@pytest.mark.parametrize("way", ["chances", "played", "counted"])
def test_chances_are_a_share_of_one(way):
    chances = getattr(heard(TUNE), way)(chord(0, (0, 4, 7)))
    assert chances.sum() == pytest.approx(1.0, abs=1e-5)
    assert (chances >= 0).all()
    assert len(chances) == 2 + 36


@pytest.mark.parametrize("way", ["chances", "played", "counted"])
def test_the_same_tune_in_another_key_is_the_same_tune(way):
    low = getattr(heard(TUNE, low=48, high=83), way)()
    high = getattr(heard(TUNE, up=5, low=53, high=88), way)()
    assert high == pytest.approx(low, abs=1e-5)


def test_what_the_line_did_before_is_expected_again():
    melody = Melody()
    strange = [60, 66, 61, 55] * 4
    surprise = []
    for number, pitch in enumerate(strange):
        surprise.append(-np.log(melody.chances()[2 + pitch - 48]))
        melody.hear(pitch)
        for _ in range(3):
            melody.hear(HOLD)
        assert melody.last == strange[number]
    assert np.mean(surprise[8:]) < 0.3 * np.mean(surprise[:4])


def test_nothing_rests_where_nothing_sounds():
    melody = Melody()
    assert melody.chances()[1] == 0.0
    melody.hear(60)
    assert melody.chances()[1] > 0.0
    melody.hear(REST)
    assert melody.chances()[1] == 0.0


def test_a_copy_goes_its_own_way():
    melody = heard(TUNE)
    before = melody.chances().copy()
    melody.copy().hear(71)
    assert (melody.chances() == before).all()


def test_a_continuation_is_the_same_for_the_same_seed_and_another_for_another():
    first = continue_line(TUNE, 64, seed=3)
    assert np.array_equal(first.steps, continue_line(TUNE, 64, seed=3).steps)
    assert not np.array_equal(first.steps, continue_line(TUNE, 64, seed=4).steps)


def test_a_continuation_keeps_to_range_and_scale():
    line = continue_line(TUNE, 128, seed=1, low=60, high=72, scale=0b101010110101)
    notes = line.steps[line.steps >= 0]
    assert len(notes) > 8
    assert notes.min() >= 60
    assert notes.max() <= 72
    assert set((notes % 12).tolist()) <= {0, 2, 4, 5, 7, 9, 11}


def test_more_density_plays_more_notes():
    few, many = (sum((continue_line(TUNE, 64, seed=s, density=d).steps >= 0).sum()
                     for s in range(4)) for d in (0.3, 3.0))
    assert many > 1.5 * few


def test_an_endless_performance_is_remembered_by_its_newer_half():
    melody = Melody()
    for step in range(CAPACITY + 40):
        melody.hear(60 + step // 4 % 5 if step % 4 == 0 else HOLD)
    assert melody.last == 60 + (CAPACITY + 36) // 4 % 5
    assert melody.chances().sum() == pytest.approx(1.0, abs=1e-5)


def test_a_step_takes_half_a_millisecond_at_most():
    melody = heard(TUNE)
    melody.chances()
    spent = []
    for event in np.tile(TUNE.steps, 6).tolist():
        begun = time.thread_time()
        melody.chances()
        spent.append(time.thread_time() - begun)
        melody.hear(event)
    assert np.median(spent) < 0.0005
