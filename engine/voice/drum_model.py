"""The drum model as every part of Kuchi asks it: its file, its shapes, and which one it is."""

from hashlib import sha256
from pathlib import Path

from engine.drums import DRUMS
from engine.dsp.strike import LINGERING, WIDTH, linger
from engine.model import MODELS, Model
from engine.units import Samples

UNITS = 160                     # the model's state
MEMORY = UNITS + LINGERING      # of one strike: the state, and the bands as they linger
EMBEDDING = 48
CLASSES = len(DRUMS) + 1        # and the last is none of them

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


def fingerprint(path: Path = BUILT_IN) -> str:
    """What tells this model from another: what was learned with one means nothing to the next."""
    return sha256(path.read_bytes() + f"{MEMORY}".encode()).hexdigest()[:16]
