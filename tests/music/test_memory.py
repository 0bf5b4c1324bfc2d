"""A take's past says what came next when it was like this."""

import numpy as np

from engine.music.memory import FEATURES, KEPT, Memory
from engine.music.pattern import pattern_of

ROCK = [(bar * 4 + beat, drum, velocity) for bar in range(8)
        for beat, drum, velocity in [(0, 0, 0.9), (1, 1, 0.8), (2, 0, 0.7), (3, 1, 0.8)]]


def remembered(steps, bars=4):
    memory = Memory()
    pattern = pattern_of(ROCK, triplets=False)
    for hits, offsets in zip(pattern.hits[:steps], pattern.offsets[:steps], strict=True):
        memory.recall()
        memory.hear(hits, offsets)
    return memory


def test_every_recollection_expects_the_bar_to_come_back():
    for steps, due in ((64, 256), (68, 128), (65, 0)):
        votes = remembered(steps).recall().votes
        assert votes.argmax(axis=1).tolist() == [due] * 3


def test_counts_are_of_what_followed_this_place_and_these_strokes():
    counts = remembered(64).recall().counts
    assert counts[:, 256].tolist() == [4, 3, 3, 3]     # the first bar had no bar before it
    assert counts.sum(axis=1).tolist() == [4, 3, 3, 3]


def test_before_anything_was_played_nothing_is_claimed():
    recalled = Memory().recall()
    assert not recalled.counts.any()
    assert not recalled.votes.any()
    assert np.isfinite(recalled.features).all()
    assert recalled.features.shape == (FEATURES,)


def test_a_set_longer_than_the_memory_is_remembered_to_its_end():
    short, long = Memory(), Memory()
    rng = np.random.default_rng(1)
    hits = (rng.random((3 * KEPT, 9)) < 0.2).astype(np.float32)
    late = np.zeros(9, np.float32)
    for row in hits:
        long.recall()
        long.hear(row, late)
    for row in hits[-2 * KEPT:]:
        short.recall()
        short.hear(row, late)
    assert long.step == 3 * KEPT
    same = long.recall().votes - short.recall().votes
    assert np.abs(same).max() < 0.05                   # what lay further back has faded


def test_twenty_four_steps_a_bar_have_places_of_their_own():
    assert Memory(24, 6).place == 96
    memory = Memory(24, 6)
    for _ in range(6):
        memory.recall()
        memory.hear(np.zeros(9, np.float32), np.zeros(9, np.float32))
    assert memory.place == 96 + 24
