"""The drum model as every part of Kuchi asks it: its file, its shapes, and which one it is."""

from hashlib import sha256
from pathlib import Path

from engine.drums import DRUMS
from engine.dsp.strike import WIDTH
from engine.model import MODELS, Model

UNITS = 160                     # the model's memory of one strike
EMBEDDING = 48
CLASSES = len(DRUMS) + 1        # and the last is none of them

BUILT_IN = MODELS / "drums" / "model.onnx"


def drum_model(path: Path = BUILT_IN) -> Model:
    """A drum model, warm. Raises ModelError where it is missing or of other shapes."""
    return Model(path, {"frame": (1, WIDTH), "state": (1, UNITS)},
                 {"probabilities": (1, CLASSES), "instruments": (1, len(DRUMS)),
                  "embedding": (1, EMBEDDING), "next_state": (1, UNITS)})


def fingerprint(path: Path = BUILT_IN) -> str:
    """What tells this model from another: what was learned with one means nothing to the next."""
    return sha256(path.read_bytes()).hexdigest()[:16]
