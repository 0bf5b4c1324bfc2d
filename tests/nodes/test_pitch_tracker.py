"""A hummed line becomes the notes that were meant."""

import numpy as np
import pytest

from bench.pitch import hummed, notes_of, score
from engine.events import NoteOff, NoteOn
from engine.mouth.humming import Sung, hum_tune
from engine.mouth.voice import speech
from engine.nodes.pitch_tracker import PitchTracker
from engine.rendering import play


@pytest.mark.parametrize("mouth", [0, 4, 8])
def test_most_notes_of_a_hum_are_right(mouth):
    assert np.mean([score(notes, notes_of(audio))[2]
                    for notes, audio in (hummed(mouth, turn) for turn in range(2))]) > 0.80


def test_a_slur_is_two_notes_and_a_vibrato_is_one():
    slur = notes_of(hum_tune([Sung(0.2, 0.5, 57), Sung(0.7, 0.5, 59)], 0, vibrato_cents=0))
    assert [sung.note for sung in slur] == [57, 59]
    assert slur[1].time == pytest.approx(0.7, abs=0.05)
    held = notes_of(hum_tune([Sung(0.2, 2.0, 57)], 0, vibrato_cents=40, loose_cents=0))
    assert [sung.note for sung in held] == [57]


def test_the_same_note_twice_is_two_notes():
    found = notes_of(hum_tune([Sung(0.2, 0.3, 57), Sung(0.6, 0.3, 57)], 0))
    assert [sung.note for sung in found] == [57, 57]


def test_only_notes_of_the_key_are_said():
    audio = hum_tune([Sung(0.2, 0.5, 58), Sung(0.9, 0.5, 61)], 0)
    said = [event.note for event in play(PitchTracker(key="C"), audio) if isinstance(event, NoteOn)]
    assert said
    assert {note % 12 for note in said} <= {0, 2, 4, 5, 7, 9, 11}


def test_every_note_of_talk_and_noise_ends():
    noise = np.random.default_rng(3).standard_normal(48_000).astype(np.float32) * 0.1
    events = play(PitchTracker(), np.concatenate([speech(0, seconds=3.0), noise,
                                                  np.zeros(12_000, np.float32)]))
    ons = [event for event in events if isinstance(event, NoteOn)]
    offs = [event for event in events if isinstance(event, NoteOff)]
    assert [on.note for on in ons] == [off.note for off in offs]
    assert all(off.time > on.time for on, off in zip(ons, offs, strict=True))


def test_breath_alone_is_no_note():
    air = np.random.default_rng(4).standard_normal(96_000).astype(np.float32) * 0.05
    assert not play(PitchTracker(), air)


def test_a_note_is_dated_back_to_its_beginning():
    (on, *_) = play(PitchTracker(), hum_tune([Sung(0.4, 0.8, 62)], 4))
    assert on.time == pytest.approx(0.4, abs=0.05)
