"""Keep what I just did: cut, named, sorted into a kit that can be played at once."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engine.audio.kit import read_folder
from engine.capture import Captured, Sound, assign, capture, keep, since_pause
from engine.drums import DRUMS
from engine.errors import FileError, UsageError
from engine.mouth import beat, perform
from engine.patch import parse_patch
from engine.rendering import render
from engine.segments import Strike, strikes
from engine.units import SAMPLE_RATE, Samples, frames

GROOVE = {"b": "X.......x.......", "pf": "....X.......X...", "ts": "..x...x...x...x."}


@cache
def performance() -> Samples:
    return perform(beat(GROOVE, 100, 2, start=0.3, who="aki"), "aki")[0]


@cache
def captured() -> Captured:
    return capture(performance())


def test_a_performance_becomes_a_kit_of_its_own_sounds():
    kit = captured().kit
    assert {"kick", "snare", "hihat_closed"} <= set(kit)
    assert set(kit) | set(captured().borrowed) == set(DRUMS)
    times = [sound.time for sound in kit.values()]
    assert len(set(times)) == len(times)                    # no sound is taken twice


def test_every_strike_is_cut_where_it_begins():
    truth = 0.3 + np.arange(16) * 2 * 0.15
    heard = np.array([strike.time for strike in strikes(performance())])
    found = sum(np.abs(heard - time).min() < 0.025 for time in truth)
    assert found >= 15
    assert len(heard) <= 18


def test_sounds_begin_at_their_attack_and_end_in_silence():
    for sound in captured().kit.values():
        assert sound.samples[-1] == 0.0
        assert np.abs(sound.samples[:frames(0.012)]).max() > 0.05 * np.abs(sound.samples).max()
        assert len(sound.samples) < 1.6 * SAMPLE_RATE


def test_the_same_audio_gives_the_same_kit_to_the_byte(tmp_path):
    for name in ("one", "two"):
        keep(capture(performance()), tmp_path / name, "Captured")
    one, two = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert [file.name for file in one] == [file.name for file in two]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))


def test_the_kit_plays_and_what_it_lacks_is_the_built_in_kits(tmp_path):
    keep(captured(), tmp_path / "mine", "Captured")
    own = read_folder(tmp_path / "mine")
    assert set(own) == set(captured().kit)
    patch = parse_patch('cables = ["mic -> onset-detector -> drum-classifier -> kit -> speakers", '
                        '"mic -> drum-classifier"]\n[nodes.kit]\nkit = "mine"',
                        source="x.toml", folder=tmp_path)
    sound: list[Samples] = []
    list(render(patch, performance()[:SAMPLE_RATE], write=sound.append))
    assert np.abs(np.concatenate(sound)).max() > 0.1


def test_only_what_was_played_since_the_last_long_pause_counts():
    heard = [Strike(frames(time), 0) for time in (0.5, 1.0, 4.0, 4.4, 6.3)]
    assert [strike.time for strike in since_pause(heard)] == [4.0, 4.4, 6.3]


def sounds_like(**chances: float) -> Sound:
    row = np.zeros(len(DRUMS), np.float32)
    for drum, chance in chances.items():
        row[DRUMS.index(drum)] = chance
    return Sound(float(hash(tuple(chances.items())) % 1000), np.ones(100, np.float32), row, 1.0)


def test_all_drums_choose_together_so_that_none_takes_what_another_needs():
    """The best kick is the only sound that could be a tom: the other kick is good enough."""
    both, kick = sounds_like(kick=0.55, tom_low=0.45), sounds_like(kick=0.5)
    assert assign([both, kick]) == {"kick": kick, "tom_low": both}


def test_a_clean_sound_is_taken_before_a_clipped_one():
    clean, clipped = sounds_like(snare=0.8), sounds_like(snare=0.85)
    clipped = Sound(clipped.time, clipped.samples, clipped.chances, 0.2, ("clipped",))
    assert assign([clipped, clean]) == {"snare": clean}


def test_one_sound_only_is_a_kit_of_one():
    kick = perform(beat({"b": "X...X...X...X..."}, 100, 1, start=0.3, who="aki"), "aki")[0]
    assert len(capture(kick).kit) in (1, 2)


def test_a_clipped_recording_is_kept_and_its_flaw_told():
    loud = np.clip(performance() * 20.0, -1.0, 1.0)
    found = capture(loud.astype(np.float32))
    assert any("clipped" in sound.flaws for sound in found.sounds)


@pytest.mark.parametrize("audio", [np.zeros(0, np.float32), np.zeros(48_000, np.float32)])
def test_nothing_captured_is_told(audio):
    with pytest.raises(UsageError, match="nothing was heard"):
        capture(audio)


def test_only_noise_is_told():
    noise = np.random.default_rng(0).normal(0.0, 0.01, 5 * SAMPLE_RATE).astype(np.float32)
    with pytest.raises(UsageError, match=r"only noise|none of"):
        capture(noise)


def test_a_folder_that_is_there_is_never_overwritten(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileError, match="is there already"):
        keep(captured(), tmp_path / "mine", "Captured")
    assert not list((tmp_path / "mine").iterdir())
