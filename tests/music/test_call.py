"""A call is what was played until a pause: its bars, its rest, its line."""

import pytest

from engine.music.call import Call
from engine.music.grid import Grid
from engine.music.line import line_of, notes_of

GRID = Grid(0.0, 120.0)


def call_of(*notes):
    call = Call()
    for beat, beats, note in notes:
        call.press(beat / 2, note, 80)
        call.lift((beat + beats) / 2, note)
    return call


def test_a_call_becomes_whole_bars_of_sixteenths():
    line = call_of((0, 1, 60), (1.02, 0.5, 62), (2.5, 1, 64)).line(GRID, 1.75)
    assert len(line.steps) == 16
    assert [(n.step, n.note) for n in notes_of(line)] == [(0, 60), (4, 62), (10, 64)]


def test_a_note_just_before_the_bar_line_was_meant_for_it():
    call = call_of((3.87, 1, 60), (5, 1, 62))
    assert call.first_bar(GRID) == 1
    assert [n.step for n in notes_of(call.line(GRID, 3.0))] == [0, 4]


@pytest.mark.parametrize(("first", "end", "bars"), [
    (0, 7.0, 2), (0, 8.0, 2), (0, 8.1, 2), (0, 8.5, 3), (3, 7.0, 1), (3, 11.5, 2)])
def test_an_upbeat_fills_no_bar(first, end, bars):
    assert call_of((first, 0.5, 60), (end - 0.5, 0.5, 62)).bars(GRID, end / 2) == bars


def test_the_rest_is_a_beat_or_twice_the_longest_gap_but_never_more_than_a_bar():
    assert call_of((0, 1, 60), (1, 1, 62)).rest_s(GRID) == 0.5
    assert call_of((0, 1, 60), (2, 1, 62)).rest_s(GRID) == 1.0
    assert call_of((0, 1, 60), (7, 1, 62)).rest_s(GRID) == 2.0


def test_a_held_key_is_no_pause_until_it_is_stuck():
    call = Call()
    call.press(0.0, 60, 80)
    assert call.silent_since(GRID, 3.0) is None
    assert call.silent_since(GRID, 4.5) == 0.5



def test_a_call_of_nothing_is_a_line_of_silence():
    assert not notes_of(line_of([], 4))
