"""The beatbox demo: a kit from the mouth, and a friend who joins, listens and ends on the one."""

from pathlib import Path

import numpy as np
import pytest

from engine.demos.beatbox import FRIEND, PERFORMER, Song, capture_kit, draw_song, play_song
from engine.mouth.song import BAR_S, BARS
from engine.units import Samples


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Song, Samples, Path]:
    folder, sound = tmp_path_factory.mktemp("demo") / "kit", []
    kit = capture_kit(folder)
    song = play_song(kit, folder, write=sound.append)
    return song, np.concatenate(sound), folder


def test_the_kit_is_the_mouth_s_own(made):
    song, _, folder = made
    assert {"kick", "snare", "hihat_closed"} <= set(song.kit.kit)
    assert (folder / "kit.toml").is_file()


def test_the_friend_joins_in_the_third_bar_and_is_there_to_the_end(made):
    bars = [round(hit.time / BAR_S - 0.45) for hit in made[0].hits(FRIEND)]
    assert min(bars) >= 2
    assert len(set(range(2, BARS)) & set(bars)) >= BARS - 4


def test_the_song_ends_on_the_one_after_eighteen_bars(made):
    song, sound, _ = made
    assert max(hit.time for hit in song.hits(FRIEND)) == pytest.approx(BARS * BAR_S, abs=1e-6)
    assert np.abs(sound[-2400:]).max() < 0.01


def test_the_friend_leaves_the_mouth_its_drums(made):
    song = made[0]
    mine = [(hit.drum, hit.time) for hit in song.hits(PERFORMER)]
    near = [hit for hit in song.hits(FRIEND) if any(
        drum == hit.drum and abs(time - hit.time) < 0.06 for drum, time in mine)]
    assert len(near) <= 0.1 * len(song.hits(FRIEND))


def test_the_picture_is_drawn(made, tmp_path):
    draw_song(tmp_path / "song.png", made[0])
    assert (tmp_path / "song.png").read_bytes().startswith(b"\x89PNG")
