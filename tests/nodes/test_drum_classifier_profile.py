"""With a profile a strike is one of the performer's own sounds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from own_sounds import Kept, Stage, hits, song, taught_by

from engine.clock import Clock
from engine.errors import FileError
from engine.events import Hit, Onset, Release
from engine.graph import Graph
from engine.mouth import perform
from engine.node import Context
from engine.nodes.drum_classifier import DrumClassifier
from engine.patch import load_patch
from engine.ports import AudioBlock
from engine.rehearsal.teaching import cut, onsets_of
from engine.rendering import hear, play
from engine.voice import likeness
from engine.voice.drum_model import drum_model
from engine.voice.learning import MOMENTS_MS
from engine.voice.profile import hear_take, taught
from engine.voice.profile_file import load_profile, save_profile

CONVENTIONS = {
    "turned round": ("aki", {"kick": "pf", "snare": "b", "hihat_closed": "tk"}),
    "names of one's own": ("bo", {"boots": "b", "cats": "k", "lip roll": "brr", "tsk": "ts"}),
    "a hat for a kick": ("chika", {"kick": "ts", "snare": "kh", "hihat_closed": "b"}),
    "five snares": ("ema", {"a": "pf", "b": "k", "c": "kh", "d": "tk", "e": "ts"}),
}


@pytest.mark.parametrize("who", CONVENTIONS)
def test_a_performer_with_conventions_of_their_own_is_understood(place, who):
    mouth, sounds = CONVENTIONS[who]
    save_profile(place / f"{who}.kuchi", taught_by(mouth, sounds))
    audio, onsets, names = song(sounds, mouth)
    heard = hits(play(DrumClassifier(profile=str(place / f"{who}.kuchi"), wait_ms=48), audio,
                      onsets=onsets))
    called = {hit.time: hit.sound for hit in heard}
    right = sum(called.get(onset.time) == name
                for onset, name in zip(onsets, names, strict=True))
    assert right >= 0.95 * len(names)


def test_a_hit_is_called_by_its_own_name_and_plays_its_drum(mine):
    audio, onsets, _ = song({"hat": "ts"}, "aki", 3)
    for hit in hits(play(DrumClassifier(profile=mine, wait_ms=48), audio, onsets=onsets)):
        assert (hit.sound, hit.drum) == ("hat", "hihat_closed")


def test_what_is_heard_on_stage_is_what_a_take_is_learned_from(mine):
    audio, strikes = perform([(0.5, "pf", 0.8)], "aki")
    take = cut(audio, strikes[0].time, onsets_of(audio)).as_kept()
    node = DrumClassifier(profile=mine, wait_ms=200)
    node.prepare(Context(Clock(), Path()))
    ring = np.zeros(1 << 15, np.float32)
    ring[:len(take.samples)] = take.samples
    block = AudioBlock(ring)
    for start in range(0, len(take.samples) - 64, 64):
        node._clock.move_to(start + 64)
        block.move_to(start)
        node.process(block, [Onset(take.attack / 48_000, 30.0)] if start == 4864 else [])
    strike = (*node._recent, *node._heard)[0]
    told = hear_take(drum_model(), take)
    until = next(m for m, ms in enumerate(MOMENTS_MS) if ms >= 64)
    assert np.allclose(strike.features[:until], told.features[0][:until], atol=2e-3)


def test_velocity_lies_between_ones_own_soft_and_loud_and_2_db_move_it_little(mine):
    audio, onsets, _ = song({"kick": "b"}, "aki", 12)
    levels = [hits(play(DrumClassifier(profile=mine), audio * np.float32(10 ** (db / 20)),
                        onsets=onsets)) for db in (-2, 0, 2)]
    softer, same, louder = ([hit.velocity for hit in heard] for heard in levels)
    assert max(same) - min(same) > 0.3
    for a, b, c in zip(softer, same, louder, strict=True):
        assert a <= b <= c
        assert c - a <= 2 * 10 / 87                    # of 127, over a range of 87


def test_a_sound_leaves_sooner_only_where_its_takes_allow_it(place):
    profile = taught_by("aki", {"kick": "b", "snare": "pf", "hat": "ts"})
    save_profile(place / "sooner.kuchi", replace(profile, waits={"kick": 16.0}))
    audio, onsets, _ = song({"kick": "b", "hat": "ts"}, "aki", 8)
    for sooner, kick_ms in ((False, 48.0), (True, 16.0)):
        node = DrumClassifier(profile=str(place / "sooner.kuchi"), wait_ms=48, sooner=sooner)
        for sent in hear(node, audio, onsets=onsets):
            if isinstance(sent.event, Hit):
                waited = 1000.0 * (sent.sent - sent.event.time)
                assert waited == pytest.approx(kick_ms if sent.event.sound == "kick" else 48.0)


def test_a_profile_that_is_not_there_is_named():
    with pytest.raises(FileError, match=r"nobody\.kuchi: there is no profile"):
        play(DrumClassifier(profile="nobody.kuchi"), np.zeros(64, np.float32))


def test_another_profile_in_an_edited_patch_is_heard_and_the_same_one_goes_on(place, mine):
    save_profile(place / "other.kuchi", taught_by("bo", {"boots": "b", "cats": "k"}))
    plain = load_patch("beatbox-to-daw")
    old, same, other = (Graph(plain.with_setting("profile", path))
                        for path in (mine, mine, str(place / "other.kuchi")))
    kept = old.nodes["drums"]
    same.follow(old, 0)
    assert same.nodes["drums"] is kept
    other.follow(old, 0)
    assert other.nodes["drums"] is not kept
    assert other.nodes["drums"]._naming.names == ("boots", "cats")


# -- edited while it plays -----------------------------------------------------------------------

def built(path):
    return Graph(load_patch("beatbox-to-daw").with_setting("profile", str(path)))


def test_an_edited_profile_is_heard_and_one_that_was_only_looked_at_goes_on(own):
    old, same = built(own), built(own)
    playing = old.nodes["drums"]
    assert list(old.has_read) == [own]
    same.follow(old, 0)
    assert same.nodes["drums"] is playing
    save_profile(own, taught(load_profile(own).renamed("kick", "boots")))
    edited = built(own)
    edited.follow(same, 0)
    assert edited.nodes["drums"] is not playing
    assert edited.nodes["drums"]._naming.names == ("boots", "snare", "hat")


@pytest.mark.parametrize("after_ms", [6, 12, 20])
def test_a_strike_in_the_air_is_named_by_the_edited_profile_and_leaves_on_time(own, after_ms):
    audio, onsets, _ = song({"kick": "b"}, "aki", 2)
    stage = Stage(audio, onsets, profile=str(own), wait_ms=24)
    stage.until(onsets[0].time + after_ms / 1000.0)
    assert stage.node._heard
    assert not stage.said
    save_profile(own, taught(load_profile(own).renamed("kick", "boots")))
    stage.edited()
    stage.until(onsets[1].time + 0.5)
    for hit, onset in zip(hits(stage.said), onsets, strict=True):
        assert (hit.sound, hit.time) == ("boots", onset.time)
        assert hit.due == pytest.approx(onset.time + 0.024)


def test_what_was_said_before_the_edit_is_released_after_it(own):
    audio, onsets, _ = song({"hat": "ts"}, "aki", 1)
    stage = Stage(audio, onsets, profile=str(own), wait_ms=24)
    assert stage.until(onsets[0].time + 0.03)
    stage.edited()
    stage.until(onsets[0].time + 1.0)
    assert [type(event) for event in stage.said] == [Hit, Release]


def test_what_was_corrected_and_not_yet_learned_is_learned_after_the_edit(own):
    audio, onsets, _ = song({"kick": "b"}, "aki", 1)
    stage = Kept(audio, onsets, profile=str(own), wait_ms=24)
    stage.correct(onsets[0], "hat")
    save_profile(own, taught(load_profile(own).without("snare")))
    stage.edited()
    before = stage.node._naming.heads
    stage.until(onsets[0].time + 3.0)
    assert stage.node._naming.heads is not before
    kept = load_profile(own)
    assert [len(kept.numbers(name)) for name in kept.names] == [5, 6]


@pytest.mark.parametrize("sound", ["b", "tk"])
def test_only_the_ear_makes_a_hit_sure_enough_to_be_learned_from(own, sound):
    """Whatever the groove makes of it: a kick is learned from, a click that might be any is not."""
    audio, onsets, _ = song({"it": sound}, "aki", 1)
    stage = Stage(audio, onsets, profile=str(own), wait_ms=24, refuse_at=1.0, adapt=True)
    before = stage.node._naming.heads
    stage.until(onsets[0].time + 0.03)
    (strike,) = stage.node._heard
    strike.chances[:] = 0.0
    strike.chances[strike.sound] = 1.0
    stage.until(onsets[0].time + 6.0)
    assert (stage.node._naming.heads is not before) == (sound == "b")


def test_what_resembles_none_of_ones_sounds_is_refused(place, monkeypatch):
    """Snares, to somebody who taught only a kick and a hat."""
    profile = str(place / "two.kuchi")
    save_profile(place / "two.kuchi", taught_by("aki", {"boots": "b", "tsk": "ts"}))

    def heard(sounds, profile=profile):
        audio, onsets, _ = song(sounds, "aki", 20)
        return len(hits(play(DrumClassifier(profile=profile, wait_ms=32), audio, onsets=onsets)))

    assert heard({"boots": "b", "tsk": "ts"}) >= 19
    assert heard({"other": "k"}, profile="") >= 19
    assert heard({"other": "k"}) <= 2
    monkeypatch.setattr(likeness, "MOST", 0.0)
    assert heard({"other": "k"}) > 10, "it isn't the likeness that refuses them"
