"""How long does one step of a model take on stage, and how long does learning five takes?

Each model steps twice: as the engine runs it (`engine.model.Model`), and by ONNX Runtime alone on
the same graph, bound to the same kind of arrays. Hot is one step after another; idle is a step
after 60 ms of sleep, as a strike finds the model. The null control enters ONNX Runtime twice.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

import numpy as np
import onnxruntime

from bench.measure import interleaved, median, one_core
from bench.table import Gate, Report, Row
from engine.drum_model import BUILT_IN, CLASSES, UNITS, drum_model
from engine.learning import MOMENTS_MS, MOST_SOUNDS, SHIFTS_MS, Takes, learn
from engine.model import Model
from engine.naming import MAPPER, ROWS
from models_onnx.mapper.make import INPUTS

DEARER = 1.15                   # than ONNX Runtime alone is the most that a step may cost
STEP_US = {"drums": 120.0}      # the most that a step may cost at all
TEACH_S, TAKES = 1.0, 12        # of sixteen sounds each

IDLE_S = 0.06
_STEPS_A_ROUND = 200
_APART = 0.10


@dataclass(frozen=True, slots=True)
class Contender:
    """A model: its file, and one step of it as the stage takes it."""

    path: Path
    step: Callable[[], object]


def contenders() -> dict[str, Contender]:
    """The models that run while a performer plays."""
    drums, mapper = drum_model(), Model(MAPPER, INPUTS, {"chances": (1, ROWS)})
    return {"drums": Contender(BUILT_IN, drums.run),
            "mapper": Contender(MAPPER, mapper.run)}


def run(quick: bool) -> Report:
    """Measure each model, and learning."""
    rounds, idles = (3, 5) if quick else (31, 200)
    rows: list[Row] = []
    gates: list[Gate] = []
    apart = 0.0
    with one_core():
        for name, model in contenders().items():
            steps = {"kuchi": model.step, "onnxruntime": raw(model.path),
                     "onnxruntime, again": raw(model.path)}
            hot = interleaved({who: _hot(step) for who, step in steps.items()}, rounds)
            idle = interleaved({who: _after_idle(step) for who, step in steps.items()}, idles)
            middle = {who: median(figures) for who, figures in hot.items()}
            apart = max(apart, abs(middle["onnxruntime, again"] / middle["onnxruntime"] - 1.0))
            for who in ("kuchi", "onnxruntime"):
                rows.append({"what": f"{name}, {who}", "hot p50, µs": middle[who],
                             "hot p99, µs": float(np.percentile(hot[who], 99)),
                             "idle p50, µs": median(idle[who]),
                             "idle p99, µs": float(np.percentile(idle[who], 99))})
            gates.append(Gate(f"{name}: a step beside ONNX Runtime's",
                              median(np.divide(hot["kuchi"], hot["onnxruntime"]).tolist()), DEARER))
            if name in STEP_US:
                gates.append(Gate(f"{name}: µs a step", middle["kuchi"], STEP_US[name]))
        gates.append(Gate(f"seconds to learn {MOST_SOUNDS} sounds x {TAKES} takes",
                          _teach_s(), TEACH_S))
    return Report("How long does one step of a model take?  p50 and p99, hot and after 60 ms idle.",
                  rows, gates=[] if quick else gates, void=apart > _APART,
                  rule="ONNX Runtime, entered twice, differs by more than "
                       f"{_APART:.0%} (here {apart:.0%})")


def raw(path: Path) -> Callable[[], object]:
    """A step of ONNX Runtime alone: one thread, every array bound once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options,
                                           providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    arrays = []
    for bind, ports in ((binding.bind_input, session.get_inputs()),
                        (binding.bind_output, session.get_outputs())):
        for port in ports:
            array = np.zeros(port.shape, np.float32)
            arrays.append(array)
            bind(port.name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def step(kept: list[np.ndarray] = arrays) -> object:
        return session.run_with_iobinding(binding)
    return step


def _hot(step: Callable[[], object]) -> Callable[[], float]:
    """Microseconds a step, one after another."""
    def measure() -> float:
        begun = perf_counter_ns()
        for _ in range(_STEPS_A_ROUND):
            step()
        return (perf_counter_ns() - begun) / 1000.0 / _STEPS_A_ROUND
    return measure


def _after_idle(step: Callable[[], object]) -> Callable[[], float]:
    """Microseconds of one step after a pause."""
    def measure() -> float:
        time.sleep(IDLE_S)
        begun = perf_counter_ns()
        step()
        return (perf_counter_ns() - begun) / 1000.0
    return measure


def _teach_s() -> float:
    """Seconds to learn as many sounds as there may be, from random takes."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(MOST_SOUNDS), TAKES * len(SHIFTS_MS))
    shape = (len(labels), len(MOMENTS_MS))
    takes = Takes(rng.uniform(-1.0, 1.0, (*shape, UNITS)).astype(np.float32),
                  rng.dirichlet(np.ones(CLASSES), shape).astype(np.float32), labels,
                  np.arange(len(labels)) // len(SHIFTS_MS))
    names = [f"sound {k}" for k in range(MOST_SOUNDS)]
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        learn(takes, names)
        seconds.append(time.perf_counter() - begun)
    return median(seconds)
