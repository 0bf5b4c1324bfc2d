"""The command line keeps its contract: files, exit codes, words."""

import json
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from engine.mouth import beat, perform

KUCHI = [sys.executable, "-m", "engine"]


def kuchi(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*KUCHI, *words], capture_output=True, text=True, cwd=cwd, timeout=300)


@pytest.fixture(scope="module")
def voice(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "take.flac"
    audio, _ = perform(beat({"b": "x.......x.......", "pf": "....x.......x..."}, bpm=90), 0,
                       seconds=3.5)
    soundfile.write(path, audio, 48_000)
    return path


def test_a_recording_becomes_the_three_files(voice, tmp_path):
    done = kuchi("render", "beatbox-kit", str(voice), "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "take"
    assert sorted(p.name for p in folder.iterdir()) == ["events.jsonl", "out.wav", "take.mid"]
    rows = [json.loads(line) for line in (folder / "events.jsonl").open()]
    hits = [row for row in rows if row["event"] == "hit"]
    assert 3 <= len(hits) <= 5
    assert all(row["node"] == "drums" for row in hits)
    notes = [m for m in mido.MidiFile(folder / "take.mid") if m.type == "note_on"]
    assert len(notes) == len(hits)


def test_the_same_command_twice_writes_the_same_bytes_and_a_daw_patch_no_sound(voice, tmp_path):
    for out in ("a", "b"):
        assert kuchi("render", "beatbox-to-daw", str(voice), "--out",
                     str(tmp_path / out)).returncode == 0
    files = {out: {p.name: p.read_bytes() for p in (tmp_path / out / "take").iterdir()}
             for out in ("a", "b")}
    assert files["a"] == files["b"]
    assert "out.wav" not in files["a"]


def test_a_midi_file_and_a_pair_can_be_rendered(voice, tmp_path):
    track = mido.MidiTrack([mido.Message("note_on", note=38, velocity=99, time=100),
                            mido.Message("note_off", note=38, time=100)])
    mido.MidiFile(tracks=[track]).save(tmp_path / "pads.mid")
    done = kuchi("render", "pads-to-kit", f"{tmp_path}/pads.mid",
                 f"{voice}+{tmp_path}/pads.mid", "--out", f"{tmp_path}/out", "--json")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [t["input"] for t in told] == ["pads", "take"]
    assert all(t["events"] == {"note_on": 1, "note_off": 1} for t in told)


def test_an_input_that_can_t_be_read_is_told_and_the_others_are_rendered(voice, tmp_path):
    done = kuchi("render", "beatbox-to-daw", f"{tmp_path}/gone.wav", str(voice), "--out",
                 f"{tmp_path}/out")
    assert done.returncode == 6
    assert "gone.wav: can't be read as audio: there is no such file" in done.stderr
    assert (tmp_path / "out/take/events.jsonl").exists()
    assert not (tmp_path / "out/gone").exists()


def test_two_inputs_of_one_stem_are_an_error_before_anything_is_rendered(voice, tmp_path):
    done = kuchi("render", "beatbox-to-daw", str(voice), f"{tmp_path}/take.wav", "--out",
                 f"{tmp_path}/out")
    assert done.returncode == 2
    assert "share a folder" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("words", "code", "said"), [
    (["render", "no-such-patch", "a.wav", "--out", "o"], 4, "no such file"),
    (["render", "beatbox-to-daw", "a.wav"], 2, "--out"),
    (["render", "beatbox-to-daw", "a.wav+b.wav", "--out", "o"], 2, "a pair is audio, then MIDI"),
    (["render", "pads-to-kit", "a.mid", "--out", "o", "--profile", "me"], 4, "profile"),
    (["render", "beatbox-to-daw", "a.wav", "--out", "o", "--profile", "./me"], 6,
     "there is no profile"),
    (["rendr"], 2, "Commands: bench, capture"),
    (["patch", "check", "no-such-patch"], 4, "no such file"),
    (["patch", "nodes", "onset-detectr"], 1, 'did you mean "onset-detector"'),
])
def test_a_wrong_command_is_explained_with_its_exit_code(words, code, said, tmp_path):
    done = kuchi(*words, cwd=tmp_path)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_patches_are_checked_shown_and_listed(tmp_path):
    assert kuchi("patch", "check", "beatbox-kit", "pads-to-kit").returncode == 0
    shown = kuchi("patch", "show", "beatbox-kit").stdout
    assert "mic --audio--> onsets --onsets--> drums --hits--> kit --audio--> mix" in shown
    assert "speakers --audio--> onsets.bleed" in shown
    listed = json.loads(kuchi("patch", "list", "--json").stdout)
    assert {"00-hello", "beatbox-kit", "beatbox-to-daw", "pads-to-kit"} <= set(listed)
    (tmp_path / "bad.toml").write_text('cables = ["mic -> kit"]')
    bad = kuchi("patch", "check", str(tmp_path / "bad.toml"), "--json")
    assert bad.returncode == 4
    assert len(json.loads(bad.stdout)[0]["mistakes"]) == 1


def test_the_demo_leaves_its_files_and_says_what_it_heard(tmp_path):
    done = kuchi("demo", "--out", f"{tmp_path}/demo", "--no-play")
    assert done.returncode == 0, done.stderr
    assert {"take.mid", "out.wav", "events.jsonl", "take.png"} <= {
        p.name for p in (tmp_path / "demo").iterdir()}
    assert done.stdout.count("kick") >= 5
    assert "Try next" in done.stdout
    assert (tmp_path / "demo/take.png").read_bytes().startswith(b"\x89PNG")
    sound, _ = soundfile.read(tmp_path / "demo/out.wav")
    assert np.sqrt(np.mean(sound ** 2)) > 0.01


@pytest.mark.parametrize("kind", ["empty", "text", "one sample", "8 channels", "192 kHz", "8 kHz"])
def test_odd_recordings_end_in_a_take_or_a_clear_error(tmp_path, kind):
    path = tmp_path / "odd.wav"
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 48_000).astype(np.float32)
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("no sound")
        case "one sample":
            soundfile.write(path, noise[:1], 48_000)
        case "8 channels":
            soundfile.write(path, np.repeat(noise[:, None], 8, axis=1), 48_000)
        case "192 kHz":
            soundfile.write(path, noise, 192_000)
        case _:
            soundfile.write(path, noise, 8_000)
    done = kuchi("render", "beatbox-kit", str(path), "--out", f"{tmp_path}/out")
    wanted = 6 if kind in ("empty", "text") else 0
    assert done.returncode == wanted, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out/odd/out.wav").exists() == (wanted == 0)


def test_the_melody_demo_leaves_its_files_and_says_what_was_answered(tmp_path):
    done = kuchi("demo", "--melody", "--out", f"{tmp_path}/demo", "--no-play")
    assert done.returncode == 0, done.stderr
    assert {"take.mid", "calls.mid", "out.wav", "events.jsonl", "roll.png"} <= {
        p.name for p in (tmp_path / "demo").iterdir()}
    assert done.stdout.count("→") == 4
