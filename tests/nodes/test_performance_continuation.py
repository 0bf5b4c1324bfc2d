"""In free time: as you played, for as long as you played, and every note ends."""

import numpy as np
import pytest
from duets import Duet, key

from engine.events import NoteOn
from engine.nodes.performance_continuation import PerformanceContinuation

PAUSE = 1.2


def pianist(**settings):
    return Duet(PerformanceContinuation(**settings), clock=False)


def ramble(start=0.1, count=24, low=55, apart=0.21):
    rng = np.random.default_rng(2)
    steps = np.cumsum(rng.choice([-2, -1, 1, 2, 3], count)) % 14
    return [event for place, step in enumerate(steps.tolist())
            for event in key(start + place * apart, low + step, 0.3, 60 + 3 * (place % 5))]


END = 0.1 + 23 * 0.21 + 0.3


def test_a_pause_is_answered_for_as_long_as_was_played():
    played = pianist().play(ramble()).until(20.0)
    assert END + PAUSE - 0.02 <= played.ons()[0].due < END + PAUSE + 2.0
    assert max(off.due for off in played.offs()) <= END + PAUSE + END + 0.6
    assert not played.sounding


def test_density_and_register_follow():
    played = pianist().play(ramble()).until(20.0)
    notes = played.ons()
    assert all(50 <= note.note <= 74 for note in notes)
    assert 6 <= len(notes) <= 72


def test_no_note_lasts_longer_than_four_seconds():
    played = pianist(seconds=20.0, density=0.5).play(ramble(count=60)).until(45.0)
    began = {}
    for note in played.said:
        if isinstance(note, NoteOn):
            began[note.note] = note.due
        else:
            assert note.due - began.pop(note.note) <= 4.0 + 1e-6
    assert not began


@pytest.mark.parametrize("interrupt", ["now", "never"])
def test_playing_into_an_answer_ends_it_or_does_not(interrupt):
    played = pianist(interrupt=interrupt).play(ramble())
    played.until(END + PAUSE + 1.0)
    sounded = len(played.ons())
    played.play(key(played.now + 0.01, 80, 0.1)).until(played.now + 0.02)
    assert sounded
    if interrupt == "now":
        assert not played.sounding
        assert len(played.until(played.now + 0.5).ons()) == sounded
    else:
        assert len(played.until(played.now + 3.0).ons()) > sounded


def test_a_pedal_says_go_on_now():
    played = pianist().play(ramble(count=9)).until(2.3)
    played.node.act("reply")
    assert played.until(3.2).ons(2.3, 3.2)              # before the pause would have ended it


def test_stop_is_silence_at_once():
    played = pianist().play(ramble()).until(END + PAUSE + 1.0)
    played.node.act("stop")
    played.until(played.now + 0.01)
    assert not played.sounding
    count = len(played.said)
    assert len(played.play(ramble(played.now + 0.1)).until(played.now + 12.0).said) == count


@pytest.mark.parametrize("notes", [
    [event for n in range(3000) for event in key(n / 2000, 21 + n % 87, 0.0)],
    [NoteOn(0.1, 64, 80, 1)], key(0.1, 64, 3600.0), key(0.1, 127, 0.0), key(0.1, 21, 0.0)],
    ids=["flood", "stuck", "an hour", "off the piano", "lowest"])
def test_strange_performances_get_a_sane_answer_or_none(notes):
    played = pianist().play(notes).until(30.0)
    played.node.act("stop")
    played.until(30.01)
    assert not played.sounding
