"""A press can say that a strike was another sound; it is learned in a pause, and kept."""


import numpy as np
import pytest
from own_sounds import Kept, Stage, song, taught_by

from engine.edition import edition
from engine.errors import KuchiError
from engine.events import Release
from engine.mouth import perform
from engine.rehearsal.teaching import cut, onsets_of
from engine.voice.correction import given_here
from engine.voice.keeping import SOURCE
from engine.voice.profile import known_by
from engine.voice.profile_file import load_profile, save_profile


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


# -- kept for the next start ---------------------------------------------------------------------

def takes_in(path):
    profile = load_profile(path)
    return {name: len(profile.numbers(name)) for name in profile.names}


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
    assert set(stage.node.has_read) == {own, place / "tonight.kuchi"}
    assert stage.prepared().has_read == stage.node.has_read


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


# -- and the lookout -----------------------------------------------------------------------------

def test_what_the_stage_has_written_is_no_other_edition_but_an_edit_beneath_it_is(own):
    audio, onsets, _ = song({"kick": "b"}, "aki", 3, gap=4.0)
    stage = Kept(audio, onsets, profile=str(own), wait_ms=48)
    begun = edition(own)
    for onset in onsets[:2]:
        stage.correct(onset, "snare")
        stage.until(onset.time + 3.0)
    assert takes_in(own)["snare"] == 7
    assert edition(own) == begun
    assert stage.prepared().has_read == stage.node.has_read
    save_profile(own, load_profile(own).renamed("hat", "tss"))
    edited = edition(own)
    assert edited != begun
    stage.correct(onsets[2], "snare")
    stage.until(onsets[2].time + 3.0)
    assert takes_in(own)["snare"] == 8
    assert edition(own) == edited
