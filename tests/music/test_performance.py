"""A free performance is followed in its register and density, and no note of it can hang."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dsp import performance_memory as memory
from engine.music.performance import (
    LONGEST_NOTE,
    Freely,
    Performance,
    Played,
    events_of,
    follow,
)

HEARD = [Played(0.25 * i, 0.3, 60 + (0, 4, 7, 12)[i % 4], 70 + i % 3) for i in range(32)]

played = st.builds(Played, st.floats(0, 5), st.floats(0.0, 3), st.integers(21, 108),
                   st.integers(1, 127))


@given(st.lists(played, max_size=20))
@settings(deadline=None)
def test_every_note_that_begins_ends_once_whatever_was_played(notes):
    sounding = set()
    for event in events_of(notes):
        if event < memory.OFF:
            assert event not in sounding
            sounding.add(event)
        elif event < memory.WAIT:
            sounding.remove(event - memory.OFF)
    assert not sounding


def test_events_keep_the_time_of_the_notes():
    heads, notes, sounding = memory.memory(64)
    for event in events_of(HEARD):
        memory.happen(heads, notes, sounding, event)
    began = notes[memory.BEGAN, :heads[memory.COUNT]] / 100
    assert began == pytest.approx([n.time for n in HEARD], abs=0.006)
    assert (sounding < 0).all()


def test_chances_are_a_share_of_one():
    performance = Performance()
    for event in events_of(HEARD):
        assert performance.chances().sum() == pytest.approx(1.0, abs=1e-4)
        performance.hear(event)


@pytest.mark.parametrize("seed", range(4))
def test_no_note_outlasts_four_seconds_or_the_phrase(seed):
    answer = follow(HEARD, 6.0, seed=seed)
    assert answer
    for note in answer:
        assert 0.0 <= note.time < 6.0
        assert 0.0 < note.seconds <= LONGEST_NOTE + 0.011
        assert note.time + note.seconds <= 6.011
        assert 1 <= note.velocity <= 127


def test_no_key_is_struck_while_it_sounds():
    ends = {}
    for note in sorted(follow(HEARD, 8.0, seed=5), key=lambda n: n.time):
        assert note.time >= ends.get(note.note, 0.0) - 0.011
        ends[note.note] = note.time + note.seconds


def test_an_answer_keeps_to_the_register_it_heard():
    notes = [n.note for n in follow(HEARD, 8.0, seed=1)]
    assert min(notes) >= 58
    assert max(notes) <= 74


def test_a_busy_call_gets_a_busier_answer_than_a_calm_one():
    calm = [Played(n.time * 4, n.seconds, n.note, n.velocity) for n in HEARD]
    assert len(follow(HEARD, 8.0, seed=2)) > 1.5 * len(follow(calm, 8.0, seed=2))


def test_the_same_seed_plays_the_same():
    assert follow(HEARD, 4.0, seed=7) == follow(HEARD, 4.0, seed=7)
    assert follow(HEARD, 4.0, seed=7) != follow(HEARD, 4.0, seed=8)


@pytest.mark.parametrize("heard", [
    [], [Played(0.0, 3600.0, 60, 1)], [Played(0.0, 0.0, 0, 127)],
    [Played(0.001 * i, 0.001, 127 - i % 128, 64) for i in range(2000)]],
    ids=["nothing", "an hour", "off the keys", "a flood"])
def test_the_oddest_call_is_answered_within_limits(heard):
    answer = follow(heard, 2.0, Freely(), seed=0)
    assert all(21 <= n.note <= 108 and n.time + n.seconds <= 2.011 for n in answer)


def test_a_step_of_a_performance_takes_half_a_millisecond_at_most():
    performance, spent = Performance(), []
    for event in events_of(HEARD):
        begun = time.thread_time()
        performance.chances()
        spent.append(time.thread_time() - begun)
        performance.hear(event)
    assert np.median(spent) < 0.0005
