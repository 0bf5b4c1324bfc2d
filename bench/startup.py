"""How long until something can be played?

Each figure is a fresh process: help, a patch checked, a second of audio rendered, the stage ready
without a card. A process of Python that does nothing is the null control.
"""

import subprocess
import sys
from collections.abc import Callable
from time import perf_counter

from bench.measure import interleaved, interval, median
from bench.table import Gate, Report, Row
from engine.errors import KuchiError

_APART = 0.5
_STAGE = """
import time
from engine.live.command import Stage
if __name__ == "__main__":
    stage = Stage(["beatbox-to-daw"], audio=False, tell=lambda text: None)
    end = time.monotonic() + 60
    while stage.ready is None and time.monotonic() < end:
        stage.step(0.01)
    stage.close()
    raise SystemExit(stage.ready is None)
"""
_RENDER = """
import numpy as np
from engine import load_patch, render
for _ in render(load_patch("beatbox-to-daw"), np.zeros(48_000, np.float32)):
    pass
"""
COMMANDS = {
    "Python that does nothing (null control)": ["-c", "pass"],
    "kuchi --help": ["-m", "engine", "--help"],
    "kuchi patch check": ["-m", "engine", "patch", "check", "beatbox-kit"],
    "a second of audio, rendered": ["-c", _RENDER],
    "the stage, ready and closed": ["-c", _STAGE],
}
MUST_S = {"kuchi --help": 0.5, "the stage, ready and closed": 10.0}


def run(quick: bool) -> Report:
    """Start each, in turn, several times; what is compiled is on disk already."""
    rounds = 2 if quick else 11
    for words in COMMANDS.values():
        _timed(words)()
    figures = interleaved({name: _timed(words) for name, words in COMMANDS.items()}, rounds)
    rows: list[Row] = [{"what": name, "s": median(values), "95 %": interval(values)}
                       for name, values in figures.items()]
    null = figures["Python that does nothing (null control)"]
    low, high = interval(null)
    apart = (high - low) / median(null)
    return Report("How long until something can be played?  Seconds, from a warm disk.", rows,
                  gates=[] if quick else [Gate(f"{name}, s", median(figures[name]), limit)
                                          for name, limit in MUST_S.items()],
                  void=apart > _APART,
                  rule=f"starting Python itself wavers by more than {_APART:.0%} (here "
                       f"{apart:.0%})")


def _timed(words: list[str]) -> Callable[[], float]:
    def once() -> float:
        begin = perf_counter()
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
        if done.returncode:
            raise KuchiError(f"startup: {' '.join(words[:3])}: {done.stderr.strip()}")
        return perf_counter() - begin
    return once
