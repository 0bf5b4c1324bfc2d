"""The benches of the models: every model beside ONNX Runtime alone, and how long teaching takes."""

import json
from pathlib import Path

from bench.__main__ import main
from engine.model import MODELS


def test_every_model_that_ships_is_measured_beside_onnx_runtime_alone(tmp_path: Path):
    target = tmp_path / "figures.json"
    main(["models", "--quick", "--json", str(target)])
    rows = json.loads(target.read_text())["models"]["rows"]
    measured = {row["what"].split(",")[0].split("/")[0] for row in rows}
    assert measured == {path.parent.name for path in MODELS.glob("*/*.onnx")}
    assert {row["what"].split(", ")[1] for row in rows} >= {"kuchi", "onnxruntime"}
    assert all(row["hot, µs"] > 0.0 for row in rows)


def test_learning_is_timed(tmp_path: Path):
    target = tmp_path / "figures.json"
    main(["teaching", "--quick", "--json", str(target)])
    (row,) = json.loads(target.read_text())["teaching"]["rows"]
    assert row["s"] > 0.0
