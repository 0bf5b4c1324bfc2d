"""The groove model's card tells the truth, and its scoring can be trusted."""

import json

import pytest
from performances import written

from engine.music.groove import trained
from models_onnx.groove import card
from models_onnx.groove.card import HERE
from models_onnx.groove.data import windows
from models_onnx.groove.evaluate import scores
from models_onnx.rhythm.data import takes

NAMES = ["", *sorted({path.stem.rsplit("_", 1)[0] for path in (HERE / "folds").glob("*.onnx")})]


def test_the_groove_card_shows_the_scores():
    assert card.figures() in (HERE / "README.md").read_text(encoding="utf-8")


def test_every_drummer_passed_through_a_model_that_never_met_them():
    heard_by = json.loads((HERE / "folds" / "folds.json").read_text())
    assert set(heard_by) == set(json.loads((HERE / "scores.json").read_text())["drummers"])
    assert {f"fold_{fold}" for fold in heard_by.values()} == set(NAMES[1:])


@pytest.mark.parametrize("name", NAMES)
def test_encoder_and_decoder_fit_into_what_was_promised(name):
    assert sum(part.path.stat().st_size for part in trained(name)) < 4_000_000


def test_evaluate_sends_every_two_bars_through_the_point(tmp_path):
    found = scores(written(tmp_path))
    assert found["grooves"] == len(windows(takes(tmp_path))[0]) == 19
    assert found["onset_f1"] > 0.8
    assert found["density_off"] < 0.2
    assert set(found["feel"]) == {"flat", "a_drummers", "own"}
    assert scores(tmp_path, sets=["other"]) == {}
