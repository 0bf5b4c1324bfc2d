"""What a take is like in a few figures, and how far two sets of takes lie apart."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.music.drum_maps import NINE
from engine.music.pattern import Pattern

BARS = 16
KICK, SNARE = NINE.index("kick"), NINE.index("snare")

Bars = NDArray[np.bool_]
Measure = Callable[[Pattern, float], float]


def bars_of(take: Pattern) -> Bars:
    """What is struck, bool (bars, steps, 9); a last bar that isn't whole is left out."""
    whole = take.steps // take.steps_per_bar
    return (take.hits[:whole * take.steps_per_bar] > 0.0).reshape(
        whole, take.steps_per_bar, len(NINE))


def alike(one: Bars, other: Bars) -> float:
    """The strokes two bars share, of those either has; two silent bars are alike."""
    either = (one | other).sum()
    return float((one & other).sum() / either) if either else 1.0


def hits_a_bar(take: Pattern, step_ms: float) -> float:
    """How many strokes a bar has."""
    return float(bars_of(take).sum(axis=(1, 2)).mean())


def kick_on_one(take: Pattern, step_ms: float) -> float:
    """The share of bars that begin with the kick."""
    return float(bars_of(take)[:, 0, KICK].mean())


def backbeat(take: Pattern, step_ms: float) -> float:
    """The share of second and fourth beats with the snare on them."""
    quarter = take.steps_per_bar // 4
    return float(bars_of(take)[:, [quarter, 3 * quarter], SNARE].mean())


def similarity(take: Pattern, step_ms: float) -> float:
    """How alike a bar and the next one are."""
    return float(np.mean([alike(one, other) for one, other in pairwise(bars_of(take))]))


def velocity_spread(take: Pattern, step_ms: float) -> float:
    """The standard deviation of velocity, of 127."""
    return 127.0 * float(take.hits[take.hits > 0.0].std())


def timing_spread(take: Pattern, step_ms: float) -> float:
    """The standard deviation of lateness, ms."""
    return step_ms * float(take.offsets[take.hits > 0.0].std())


MEASURES: dict[str, Measure] = {
    "hits_a_bar": hits_a_bar, "kick_on_one": kick_on_one, "backbeat": backbeat,
    "similarity": similarity, "velocity_spread": velocity_spread, "timing_spread_ms": timing_spread,
}


def unlike_any(made: Pattern, history: Pattern) -> float:
    """How new the bars are: one minus their likeness to the most alike bar of the history."""
    before = bars_of(history)
    return 1.0 - float(np.mean([max(alike(bar, old) for old in before) for bar in bars_of(made)]))


def rank_correlation(settings: Sequence[float], figures: Sequence[float]) -> float:
    """Spearman's, ties sharing their ranks; 0 where nothing changes."""
    one, other = _ranks(settings), _ranks(figures)
    if one.std() == 0.0 or other.std() == 0.0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values)
    return np.asarray(0.5 * (below + np.searchsorted(ordered, values, "right") - 1), np.float64)
