"""The melody model's card tells the truth, and what it learns from is read as it was written."""

import gzip
import json

import numpy as np
import pytest

from engine.dsp import line_memory as memory
from engine.dsp.line_walk import walk_contexts
from engine.music import books
from engine.music.line import HOLD, chord, line_of
from engine.music.melody import FOLDER, Melody, load_table
from models_onnx.figures import write_figures
from models_onnx.melody import answers, card, data, lesson
from models_onnx.melody.evaluate import scores


def row(name="a", notes=(), meter="4/4", **more):
    return {"id": name, "title": name, "meter": meter, "notes": [list(n) for n in notes], **more}


def a_tune(name, up=0):
    bars = [[60, 62, 64, 65], [67, 65, 64, 62], [60, 64, 67, 64], [62, 59, 60, 60]] * 3
    notes = [(float(4 * b + i), 1.0, p + up) for b, bar in enumerate(bars)
             for i, p in enumerate(bar)]
    return row(name, notes, chords=[[0.0, "C"], [4.0, "G7"], [8.0, "C"]])


def write(folder, name, tunes):
    path = folder / "melodies" / name
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(tune) + "\n" for tune in tunes)


def test_the_melody_card_shows_the_scores():
    assert card.figures() in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_tables_that_ship_are_small():
    assert (FOLDER / "table.npz").stat().st_size < 2_000_000
    assert books.PATH.stat().st_size < 1_000_000


def test_notes_are_read_onto_the_grid_with_their_chords(tmp_path):
    notes = [(0.0, 1.0, 60), (1.3333, 0.3, 64), (2.0, 2.0, 67)]
    write(tmp_path, "tiny_test.jsonl.gz",
          [row(notes=[*notes, *((4.0 + i, 1.0, 60) for i in range(8))], chords=[[4.0, "Am7"]])])
    (tune,) = data.tunes(tmp_path)
    assert tune.line.steps[:9].tolist() == [60, HOLD, HOLD, HOLD, -2, 64, -2, HOLD, 67]
    assert tune.chords[15] == 0
    assert tune.chords[16] == chord(9, (9, 0, 4, 7))


def test_a_tune_is_moved_by_octaves_and_long_silences_keep_whole_bars(tmp_path):
    notes = [(float(i), 1.0, 90 + i % 3) for i in range(8)]
    late = [(40.0 + i, 1.0, 90) for i in range(8)]
    write(tmp_path, "tiny_test.jsonl.gz", [row(notes=notes + late)])
    (tune,) = data.tunes(tmp_path)
    onsets = np.flatnonzero(tune.line.steps >= 0)
    assert tune.line.steps[onsets].max() <= data.HIGH
    assert tune.line.steps[0] % 12 == 90 % 12
    assert onsets[8] % 16 == 0
    assert 16 <= onsets[8] - onsets[7] <= 48


def test_tunes_of_one_title_fall_to_one_side_in_every_book(tmp_path):
    write(tmp_path, "one_train.jsonl.gz", [a_tune(f"Reel {i}") for i in range(60)])
    write(tmp_path, "two_train.jsonl.gz", [a_tune(f"the reel {i}!"[4:]) for i in range(60)])
    sides = [t.held_out for t in data.tunes(tmp_path)]
    assert sides[:60] == sides[60:]
    assert any(sides)
    assert not all(sides)
    write(tmp_path, "two_train.jsonl.gz", [])
    write(tmp_path, "three_test.jsonl.gz", [a_tune("Reel 1")])
    assert [t.held_out for t in data.tunes(tmp_path, ["three"])] == [True]


def test_what_is_learned_from_is_what_the_stage_sees():
    """The walk of a lesson and a melody that hears step by step say the same of every step."""
    line = line_of([(3 * i, 2, 60 + i * 5 % 12) for i in range(40)], 120)
    chords = np.repeat([0, chord(0, (0, 4, 7)), chord(7, (7, 11, 2)), 0], 30)
    tune = data.Tune("x", "x", line, chords, True)
    made = lesson.lesson([tune], [load_table()])
    melody, note = Melody(), 0
    for step, (event, code) in enumerate(zip(line.steps.tolist(), chords.tolist(), strict=True)):
        melody.chances(code)
        given = melody._model.inputs
        assert np.abs(made.rhythm_views[step] / 255 - given["rhythm"][0]).max() < 0.003
        assert made.rhythm_sure[step] == pytest.approx(given["rhythm_sure"][0])
        kind = 2 if event >= 0 else made.kinds[step]
        assert made.rhythm_said[step] == pytest.approx(melody._rhythm_opinions[:, kind])
        if event >= 0:
            assert np.abs(made.pitch_views[note] / 255 - given["pitch"][0]).max() < 0.003
            assert made.pitch_said[note] == pytest.approx(
                melody._pitch_opinions[:, made.intervals[note]])
            note += 1
        melody.hear(event, code)


def test_a_table_counts_what_followed():
    line = line_of([(4 * i, 4, 60 + i % 2) for i in range(64)], 256)
    tune = data.Tune("x", "x", line, np.zeros(256, np.int64), False)
    table = lesson.table_of([tune])
    contexts = np.zeros((64, 6), np.int64)
    walk_contexts(*memory.memory(256, 16, 0), line.steps, tune.chords,
                  np.zeros((256, 5), np.int64), np.zeros(256, np.int64), contexts,
                  np.zeros(64, np.int64))
    place = int(np.searchsorted(table.pitch_keys, contexts[33, 1]))
    rows = slice(table.pitch_begins[place], table.pitch_begins[place + 1])
    assert table.pitch_symbols[rows].tolist() == [35 + 1]          # after a step down, one up


def test_a_line_out_of_the_books_is_noticed_and_a_new_one_is_not(monkeypatch, tmp_path):
    monkeypatch.setattr(books, "PATH", tmp_path / "books.npz")
    books.books.cache_clear()
    known = line_of([(4 * i, 4, 60 + i * 7 % 12) for i in range(24)], 96)
    books.keep([known])
    try:
        assert books.longest_copy(known) == 24
        assert books.longest_copy(line_of([(3 * i, 3, 60 + i % 5) for i in range(24)], 96)) == 7
    finally:
        books.books.cache_clear()


def test_an_answer_that_hangs_over_is_not_on_time():
    ends = line_of([(0, 4, 60), (12, 2, 60)], 16)
    assert answers.on_time(ends)
    assert not answers.on_time(line_of([(0, 4, 60), (12, 4, 60)], 16))
    assert not answers.on_time(line_of([(0, 4, 60)], 32))


def test_a_small_part_of_the_melodies_is_scored_with_what_it_has(tmp_path):
    write(tmp_path, "tiny_test.jsonl.gz", [a_tune("one"), a_tune("two", up=5)])
    found = scores(tmp_path)
    one = found["collections"]["tiny"]
    assert one["tunes"] == 2
    assert 0 < one["with_cache"] < one["baseline"]
    assert found["answers"]["on_time"] == 1.0
    assert found["answers"]["answers"] == 2
    assert json.loads(json.dumps(found)) == found
    assert scores(tmp_path, ["nothing"]) == {"collections": {}}


def test_figures_are_put_between_their_marks(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("a\n<!-- figures from scores.json -->\nold\n<!-- end of figures -->\nb\n")
    write_figures(page, "new\n")
    assert page.read_text() == (
        "a\n<!-- figures from scores.json -->\nnew\n<!-- end of figures -->\nb\n")
