"""A soundcheck with a profile: each sound twice, kept beside the profile and named in the rig."""

import numpy as np
import pytest
import soundfile

from engine.commands import kuchi
from engine.events import Hit
from engine.mouth import perform
from engine.patch import load_patch
from engine.rehearsal.teaching import cut, onsets_of
from engine.rendering import render
from engine.rig import load_rig
from engine.voice.profile import Profile, taught
from engine.voice.profile_file import load_profile, save_profile

SOUNDS = {"boots": "b", "tss": "ts"}
SOFTER = np.float32(0.25)           # 12 dB


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A profile, and what is played at soundcheck 12 dB softer."""
    folder = tmp_path_factory.mktemp("stage")
    profile = Profile()
    for name, sound in SOUNDS.items():
        audio, strikes = perform([(0.5 + 0.7 * k, sound, 0.5 + 0.1 * k) for k in range(5)], "aki")
        onsets = onsets_of(audio)
        profile = profile.with_takes(name, [cut(audio, s.time, onsets) for s in strikes])
    save_profile(folder / "mine.kuchi", taught(profile))
    noise = (10 ** (-75 / 20) * np.random.default_rng(0).standard_normal(480_000)).astype("f4")
    hits, _ = perform([(0.2 + 0.45 * k, ("b", "ts")[k % 2], 0.4 + 0.1 * (k % 6))
                       for k in range(20)], "aki", seconds=10.0, seed=4)
    twice, _ = perform([(1.0, "b", 0.7), (2.0, "b", 0.9), (4.0, "ts", 0.7), (5.0, "ts", 0.9)],
                       "aki", seconds=7.0, seed=5)
    soundfile.write(folder / "room.wav", noise[:240_000], 48_000)
    soundfile.write(folder / "hits.wav", SOFTER * hits + noise, 48_000)
    soundfile.write(folder / "twice.wav", SOFTER * twice + noise[:len(twice)], 48_000)
    return folder


def soundcheck(stage, *more):
    kuchi(["soundcheck", "--room", f"{stage}/room.wav", "--hits", f"{stage}/hits.wav",
           *map(str, more)], standalone_mode=False)


def test_each_sound_twice_is_kept_beside_the_profile_and_named_in_the_rig(stage, capsys):
    before = (stage / "mine.kuchi").read_bytes()
    soundcheck(stage, "--profile", stage / "mine.kuchi", "--twice", stage / "twice.wav", "--rig",
               stage / "rig.toml")
    said = capsys.readouterr()
    assert "tss: play it twice" in said.err
    assert any(f"{db} dB softer" in said.out for db in range(9, 15))
    assert (stage / "mine.kuchi").read_bytes() == before
    kept = load_rig(stage / "rig.toml").defaults["drum-classifier"]
    assert kept["profile"] == str(stage / "mine.kuchi")
    assert kept["correction"] == str(stage / "mine.room.kuchi")
    assert load_profile(stage / "mine.room.kuchi").names == tuple(SOUNDS)


def test_what_was_kept_plays_and_velocity_is_the_performers_again(stage):
    if not (stage / "mine.room.kuchi").exists():
        soundcheck(stage, "--profile", stage / "mine.kuchi", "--twice", stage / "twice.wav",
                   "--rig", stage / "rig.toml")
    audio, strikes = perform([(0.5 + 0.6 * k, ("b", "ts")[k % 2], 0.7) for k in range(8)], "aki",
                             seed=9)
    loud = {}
    for name, gain, correction in (("taught", 1.0, ""), ("softer", SOFTER, ""),
                                   ("corrected", SOFTER, str(stage / "mine.room.kuchi"))):
        patch = load_patch("beatbox-to-daw").with_setting("profile", str(stage / "mine.kuchi"))
        patch = patch.with_setting("correction", correction)
        hits = [sent.event for sent in render(patch, gain * audio) if isinstance(sent.event, Hit)]
        assert [hit.sound for hit in hits] == ["boots", "tss"] * 4
        loud[name] = np.mean([hit.velocity for hit in hits])
    assert len(strikes) == 8
    assert loud["softer"] < loud["taught"] - 0.2
    assert loud["corrected"] == pytest.approx(loud["taught"], abs=0.12)


def test_a_dry_soundcheck_keeps_nothing(stage, tmp_path, capsys):
    profile = tmp_path / "mine.kuchi"
    profile.write_bytes((stage / "mine.kuchi").read_bytes())
    soundcheck(stage, "--profile", profile, "--twice", stage / "twice.wav", "--rig",
               tmp_path / "rig.toml", "--dry")
    assert "stays as it was" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["mine.kuchi"]
