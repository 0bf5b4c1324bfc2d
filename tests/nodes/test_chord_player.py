"""Chords are played as a pianist's left hand would, and every note of them ends."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import Clock
from engine.events import Beat, Chord, NoteOff, NoteOn
from engine.music.chords import QUALITIES, make_chord
from engine.node import Context
from engine.nodes.chord_player import ChordPlayer
from engine.rendering import play

SILENCE = np.zeros(48_000 * 3, np.float32)


def chord(name, root, pitches, due):
    return Chord(due, name, root, root, pitches, due)


C = chord("C", 0, (0, 4, 7), 0.5)
F = chord("F", 5, (5, 9, 0), 1.5)
NONE = Chord(2.0, "N", -1, -1, (), 2.0)


def test_a_chord_sounds_until_the_next_one_and_no_chord_is_silence():
    notes = play(ChordPlayer(), SILENCE, chords=[C, F, NONE])
    ons = [note for note in notes if isinstance(note, NoteOn)]
    offs = [note for note in notes if isinstance(note, NoteOff)]
    assert {note.note % 12 for note in ons if note.due == 0.5} == {0, 4, 7}
    assert {note.note % 12 for note in ons if note.due == 1.5} == {5, 9, 0}
    assert [note.due for note in offs] == [1.5] * 4 + [2.0] * 4
    assert {note.channel for note in notes} == {2}


def test_the_hand_moves_little():
    notes = [n for n in play(ChordPlayer(bass=False), SILENCE, chords=[C, F])
             if isinstance(n, NoteOn)]
    before, after = sorted(n.note for n in notes[:3]), sorted(n.note for n in notes[3:])
    assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) <= 4


def test_on_every_beat_the_chord_is_struck_again():
    struck = [n for n in play(ChordPlayer(style="beats"), SILENCE, chords=[C], beats=[
        Beat(t, 120.0, 0.0, t, 4) for t in (0.5, 1.0, 1.5)]) if isinstance(n, NoteOn)]
    assert sorted({n.due for n in struck}) == [0.5, 1.0, 1.5]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(sorted(QUALITIES))), max_size=12))
def test_whatever_chords_come_every_note_ends(chords):
    node, clock, sounding = ChordPlayer(), Clock(), set()
    node.prepare(Context(clock, Path()))
    for number, (root, quality) in enumerate(chords, 1):
        clock.move_to(6400 * number)
        made = make_chord(root, quality)
        follow(node.process([Chord(clock.now, made.name, made.root, made.bass, made.pitches)], []),
               sounding)
        assert all(0 <= note <= 127 for note in sounding)
    follow(node.release(), sounding)
    assert not sounding


def follow(notes, sounding):
    for note in notes:
        if isinstance(note, NoteOn):
            assert note.note not in sounding
            sounding.add(note.note)
        else:
            sounding.remove(note.note)
