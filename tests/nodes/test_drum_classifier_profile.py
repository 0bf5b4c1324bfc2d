"""With a profile a strike is one of the performer's own sounds, and a press can say it was another.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.clock import Clock
from engine.errors import FileError, KuchiError
from engine.events import Hit, Onset, Release
from engine.graph import Graph
from engine.mouth import perform
from engine.node import AudioBlock, Context, OnStage
from engine.nodes.drum_classifier import DrumClassifier
from engine.patch import load_patch
from engine.rehearsal.teaching import cut, onsets_of
from engine.rendering import hear, play
from engine.voice.correction import given_here
from engine.voice.drum_model import drum_model
from engine.voice.keeping import SOURCE
from engine.voice.learning import MOMENTS_MS
from engine.voice.profile import Profile, hear_take, known_by, taught
from engine.voice.profile_file import load_profile, save_profile

CONVENTIONS = {
    "turned round": ("aki", {"kick": "pf", "snare": "b", "hihat_closed": "tk"}),
    "names of one's own": ("bo", {"boots": "b", "cats": "k", "lip roll": "brr", "tsk": "ts"}),
    "a hat for a kick": ("chika", {"kick": "ts", "snare": "kh", "hihat_closed": "b"}),
    "five snares": ("ema", {"a": "pf", "b": "k", "c": "kh", "d": "tk", "e": "ts"}),
}


def taught_by(who, sounds, takes=5, seed=0):
    """A profile of a synthetic performer: name -> mouth sound."""
    profile = Profile()
    for place, (name, sound) in enumerate(sounds.items()):
        audio, strikes = perform([(0.3 + 0.7 * k, sound, 0.5 + 0.1 * k) for k in range(takes)],
                                 who, seed=100 * seed + place)
        onsets = onsets_of(audio)
        profile = profile.with_takes(name, [cut(audio, s.time, onsets) for s in strikes])
    return taught(profile)


def song(sounds, who, count=40, gap=0.25, seed=7):
    """Strikes of these mouth sounds in turn, and which name each is."""
    rng = np.random.default_rng(seed)
    names = [list(sounds)[k] for k in rng.integers(len(sounds), size=count)]
    audio, strikes = perform([(0.5 + gap * k, sounds[name], float(rng.uniform(0.4, 1.0)))
                              for k, name in enumerate(names)], who, seed=seed)
    return audio, [Onset(strike.time, 30.0) for strike in strikes], names


def hits(events):
    return [event for event in events if isinstance(event, Hit)]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("profiles")


@pytest.fixture(scope="module")
def mine(place) -> str:
    save_profile(place / "mine.kuchi", taught_by("aki", {"kick": "b", "snare": "pf", "hat": "ts"}))
    return str(place / "mine.kuchi")


# -- naming --------------------------------------------------------------------------------------

@pytest.mark.parametrize("who", CONVENTIONS)
def test_a_performer_with_conventions_of_their_own_is_understood(place, who):
    mouth, sounds = CONVENTIONS[who]
    save_profile(place / f"{who}.kuchi", taught_by(mouth, sounds))
    audio, onsets, names = song(sounds, mouth, gap=0.5)      # so that a lip roll has ended
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


# -- by hand -------------------------------------------------------------------------------------

class Stage:
    """A classifier, played hop by hop, with a pedal."""

    def __init__(self, audio, onsets, stage=None, **settings):
        self.node, self.clock = DrumClassifier(**settings), Clock()
        self.node.prepare(Context(self.clock, Path(), stage=stage))
        self.ring = np.zeros(1 << 21, np.float32)
        self.ring[:len(audio)] = audio
        self.block = AudioBlock(self.ring)
        self.onsets = list(onsets)
        self.said = []

    def until(self, time):
        said = []
        while self.clock.now < time:
            start = self.clock.frame
            self.clock.move_to(start + 64)
            self.block.move_to(start)
            now = [o for o in self.onsets if start <= round((o.time + 0.005) * 48_000) < start + 64]
            said += self.node.process(self.block, now)
        self.said += said
        return hits(said)

    def press(self, word="", action="wrong"):
        self.node.act(action, word=word)
        return self.until(self.clock.now + 0.003)


@pytest.fixture
def stage(mine):
    """Three strikes, the last at 1.0 s."""
    audio, onsets, _ = song({"kick": "b", "hat": "ts", "snare": "pf"}, "aki", 3)
    return Stage(audio, onsets, profile=mine, wait_ms=48)


def test_wrong_turns_the_least_certain_hit_into_its_second_guess_and_then_its_third(stage):
    heard = stage.until(1.1)
    least = min(heard, key=lambda hit: hit.confidence)
    (second,) = stage.press()
    (third,) = stage.press()
    assert second.time == third.time == least.time
    assert len({least.sound, second.sound, third.sound}) == 3
    assert second.corrects == pytest.approx(least.due)
    assert third.corrects is not None
    assert third.corrects > second.corrects


def test_after_two_seconds_a_press_means_another_hit_or_none(stage):
    stage.until(1.1)
    assert stage.press()
    stage.until(3.2)
    assert stage.press() == []


def test_wrong_with_a_word_says_what_it_was(stage):
    heard = stage.until(1.1)
    least = min(heard, key=lambda hit: hit.confidence)
    other = next(name for name in ("kick", "hat") if name != least.sound)
    (told,) = stage.press(other)
    assert (told.sound, told.time) == (other, least.time)
    with pytest.raises(KuchiError, match="taught are: kick, snare, hat"):
        stage.press("boots")


def test_undo_takes_the_whole_press_back(stage):
    heard = stage.until(1.1)
    least = min(heard, key=lambda hit: hit.confidence)
    stage.press()
    (third,) = stage.press()
    (again,) = stage.press(action="undo")
    assert (again.sound, again.drum, again.time) == (least.sound, least.drum, least.time)
    assert again.corrects is not None
    assert again.corrects > third.corrects
    assert stage.press(action="undo") == []


def test_a_press_is_learned_at_the_next_pause_and_never_within_a_phrase(mine):
    audio, onsets, _ = song({"kick": "b", "hat": "ts"}, "aki", 12, gap=0.4)
    stage = Stage(audio, onsets, profile=mine, wait_ms=48)
    before = stage.node._naming.heads
    stage.until(2.1)
    stage.press("snare")
    stage.until(onsets[-1].time + 0.9)
    assert stage.node._naming.heads is before, "the phrase goes on"
    stage.until(onsets[-1].time + 2.5)
    assert stage.node._naming.heads is not before
    stage.press(action="undo")
    assert stage.node._naming.heads is before


def test_what_is_called_wrong_again_and_again_is_named_right_at_last(mine):
    """This performer's rim is called something else, until it was said to be a hat five times."""
    audio, onsets, _ = song({"hat": "tk"}, "aki", 12, gap=2.5)
    stage = Stage(audio, onsets, profile=mine, wait_ms=48, refuse_at=1.0)
    for onset in onsets[:5]:
        stage.until(onset.time + 0.2)
        stage.press("hat")
    stage.until(onsets[5].time)
    later = stage.until(onsets[-1].time + 0.3)
    assert [hit.sound for hit in later if hit.corrects is None].count("hat") >= 6


def test_without_a_profile_wrong_corrects_and_learns_nothing():
    audio, onsets, _ = song({"kick": "b"}, "aki", 2)
    stage = Stage(audio, onsets, wait_ms=48)
    heard = stage.until(0.9)
    (told,) = stage.press("snare")
    assert told.drum == told.sound == "snare"
    assert told.time in {hit.time for hit in heard}
    (again,) = stage.press(action="undo")
    assert again.drum == "kick"


def test_adapting_is_off_by_itself_and_leaves_nothing_when_it_is_switched_off(mine):
    audio, onsets, _ = song({"kick": "b", "hat": "ts"}, "aki", 8, gap=0.5)
    for adapt in (False, True):
        stage = Stage(audio, onsets, profile=mine, wait_ms=100, adapt=adapt)
        before = stage.node._naming.heads
        stage.until(12.0)
        assert (stage.node._naming.heads is not before) == adapt
        stage.node.set("adapt", False)
        assert stage.node._naming.heads is before


def test_every_hit_corrected_by_hand_is_released_once(stage):
    stage.until(1.05)
    (told,) = stage.press()
    stage.until(4.0)
    ends = [event for event in stage.said if isinstance(event, Release)]
    assert len(ends) in (3, 4), "one more where it had died away before it was corrected"
    assert told.sound in {end.sound for end in ends}


def test_a_sound_that_plays_nothing_is_known_and_refused(place):
    sounds = {"kick": "b", "nothing": "ts"}
    save_profile(place / "refusing.kuchi", taught_by("aki", sounds))
    audio, onsets, names = song(sounds, "aki", 12)
    stage = Stage(audio, onsets, profile=str(place / "refusing.kuchi"), wait_ms=48)
    heard = stage.until(onsets[-1].time + 0.5)
    assert {hit.sound for hit in heard} == {"kick"}
    assert len(heard) == names.count("kick")
    assert stage.press() == [], "there is no other drum to play"
    assert stage.press("nothing") == []
    stage.until(onsets[-1].time + 4.0)
    assert stage.node._lessons._given[-1].learned


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


# -- kept for the next start ---------------------------------------------------------------------

class Kept(Stage):
    """The same, live: the performer is told what can't be kept."""

    def __init__(self, audio, onsets, **settings):
        self.told = []
        super().__init__(audio, onsets, stage=OnStage(lambda *words: self.told.append(words),
                                                      np.zeros(2, np.int64)), **settings)

    def correct(self, onset, sound):
        self.until(onset.time + 0.3)
        self.press(sound)


def takes_in(path):
    profile = load_profile(path)
    return {name: len(profile.numbers(name)) for name in profile.names}


@pytest.fixture
def own(place, mine) -> Path:
    """A copy of the profile that may be written to."""
    path = place / "own.kuchi"
    path.write_bytes(Path(mine).read_bytes())
    return path


def test_what_was_corrected_is_kept_in_a_pause_and_known_at_the_next_start(own):
    audio, onsets, _ = song({"hat": "tk"}, "aki", 6, gap=2.5)
    stage = Kept(audio, onsets, profile=str(own), wait_ms=48, refuse_at=1.0)
    before = own.read_bytes()
    for onset in onsets[:5]:
        stage.correct(onset, "hat")
        if onset is onsets[0]:
            assert own.read_bytes() == before, "never within a phrase"
    stage.until(onsets[4].time + 2.4)
    assert takes_in(own) == {"kick": 5, "snare": 5, "hat": 10}
    assert stage.told == []
    take = load_profile(own).takes[load_profile(own).numbers("hat")[-1]]
    assert take.source == SOURCE
    assert abs(np.abs(take.samples).argmax() - take.attack) < 0.05 * 48_000
    again = Stage(audio, onsets, profile=str(own), wait_ms=48, refuse_at=1.0)
    heard = again.until(onsets[-1].time + 0.3)
    assert [hit.sound for hit in heard].count("hat") >= 5


def test_undo_takes_what_was_kept_out_of_the_file_again(own):
    audio, onsets, _ = song({"kick": "b"}, "aki", 2, gap=4.0)
    stage = Kept(audio, onsets, profile=str(own), wait_ms=48)
    stage.correct(onsets[0], "snare")
    stage.until(onsets[0].time + 3.0)
    assert takes_in(own)["snare"] == 6
    stage.press(action="undo")
    stage.until(onsets[0].time + 3.9)
    assert takes_in(own)["snare"] == 5


def test_an_edit_from_the_stage_is_undone_like_any_other(own):
    audio, onsets, _ = song({"kick": "b"}, "aki", 1)
    stage = Kept(audio, onsets, profile=str(own), wait_ms=48)
    stage.correct(onsets[0], "snare")
    stage.until(onsets[0].time + 3.0)
    profile = load_profile(own)
    assert known_by(profile).heads is not None
    assert len(profile.undone().numbers("snare")) == 5


@pytest.mark.parametrize("broken", ["cut off", "another's", "gone"])
def test_a_profile_that_changed_or_broke_meanwhile_is_never_overwritten(own, place, broken):
    audio, onsets, _ = song({"kick": "b"}, "aki", 1)
    stage = Kept(audio, onsets, profile=str(own), wait_ms=48)
    if broken == "cut off":
        own.write_bytes(own.read_bytes()[:-500])
    elif broken == "another's":
        save_profile(own, taught_by("bo", {"boots": "b", "cats": "k"}))
    else:
        own.unlink()
    left = own.read_bytes() if own.exists() else None
    stage.correct(onsets[0], "snare")
    stage.until(onsets[0].time + 3.0)
    assert (own.read_bytes() if own.exists() else None) == left
    ((words, short),) = stage.told
    assert str(own) in words
    assert short == "NOT KEPT"


def test_after_a_soundcheck_it_is_kept_with_the_evenings_takes(own, place):
    names, sounds = ("kick", "snare", "hat") * 2, ("b", "pf", "ts") * 2
    audio, struck = perform([(0.5 + 0.7 * k, sound, 0.8) for k, sound in enumerate(sounds)], "aki",
                            seed=9)
    onsets = onsets_of(audio)
    here = given_here([(name, cut(audio, strike.time, onsets))
                       for name, strike in zip(names, struck, strict=True)])
    save_profile(place / "tonight.kuchi", here)
    before = own.read_bytes()
    audio, onsets, _ = song({"kick": "b"}, "aki", 1)
    stage = Kept(audio, onsets, profile=str(own), correction=str(place / "tonight.kuchi"),
                 wait_ms=48)
    stage.correct(onsets[0], "snare")
    stage.until(onsets[0].time + 3.0)
    assert own.read_bytes() == before
    assert takes_in(place / "tonight.kuchi") == {"kick": 2, "snare": 3, "hat": 2}


@pytest.mark.parametrize("live", [True, False])
def test_nothing_is_kept_where_it_shall_not_be_or_offline(own, live):
    audio, onsets, _ = song({"kick": "b"}, "aki", 1)
    before = own.read_bytes()
    stage = (Kept(audio, onsets, profile=str(own), keep=False) if live
             else Stage(audio, onsets, profile=str(own)))
    stage.until(onsets[0].time + 0.3)
    stage.press("snare")
    stage.until(onsets[0].time + 3.0)
    assert own.read_bytes() == before
