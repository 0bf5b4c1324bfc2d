"""`kit.toml`: a hand may edit it, and every mistake in it is told with its place."""

import numpy as np
import pytest
import soundfile

from engine.audio.kit_folder import read_folder, write_folder
from engine.errors import FileError
from engine.units import Samples


@pytest.fixture
def kit(tmp_path):
    wave: Samples = np.linspace(0.5, 0.0, 4800, dtype=np.float32)
    write_folder(tmp_path / "kit", "Mine", {"kick": (wave, "from my mouth"), "snare": (wave, "")})
    return tmp_path / "kit"


def test_a_kit_that_was_written_is_read_again(kit):
    drums = read_folder(kit)
    assert list(drums) == ["kick", "snare"]
    assert np.abs(drums["kick"]).max() == pytest.approx(0.5, abs=0.01)


def test_a_hand_can_turn_a_drum_down_and_give_it_another_file(kit):
    soundfile.write(kit / "boots.wav", np.full((4800, 2), 0.5, np.float32), 48_000)
    (kit / "kit.toml").write_text('[kick]\nfile = "boots.wav"\ngain_db = -20\n')
    drums = read_folder(kit)
    assert list(drums) == ["kick"]
    assert np.abs(drums["kick"]).max() == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize(("text", "told"), [
    ('[kick]\nfile = "gone.wav"', "there is no file gone.wav"),
    ('[kik]\nfile = "kick.wav"', 'no drum "kik"'),
    ("[kick]\ngain_db = 1", "needs a file"),
    ('[kick]\nfile = "kick.wav"\ngain_db = 99', "must lie in"),
    ("[kick", "can't be read"),
    ('title = "x"', "names no drum"),
])
def test_a_mistake_in_a_kit_file_is_told_with_its_place(kit, text, told):
    (kit / "kit.toml").write_text(text)
    with pytest.raises(FileError, match=told) as error:
        read_folder(kit)
    assert "kit.toml" in str(error.value)


def test_a_corrupt_or_huge_sample_is_told_or_cut(kit):
    (kit / "kick.wav").write_bytes(b"RIFF nonsense")
    with pytest.raises(FileError, match=r"kick\.wav can't be read"):
        read_folder(kit)
    soundfile.write(kit / "kick.wav", np.full(30 * 48_000, 0.1, np.float32), 48_000)
    assert read_folder(kit)["kick"].shape == (2, 480_000)
