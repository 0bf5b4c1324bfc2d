"""Hits become notes, and no note is left on."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import Clock
from engine.drums import DRUMS, GM_NOTE
from engine.events import Gesture, Hit, NoteOff, NoteOn, Release
from engine.node import Context
from engine.nodes.midi_out import MidiOut
from engine.rendering import play

SECOND = np.zeros(48_000, np.float32)


def hit(time, drum="kick", velocity=0.5, due=0.0):
    return Hit(time, drum, drum, velocity, 1.0, due)


def test_a_hit_is_its_drum_s_note_and_ends_after_the_gate():
    on, off = play(MidiOut(gate_ms=100), SECOND, hits=[hit(0.2, "snare", due=0.224)])
    assert (on.note, on.channel, on.due) == (38, 10, 0.224)
    assert off == NoteOff(pytest.approx(0.324), 38, 64, 10, pytest.approx(0.324))


def test_a_drum_struck_again_within_its_gate_is_ended_first():
    notes = play(MidiOut(gate_ms=100), SECOND, hits=[hit(0.20, due=0.20), hit(0.25, due=0.25)])
    assert [type(n).__name__ for n in notes] == ["NoteOn", "NoteOff", "NoteOn", "NoteOff"]
    assert [round(n.due, 6) for n in notes] == [0.2, 0.25, 0.25, 0.35]


def test_a_note_that_sounds_until_its_release_ends_then():
    node = MidiOut(gate="while it sounds")
    _, off = play(node, SECOND, hits=[hit(0.2, "hihat_open", due=0.2),
                                      Release(0.5, "hihat_open", "hihat_open")])
    assert off.due == pytest.approx(0.5, abs=0.002)


def test_velocity_follows_the_curve_between_floor_and_full():
    node = MidiOut()
    assert [node.velocity(x) for x in (0.0, 1.0, 7.0)] == [40, 127, 127]
    assert node.velocity(0.5) == round(40 + 87 * 0.5 ** 0.7)
    assert MidiOut(curve="fixed").velocity(0.1) == 100
    for curve in ("soft", "musical", "linear", "hard"):
        levels = [MidiOut(curve=curve).velocity(x / 20) for x in range(21)]
        assert all(a <= b for a, b in pairwise(levels))
        assert levels[0] >= 1


def test_stopping_ends_what_still_sounds():
    clock = Clock()
    node = MidiOut()
    node.prepare(Context(clock, None))
    node.process([hit(0.0)], [NoteOn(0.0, 60, 90, 3)])
    assert {(n.note, n.channel) for n in node.release()} == {(36, 10), (60, 3)}
    assert node.release() == []


times = st.floats(0, 0.9, allow_nan=False)
strikes = st.lists(st.tuples(times, st.sampled_from(DRUMS), st.floats(0, 0.06)), max_size=40)
keys = st.lists(st.tuples(times, st.booleans(), st.integers(36, 40)), max_size=30)


@settings(deadline=None, max_examples=40)
@given(strikes=strikes, keys=keys, gate=st.sampled_from([5, 50, 400]))
def test_whatever_is_played_every_note_is_ended_once_and_never_struck_while_on(strikes, keys, gate):
    node = MidiOut(gate_ms=gate)
    sent = play(node, SECOND,
                hits=[hit(t, d, due=t + wait) for t, d, wait in strikes],
                notes=[NoteOn(t, n, 80, 10) if on else NoteOff(t, n, 0, 10) for t, on, n in keys])
    on: set[int] = set()
    for note in [*sent, *node.release()]:
        if isinstance(note, NoteOn):
            assert note.note not in on
            assert note.velocity >= 1
            on.add(note.note)
        else:
            on.remove(note.note)
    assert not on


def test_every_drum_has_a_note_of_its_own():
    assert len(set(GM_NOTE.values())) == len(DRUMS) == 16


def corrected(first="hihat_closed", second="kick", at=0.2):
    """A hit that is told after 10 ms, and corrected after 40."""
    return [hit(at, first, due=at + 0.010),
            Hit(at, second, second, 0.5, 1.0, at + 0.040, corrects=at + 0.010)]


def test_a_corrected_hit_leaves_the_first_note_unless_it_shall_be_sent_anew():
    on, off = play(MidiOut(), SECOND, hits=corrected())
    assert (on.note, on.due) == (42, pytest.approx(0.210))
    assert off == NoteOff(pytest.approx(0.310), 42, 64, 10, pytest.approx(0.310))
    anew = play(MidiOut(corrected="send anew"), SECOND, hits=corrected())
    assert [(type(n).__name__, n.note, round(n.due, 3)) for n in anew] == [
        ("NoteOn", 42, 0.210), ("NoteOff", 42, 0.240), ("NoteOn", 36, 0.240),
        ("NoteOff", 36, 0.340)]


def test_a_correction_of_what_was_never_told_is_a_note():
    (late,) = [n for n in play(MidiOut(), SECOND, hits=corrected()[1:]) if isinstance(n, NoteOn)]
    assert late.note == 36


def test_a_note_that_was_left_ends_with_the_sound_that_it_really_was():
    node = MidiOut(gate="while it sounds")
    on, off = play(node, SECOND, hits=[*corrected("kick", "hihat_open"),
                                       Release(0.5, "hihat_open", "hihat_open")])
    assert (on.note, off.note) == (36, 36)
    assert off.due == pytest.approx(0.5, abs=0.002)


@settings(max_examples=60, deadline=None)
@given(strikes=st.lists(st.tuples(st.floats(0.01, 0.7), st.sampled_from(DRUMS),
                                  st.sampled_from((None, *DRUMS))), max_size=12),
       how=st.sampled_from(("leave", "send anew")),
       gate=st.sampled_from(("fixed", "while it sounds")))
def test_whatever_is_corrected_every_note_is_ended_once(strikes, how, gate):
    hits = []
    for time, first, second in strikes:
        told = corrected(first, second or first, time)
        hits += told if second else told[:1]
        hits.append(Release(time + 0.06, second or first, second or first))
    node = MidiOut(corrected=how, gate=gate)
    notes = [*play(node, SECOND, hits=hits), *node.release()]
    sounding = set()
    for note in notes:
        if isinstance(note, NoteOn):
            assert note.note not in sounding, "ended before it is struck again"
            sounding.add(note.note)
        else:
            sounding.remove(note.note)
    assert not sounding


def test_a_pedal_passes_as_it_is_and_stopping_lets_it_go():
    node = MidiOut()
    node.prepare(Context(Clock(), None))
    pedal, volume = Gesture(0.0, "controller", 64, 127, 3), Gesture(0.0, "controller", 7, 90, 3)
    assert node.process([], [pedal, volume]) == [pedal, volume]
    assert node.release() == [Gesture(0.0, "controller", 64, 0, 3)]
    assert node.release() == []
