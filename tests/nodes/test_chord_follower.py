"""Which chord holds: from the left hand, from the song, or by name."""

import numpy as np
import pytest

from engine.errors import PatchError, UsageError
from engine.events import Beat, NoteOff, NoteOn
from engine.nodes.chord_follower import ChordFollower
from engine.osc import read_control
from engine.patch import parse_patch
from engine.rendering import play

SILENCE = np.zeros(48_000 * 4, np.float32)


def beats(count, bpm=120.0, start=0.1, first=0):
    return [Beat(start + n * 60 / bpm, bpm, (first + n) % 4 / 4, start + n * 60 / bpm, 4)
            for n in range(count)]


def press(time, *notes, length=1.0):
    ons = [NoteOn(time + 0.01 * place, note, 80, 1) for place, note in enumerate(notes)]
    return ons + [NoteOff(time + length, note, 64, 1) for note in notes]


def test_a_held_triad_is_a_chord_and_stays_when_it_is_let_go():
    (chord,) = play(ChordFollower(), SILENCE, notes=press(0.5, 48, 52, 55))
    assert (chord.name, chord.root, chord.bass) == ("C", 0, 0)
    assert chord.time == pytest.approx(0.57, abs=0.01)


def test_fingers_that_land_one_after_another_are_one_chord():
    chords = play(ChordFollower(), SILENCE, notes=press(0.5, 45, 48, 52, 55))
    assert [chord.name for chord in chords] == ["Am7"]


def test_keys_from_the_split_on_are_melody():
    assert not play(ChordFollower(), SILENCE, notes=press(0.5, 60, 64, 67))
    (chord,) = play(ChordFollower(split="C5"), SILENCE, notes=press(0.5, 60, 64, 67))
    assert chord.name == "C"


def test_a_song_s_chords_follow_the_beats_and_tell_what_comes():
    chords = play(ChordFollower(track="C | F G7"), SILENCE, beats=beats(8))
    assert [(chord.name, round(chord.due, 3)) for chord in chords] == [
        ("C", 0.1), ("F", 2.1), ("G7", 3.1)]
    assert chords[0].coming[:3] == ((4.0, "F"), (6.0, "G7"), (8.0, "C"))


def test_a_form_begins_with_a_bar():
    chords = play(ChordFollower(track="C | F"), SILENCE, beats=beats(8, first=2))
    assert [(chord.name, round(chord.due, 3)) for chord in chords] == [("C", 1.1), ("F", 3.1)]


def test_a_form_begins_again_when_asked():
    node = ChordFollower(track="C | F | G | C7")
    first = play(node, SILENCE[:48_000 * 3], beats=beats(6))
    node.restart()
    again = play(node, SILENCE[:48_000 * 3], beats=beats(6, first=2))
    assert [c.name for c in first] == ["C", "F"]
    assert again[0].name == "C"


def test_a_chord_can_be_named_by_a_pad_or_by_osc():
    node = ChordFollower()
    node.act("chord", word="Bb7/D")
    (chord,) = play(node, SILENCE[:4800])
    assert (chord.name, chord.root, chord.bass, set(chord.pitches)) == (
        "Bb7/D", 10, 2, {10, 2, 5, 8})
    with pytest.raises(UsageError, match='did you mean "Bm7"'):
        node.act("chord", word="Hm7")
    heard = read_control("/kuchi/chord/Am7", (1,), 0.0, actions=("chord.*",))
    assert heard.name == "chord.Am7"


def test_a_mistake_in_the_song_is_found_with_the_patch():
    text = 'title="t"\ncables=["keys -> chords -> chord-player -> out"]\n[nodes.chords]\n' \
           'type="chord-follower"\ntrack="C | Hm7"\n[nodes.out]\ntype="midi-out"'
    with pytest.raises(PatchError, match=r'track.*bar 2: "Hm7" is no chord; did you mean "Bm7"'):
        parse_patch(text)


def test_a_tempo_that_makes_no_sense_breaks_nothing():
    strange = [Beat(0.1, 1e-9, 0.0, 0.1, 4), Beat(0.2, 1e9, 0.25, 0.2, 4),
               Beat(0.3, 120.0, 0.9, 0.3, 1)]
    assert len(play(ChordFollower(track="C | F"), SILENCE[:48_000], beats=strange)) <= 3


def test_a_clock_needs_nobody_to_hear_and_neither_does_a_song():
    text = 'title="t"\ncables=["clock -> chords -> chord-player -> out"]\n[nodes.clock]\n' \
           'type="clock"\nbpm=100\n[nodes.chords]\ntype="chord-follower"\ntrack="C | F"\n' \
           '[nodes.out]\ntype="midi-out"'
    assert parse_patch(text).nodes.keys() == {"clock", "chords", "chord-player", "out"}
