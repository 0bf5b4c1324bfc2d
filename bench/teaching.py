"""How long does it take to learn a performer's sounds?  As many as may be, twelve takes each.

The takes are random: what is learnt costs the same whatever they are. The null control is a
matrix product of numpy's, before and after.
"""

import time
from collections.abc import Callable

import numpy as np

from bench.measure import median, one_core
from bench.table import Gate, Report
from engine.voice.drum_model import CLASSES, MEMORY
from engine.voice.learning import MOMENTS_MS, MOST_SOUNDS, SHIFTS_MS, Takes, learn

MOST_S, TAKES = 1.0, 12
_ROUNDS, _APART = 5, 0.25


def run(quick: bool) -> Report:
    """Learn it again and again."""
    takes, names = random_takes(), [f"sound {k}" for k in range(MOST_SOUNDS)]
    rounds = 1 if quick else _ROUNDS
    with one_core():
        before = _seconds(_null, rounds)
        learning = _seconds(lambda: learn(takes, names), rounds)
        after = _seconds(_null, rounds)
    apart = abs(after / before - 1.0)
    return Report("How long does it take to learn a performer's sounds?  Seconds, median.",
                  [{"what": f"{MOST_SOUNDS} sounds x {TAKES} takes", "s": learning}],
                  void=apart > _APART,
                  rule=f"numpy's own product changed by more than {_APART:.0%} (here {apart:.0%})",
                  gates=[] if quick else [Gate("seconds to learn", learning, MOST_S)])


def random_takes() -> Takes:
    """As many takes as a profile may hold, of sounds that say nothing."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(MOST_SOUNDS), TAKES * len(SHIFTS_MS))
    shape = (len(labels), len(MOMENTS_MS))
    return Takes(rng.uniform(-1.0, 1.0, (*shape, MEMORY)).astype(np.float32),
                 rng.dirichlet(np.ones(CLASSES), shape).astype(np.float32), labels,
                 np.arange(len(labels)) // len(SHIFTS_MS))


def _null() -> object:
    side = np.ones((1500, 1500), np.float32)
    return side @ side


def _seconds(act: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return median(taken)
