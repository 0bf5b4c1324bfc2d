"""Lines keep what was played, on the grid."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs import decode, encode
from engine.music.line import HOLD, REST, Line, chord_steps, line_of, notes_of

note = st.tuples(st.integers(0, 40), st.integers(1, 12), st.integers(0, 127))


@given(st.lists(note, max_size=20))
def test_notes_of_a_line_make_the_same_line_again(notes):
    line = line_of(notes, 41)
    again = line_of([(n.step, n.steps, n.note) for n in notes_of(line)], 41)
    assert np.array_equal(again.steps, line.steps)


@given(st.lists(note, max_size=20))
def test_a_line_never_rests_where_nothing_sounds(notes):
    sounds = False
    for event in line_of(notes, 41).steps:
        assert event != REST or sounds
        sounds = event >= 0 or (sounds and event == HOLD)


def test_of_a_chord_the_highest_stays_and_a_later_note_cuts_the_earlier():
    line = line_of([(0, 8, 60), (0, 8, 67), (4, 2, 62)], 8)
    assert line.steps.tolist() == [67, HOLD, HOLD, HOLD, 62, HOLD, REST, HOLD]


def test_chords_hold_until_the_next_and_none_stands_before_the_first():
    assert chord_steps([(2, 7), (4, 9)], 6).tolist() == [0, 0, 7, 7, 9, 9]


def test_a_line_travels_to_the_worker_and_back():
    line = line_of([(0, 2, 60), (3, 1, 64)], 12, bar=12, start=4)
    back = decode(encode(line), Line)
    assert np.array_equal(back.steps, line.steps)
    assert (back.bar, back.start) == (12, 4)
