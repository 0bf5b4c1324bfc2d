"""Chords are read as musicians write them, and a mistake is answered with what was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.music.chords import (
    PITCH_NAMES,
    QUALITIES,
    ChordError,
    chord_of,
    make_chord,
    read_chord,
    read_key,
)


@pytest.mark.parametrize(("written", "pitches", "bass"), [
    ("Am7", {9, 0, 4, 7}, 9), ("Bb7/D", {10, 2, 5, 8}, 2), ("F#ø", {6, 9, 0, 4}, 6),
    ("A:min7", {9, 0, 4, 7}, 9), ("C:maj/3", {0, 4, 7}, 4), ("D♭maj7", {1, 5, 8, 0}, 1),
    ("C-7", {0, 3, 7, 10}, 0), ("GΔ7", {7, 11, 2, 6}, 7), ("C6/9", {0, 2, 4, 7, 9}, 0),
    ("E:sus4(b7)", {4, 9, 11, 2}, 4), ("C6/9/E", {0, 2, 4, 7, 9}, 4)])
def test_a_chord_is_read_in_each_spelling(written, pitches, bass):
    chord = read_chord(written)
    assert set(chord.pitches) == pitches
    assert chord.bass == bass


@pytest.mark.parametrize(("roman", "key", "name"), [
    ("I7", "F", "F7"), ("ii7", "Bb", "Cm7"), ("bVII", "D", "C"), ("V7/ii", "C", "A7"),
    ("#ivdim7", "F", "Bdim7"), ("viiø7", "C", "Bm7b5"), ("iv", "A", "Dm")])
def test_roman_chords_stand_in_their_key(roman, key, name):
    assert read_chord(roman, read_key(key)[0]).name == name


@pytest.mark.parametrize(("wrong", "hint"), [
    ("Hm7", 'did you mean "Bm7"'), ("am7", 'did you mean "Am7"'), ("Cmaj8", "did you mean"),
    ("Zz", "write such as"), ("V7/x", "write such as V7/ii"), ("", "write such as")])
def test_what_is_no_chord_is_answered_with_what_was_meant(wrong, hint):
    with pytest.raises(ChordError, match=hint):
        read_chord(wrong)


@given(st.integers(0, 11), st.sampled_from(sorted(QUALITIES)), st.integers(0, 11))
def test_every_chord_s_name_reads_as_itself(root, quality, bass):
    chord = make_chord(root, quality, bass)
    assert read_chord(chord.name) == chord
    assert chord.pitches[0] == root


@given(st.integers(0, 11), st.sampled_from(["", "m", "7", "maj7", "m7", "dim", "7sus4", "m7b5"]))
def test_a_chord_held_in_root_position_is_heard_as_itself(root, quality):
    held = [48 + root + step for step in QUALITIES[quality]]
    assert chord_of(held) == make_chord(root, quality)


def test_an_inversion_keeps_its_bass():
    chord = chord_of([52, 55, 60])
    assert (PITCH_NAMES[chord.root], PITCH_NAMES[chord.bass]) == ("C", "E")


@given(st.lists(st.integers(0, 127), max_size=12))
def test_whatever_is_held_means_a_chord_of_those_notes_or_none(notes):
    chord = chord_of(notes)
    if chord is not None:
        assert {note % 12 for note in notes} <= set(chord.pitches)
        assert chord.bass == min(notes) % 12


@given(st.text(max_size=12))
def test_no_text_is_too_strange_for_a_plain_answer(text):
    try:
        assert read_chord(text).name
    except ChordError as error:
        assert text in str(error)
