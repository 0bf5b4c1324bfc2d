"""A song's chords on one line: bars, repeats, forms by name, and mistakes with their bar."""

import pytest

from engine.music.chords import ChordError
from engine.music.forms import FORMS, read_form


def names(text, key="C"):
    form = read_form(text, key)
    return [form.at(beat).name for beat in range(0, int(form.beats), 4)]


def test_a_blues_in_f_has_its_twelve_bars():
    assert names("blues in F") == ["F7"] * 4 + ["Bb7"] * 2 + ["F7"] * 2 + ["C7", "Bb7", "F7", "C7"]
    assert names("12-bar blues in F") == names("blues", key="F") == names("blues in F")


def test_bars_are_shared_evenly_and_a_percent_sign_is_the_bar_before():
    form = read_form("| Am7 | Dm7 G7 | Cmaj7 | % |")
    assert form.beats == 16
    assert [(p.beat, p.chord.name) for p in form.places] == [
        (0, "Am7"), (4, "Dm7"), (6, "G7"), (8, "Cmaj7")]


def test_a_point_holds_a_chord_for_one_more_share():
    assert [p.beat for p in read_form("Dm7 . . G7").places] == [0, 3]


@pytest.mark.parametrize(("written", "bars"), [
    ("|: Am | G :|", 4), ("|: Am | G :| x3", 6), ("C |: Am | G :| F", 6),
    ("|: C :|x2 |: F :|x3", 5)])
def test_repeats_are_played_out(written, bars):
    assert read_form(written).beats == 4 * bars


def test_researchers_chords_keep_their_colons():
    assert names("C:maj7 | A:min7 | D:7/3") == ["Cmaj7", "Am7", "D7/Gb"]


def test_a_form_goes_round():
    form = read_form("blues in F")
    assert form.at(48) == form.at(0)
    assert [(beats, chord.name) for beats, chord in form.coming(46.0, 20.0)] == [
        (0.0, "C7"), (2.0, "F7"), (18.0, "Bb7")]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_with_a_name_can_be_played_in_every_key(name):
    for key in ("C", "Gb", "F# minor"):
        form = read_form(f"{name} in {key}")
        assert form.beats >= 16
        assert form.places[0].beat == 0


@pytest.mark.parametrize(("wrong", "told"), [
    ("C | Hm7", 'bar 2: "Hm7" is no chord; did you mean "Bm7"'),
    ("blus in F", 'no form is called "blus"; did you mean "blues"'),
    ("", "holds no chord"), ("| | |", "holds no chord"), ("% | C", "repeats the bar before"),
    ("I7 | IV7 in H", '"H" is no key'), ("|: C :| x5000", "longer than 1024 bars")])
def test_a_mistake_is_told_with_its_bar(wrong, told):
    with pytest.raises(ChordError, match=told.replace("|", r"\|")):
        read_form(wrong)
