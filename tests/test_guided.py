"""The lesson by ear: good takes are taken, bad ones sent back with a reason, a pattern understood.
"""

import numpy as np
import pytest

from engine.errors import UsageError
from engine.events import Onset
from engine.mouth import perform
from engine.rehearsal.guided import TAKES, Ear, align, lesson, pattern, takes
from engine.rehearsal.report import report
from engine.units import frames
from engine.voice.profile import Profile, Take, taught

SOUNDS = {"boots": "b", "cats": "pf", "tss": "ts"}
ROOM_DB = -66.0


def room(seconds, seed=0):
    noise = np.random.default_rng(seed).standard_normal(frames(seconds))
    return (10.0 ** (ROOM_DB / 20.0) * noise).astype(np.float32)


def sung(cues, seconds, gain=1.0):
    audio, _ = perform(cues, "aki", seconds=seconds)
    return np.clip(gain * (audio + room(seconds)), -1.0, 1.0).astype(np.float32)


def stretches(audio, size=2048):
    return (audio[place:place + size] for place in range(0, len(audio), size))


def one(sound="b", count=TAKES, gap=1.0, start=1.0):
    return [(start + gap * k, sound, 0.5 + 0.1 * k) for k in range(count)]


def whole_lesson(tempo_s=0.3, between_s=0.3, spoiled=()):
    """Five of each sound, then the pattern twice."""
    cues, time = [], 1.0
    for name in SOUNDS:
        cues += one(SOUNDS[name], start=time)
        time += TAKES + 1.0
    for _ in range(2):
        for name in pattern(list(SOUNDS)):
            cues.append((time, SOUNDS[name], 0.7))
            time += tempo_s
        time += between_s
    return sung([*cues, *spoiled], time + 1.0)


def heard(audio):
    """What `takes` says, until the sound ends."""
    said, ear = [], Ear(stretches(audio))
    try:
        for take in takes(ear):
            said.append(take)
    except EOFError:
        pass
    return said


def test_five_strikes_a_second_apart_are_five_takes():
    said = heard(sung(one(), 8.0))
    assert [type(take) for take in said] == [Take] * TAKES


@pytest.mark.parametrize(("audio", "reason"), [
    (sung([(1.0 + k, "b", 1.0) for k in range(3)], 6.0, gain=8.0), "clipped"),
    (sung([*one(count=3), *one(count=3, start=1.15)], 6.0), "two strikes in one"),
    (sung([(1.0 + k, "b", 0.5) for k in range(3)], 6.0, gain=0.05) + 2 * room(6.0, 1),
     "too quiet"),
    (room(20.0), "nothing was heard"),
], ids=["clipped", "doubled", "too quiet", "nothing"])
def test_a_bad_take_is_sent_back_with_its_reason(audio, reason):
    said = heard(audio)
    assert said
    assert all(isinstance(words, str) and reason in words for words in said)


def test_the_whole_lesson_is_learned_and_measured():
    said = []
    profile = lesson(Profile(), list(SOUNDS), Ear(stretches(whole_lesson())), said.append)
    assert [len(profile.numbers(name)) for name in SOUNDS] == [TAKES] * 3
    assert len(profile.page.played) == 32
    found = report(taught(profile))
    assert found.pattern.accuracy.max() >= 0.95
    assert "boots: play it 5 times" in said[0]
    assert any(line.startswith("  | boots  tss  cats") for line in said)


def test_a_lesson_of_one_sound_is_none():
    with pytest.raises(UsageError, match="2 to 16"):
        lesson(Profile(), ["kick"], Ear(stretches(room(1.0))), print)


@pytest.mark.parametrize("count", range(2, 17))
def test_every_sound_comes_in_the_pattern(count):
    names = [f"sound {k}" for k in range(count)]
    assert len(pattern(names)) == 16
    assert set(pattern(names)) == set(names)


def played_at(steps, step_s=0.25, pause_s=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return [Onset(1.0 + step_s * k + (pause_s if k >= 16 else 0.0) + 0.01 * rng.standard_normal(),
                  20.0) for k in steps]


@pytest.mark.parametrize("step_s", [0.18, 0.25, 0.5])
@pytest.mark.parametrize("pause_s", [0.0, 0.9])
def test_a_pattern_is_followed_at_any_tempo_and_with_a_breath_between(step_s, pause_s):
    found = align(played_at(range(32), step_s, pause_s), 16)
    assert [step for step, _ in found] == [*range(16), *range(16)]


def test_a_missing_strike_leaves_its_step_out_and_a_double_is_passed_over():
    onsets = played_at([k for k in range(32) if k not in (5, 20)])
    onsets = sorted([*onsets, Onset(onsets[9].time + 0.05, 20.0)], key=lambda onset: onset.time)
    steps = [step for step, _ in align(onsets, 16)]
    assert steps == [k % 16 for k in range(32) if k not in (5, 20)]


def test_too_little_of_a_pattern_is_told():
    with pytest.raises(UsageError, match="only 3 strikes"):
        align(played_at(range(3)), 16)
