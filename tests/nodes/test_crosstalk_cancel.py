"""Two singers on one stage: each one's drums are played by that one's own microphone."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import Clock
from engine.events import Hit, NoteOn, Onset, Release
from engine.graph import Graph
from engine.mouth import beat, perform
from engine.node import Context
from engine.nodes.crosstalk_cancel import CrosstalkCancel
from engine.patch import load_patch
from engine.ports import AudioBlock
from engine.units import HOP, SAMPLE_RATE, frames

WAIT_S, ANNOUNCED_S = 0.024, 0.006


def struck(strikes):
    """A microphone's second: (time, peak) each, a click that dies away in 10 ms."""
    audio = np.zeros(SAMPLE_RATE, np.float32)
    for time, peak in strikes:
        click = peak * np.exp(-np.arange(480) / 100.0)
        place = audio[frames(time):frames(time) + 480]
        np.maximum(place, click[:len(place)], out=place)
    return audio


def hit(time, drum="kick", due=None, corrects=None):
    return Hit(time, drum, drum, 0.5, 1.0, time + WAIT_S if due is None else due, corrects)


def guard(own, other, *, hits=None, onsets=None, policy_s=WAIT_S, **settings_):
    """What a guard lets pass of its own singer's strikes, (time, peak) each, beside the other's.

    The onsets come 6 ms after their strikes, the hits in the last hop before they are due.
    """
    clock, node = Clock(), CrosstalkCancel(**settings_)
    node.prepare(Context(clock, Path()))
    blocks = []
    for strikes in (own, other):
        ring = np.zeros(1 << 17, np.float32)
        ring[:SAMPLE_RATE] = struck(strikes)
        blocks.append(AudioBlock(ring))
    hits = [hit(time) for time, _ in own] if hits is None else hits
    coming = sorted((arrival(event, policy_s), n, event) for n, event in enumerate(hits))
    onsets = [Onset(time, 20.0) for time, _ in other] if onsets is None else onsets
    passed = []
    for start in range(0, SAMPLE_RATE - HOP, HOP):
        clock.move_to(start + HOP)
        for block in blocks:
            block.move_to(start)
        now = sum(when < clock.now for when, _, _ in coming)
        heard = sum(onset.time + ANNOUNCED_S < clock.now for onset in onsets)
        for event in node.process([e for *_, e in coming[:now]], onsets[:heard], *blocks):
            assert event.due >= clock.now - 1e-9 or not event.due, "held back"
            passed.append(event)
        del coming[:now], onsets[:heard]
    return passed


def arrival(event, policy_s):
    """A hit comes in the last hop before it leaves, all else when it happens."""
    if isinstance(event, Release):
        return event.time
    return (event.due or event.time + policy_s) - HOP / SAMPLE_RATE


def times(events):
    return [event.time for event in events if isinstance(event, Hit)]


@pytest.mark.parametrize("apart_ms", [-11, -3, 0, 3, 11])
def test_of_two_hits_within_the_window_the_quieter_is_refused_whichever_comes_first(apart_ms):
    left, right = [(0.3, 0.5)], [(0.3 + apart_ms / 1000, 0.1)]
    assert times(guard(left, right)) == [0.3]
    assert times(guard(right, left)) == []


@pytest.mark.parametrize("apart_ms", [-13, 13, 40])
def test_hits_further_apart_are_both_played(apart_ms):
    left, right = [(0.3, 0.5)], [(0.3 + apart_ms / 1000, 0.1)]
    assert times(guard(left, right)) == [0.3]
    assert times(guard(right, left)) == times([hit(right[0][0])])


def test_what_the_other_microphone_hears_much_louder_is_theirs_though_nothing_was_struck_there():
    tail = [(0.25 + n / 100, 0.5) for n in range(10)]
    assert times(guard([(0.3, 0.1)], tail, onsets=[])) == []
    assert times(guard([(0.3, 0.2)], tail, onsets=[])) == [0.3]
    assert times(guard([(0.3, 0.1)], tail, onsets=[], bleed_db=20)) == [0.3]


def test_a_singer_alone_is_never_refused_anything():
    own = [(0.1, 0.5), (0.2, 0.01), (0.3, 0.9)]
    assert times(guard(own, [])) == [0.1, 0.2, 0.3]


def test_of_equals_the_earlier_is_played_and_at_the_same_moment_both():
    assert times(guard([(0.3, 0.5)], [(0.304, 0.5)])) == [0.3]
    assert times(guard([(0.304, 0.5)], [(0.3, 0.5)])) == []
    assert times(guard([(0.3, 0.5)], [(0.3, 0.5)])) == [0.3]


def test_a_margin_lets_two_singers_play_in_unison_and_still_refuses_bleed():
    assert times(guard([(0.3, 0.3)], [(0.3, 0.5)], margin_db=12)) == [0.3]
    assert times(guard([(0.3, 0.05)], [(0.3, 0.5)], margin_db=12)) == []


def test_a_hit_that_leaves_at_once_is_judged_by_what_was_heard_until_then():
    sure = [hit(0.3, due=0.0)]
    assert times(guard([(0.3, 0.1)], [(0.297, 0.5)], hits=sure, policy_s=0.009)) == []
    assert times(guard([(0.3, 0.1)], [(0.311, 0.5)], hits=sure, policy_s=0.009)) == [0.3]


def test_the_release_and_the_correction_of_a_refused_hit_are_refused_with_it():
    events = [hit(0.3), hit(0.3, "snare", due=0.34, corrects=0.324), Release(0.5, "s", "snare"),
              Release(0.6, "kick", "kick")]
    assert guard([(0.3, 0.1)], [(0.3, 0.5)], hits=events) == events[3:]
    assert guard([(0.3, 0.5)], [(0.3, 0.1)], hits=events) == events


def test_a_release_belongs_to_the_oldest_hit_of_its_drum():
    own, other = [(0.2, 0.1), (0.4, 0.5)], [(0.2, 0.5)]
    first, second = Release(0.45, "kick", "kick"), Release(0.7, "kick", "kick")
    events = [hit(0.2), hit(0.4), first, second]
    assert guard(own, other, hits=events) == [events[1], second]


strikes = st.lists(st.integers(10, 80), max_size=8, unique=True).map(sorted)


@settings(deadline=None, max_examples=25)
@given(left=strikes, right=strikes, shift=st.integers(-11, 11), data=st.data())
def test_of_any_two_strikes_one_is_played(left, right, shift, data):
    peak = st.sampled_from([0.05, 0.1, 0.2, 0.4, 0.8])
    ours = [(t / 100 + 0.005, data.draw(peak)) for t in left[::5]]
    theirs = [(t / 100 + shift / 1000 + 0.005, data.draw(peak)) for t in right[::5]]
    played = [set(times(guard(ours, theirs))), set(times(guard(theirs, ours)))]
    for a, _ in ours:
        for b, _ in theirs:
            if abs(a - b) <= 0.012:
                assert a in played[0] or b in played[1]


def test_two_singers_play_a_kit_each_though_either_microphone_hears_both():
    step = 60 / 100 / 4
    left, _ = perform(beat({"b": "x...x...x...x..."}, bpm=100, start=0.5), "aki", seconds=3.5)
    right, _ = perform(beat({"pf": "x...x...x...x..."}, bpm=100, start=0.5 + 2 * step), "aki",
                       seconds=3.5, seed=1)
    both = np.stack([left + 0.2 * np.roll(right, 144), right + 0.2 * np.roll(left, 144)], axis=1)
    duo = load_patch("duo").with_setting("refuse_at", 1.0)      # whatever its ears think of them
    graph = Graph(duo, input_channels=2)
    target = np.zeros((HOP, 2), np.float32)
    notes = {10: [], 11: []}
    for start in range(0, len(both) - HOP, HOP):
        graph.hear(np.ascontiguousarray(both[start:start + HOP]), target)
        for sent in graph.take():
            if isinstance(sent.event, NoteOn):
                notes[sent.event.channel].append(sent.event.time)
    for channel, offset in ((10, 0.5), (11, 0.5 + 2 * step)):
        assert notes[channel] == pytest.approx([offset + 4 * n * step for n in range(4)], abs=0.03)
