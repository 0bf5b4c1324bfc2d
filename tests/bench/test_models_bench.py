"""The bench of the models: every model beside ONNX Runtime alone, and how long teaching takes."""

import json
from pathlib import Path

from bench import models
from bench.__main__ import main


def test_every_model_is_measured_beside_onnx_runtime_alone(tmp_path: Path):
    target = tmp_path / "figures.json"
    main(["models", "--quick", "--json", str(target)])
    written = json.loads(target.read_text())["models"]
    assert [row["what"] for row in written["rows"]] == [
        f"{name}, {who}" for name in models.contenders() for who in ("kuchi", "onnxruntime")]
    assert all(row[f"{when} {part}, µs"] > 0.0 for row in written["rows"]
               for when in ("hot", "idle") for part in ("p50", "p99"))
    assert written["gates"] == []
