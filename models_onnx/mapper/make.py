"""Write the mapper's graph: `python -m models_onnx.mapper.make`. A second; always the same bytes.

There is nothing to train: a profile's heads are its weights, and they come in as inputs, so that
one graph serves every performer, every moment, and 2 to 16 sounds. What it gives is compared with
`engine.voice.learning.probabilities`, the same sum in numpy.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.errors import GateError
from engine.voice.drum_model import CLASSES, MEMORY
from engine.voice.learning import DOUBT, MOMENTS_MS, Heads, probabilities
from engine.voice.naming import ROWS, WIDTH, HeadGraph

HERE = Path(__file__).parent
CLOSE = 1e-5                    # the graph and numpy may differ by this much

INPUTS = {"features": (1, WIDTH), "general": (1, CLASSES), "weights": (ROWS, WIDTH),
          "bias": (1, ROWS), "blend": (1, ROWS), "kin": (CLASSES, ROWS)}

STEPS = (("MatMul", ("general", "kin"), "meant"), ("Add", ("meant", "doubt"), "dared"),
         ("Log", ("dared",), "said"), ("Mul", ("said", "blend"), "others"),
         ("Gemm", ("features", "weights", "bias"), "own"), ("Add", ("own", "others"), "logits"),
         ("Softmax", ("logits",), "chances"))
"""Inputs and output of each step; the names are those of `engine.voice.learning`'s formula."""


def graph() -> onnx.ModelProto:
    """logits = weights @ features + bias + blend * log(general @ kin + doubt), then softmax."""
    nodes = [helper.make_node(kind, list(takes), [gives]) for kind, takes, gives in STEPS]
    nodes[4].attribute.append(helper.make_attribute("transB", 1))
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
             for name, shape in (*INPUTS.items(), ("chances", (1, ROWS)))]
    doubt = numpy_helper.from_array(np.array([DOUBT], np.float32), "doubt")
    made = helper.make_model(
        helper.make_graph(nodes, "mapper", ports[:-1], ports[-1:], [doubt]),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="kuchi")
    onnx.checker.check_model(made)
    return made


def apart(path: Path, sounds: int, seed: int = 0) -> float:
    """How far the graph is from numpy at any moment, for random heads and strikes."""
    rng = np.random.default_rng(seed)
    moments = len(MOMENTS_MS)
    heads = Heads(tuple(map(str, range(sounds))),
                  rng.standard_normal((moments, sounds + 1, MEMORY)).astype(np.float32),
                  rng.standard_normal((moments, sounds + 1)).astype(np.float32),
                  rng.uniform(0.0, 1.0, (moments, sounds + 1)).astype(np.float32),
                  (rng.random((CLASSES, sounds + 1)) < 0.1).astype(np.float32))
    mapper, most = HeadGraph(heads, path), 0.0
    for moment in range(moments):
        features = rng.uniform(-1.0, 1.0, MEMORY).astype(np.float32)
        general = rng.dirichlet(np.full(CLASSES, 0.2)).astype(np.float32)
        wanted = probabilities(heads, moment, features, general)
        given = mapper.weigh(moment, features, general)
        most = max(most, float(np.abs(given[:sounds] - wanted[:-1]).max()),
                   abs(float(given[-1] - wanted[-1])))
    return most


def main() -> None:
    """Write model.onnx, and compare it."""
    path = HERE / "model.onnx"
    onnx.save(graph(), path)
    for sounds in (2, 3, 16):
        found = apart(path, sounds)
        if found > CLOSE:
            raise GateError(f"{path}: differs from numpy by {found:.1e} at {sounds} sounds, "
                            f"more than {CLOSE:.0e}")
        print(f"{sounds} sounds: {found:.1e} from numpy")


if __name__ == "__main__":
    main()
