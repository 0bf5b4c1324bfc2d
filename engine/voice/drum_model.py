"""The drum model as every part of Kuchi asks it: its file, its shapes, and which one it is."""

from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import numpy as np

from engine.drums import DRUMS
from engine.dsp.strike import LINGERING, WIDTH, linger
from engine.errors import ModelError
from engine.model import MODELS, Model
from engine.units import Samples

UNITS = 160                     # the model's state
NAMING = 96                     # of them tell which drum it is; the others, whether it is one
MEMORY = UNITS + LINGERING      # of one strike: the state, and the bands as they linger
EMBEDDING = 48
CLASSES = len(DRUMS) + 1        # and the last is none of them

SPREAD = "spread"               # the note that tells it: base64 of float16 (UNITS, UNITS)

BUILT_IN = MODELS / "drums" / "model.onnx"


def drum_model(path: Path = BUILT_IN) -> Model:
    """A drum model, warm. Raises ModelError where it is missing or of other shapes."""
    return Model(path, {"frame": (1, WIDTH), "state": (1, UNITS)},
                 {"probabilities": (1, CLASSES), "instruments": (1, len(DRUMS)),
                  "embedding": (1, EMBEDDING), "next_state": (1, UNITS)})


def hear_on(model: Model, memory: Samples) -> None:
    """One step, with the frame in `model.inputs`.

    memory : float32 (MEMORY,)   of this strike, overwritten; begins as zeros
    """
    model.inputs["state"][0] = memory[:UNITS]
    model.run()
    memory[:UNITS] = model.outputs["next_state"][0]
    linger(model.inputs["frame"][0], memory[UNITS:])


def spread_of(model: Model) -> Samples | None:
    """How the state varies from strike to strike of one sound, as the model's file tells it.

    returns : float32 (UNITS, UNITS), the covariance over voices that the model was trained on; 1 is
              what a lingering band varies by. None where the file doesn't tell it.

    Raises ModelError where it tells something else.
    """
    if SPREAD not in model.notes:
        return None
    told = np.frombuffer(b64decode(model.notes[SPREAD]), "<f2").astype(np.float32)
    if len(told) != UNITS * UNITS or not np.isfinite(told).all():
        raise ModelError(f'{model.path}: its note "{SPREAD}" isn\'t a covariance of {UNITS} units: '
                         "make it anew with: python -m models_onnx.drums.spread")
    return told.reshape(UNITS, UNITS)


def fingerprint(path: Path = BUILT_IN) -> str:
    """What tells this model from another: what was learned with one means nothing to the next."""
    return sha256(path.read_bytes() + f"{MEMORY}".encode()).hexdigest()[:16]
