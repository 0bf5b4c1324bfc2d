"""The benches of the models: every model beside ONNX Runtime alone, and how long teaching takes."""

import json
from pathlib import Path

from bench import models
from bench.__main__ import main
from engine.model import MODELS


def test_every_model_that_ships_is_measured_beside_onnx_runtime_alone():
    """How fast they are is asked by `make bench-quick`, when no other test runs."""
    report = models.run(quick=True)
    measured = {row["what"].split(",")[0].split("/")[0] for row in report.rows}
    assert measured == {path.parent.name for path in MODELS.glob("*/*.onnx")}
    assert {row["what"].split(", ")[1] for row in report.rows} >= {"kuchi", "onnxruntime"}
    assert all(row["hot, µs"] > 0.0 for row in report.rows)
    assert "drums: times ONNX Runtime alone" in {gate.what for gate in report.gates}


def test_learning_is_timed(tmp_path: Path):
    target = tmp_path / "figures.json"
    main(["teaching", "--quick", "--json", str(target)])
    (row,) = json.loads(target.read_text())["teaching"]["rows"]
    assert row["s"] > 0.0
