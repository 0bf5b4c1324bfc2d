"""The drum model as ONNX, written by hand: one product steps both its networks at once.

For that the second, which is no larger, is filled up with units that stay 0; they lie at the end of
the memory and are cut off. What torch exports of the same networks takes a quarter longer.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engine.drums import DRUMS
from engine.dsp.strike import WIDTH
from engine.voice.drum_model import CLASSES, EMBEDDING, UNITS

GRUS = "gru", "doubt"           # one names; the other, no larger, tells if there is what to name
NAMES, REFUSES = ("voice", "drum", "place"), "none"     # what each of them says

INPUTS = {"frame": WIDTH, "state": UNITS}
OUTPUTS = {"probabilities": CLASSES, "instruments": len(DRUMS), "embedding": EMBEDDING,
           "next_state": UNITS}

Weights = Mapping[str, NDArray[np.float32]]
"""What was learnt, by torch's names."""

_STEPS = (
    ("Gemm", ("frame", "from_frame", "bias"), ("new_flat",)),
    ("Reshape", ("new_flat", "gates_shape"), ("new",)),             # (2, 1, 3 * size)
    ("Pad", ("state", "filling"), ("filled",)),
    ("Reshape", ("filled", "networks_shape"), ("old",)),            # (2, 1, size)
    ("MatMul", ("old", "from_state"), ("kept_plain",)),
    ("Add", ("kept_plain", "kept_bias"), ("kept",)),
    ("Split", ("new", "two_and_one"), ("new_gates", "new_content")),
    ("Split", ("kept", "two_and_one"), ("kept_gates", "kept_content")),
    ("Add", ("new_gates", "kept_gates"), ("open",)),
    ("Sigmoid", ("open",), ("gates",)),
    ("Split", ("gates",), ("reset", "update")),
    ("Mul", ("reset", "kept_content"), ("recalled",)),
    ("Add", ("new_content", "recalled"), ("content",)),
    ("Tanh", ("content",), ("candidate",)),
    ("Sub", ("old", "candidate"), ("change",)),
    ("Mul", ("update", "change"), ("stays",)),
    ("Add", ("candidate", "stays"), ("next",)),
    ("Reshape", ("next", "filled_shape"), ("next_filled",)),
    ("Slice", ("next_filled", "from_0", "to_units", "of_axis"), ("next_state",)),
    ("Gemm", ("next_filled", "heads", "heads_bias"), ("said",)),
    ("Split", ("said", "outputs"), ("voice", "drum", "place", "doubt")),
    ("ReduceLogSumExp", ("voice",), ("any",)),
    ("Add", ("any", "doubt"), ("none",)),                           # so that its share is sigmoid
    ("Concat", ("voice", "none"), ("opinion",)),
    ("Softmax", ("opinion",), ("probabilities",)),
    ("Softmax", ("drum",), ("instruments",)),
    ("LpNormalization", ("place",), ("embedding",)),
)
"""Inputs and outputs of each step: K. Cho et al., "Learning Phrase Representations", 2014, but the
reset gate is applied after the product, as in torch."""

_ALONG = {"Concat": 1, "Split": -1, "Softmax": -1, "LpNormalization": -1}


def graph(weights: Weights) -> onnx.ModelProto:
    """One frame of one strike, from the weights of `train.Ear`."""
    size = _size(weights, GRUS[0])
    constants = {
        **_stepping(weights, size), **_opinion(weights, size),
        "gates_shape": np.array([len(GRUS), 1, 3 * size]),
        "networks_shape": np.array([len(GRUS), 1, size]),
        "filled_shape": np.array([1, len(GRUS) * size]),
        "filling": np.array([0, 0, 0, len(GRUS) * size - UNITS]),
        "from_0": np.array([0]), "to_units": np.array([UNITS]), "of_axis": np.array([1]),
        "two_and_one": np.array([2 * size, size]),
        "outputs": np.array([len(DRUMS), len(DRUMS), EMBEDDING, 1])}
    nodes = [helper.make_node(kind, takes, gives) for kind, takes, gives in _STEPS]
    for node in nodes:
        if node.op_type in _ALONG:
            node.attribute.append(helper.make_attribute("axis", _ALONG[node.op_type]))
    inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width])
                        for name, width in ports.items()] for ports in (INPUTS, OUTPUTS))
    made = helper.make_model(
        helper.make_graph(nodes, "drums", inputs, outputs,
                          [numpy_helper.from_array(a, name) for name, a in constants.items()]),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="kuchi")
    onnx.checker.check_model(made, full_check=True)
    return made


def _size(weights: Weights, gru: str) -> int:
    return weights[f"{gru}.weight_hh_l0"].shape[1]


def _stepping(weights: Weights, size: int) -> dict[str, NDArray[np.float32]]:
    """The GRUs side by side; what one doesn't hear of a frame has rows of zeros."""
    from_frame = np.zeros((WIDTH, len(GRUS), 3, size), np.float32)
    from_state = np.zeros((len(GRUS), size, 3, size), np.float32)
    bias, kept_bias = np.zeros((2, len(GRUS), 3, size), np.float32)
    for k, gru in enumerate(GRUS):
        own = _size(weights, gru)
        into, again = weights[f"{gru}.weight_ih_l0"].T, weights[f"{gru}.weight_hh_l0"].T
        from_frame[:len(into), k, :, :own] = into.reshape(-1, 3, own)
        from_state[k, :own, :, :own] = again.reshape(own, 3, own)
        bias[k, :, :own] = weights[f"{gru}.bias_ih_l0"].reshape(3, own)
        kept_bias[k, :, :own] = weights[f"{gru}.bias_hh_l0"].reshape(3, own)
    return {"from_frame": from_frame.reshape(WIDTH, -1), "bias": bias.reshape(-1),
            "from_state": from_state.reshape(len(GRUS), size, -1),
            "kept_bias": kept_bias.reshape(len(GRUS), 1, -1)}


def _opinion(weights: Weights, size: int) -> dict[str, NDArray[np.float32]]:
    """From all that is remembered to all that is said; columns as in "outputs"."""
    names = np.concatenate([weights[f"{name}.weight"] for name in NAMES])
    refuses = weights[f"{REFUSES}.weight"]
    heads = np.zeros((len(GRUS), size, len(names) + 1), np.float32)
    heads[0, :names.shape[1], :-1], heads[1, :refuses.shape[1], -1] = names.T, refuses[0]
    return {"heads": heads.reshape(len(GRUS) * size, -1),
            "heads_bias": np.concatenate([weights[f"{name}.bias"] for name in (*NAMES, REFUSES)])}
