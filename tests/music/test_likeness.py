"""What makes an answer like its call is measured as a musician would say it."""

import pytest

from engine.music.likeness import (
    density_ratio,
    in_key,
    key_of,
    overlap,
    returns,
    rhythm_overlap,
    strong_on_chord,
)
from engine.music.line import Line, chord, line_of

MINOR, MAJOR = (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11)


def scale_line(root, degrees):
    notes = [(2 * i, 2, root + d) for i, d in enumerate([*degrees, 12, degrees[4], degrees[2], 0])]
    return line_of(notes, 24)


@pytest.mark.parametrize("root", range(48, 60))
@pytest.mark.parametrize("degrees", [MAJOR, MINOR], ids=["major", "minor"])
def test_a_scale_up_and_its_triad_down_is_in_its_own_key(root, degrees):
    line = scale_line(root, degrees)
    key = key_of(line)
    assert (key.root, key.minor) == (root % 12, degrees is MINOR)
    assert in_key(line, key) == 1.0


def riff(*pitches, steps=16, spacing=4):
    return line_of([(spacing * i, spacing, p) for i, p in enumerate(pitches)], steps)


def test_a_bar_that_comes_back_is_told_by_how_it_does():
    call = riff(60, 62, 64, 67)
    assert returns(riff(60, 62, 64, 67), call)["exact"] == 1.0
    assert returns(riff(62, 64, 66, 69), call)["transposed"] == 1.0
    assert returns(riff(60, 62, 65, 60), call)["varied"] == 1.0
    assert sum(returns(riff(50, 61, spacing=7), call).values()) == 0.0


def test_an_echo_shares_everything_with_its_call():
    call = riff(60, 62, 64, 67)
    assert overlap(call, call) == pytest.approx(1.0)
    assert rhythm_overlap(call, call) == 1.0
    assert density_ratio(call, call) == 0.0


def test_twice_as_many_notes_are_one_octave_denser():
    assert density_ratio(riff(60, 62, 64, 65, 60, 62, 64, 65, spacing=2), riff(60, 62, 64, 65)
                         ) == pytest.approx(1.0)


def test_only_notes_on_strong_beats_over_a_chord_are_counted():
    f = chord(5, (5, 9, 0))
    assert strong_on_chord(riff(65, 66, 66, 66), [f] * 16) == (1, 2)
    assert strong_on_chord(riff(65, 66, 66, 66), [0] * 16) == (0, 0)


def test_silence_is_measured_without_complaint():
    silence, call = Line(riff().steps), riff(60, 62)
    assert overlap(silence, call) == 0.0
    assert rhythm_overlap(silence, call) == 0.0
    assert in_key(silence, key_of(call)) == 1.0
