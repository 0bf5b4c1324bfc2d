"""Questions to drivers and clocks that may hang, asked by processes that are thrown away."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import DeviceError

LISTEN_S = 3.0
_TIMER_S = 2.0
_BUSY_S = 2.0

_ASK = """
import json, os, sys
from engine.devices import probes
from engine.errors import KuchiError
try:
    found = getattr(probes, sys.argv[1])(*sys.argv[2:])
except KuchiError as error:
    found = str(error)
os.write(1, b"\\n" + json.dumps(found).encode())
os._exit(0)                                 # not by way of the drivers, which may hang
"""


def ask(question: str, *words: str, deadline_s: float) -> Any:
    """The answer of one of the functions below; text where it found something it can't use.

    Raises DeviceError where there is none in time.
    """
    process = subprocess.Popen([sys.executable, "-c", _ASK, question, *words], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        said, _ = process.communicate(timeout=deadline_s)
        return json.loads(said.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise DeviceError(f"no answer within {deadline_s:.0f} s") from None
    except (json.JSONDecodeError, IndexError):
        raise DeviceError("the question ended without an answer") from None
    finally:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)               # one that hangs in a driver can't even be killed


def midi() -> dict[str, Any]:
    """The sequencer and its ports."""
    from engine.devices.midi import Sequencer
    sequencer = Sequencer()
    return {"api": sequencer.api, "inputs": sequencer.inputs(), "outputs": sequencer.outputs()}


def timer() -> dict[str, Any]:
    """What priority the engine gets, and how late it is woken by a timer of 1 ms."""
    from engine.devices.priority import quieten
    words = quieten("engine")
    late, end = [], time.monotonic() + _TIMER_S
    due = time.monotonic()
    while due < end:
        due = max(due, time.monotonic()) + 0.001
        time.sleep(due - time.monotonic())
        late.append((time.monotonic() - due) * 1000.0)
    late.sort()
    return {"words": words, "real_time": _is_real_time(),
            "asked": hasattr(os, "sched_setscheduler"), "p50_ms": late[len(late) // 2],
            "p99_ms": late[len(late) * 99 // 100], "max_ms": late[-1]}


def _is_real_time() -> bool:
    if not hasattr(os, "sched_getscheduler"):
        return False
    policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    return policy in (os.SCHED_FIFO, os.SCHED_RR)


def warm_up() -> dict[str, float]:
    """How long a patch takes to be ready (libraries, model, kernels), and then its hops."""
    began = time.perf_counter()
    from engine.clock import Clock
    from engine.devices.priority import quieten
    from engine.graph import Graph
    from engine.node import Context
    from engine.nodes.drum_classifier import DrumClassifier
    from engine.patch import load_patch
    from engine.units import HOP, SAMPLE_RATE
    patch = load_patch("beatbox-kit")
    imported = time.perf_counter()
    DrumClassifier().prepare(Context(Clock(), Path()))
    loaded = time.perf_counter()
    graph = Graph(patch)
    built = time.perf_counter()
    quieten("engine")
    hops = sorted(_hops(graph))
    return {"imports_s": imported - began, "model_s": loaded - imported,
            "kernels_s": built - loaded, "hop_ms": hops[len(hops) * 99 // 100],
            "period_ms": 1000.0 * HOP / SAMPLE_RATE}


def _hops(graph: Any) -> Iterator[float]:
    """How long each hop takes, ms, while something is struck ten times a second."""
    import numpy as np

    from engine.units import HOP, SAMPLE_RATE
    burst = np.random.default_rng(0).standard_normal((SAMPLE_RATE // 10, 1))
    burst *= 0.1 * np.exp(-np.arange(len(burst)) / 960.0)[:, None]
    sound = np.tile(burst.astype(np.float32), (round(_BUSY_S * 10), 1))
    target = np.zeros((HOP, 2), np.float32)
    for start in range(0, len(sound) - HOP, HOP):
        begin = time.perf_counter()
        graph.hear(sound[start:start + HOP], target)
        graph.take()
        yield (time.perf_counter() - begin) * 1000.0


def microphone(device: str, channel: str) -> dict[str, Any]:
    """A few seconds of input, judged."""
    from engine.devices.portaudio import record
    from engine.rehearsal.microphone import listen
    recorded, name = record(LISTEN_S, device, lambda _seconds, _peak: None)
    sound = listen(recorded.mean(axis=1) if channel == "1+2" else
                   recorded[:, min(int(channel), recorded.shape[1]) - 1])
    return {"device": name, "peak_db": None if sound.silent else sound.peak_db,
            "mends": sound.mends}


def cards() -> list[dict[str, Any]]:
    """Every sound card, with advice where its rate isn't ours."""
    from engine.devices.sound_cards import as_data, scan
    found = scan()
    return [{**data, "advice": _advice(card)}
            for data, card in zip(as_data(found), found, strict=True)]


def _advice(card: Any) -> str:
    try:
        card.check_rate()
    except DeviceError as error:
        return str(error)
    return ""
