"""Hearing the strike: when it is announced, what is none, and what our own speakers play."""

from pathlib import Path

import numpy as np
import pytest

from engine.audio.kit import synthesise
from engine.clock import Clock
from engine.errors import ModelError
from engine.model import MODELS
from engine.mouth import PERFORMERS, beat, perform
from engine.node import Context
from engine.nodes.onset_detector import JUDGE, OnsetDetector, load_ear
from engine.rendering import hear, play
from engine.units import SAMPLE_RATE, frames, gain
from models_onnx.onsets import sounds

SECOND = SAMPLE_RATE
FOUR_ON_THE_FLOOR = {"b": "X...X...X...X...", "ts": "..x...x...x...x."}


def strikes(at, seconds=1.5, peak=0.5, room_db=-75.0):
    """Bursts of noise that begin within a sample and die away in 15 ms, in a quiet room."""
    rng = np.random.default_rng(1)
    audio = sounds.steady(rng, frames(seconds), room_db, 3.0)
    for time in at:
        place = audio[frames(time):]
        n = np.arange(len(place))
        place += (peak * rng.uniform(-1, 1, len(n)) * np.exp(-n / 720)).astype(np.float32)
    return audio


def times(audio, bleed=None, **settings):
    return [onset.time for onset in play(OnsetDetector(**settings), audio, bleed=bleed)]


def found(onsets, truth, within=0.025):
    """How many strikes have an onset near them, and how many onsets none."""
    near = [any(abs(t - s) <= within for t in onsets) for s in truth]
    far = [t for t in onsets if all(abs(t - s) > within for s in truth)]
    return sum(near), len(far)


@pytest.mark.parametrize("place", [0.5, 0.5003, 0.5007, 0.501, 0.7])
def test_a_strike_is_dated_back_to_its_attack(place):
    assert times(strikes([place])) == pytest.approx([place], abs=0.001)


def test_a_strike_is_announced_within_some_milliseconds():
    for sent in hear(OnsetDetector(), strikes([0.4, 0.8, 1.2])):
        assert 0.0 < sent.sent - sent.event.time < 0.008


def test_strength_says_how_far_above_the_room():
    loud, soft = (play(OnsetDetector(), strikes([0.5], peak=peak))[0].strength
                  for peak in (0.5, 0.05))
    assert loud - soft == pytest.approx(20.0, abs=2.0)


def test_two_strikes_closer_than_the_retrigger_time_are_one_onset():
    assert times(strikes([0.500, 0.520]), retrigger_ms=40) == pytest.approx([0.500], abs=0.002)


def test_a_longer_retrigger_time_lets_the_second_of_two_strikes_go():
    audio = strikes([0.5, 0.6])
    assert times(audio) == pytest.approx([0.5, 0.6], abs=0.003)
    assert times(audio, retrigger_ms=150) == pytest.approx([0.5], abs=0.003)


def test_what_rises_less_than_the_sensitivity_is_no_strike():
    audio = strikes([0.5], peak=0.03, room_db=-60.0)
    assert times(audio) == pytest.approx([0.5], abs=0.003)
    assert times(audio, sensitivity_db=40) == []


@pytest.mark.parametrize("who", range(len(PERFORMERS)))
def test_a_beat_is_heard_strike_by_strike(who):
    audio, truth = perform(beat(FOUR_ON_THE_FLOOR, bpm=110, bars=2), who)
    right, invented = found(times(audio), [strike.time for strike in truth], within=0.04)
    assert right >= len(truth) - 1
    assert invented <= 1


def test_a_soft_take_is_heard_like_a_loud_one():
    audio, _ = perform(beat(FOUR_ON_THE_FLOOR, bpm=110, bars=2), "aki")
    loud, soft = times(audio), times(np.float32(0.1) * audio)
    right, invented = found(soft, loud, within=0.002)
    assert right >= len(loud) - 1
    assert invented <= 1


def test_sixteenths_at_180_bpm_are_heard_one_by_one():
    at = list(0.4 + 0.083 * np.arange(16))
    right, invented = found(times(strikes(at, seconds=2.2)), at)
    assert (right, invented) == (16, 0)


@pytest.mark.parametrize("who", range(len(PERFORMERS)))
def test_a_lip_that_rolls_strikes_once_or_with_each_burst_when_told_so(who):
    audio, _ = perform([(0.5, "brr", 0.9)], who, seconds=3.0)
    assert times(audio) == pytest.approx([0.5], abs=0.01)
    each = times(audio, rolls="each")
    assert 0.033 < np.median(np.diff(each)) < 0.042       # the synthetic lip rolls at 27.5 a second
    assert len(each) > 40


def test_a_snare_that_ends_a_roll_is_heard():
    audio, _ = perform([(0.5, "brr", 0.9), (1.2, "k", 0.9)], "aki", seconds=2.0)
    assert times(audio) == pytest.approx([0.5, 1.2], abs=0.02)


@pytest.mark.parametrize("who", range(len(PERFORMERS)))
def test_a_take_that_begins_on_the_first_sample_of_a_kick_begins_with_a_strike(who):
    audio, strikes = perform([(0.5, "b", 0.9), (1.0, "b", 0.9)], who, seconds=1.6)
    heard = times(audio[frames(strikes[0].time):])
    assert heard == pytest.approx([0.0, 0.5], abs=0.015)


@pytest.mark.parametrize("name", ["silence", "white", "pink", "fan", "held"])
def test_where_nothing_is_struck_nothing_is_heard(name):
    rng, n = np.random.default_rng(11), 12 * SECOND
    audio = {"silence": lambda: np.zeros(n, np.float32),
             "white": lambda: sounds.steady(rng, n, -60.0, 0.0),
             "pink": lambda: sounds.steady(rng, n, -50.0, 3.0),
             "fan": lambda: sounds.fan(rng, n, -42.0),
             "held": lambda: sounds.held(rng, n, -20.0)}[name]()
    assert times(audio) == []


def test_two_minutes_of_breaths_give_two_onsets_at_most():
    breaths = sounds.breaths(np.random.default_rng(11), 120 * SECOND, -38.0)
    assert len(times(breaths)) <= 2


@pytest.mark.parametrize("late_s", [0.010, 0.035, 0.080])
def test_our_own_kit_heard_back_is_no_strike(late_s):
    kick, snare = (synthesise("full")[drum].mean(axis=0) for drum in ("kick", "snare"))
    played = np.zeros(6 * SECOND, np.float32)
    for k in range(10):
        drum = (kick, snare)[k % 2]
        place = played[frames(0.4 + 0.5 * k):]
        place[:len(drum)] += drum[:len(place)]
    late = frames(late_s)
    audio = sounds.steady(np.random.default_rng(2), len(played), -70.0, 3.0)
    audio[late:] += np.float32(gain(-12.0)) * played[:-late]
    assert len(times(audio)) >= 8
    assert times(audio, bleed=played) == []


def test_a_strike_louder_than_our_own_kit_gets_through():
    hat = synthesise("full")["hihat_closed"].mean(axis=0)
    played = np.zeros(2 * SECOND, np.float32)
    played[frames(0.9):][:len(hat)] += hat
    audio = strikes([0.93, 1.5], seconds=2.0)
    audio[frames(0.02):] += np.float32(gain(-12.0)) * played[:-frames(0.02)]
    assert times(audio, bleed=played) == pytest.approx([0.93, 1.5], abs=0.003)


def test_a_silent_bleed_changes_nothing():
    audio, _ = perform(beat(FOUR_ON_THE_FLOOR, bpm=120), "aki")
    assert times(audio, bleed=np.zeros_like(audio)) == times(audio)


def test_broken_samples_deafen_nobody():
    audio = strikes([0.3, 1.0])
    audio[frames(0.6):frames(0.61)] = [np.nan, np.inf, -np.inf, 1e30] * 120
    assert found(times(audio), [0.3, 1.0]) == (2, 0)


def test_a_constant_voltage_is_no_sound():
    audio = strikes([0.5])
    assert times(audio + np.float32(0.2))[-1] == pytest.approx(times(audio)[-1], abs=0.001)


def test_the_same_take_after_a_reset_gives_the_same_onsets():
    audio, _ = perform(beat(FOUR_ON_THE_FLOOR, bpm=120), "aki")
    node = OnsetDetector()
    first = play(node, audio)
    node.reset()
    assert play(node, audio) == first


def test_settings_can_be_changed_while_it_plays():
    node = OnsetDetector()
    node.prepare(Context(Clock(), Path()))
    node.set("sensitivity_db", 20)
    assert node._state["sensitivity_db"][0] == 20.0


def test_a_judge_of_ones_own_is_found_beside_the_patch(tmp_path):
    weights = dict(np.load(MODELS / "onsets" / "judge.npz"))
    np.savez(tmp_path / "mine.npz", **(weights | {"sure": np.float32(1e9)}))
    node = OnsetDetector(model="mine.npz")
    node.prepare(Context(Clock(), tmp_path))
    assert times(strikes([0.5]), model=str(tmp_path / "mine.npz")) == []


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda path: path.unlink(), "not there"),
    (lambda path: path.write_bytes(b"no weights"), "no judge of strikes"),
    (lambda path: path.write_bytes(path.read_bytes()[:2000]), "no judge of strikes"),
    (lambda path: np.savez(path, first=np.zeros((3, 3), np.float32)), "no judge of strikes"),
    (lambda path: np.savez(path, **dict.fromkeys(JUDGE, np.zeros(3))), "must be"),
    (lambda path: np.savez(path, **{n: np.full_like(v, np.nan)
                                    for n, v in np.load(path).items()}), "all finite"),
    (lambda path: np.savez(path, **dict.fromkeys(JUDGE, np.array([{}]))), "no judge of strikes"),
])
def test_a_file_that_holds_no_judge_is_refused_in_words(tmp_path, spoil, words):
    path = tmp_path / "judge.npz"
    path.write_bytes((MODELS / "onsets" / "judge.npz").read_bytes())
    spoil(path)
    with pytest.raises(ModelError, match=words):
        load_ear(path)
