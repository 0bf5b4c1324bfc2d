"""The groove model's card tells the truth, and its scoring can be trusted."""

import pytest
from performances import written

from engine.music.groove import trained
from models_onnx.groove.card import HERE
from models_onnx.groove.data import windows
from models_onnx.groove.evaluate import scores
from models_onnx.rhythm.data import takes

NAMES = ["", *sorted({path.stem.rsplit("_", 1)[0] for path in (HERE / "folds").glob("*.onnx")})]


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
