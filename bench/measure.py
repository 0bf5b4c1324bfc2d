"""Measuring beside other work: rounds taken in turn, medians with their doubt, one core."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int
                ) -> dict[str, list[float]]:
    """Each contender once a round, in an order drawn anew: bad moments hit all alike.

    contenders : name -> measure once, returning the figure
    returns    : name -> a figure a round
    """
    rng = np.random.Generator(np.random.PCG64(0))
    order = list(contenders)
    figures: dict[str, list[float]] = {name: [] for name in order}
    for _ in range(rounds):
        for place in rng.permutation(len(order)):
            figures[order[place]].append(contenders[order[place]]())
    return figures


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return float(np.median(values))


def interval(values: Sequence[float], draws: int = 1000,
             middle: Callable[..., NDArray[np.float64]] = np.median) -> tuple[float, float]:
    """Where the median, or the mean, lies with 95 % certainty, by bootstrap; the same each time."""
    rng = np.random.Generator(np.random.PCG64(0))
    drawn = rng.choice(np.asarray(values), (draws, len(values)))
    low, high = np.percentile(middle(drawn, axis=1), [2.5, 97.5])
    return float(low), float(high)


def percentiles_us(durations_ns: NDArray[np.int64]) -> dict[str, float]:
    """p50, p99, p99.9 and the maximum of durations, in microseconds."""
    p50, p99, p999 = np.percentile(durations_ns, [50.0, 99.0, 99.9]) / 1000.0
    return {"p50 µs": float(p50), "p99 µs": float(p99), "p99.9 µs": float(p999),
            "max µs": float(durations_ns.max()) / 1000.0}


@contextmanager
def one_core() -> Iterator[bool]:
    """Stay on one core, where the system allows it; gives whether it does."""
    if not hasattr(os, "sched_setaffinity"):
        yield False
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, allowed)
