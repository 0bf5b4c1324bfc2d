"""A drummer who listens: same seed, same music; what it heard is what it expects."""

import numpy as np
import pytest

from engine.music.drum_maps import NINE
from engine.music.pattern import empty, pattern_of
from engine.music.rhythm import Rhythm, drums_named, generate

ROCK = pattern_of([(bar * 4 + beat, drum, velocity) for bar in range(4)
                   for beat, drum, velocity in [
                       (0, 0, 0.9), (1, 1, 0.8), (2, 0, 0.7), (2.5, 0, 0.6), (3, 1, 0.8),
                       *((eighth / 2, 2, 0.5) for eighth in range(8))]], triplets=False)
KICK, SNARE, HAT = 0, 1, 2


def listener(steps):
    rhythm = Rhythm()
    for hits, offsets in zip(ROCK.hits[:steps], ROCK.offsets[:steps], strict=True):
        rhythm.hear(hits, offsets)
    return rhythm


def test_the_same_seed_gives_the_same_music_and_another_gives_other():
    one, again, other = (generate(ROCK, 4, seed) for seed in (5, 5, 6))
    assert (one.hits == again.hits).all()
    assert (one.offsets == again.offsets).all()
    assert (one.hits != other.hits).any()


def test_after_four_bars_of_rock_the_next_stroke_is_known():
    one, two = listener(64).chances(), listener(52).chances()
    assert one[KICK] > 0.8
    assert one[SNARE] < 0.2
    assert two[SNARE] > 0.8
    assert two[KICK] < 0.2
    assert min(one[HAT], two[HAT]) > 0.7


def test_looking_does_not_change_what_is_heard():
    looked, not_looked = listener(30), listener(30)
    for _ in range(3):
        looked.chances()
    assert (looked.next_step()[0] == not_looked.next_step()[0]).all()


def test_only_drums_that_are_allowed_are_struck():
    made = generate(ROCK, 8, 1, temperature=1.5, allowed=drums_named(("kick", "ride")))
    struck = {NINE[drum] for _, drum, _ in made.strokes()}
    assert struck <= {"kick", "ride"}
    assert "kick" in struck


def test_more_density_is_more_strokes():
    counts = [len(generate(ROCK, 4, 2, density=density).strokes()) for density in (0.1, 0.5, 0.9)]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]


@pytest.mark.parametrize(("steps_per_bar", "steps_per_beat"), [(16, 4), (24, 6), (20, 4), (12, 4)])
def test_any_metre_can_be_played_from_nothing(steps_per_bar, steps_per_beat):
    made = generate(empty(0, steps_per_bar, steps_per_beat), 3, 0)
    assert made.bars == 3
    assert made.hits.dtype == made.offsets.dtype == np.float32
    assert ((made.hits >= 0.0) & (made.hits <= 1.0)).all()
    assert (np.abs(made.offsets) <= 0.5).all()
    assert (made.offsets[made.hits == 0.0] == 0.0).all()


def test_a_step_is_a_stroke_at_least_as_soft_as_a_midi_note_can_be():
    hits = generate(empty(0), 8, 3).hits
    assert hits[hits > 0.0].min() * 127.0 >= 1.0
