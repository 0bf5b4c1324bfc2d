"""Before the gig, from the command line: what is kept, what is only told, and the exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.mouth import beat, perform
from engine.rig import load_rig

KUCHI = [sys.executable, "-m", "engine"]
RIG = """# my rig
[audio]
device = "Scarlett"     # the red one

[onset-detector]
retrigger_ms = 50
sensitivity_db = 3      # the last room

[controls]
cc80 = "listen"         # left pedal
"""


def kuchi(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*KUCHI, *map(str, words)], capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("stage")
    noise = 10 ** (-65 / 20) * np.random.default_rng(0).standard_normal(12 * 48_000)
    bar = {"b": "x...X...o...x...", "ts": "..o...x...X...x."}
    sung, _ = perform([cue for start in (0.0, 3.0) for cue in beat(bar, 90, start=start)], "aki",
                      seconds=7.0)
    soundfile.write(folder / "room.wav", noise[:240_000], 48_000)
    soundfile.write(folder / "hits.wav", sung + noise[240_000:], 48_000)
    return ["--room", f"{folder}/room.wav", "--hits", f"{folder}/hits.wav"]


def test_a_soundcheck_sets_room_and_velocity_and_leaves_the_rest_of_the_rig(recordings, tmp_path):
    rig = tmp_path / "rig.toml"
    rig.write_text(RIG)
    done = kuchi("soundcheck", *recordings, "--rig", rig)
    assert done.returncode == 0, done.stderr
    assert "Your room is at" in done.stdout
    assert f"Kept in {rig}." in done.stdout
    kept, text = load_rig(rig).defaults, rig.read_text()
    assert set(kept["drum-classifier"]) == {"soft_db", "loud_db"}
    assert kept["onset-detector"]["retrigger_ms"] == 50
    assert kept["onset-detector"]["sensitivity_db"] > 3
    for comment in ("# my rig", "# the red one", "# the last room", "# left pedal"):
        assert comment in text
    assert text.index("[audio]") < text.index("[onset-detector]") < text.index("[controls]")
    assert list(tmp_path.iterdir()) == [rig]


def test_where_there_is_no_rig_one_is_made_and_the_same_recordings_teach_the_same(
        recordings, tmp_path):
    rig = tmp_path / "new" / "rig.toml"
    assert kuchi("soundcheck", *recordings, "--rig", rig).returncode == 0
    first = rig.read_bytes()
    assert kuchi("soundcheck", *recordings, "--rig", rig).returncode == 0
    assert rig.read_bytes() == first


def test_a_dry_run_only_tells_and_json_tells_it_to_programs(recordings, tmp_path):
    rig = tmp_path / "rig.toml"
    done = kuchi("soundcheck", *recordings, "--rig", rig, "--dry", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["settings"]) == {"onset-detector", "drum-classifier"}
    assert told["levels"]["soft_db"] < told["levels"]["loud_db"]
    assert told["kept"] is False
    assert not rig.exists()


@pytest.mark.parametrize("broken", ["no rig = ", "[onset-detector]\nsensitivty_db = 3\n"])
def test_a_broken_rig_is_explained_before_anything_is_heard_and_never_overwritten(
        broken, recordings, tmp_path):
    rig = tmp_path / "rig.toml"
    rig.write_text(broken)
    done = kuchi("soundcheck", *recordings, "--rig", rig)
    assert done.returncode == 4
    assert str(rig) in done.stderr
    assert rig.read_text() == broken


def test_a_rig_that_can_t_be_written_is_explained(recordings, tmp_path):
    (tmp_path / "file").write_text("")
    done = kuchi("soundcheck", *recordings, "--rig", tmp_path / "file" / "rig.toml")
    assert done.returncode == 6
    assert "can't be saved" in done.stderr


def test_recordings_that_can_t_serve_are_explained(recordings, tmp_path):
    short = tmp_path / "short.wav"
    soundfile.write(short, np.zeros(4_800), 48_000)
    for words, code, said in (
            (recordings[:2], 2, "go together"),
            ([*recordings[:3], short], 6, "only 0.1 s long"),
            ([*recordings[:3], tmp_path / "gone.wav"], 6, "there is no such file")):
        done = kuchi("soundcheck", *words, "--rig", tmp_path / "rig.toml")
        assert done.returncode == code
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_dead_microphone_teaches_nothing_and_leaves_with_3(tmp_path):
    soundfile.write(tmp_path / "dead.wav", np.zeros(240_000), 48_000)
    done = kuchi("soundcheck", "--room", tmp_path / "dead.wav", "--hits", tmp_path / "dead.wav",
                 "--rig", tmp_path / "rig.toml")
    assert done.returncode == 3
    assert "every sample is zero" in done.stdout
    assert not Path(tmp_path / "rig.toml").exists()
