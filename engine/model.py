"""A trained model on stage: one ONNX file, fixed shapes, one thread, no copies.

The arrays a model reads and writes are made once and bound to it, so a step is: fill the inputs,
`run`, read the outputs.

    model = Model(MODELS / "drums" / "model.onnx", {"frame": (1, 40)}, {"drums": (1, 17)})
    model.inputs["frame"][:] = frame
    model.run()
    model.outputs["drums"]

A model that isn't what the node needs is refused while the patch loads, never on stage.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numba import njit

from engine.audio.intrinsics import flush_denormals, restore_denormals
from engine.errors import ModelError

MODELS = Path(__file__).parents[1] / "models_onnx"
"""The models that come with Kuchi, a folder each."""

Shape = tuple[int, ...]

_WARM_RUNS = 3                 # the first run plans memory; after that none is asked for
_EXTERNAL = b"\x08location"    # the key under which ONNX names a file with weights outside


class Model:
    """An ONNX model, loaded, checked against the shapes asked for, and warm.

    inputs, outputs : name -> float32 array of the shape asked for, the same array for ever

    Raises ModelError where the file is missing, isn't ONNX, keeps weights in other files, or has
    other names or shapes. Not for two threads at once.
    """

    def __init__(self, path: Path, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
                 ) -> None:
        self.path = path
        self._session = _session(path)
        _check(path, "input", self._session.get_inputs(), inputs)
        _check(path, "output", self._session.get_outputs(), outputs)
        self.inputs = {name: np.zeros(shape, np.float32) for name, shape in inputs.items()}
        self.outputs = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
        self._binding = self._session.io_binding()
        for name, array in self.inputs.items():
            self._binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for name, array in self.outputs.items():
            self._binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for _ in range(_WARM_RUNS):
            self.run()

    @property
    def notes(self) -> Mapping[str, str]:
        """What is written in the file beside the graph, by name."""
        notes: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return notes

    def run(self) -> None:
        """One step: from what stands in `inputs` to `outputs`. Releases the GIL."""
        before = _flush()
        self._session.run_with_iobinding(self._binding)
        _restore(before)


@njit(cache=True, nogil=True, error_model="numpy")
def _flush() -> int:
    """A fading state would end in denormals, thirty times slower: in this thread they are zero.

    The session's own setting for that reaches only the thread that made the first session.
    """
    return flush_denormals()


@njit(cache=True, nogil=True, error_model="numpy")
def _restore(before: int) -> None:
    """Give the thread back as it was found."""
    restore_denormals(before)


def _session(path: Path) -> onnxruntime.InferenceSession:
    """Load a file for one quiet thread."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: no model can be read there ({error.strerror}); "
                         "name an .onnx file, or leave `model` out for the built-in one") from None
    if _EXTERNAL in content:
        raise ModelError(f"{path}: keeps weights in other files; a model is one file, "
                         "so export it with the weights inside")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False                   # it takes more time, and more memory
    options.log_severity_level = 4                         # what is wrong is said below, once
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:          # its errors share no narrower class
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        raise ModelError(f"{path}: not an ONNX model that can be run ({reason})") from None


def _check(path: Path, kind: str, found: list[Any], wanted: Mapping[str, Shape]) -> None:
    """Names, shapes and types are exactly the ones asked for."""
    shapes = {node.name: tuple(node.shape) for node in found}
    if set(shapes) != set(wanted):
        raise ModelError(f"{path}: has the {kind}s {', '.join(sorted(shapes))}; "
                         f"needed are {', '.join(sorted(wanted))}")
    for node in found:
        if node.type != "tensor(float)":
            raise ModelError(f'{path}: {kind} "{node.name}" is a {node.type}; '
                             "Kuchi's models speak float32")
        if shapes[node.name] != tuple(wanted[node.name]):
            raise ModelError(f'{path}: {kind} "{node.name}" has the shape '
                             f"{_shape(shapes[node.name])}; needed is {_shape(wanted[node.name])}")


def _shape(shape: tuple[Any, ...]) -> str:
    """`1 x 40`; an axis without a fixed length is called by its name or `any`."""
    return " x ".join(str(axis) if axis is not None else "any" for axis in shape) or "a number"
