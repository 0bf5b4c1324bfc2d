"""A performer's sounds play what the song wants."""

import numpy as np
import pytest

from engine.errors import PatchError
from engine.events import Hit, Message, NoteOff, NoteOn, Release
from engine.nodes.beatbox_mapper import BeatboxMapper
from engine.nodes.midi_out import MidiOut
from engine.nodes.osc_out import OscOut
from engine.patch import parse_patch
from engine.rendering import play

SECOND = np.zeros(48_000, np.float32)
HITS = [Hit(0.1, "boots", "kick", 0.8, 1.0), Release(0.2, "boots", "kick"),
        Hit(0.3, "click", "rim", 0.6, 1.0), Hit(0.5, "hiss", "other", 0.5, 1.0)]


def mapped(sounds):
    return play(BeatboxMapper(sounds=sounds), SECOND, hits=HITS)


def test_a_sound_plays_another_drum_and_its_release_too():
    kick, end, click, hiss = mapped("boots = tom_low")
    assert (kick.drum, end.drum, kick.sound) == ("tom_low", "tom_low", "boots")
    assert (click, hiss) == (HITS[2], HITS[3])


def test_a_sound_that_shall_play_nothing_is_not_passed_on():
    assert [hit.sound for hit in mapped("hiss = nothing, boots = nothing")] == ["click"]


def test_a_note_of_its_own_reaches_the_daw_and_is_ended():
    notes = play(MidiOut(gate="while it sounds"), SECOND,
                 hits=[*mapped("boots = 60"), Release(0.6, "click", "rim"),
                       Release(0.7, "hiss", "other")])
    on = {note.note for note in notes if isinstance(note, NoteOn)}
    assert 60 in on
    assert 36 not in on
    (end,) = [note for note in notes if isinstance(note, NoteOff) and note.note == 60]
    assert end.due == pytest.approx(0.2, abs=0.002)


def test_an_address_of_its_own_is_told_its_velocity_and_then_0():
    told = [message for message in play(OscOut(gate_ms=100), SECOND,
                                        hits=mapped("click = /flash + rim"))
            if isinstance(message, Message)]
    flash = [(message.arguments, round(message.due, 2)) for message in told
             if message.address == "/flash"]
    assert flash == [((0.6,), 0.3), ((0.0,), 0.4)]
    assert any("rim" in message.address for message in told)


@pytest.mark.parametrize(("sounds", "words"), [
    ("boots", "must be a sound and what it plays"),
    ("boots = kik", '"kik" is nothing to play'),
    ("boots = 128", '"128" is nothing to play'),
    ("a = kick, a = snare", "stands twice"),
    ("a = /b c", "is nothing to play"),
])
def test_a_map_that_cannot_be_meant_is_told_with_its_place(sounds, words):
    text = f"""
cables = ["mic -> onsets -> drums -> map -> daw", "mic -> drums"]
[nodes]
onsets.type = "onset-detector"
drums.type = "drum-classifier"
daw.type = "midi-out"
map = {{ type = "beatbox-mapper", sounds = "{sounds}" }}
"""
    with pytest.raises(PatchError, match=words) as told:
        parse_patch(text)
    assert "nodes.map.sounds" in str(told.value)
