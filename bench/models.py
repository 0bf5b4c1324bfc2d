"""How long does a step of each model that ships take, hot and after a pause, and what does it hold?

Each model steps three ways: as the engine runs it (`engine.model.Model`), by ONNX Runtime alone
with every array bound, one thread and no spinning, and, for the drum model and where torch is
there, by TorchScript. Hot is one step after another; 60 and 500 ms are a step after such a pause.
The null control enters ONNX Runtime twice.
"""

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
import onnxruntime

from bench.measure import interleaved, interval, median, one_core
from bench.memory import _held_mb
from bench.table import Gate, Report, Row
from engine.model import MODELS, Model

MUST_RAW, MUST_TORCH = 1.25, 2.0
_PAUSES_S = (0.06, 0.5)
_STEPS = 100
_APART = 0.10
_TORCH = "drums"                            # the model that is called while a performer plays

Step = Callable[[], object]


def run(quick: bool) -> Report:
    """Measure every model in turn."""
    rounds, pauses = (5, 2) if quick else (31, 15)
    rows: list[Row] = []
    gates: list[Gate] = []
    apart = 0.0
    paths = {path.parent.name if path.stem == "model" else f"{path.parent.name}/{path.stem}": path
             for path in sorted(MODELS.glob("*/*.onnx"))}
    with one_core():
        for name, path in paths.items():
            held = _held_mb(peak=False)
            steps: dict[str, Step] = {"kuchi": _ours(path)}
            held = _held_mb(peak=False) - held
            steps |= {"onnxruntime": _raw(path), "onnxruntime, again": _raw(path)}
            if name == _TORCH and _there("torch"):
                steps["TorchScript"] = _torch_script()
            hot = interleaved({who: _hot(step) for who, step in steps.items()}, rounds)
            cold = {pause: interleaved({who: _after(step, pause) for who, step in steps.items()
                                        if "again" not in who}, pauses) for pause in _PAUSES_S}
            middle = {who: median(values) for who, values in hot.items()}
            apart = max(apart, abs(middle["onnxruntime, again"] / middle["onnxruntime"] - 1.0))
            for who in steps:
                if "again" not in who:
                    rows.append({
                        "what": f"{name}, {who}", "hot, µs": middle[who],
                        "95 %": interval(hot[who]),
                        **{f"after {1000 * pause:g} ms": median(cold[pause][who])
                           for pause in _PAUSES_S},
                        "holds, MB": held if who == "kuchi" else None})
            if name == _TORCH:
                gates.append(Gate(f"{name}: times ONNX Runtime alone",
                                  middle["kuchi"] / middle["onnxruntime"], MUST_RAW))
            if "TorchScript" in middle:
                gates.append(Gate(f"{name}: times faster than TorchScript",
                                  middle["TorchScript"] / middle["kuchi"], MUST_TORCH,
                                  at_least=True))
    return Report("How long does a step of each model take, hot and after a pause?  µs, medians.",
                  rows, gates=gates, void=apart > _APART,
                  rule=f"ONNX Runtime, entered twice, differs by more than {_APART:.0%} "
                       f"(here {apart:.0%})",
                  notes=[] if _there("torch") else ["not installed: torch"])


def _there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _ours(path: Path) -> Step:
    """As the engine runs it, whatever its shapes are."""
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    inputs, outputs = ({port.name: tuple(port.shape) for port in ports}
                       for ports in (session.get_inputs(), session.get_outputs()))
    return Model(path, inputs, outputs).run


def _raw(path: Path) -> Step:
    """ONNX Runtime alone: one thread, no spinning, every array bound once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path.read_bytes(), options,
                                           providers=["CPUExecutionProvider"])
    binding, arrays = session.io_binding(), []
    for bind, ports in ((binding.bind_input, session.get_inputs()),
                        (binding.bind_output, session.get_outputs())):
        for port in ports:
            array = np.zeros(port.shape, np.float32)
            arrays.append(array)
            bind(port.name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def step(kept: list[np.ndarray] = arrays) -> object:
        return session.run_with_iobinding(binding)
    return step


def _torch_script() -> Step:
    """The drum model's own network, traced and frozen, on one thread; its weights don't matter."""
    torch: Any = importlib.import_module("torch")
    train: Any = importlib.import_module("models_onnx.drums.train")
    torch.set_num_threads(1)
    blank = torch.zeros(1, train.WIDTH), torch.zeros(1, train.UNITS)
    with torch.inference_mode():
        traced = torch.jit.freeze(torch.jit.trace(train.Step(train.Ear()).eval(), blank).eval())

    def step() -> object:
        with torch.inference_mode():
            return traced(*blank)
    for _ in range(20):
        step()
    return step


def _hot(step: Step) -> Callable[[], float]:
    def measure() -> float:
        begin = perf_counter_ns()
        for _ in range(_STEPS):
            step()
        return (perf_counter_ns() - begin) / 1000.0 / _STEPS
    return measure


def _after(step: Step, pause_s: float) -> Callable[[], float]:
    def measure() -> float:
        time.sleep(pause_s)
        begin = perf_counter_ns()
        step()
        return (perf_counter_ns() - begin) / 1000.0
    return measure
