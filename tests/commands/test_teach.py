"""Teaching from the command line: manifests, edits, the report, and what can't be meant."""

import contextlib
import csv
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import soundfile

from engine.commands import main
from engine.edition import edition
from engine.mouth import perform
from engine.rehearsal.guided import pattern
from engine.voice.keeping import SOURCE, Corrected, Page, keep
from engine.voice.profile_file import load_profile

SOUNDS = {"kick": "b", "hihat": "ts", "cats": "pf"}
EACH = 7


class Screen(io.StringIO):
    """What the performer is told; `hears` is called with each piece of it."""

    def __init__(self, hears):
        super().__init__()
        self.hears = hears

    def write(self, text):
        self.hears(text)
        return super().write(text)


def kuchi(*words: object, hears=lambda text: None) -> SimpleNamespace:
    """The command line, in this process: what it prints, and the exit code it leaves with."""
    out, err, code = io.StringIO(), Screen(hears), 0
    with (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
          patch.object(sys, "argv", ["kuchi", *map(str, words)])):
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Path:
    """A recording of each sound, marked up to 20 ms wrongly, and a column nobody asked for."""
    folder = tmp_path_factory.mktemp("takes")
    (folder / "audio").mkdir()
    rows = []
    for name, sound in SOUNDS.items():
        audio, strikes = perform([(0.4 + 0.6 * k, sound, 0.5 + 0.07 * k) for k in range(EACH)],
                                 "aki", seed=3)
        soundfile.write(folder / "audio" / f"{name}.flac", audio, 48_000)
        rows += [(f"audio/{name}.flac", name, f"{strike.time + 0.02 * (-1) ** k:.4f}", "x")
                 for k, strike in enumerate(strikes)]
    with (folder / "takes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "onset_s", "mood"), *rows])
    return folder / "takes.csv"


@pytest.fixture(scope="module")
def mine(manifest, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "mine.kuchi"
    done = kuchi("teach", path, "--manifest", manifest, "--per-class", 5)
    assert done.returncode == 0, done.stderr
    return path


def test_a_manifest_teaches_the_first_takes_of_each_label(mine):
    profile = load_profile(mine)
    assert profile.names == tuple(SOUNDS)
    assert [len(profile.numbers(name)) for name in SOUNDS] == [5, 5, 5]
    assert [profile.drum_of(name) for name in SOUNDS] == ["kick", "hihat_closed", "snare"]
    assert len(profile.page.played) == 3 * (EACH - 5)


def test_takes_begin_where_the_detector_hears_them_not_where_they_were_marked(mine, manifest):
    profile = load_profile(mine)
    audio, rate = soundfile.read(manifest.parent / "audio" / "kick.flac", dtype="float32")
    assert rate == 48_000
    first, second = (profile.takes[number] for number in profile.numbers("kick")[:2])
    for take, truth in ((first, 0.4), (second, 1.0)):
        start = round(truth * 48_000) - take.attack
        assert max(abs(audio[start + k] - take.samples[k]) for k in range(0, 9_000, 100)) < 0.2
        assert take.source == "kick.flac"


def test_the_same_manifest_again_teaches_nothing_twice(mine, manifest):
    before = mine.read_bytes()
    done = kuchi("teach", mine, "--manifest", manifest, "--per-class", 5)
    assert "0 takes learned, 15 were known" in done.stdout
    assert mine.read_bytes() == before


def test_a_taught_profile_names_what_is_rendered(mine, manifest, tmp_path):
    done = kuchi("render", "beatbox-to-daw", manifest.parent / "audio" / "cats.flac", "--profile",
                 mine, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "cats" / "events.jsonl").open()]
    hits = [row for row in rows if row["event"] == "hit"]
    assert len(hits) == EACH
    assert {(hit["sound"], hit["drum"]) for hit in hits} == {("cats", "snare")}


def test_edits_are_kept_and_undone(mine, tmp_path):
    path = tmp_path / "edited.kuchi"
    path.write_bytes(mine.read_bytes())
    done = kuchi("teach", path, "--rename", "cats=meow", "--remove", "kick:1", "--plays",
                 "meow=clap", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(s["sound"], s["plays"], s["takes"]) for s in told["sounds"]] == [
        ("kick", "kick", 4), ("hihat", "hihat_closed", 5), ("meow", "clap", 5)]
    for _ in range(3):
        assert kuchi("teach", path, "--undo").returncode == 0
    assert load_profile(path).names == tuple(SOUNDS)
    assert load_profile(path).heads.weights.tobytes() == load_profile(mine).heads.weights.tobytes()


def test_the_report_prints_both_measures_words_and_a_picture(mine):
    done = kuchi("teach", mine, "--report")
    assert done.returncode == 0, done.stderr
    for words in ("takes (15)", "pattern (6)", "Wait ", "→", "kick", "nothing"):
        assert words in done.stdout
    assert mine.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"
    data = json.loads(kuchi("teach", mine, "--report", "--json").stdout)["report"]
    assert data["takes"]["strikes"] == 15
    assert data["pattern"]["strikes"] == 6


def wrong(text, tmp_path, manifest):
    path = tmp_path / "wrong.csv"
    path.write_text(text.replace("HERE", str(manifest.parent)))
    return kuchi("teach", tmp_path / "new.kuchi", "--manifest", path)


@pytest.mark.parametrize(("text", "code", "words"), [
    ("path,onset_s\na,1\n", 2, "has no column label; needed are path, label, onset_s"),
    ("path,label,onset_s\nnowhere.flac,kick,0.1\n", 6, "nowhere.flac"),
    ("path,label,onset_s\nHERE/audio/kick.flac,kick,soon\n", 2, "line 2: onset_s = 'soon'"),
    ("path,label,onset_s\nHERE/audio/kick.flac,kick,99\n", 2, "marks a kick at 99 s"),
    ("path,label,onset_s\nHERE/audio/kick.flac,kick,0.4\n", 2, "only kick is taught"),
    ("path,label,onset_s\n", 2, "nothing to learn"),
], ids=["column", "file", "time", "beyond its end", "one sound", "no rows"])
def test_a_manifest_that_cannot_be_meant_leaves_no_profile(text, code, words, tmp_path, manifest):
    done = wrong(text, tmp_path, manifest)
    assert done.returncode == code
    assert words in done.stderr
    assert not (tmp_path / "new.kuchi").exists()


def test_a_file_that_is_no_profile_is_never_written_over(manifest, tmp_path):
    song = tmp_path / "song.toml"
    song.write_text('title = "my song"')
    done = kuchi("teach", song, "--manifest", manifest)
    assert done.returncode == 6
    assert "is no profile" in done.stderr
    assert song.read_text() == 'title = "my song"'
    done = kuchi("render", "beatbox-to-daw", manifest.parent / "audio" / "cats.flac", "--profile",
                 song, "--out", tmp_path / "out")
    assert done.returncode == 6
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def lesson(tmp_path_factory) -> Path:
    """A recording of a whole lesson: boots and tss, then the pattern twice."""
    cues, time = [], 1.0
    for sound in ("b", "ts"):
        cues += [(time + k, sound, 0.5 + 0.1 * k) for k in range(5)]
        time += 6.0
    for name in 2 * pattern(["boots", "tss"]):
        cues.append((time, {"boots": "b", "tss": "ts"}[name], 0.7))
        time += 0.3
    path = tmp_path_factory.mktemp("lesson") / "lesson.wav"
    soundfile.write(path, perform(cues, "aki", seconds=time + 1.0)[0], 48_000)
    return path


def test_a_lesson_by_ear_is_told_and_kept(lesson, tmp_path):
    done = kuchi("teach", tmp_path / "mine.kuchi", "--sounds", "boots, tss", "--recording", lesson)
    assert done.returncode == 0, done.stderr
    assert "5 of 5" in done.stderr
    assert "twice" in done.stderr
    profile = load_profile(tmp_path / "mine.kuchi")
    assert profile.names == ("boots", "tss")
    assert len(profile.page.played) > 25


def test_what_a_stage_keeps_while_a_lesson_lasts_is_not_written_over(lesson, tmp_path):
    """A stage is running with the same profile; its worker writes when the lesson is half over."""
    path = tmp_path / "mine.kuchi"
    kuchi("teach", path, "--sounds", "boots, tss", "--recording", lesson)
    first, begun = load_profile(path), edition(path)
    strike = first.takes[first.numbers("tss")[0]]
    wrong = Corrected("tss", strike.attack, 0.5 * strike.samples)
    kept = []

    def meanwhile(text):
        if "tss: play it" in text:
            kept.append(keep(Page(str(path), [wrong], [])))
            assert edition(path) == begun

    done = kuchi("teach", path, "--sounds", "boots, tss", "--recording", lesson, hears=meanwhile)
    assert done.returncode == 0, done.stderr
    assert kept == [1]
    profile = load_profile(path)
    assert [len(profile.numbers(name)) for name in ("boots", "tss")] == [10, 11]
    assert [take.source for take in profile.takes.values()].count(SOURCE) == 1
    assert profile.heads is not None
    assert edition(path) != begun, "the stage shall read it again"
    assert len(profile.undone().undone().numbers("tss")) == 6, "the lesson's takes came after it"


def test_a_lesson_that_breaks_off_keeps_nothing(tmp_path):
    soundfile.write(tmp_path / "short.wav", perform([(1.0, "b", 1.0)], "aki")[0], 48_000)
    done = kuchi("teach", tmp_path / "mine.kuchi", "--sounds", "boots, tss", "--recording",
                 tmp_path / "short.wav")
    assert done.returncode == 2
    assert "ends before the lesson does" in done.stderr
    assert not (tmp_path / "mine.kuchi").exists()
