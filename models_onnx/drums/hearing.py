"""What the model thinks of recorded strikes, each performer heard by a model that never was taught
by them: a fold model for those it was trained on, the one that ships for everybody else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.dsp.mel import BANDS
from engine.dsp.strike import frames_by
from engine.model import MODELS, Model
from engine.units import SAMPLE_RATE, Samples
from models_onnx.drums.data import CLASSES, FRAMES, Strike, features

HERE = MODELS / "drums"
UNITS, EMBEDDING = 96, 48

Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Opinions:
    """The model's outputs for n strikes after each of `FRAMES` frames.

    probabilities : float32 (n, FRAMES, CLASSES)   as a mouth's
    instruments   : float32 (n, FRAMES, 16)        as a real drum's
    embedding     : float32 (n, FRAMES, EMBEDDING)
    may_be        : bool (n, CLASSES)
    alone         : int (n,)                       frames that don't hear the next strike
    who           : str (n,)
    """

    probabilities: Samples
    instruments: Samples
    embedding: Samples
    may_be: NDArray[np.bool_]
    alone: NDArray[np.int64]
    who: Names

    def of(self, rows: NDArray[np.bool_]) -> "Opinions":
        """Some of the strikes."""
        return Opinions(self.probabilities[rows], self.instruments[rows], self.embedding[rows],
                        self.may_be[rows], self.alone[rows], self.who[rows])

    def after(self, ms: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where to look for the opinion so long after the attack: (row, frame) indices."""
        last = np.minimum(frames_by(round(ms * SAMPLE_RATE / 1000)), self.alone) - 1
        return np.arange(len(last)), np.maximum(last, 0)


def model_for(who: str) -> Path:
    """The model that never heard this performer or kit."""
    folds = HERE / "folds" / "folds.json"
    heard_by = json.loads(folds.read_text()) if folds.is_file() else {}
    return HERE / "folds" / f"fold_{heard_by[who]}.onnx" if who in heard_by else HERE / "model.onnx"


def opinions(strikes: Sequence[Strike]) -> Opinions:
    """Play every strike to the model that doesn't know its performer."""
    n = len(strikes)
    shapes = {"probabilities": CLASSES, "instruments": len(DRUMS), "embedding": EMBEDDING}
    found = {name: np.zeros((n, FRAMES, size), np.float32) for name, size in shapes.items()}
    by_model: dict[Path, list[int]] = {}
    for i, strike in enumerate(strikes):
        by_model.setdefault(model_for(strike.who), []).append(i)
    for path, rows in by_model.items():
        outputs = {name: (1, size) for name, size in shapes.items()} | {"next_state": (1, UNITS)}
        model = Model(path, {"frame": (1, BANDS), "state": (1, UNITS)}, outputs)
        for i in rows:
            model.inputs["state"][:] = 0.0
            for j, frame in enumerate(features(strikes[i])):
                model.inputs["frame"][0] = frame
                model.run()
                model.inputs["state"][:] = model.outputs["next_state"]
                for name, array in found.items():
                    array[i, j] = model.outputs[name][0]
    alone = [min(FRAMES, frames_by(int(min(s.alone_s, 9.0) * SAMPLE_RATE))) for s in strikes]
    return Opinions(found["probabilities"], found["instruments"], found["embedding"],
                    np.stack([s.may_be for s in strikes]), np.array(alone),
                    np.array([s.who for s in strikes]))
