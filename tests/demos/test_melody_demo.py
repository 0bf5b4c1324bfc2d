"""The melody demo: every call is answered in its own two bars, and the same each time."""

import numpy as np
import pytest

from engine.demos.melody import BEAT_S, CALLS, play
from engine.demos.roll import draw_roll
from engine.events import NoteOff, NoteOn


@pytest.fixture(scope="module")
def demo():
    heard: list[np.ndarray] = []
    played = play(0, heard.append)
    return played, np.concatenate(heard)


def test_each_call_is_answered_on_the_grid_and_over_in_time(demo):
    played, _ = demo
    for number in range(len(CALLS)):
        begin = (16 * number + 8) * BEAT_S
        answer = [note for note in played.answers if begin - 1e-6 <= note.due < begin + 8 * BEAT_S]
        assert len(answer) >= 3
        places = [(note.due - begin) / BEAT_S * 4 for note in answer]
        assert all(abs(place - round(place)) < 1e-6 for place in places)
        assert 4 * BEAT_S <= answer[-1].due - begin < 7.5 * BEAT_S
    assert not [note for note in played.answers if note.due < 8 * BEAT_S - 1e-6]


def test_answers_keep_to_the_key_of_the_chords(demo):
    played, _ = demo
    assert {note.note % 12 for note in played.answers} <= {0, 2, 4, 5, 7, 9, 11}


def test_call_answer_and_chords_are_heard(demo):
    played, sound = demo
    for beat in (1, 9, 30):
        part = sound[round(beat * BEAT_S * 48_000):][:12_000]
        assert 0.02 < np.abs(part).max() < 1.0
    assert [chord.name for chord in played.chords[:4]] == ["Am7", "Fmaj7", "C", "G"]


def test_the_roll_is_a_picture(demo, tmp_path):
    played, _ = demo
    said = [sent.event for sent in played.sent
            if sent.node == "duet" and isinstance(sent.event, NoteOn | NoteOff)]
    draw_roll(tmp_path / "roll.png", played.calls, said, played.chords, beat_s=BEAT_S, title="t")
    assert (tmp_path / "roll.png").read_bytes().startswith(b"\x89PNG")
