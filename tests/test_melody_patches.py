"""The patches that answer, from a file to the notes that leave."""

import mido
import numpy as np
import pytest

from engine.demos.melody import calls
from engine.devices.files import read_midi
from engine.events import NoteOn
from engine.mouth.humming import Sung, hum_tune
from engine.patch import load_patch
from engine.rendering import render


def answers(patch, audio=None, notes=(), node="duet"):
    return [sent for sent in render(load_patch(patch), audio, notes)
            if sent.node == node and isinstance(sent.event, NoteOn)]


def test_a_hum_is_answered():
    line = [Sung(0.3 + 0.5 * place, 0.42, note)
            for place, note in enumerate((57, 60, 62, 64, 62, 60, 57))]
    audio = np.pad(hum_tune(line, 0), (0, 48_000 * 8))
    answer = answers("hum-duet", audio)
    assert len(answer) >= 3
    assert answer[0].sent > 3.7
    assert {sent.event.channel for sent in answer} == {1}


def test_a_keyboard_is_answered_and_the_same_twice():
    once, twice = (answers("melody-duet", notes=calls()) for _ in range(2))
    assert len(once) > 10
    assert once == twice


def test_over_the_blues_the_answer_comes_after_four_bars():
    answer = answers("blues-in-f", notes=calls())
    bar = 4 * 60 / 112
    assert 4 * bar - 1e-6 <= answer[0].sent < 5 * bar


@pytest.mark.parametrize("tempo", [0, 1, 16_777_215])
def test_a_file_of_whatever_tempo_is_played_to_its_end(tmp_path, tempo):
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=tempo)])
    for number in range(8):
        track += [mido.Message("note_on", note=60 + number, velocity=90, time=10),
                  mido.Message("note_off", note=60 + number, time=0 if number % 2 else 200)]
    file.tracks.append(track)
    file.save(tmp_path / "strange.mid")
    sounding = set()
    for sent in render(load_patch("melody-duet"), None, read_midi(tmp_path / "strange.mid")):
        if sent.node == "daw":
            (sounding.add if isinstance(sent.event, NoteOn) else sounding.discard)(sent.event.note)
    assert not sounding
