"""The performance model's card tells the truth, and pieces are read and scored as they were."""

import gzip
import json

from engine.music.performance import FOLDER
from models_onnx.performance import card
from models_onnx.performance.data import pieces
from models_onnx.performance.evaluate import by_counting, scores


def write(folder, name, count):
    path = folder / "performances" / name
    path.parent.mkdir(exist_ok=True)
    notes = [[0.25 * i, 0.2, 60 + i % 5 * 2, 64] for i in range(120)]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": f"piece {i}", "notes": notes}) + "\n"
                        for i in range(count))


def test_the_performance_card_shows_the_scores():
    assert card.figures() in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_of_training_files_some_pieces_are_held_out_of_others_all(tmp_path):
    write(tmp_path, "tiny_train.jsonl.gz", 60)
    assert 0 < len(pieces(tmp_path, held_out=True)) < 30
    assert len(pieces(tmp_path)) == 60
    write(tmp_path, "tiny_test.jsonl.gz", 3)
    assert len(pieces(tmp_path, held_out=True)) >= 3


def test_a_piece_that_repeats_itself_surprises_less_and_less(tmp_path):
    write(tmp_path, "tiny_test.jsonl.gz", 1)
    found = scores(tmp_path)
    assert 0 < found["nats_per_event"] < 3.0
    assert by_counting(pieces(tmp_path)[0]) < 3.0
    assert found["answers"]["longest_note_s"] <= found["longest_allowed_s"]
    assert scores(tmp_path / "nowhere") == {}
