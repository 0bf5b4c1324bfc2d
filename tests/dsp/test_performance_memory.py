"""A performance's memory ends what it began and shows what followed when it went so before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dsp.performance_memory import (
    BEGAN,
    COUNT,
    ENDED,
    EVENTS,
    KEYS,
    LOUDNESSES,
    LOWEST,
    NOW,
    OFF,
    RUNS,
    THEN,
    VIEW,
    WAIT,
    WHENS,
    happen,
    look,
    memory,
    walk,
    when,
)


def heard(events):
    state = memory(256)
    for event in events:
        happen(*state, event)
    return state


def seen(state):
    view = np.zeros(VIEW, np.float32)
    look(*state, view)
    return view


@given(st.lists(st.integers(0, EVENTS - 1), max_size=200))
def test_whatever_happens_a_key_sounds_one_note_at_most(events):
    heads, notes, sounding = heard(events)
    open_notes = [n for n in range(heads[COUNT]) if notes[ENDED, n] < 0]
    assert sorted(open_notes) == sorted(sounding[sounding >= 0].tolist())


def test_time_passes_by_waits_alone():
    heads, notes, _ = heard([60, WAIT + 99, WAIT + 49, 64, OFF + 60])
    assert heads[NOW] == 150
    assert notes[BEGAN, :2].tolist() == [0, 150]
    assert notes[ENDED, 0] == 150


def test_after_the_same_notes_the_one_that_followed_is_shown():
    figure = [event for pitch in (60, 64, 67, 72) for event in (pitch, WAIT + 19, OFF + pitch)]
    heads, _notes, sounding = state = heard(figure + figure[:9])
    assert heads[THEN] == 3
    assert (sounding < 0).all()
    view = seen(state)
    next_note = EVENTS + 2 * KEYS + WHENS + LOUDNESSES + RUNS
    assert view[next_note:next_note + KEYS].argmax() == 72 - LOWEST
    assert view[EVENTS + 2 * KEYS + when(0)] == 1.0             # it is due now


def test_what_sounds_is_seen_and_when_its_twin_ended():
    state = heard([60, WAIT + 9, OFF + 60, 62, WAIT + 9, OFF + 62,
                   60, WAIT + 9, OFF + 60, 62, WAIT + 9, OFF + 62, 60, 62])
    view = seen(state)
    keys = view[EVENTS:EVENTS + KEYS]
    assert np.flatnonzero(keys).tolist() == [60 - LOWEST, 62 - LOWEST]


@pytest.mark.parametrize(("wait", "place"), [(-3, 0), (0, 1), (1, 2), (2, 3), (3, 4), (100, 11)])
def test_waits_fall_into_places_that_widen(wait, place):
    assert when(wait) == place


def test_a_walk_sees_what_the_stage_sees():
    events = np.array([372, 60, 275, 64, 305, 188, 192, 265, 60], np.int64)
    views = np.zeros((len(events), VIEW), np.uint8)
    walk(events, *memory(len(events)), views)
    state = memory(16)
    for event, view in zip(events.tolist(), views, strict=True):
        assert np.abs(seen(state) - view / 255).max() < 0.003
        happen(*state, event)
