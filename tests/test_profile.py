"""A profile keeps what a performer taught, through edits and their undoing, and as a file."""

import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import FileError, UsageError
from engine.mouth import perform
from engine.rehearsal.teaching import cut, onsets_of
from engine.voice.profile import LEAST_RANGE_DB, Profile, Take, taught
from engine.voice.profile_file import (
    change_profile,
    load_profile,
    packed,
    profile_path,
    save_profile,
)


def given(sound, count=3, who="aki", seed=0, soft=0.5):
    """Takes of one sound, cut as the microphone's are."""
    audio, strikes = perform([(0.3 + 0.7 * k, sound, soft + (1.0 - soft) * k / count)
                              for k in range(count)], who, seed=seed)
    onsets = onsets_of(audio)
    return [cut(audio, strike.time, onsets, "microphone") for strike in strikes]


@pytest.fixture(scope="module")
def three() -> Profile:
    profile = Profile()
    for name, sound in (("boots", "b"), ("snare", "pf"), ("tss", "ts")):
        profile = profile.with_takes(name, given(sound))
    return taught(profile)


def decisions(profile: Profile) -> bytes:
    """All that decides which sound a strike is."""
    heads = profile.heads
    assert heads is not None
    return b"".join(array.tobytes() for array in (heads.weights, heads.bias, heads.blend,
                                                  heads.kin)) + repr(profile.page.sounds).encode()


def test_how_sounds_vary_in_other_voices_is_kept_with_what_was_learned_by_it(three, tmp_path):
    path = tmp_path / "mine.kuchi"
    save_profile(path, three)
    assert np.array_equal(load_profile(path).spread, three.spread)
    save_profile(path, replace(three, spread=None))          # of a model that doesn't tell it
    assert load_profile(path).spread is None


# -- edits ---------------------------------------------------------------------------------------

def test_a_sound_without_a_drums_name_plays_the_likeliest_free_drum(three):
    assert three.drum_of("snare") == "snare"
    assert three.drum_of("boots") == "kick"
    assert three.drum_of("tss") == "hihat_closed"


@pytest.mark.parametrize("edit", [
    lambda p: p.with_takes("click", given("tk")),
    lambda p: p.with_takes("boots", given("b", 2, seed=5)),
    lambda p: p.without("boots"),
    lambda p: p.without("tss", 2),
    lambda p: p.relabelled("tss", 1, "snare"),
    lambda p: p.renamed("tss", "hats"),
    lambda p: p.renamed("tss", "snare"),
    lambda p: p.playing("boots", "tom_low"),
], ids=["a sound more", "takes more", "a sound less", "a take less", "a take moved", "renamed",
        "joined", "plays another"])
def test_every_edit_changes_decisions_and_undone_it_never_was(three, edit):
    edited = taught(edit(three))
    assert decisions(edited) != decisions(three)
    assert decisions(taught(edited.undone())) == decisions(three)


def test_edits_are_undone_one_after_another_also_after_the_file_was_closed(three, tmp_path):
    profile = taught(taught(three.without("tss", 1)).relabelled("boots", 2, "snare"))
    save_profile(tmp_path / "mine.kuchi", profile)
    again = load_profile(tmp_path / "mine.kuchi")
    assert decisions(again) == decisions(profile)
    assert decisions(taught(again.undone().undone())) == decisions(three)


def test_there_is_an_end_to_undoing():
    with pytest.raises(UsageError, match="nothing to undo"):
        Profile().undone()


@pytest.mark.parametrize(("edit", "words"), [
    (lambda p: p.without("kick"), 'no sound is called "kick"; taught are: boots, snare, tss'),
    (lambda p: p.relabelled("boots", 9, "snare"), '"boots" has 3 takes, no take 9'),
    (lambda p: p.with_takes(" ", []), "is no name for a sound"),
    (lambda p: p.playing("boots", "kik"), 'no drum is called "kik"'),
])
def test_an_edit_that_cannot_be_meant_is_explained(three, edit, words):
    with pytest.raises(UsageError, match=words):
        edit(three)


def test_seventeen_sounds_are_one_too_many():
    profile = Profile()
    for number in range(16):
        profile = profile.with_takes(f"sound {number}", [Take(np.zeros(100, np.float32), 50)])
    with pytest.raises(UsageError, match="16 are the most"):
        profile.with_takes("sound 16", [Take(np.zeros(100, np.float32), 50)])


def test_soft_and_loud_are_the_performers_own_and_never_too_near():
    quiet = Profile().with_takes("b", given("b", 12, soft=0.1))
    loud = Profile().with_takes("b", given("b", 12, soft=0.9))
    soft_db, loud_db = quiet.range_db("b", 24)
    assert soft_db < loud.range_db("b", 24)[0]
    for profile in (quiet, loud):
        soft_db, loud_db = profile.range_db("b", 24)
        assert loud_db - soft_db >= LEAST_RANGE_DB - 1e-6


# -- the file ------------------------------------------------------------------------------------

def test_a_file_gives_back_the_same_takes_and_decisions(three, tmp_path):
    save_profile(tmp_path / "mine.kuchi", three)
    again = load_profile(tmp_path / "mine.kuchi")
    assert decisions(again) == decisions(three)
    assert packed(again) == packed(three)
    fresh = taught(replace(again, model="", heard={}, heads=None))     # from its audio alone
    assert decisions(fresh) == decisions(three)


def test_its_takes_can_be_heard_by_any_program(three, tmp_path):
    save_profile(tmp_path / "mine.kuchi", three)
    with zipfile.ZipFile(tmp_path / "mine.kuchi") as whole:
        assert whole.read("takes/0001.flac")[:4] == b"fLaC"
        sheet = json.loads(whole.read("profile.json"))
    assert [sound["name"] for sound in sheet["page"]["sounds"]] == ["boots", "snare", "tss"]


def _cut_off(path, content):
    path.write_bytes(content[:len(content) // 2])


def _one_byte_wrong(path, content):
    place = content.index(b"fLaC") + 400
    path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1:])


def _some_zip(path, content):
    with zipfile.ZipFile(path, "w") as whole:
        whole.writestr("song.txt", "la la la")


def _versioned(version):
    def write(path, content):
        with zipfile.ZipFile(path, "w") as whole:
            whole.writestr("profile.json", json.dumps({"kind": "kuchi profile",
                                                       "version": version}))
    return write


def _without_its_takes(path, content):
    path.write_bytes(content)
    with zipfile.ZipFile(path) as whole:
        kept = {name: whole.read(name) for name in whole.namelist() if "0002" not in name}
    with zipfile.ZipFile(path, "w") as whole:
        for name, data in kept.items():
            whole.writestr(name, data)


@pytest.mark.parametrize(("break_it", "words"), [
    (_cut_off, "breaks off"),
    (_one_byte_wrong, "is damaged"),
    (_some_zip, "is a zip, but no profile"),
    (lambda path, content: path.write_text('title = "a patch"'), "is no profile"),
    (lambda path, content: path.write_bytes(b""), "is no profile"),
    (_versioned(0), "of version 0, and this Kuchi reads version 1: teach it anew"),
    (_versioned(2), "install a newer Kuchi"),
    (_without_its_takes, "is damaged"),
], ids=["truncated", "corrupted", "a zip", "a patch", "empty", "older", "newer", "takes missing"])
def test_a_file_that_is_no_whole_profile_is_refused_with_a_reason(three, tmp_path, break_it, words):
    path = tmp_path / "mine.kuchi"
    break_it(path, packed(three))
    with pytest.raises(FileError, match=words) as told:
        load_profile(path)
    assert str(path) in str(told.value)


def test_every_cut_of_a_file_is_explained(three, tmp_path):
    content = packed(three)
    for length in range(0, len(content), len(content) // 60):
        (tmp_path / "cut.kuchi").write_bytes(content[:length])
        with pytest.raises(FileError):
            load_profile(tmp_path / "cut.kuchi")


def test_a_profile_that_cannot_be_written_leaves_the_old_one(three, tmp_path):
    path = tmp_path / "mine.kuchi"
    save_profile(path, three)
    before = path.read_bytes()
    (tmp_path / f".mine.kuchi.{os.getpid()}.part").mkdir()  # where the new one would be written
    with pytest.raises(FileError, match="can't be saved"):
        save_profile(path, taught(three.without("tss")))
    assert path.read_bytes() == before


def test_what_another_program_writes_during_a_change_is_changed_in_its_turn(three, tmp_path):
    path = tmp_path / "mine.kuchi"
    save_profile(path, three)
    others = [three.with_takes("snare", given("pf", 1)), three.without("tss")]

    def change(now):
        if others:                                      # it is quicker than we are, twice
            save_profile(path, others.pop(0))
        return now.with_takes("boots", given("b", 2))

    before, after = change_profile(path, change)
    assert (before.names, after.names) == (("boots", "snare"),) * 2
    assert len(after.numbers("boots")) == len(three.numbers("boots")) + 2
    assert packed(load_profile(path)) == packed(after)
    assert os.listdir(tmp_path) == ["mine.kuchi"]


def test_a_file_that_is_never_left_alone_is_given_up_and_stays_the_others(three, tmp_path):
    path = tmp_path / "mine.kuchi"

    def change(now):
        save_profile(path, three.without("tss"))
        return now.without("boots")

    save_profile(path, three)
    with pytest.raises(FileError, match="again and again"):
        change_profile(path, change)
    assert load_profile(path).names == ("boots", "snare")


def test_nothing_to_change_leaves_the_file_alone_and_no_file_is_said(three, tmp_path):
    path = tmp_path / "mine.kuchi"
    with pytest.raises(FileError, match="there is no profile"):
        change_profile(path, lambda now: now)
    assert change_profile(path, lambda now: now, begin=Profile()) == (Profile(), Profile())
    assert not path.exists()
    save_profile(path, three)
    written = path.stat().st_mtime_ns
    change_profile(path, lambda now: now)
    assert path.stat().st_mtime_ns == written


def test_a_profile_with_what_another_has_gained_is_what_it_would_have_become(three):
    lesson = three.with_takes("boots", given("b", 2)).with_takes("new", given("k", 3))
    lesson = lesson.with_played([("new", given("k", 1)[0]), ("tss", given("ts", 1)[0])])
    assert packed(three.with_gained(three, lesson)) == packed(lesson)
    assert three.with_gained(three, three) is three
    meanwhile = three.with_takes("snare", given("pf", 1)).without("tss")
    both = meanwhile.with_gained(three, lesson)
    assert both.names == ("boots", "snare", "new")
    gained = {name: len(both.numbers(name)) - len(three.numbers(name)) for name in three.names[:2]}
    assert gained == {"boots": 2, "snare": 1}
    assert [name for _, name in both.page.played] == ["new"]


def test_a_bare_name_lies_among_the_performers_own_and_a_path_where_it_says(tmp_path):
    assert profile_path("aki").name == "aki.kuchi"
    assert profile_path("aki").is_absolute()
    assert profile_path("mine.kuchi", tmp_path) == tmp_path / "mine.kuchi"
    assert profile_path("sub/mine", tmp_path) == tmp_path / "sub" / "mine"
