"""Scores: F-measure, means over performers with their intervals, few takes of one's own."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.units import Samples
from models_onnx.drums.hearing import Opinions

KICK, SNARE, CLOSED, OPEN = (DRUMS.index(d) for d in ("kick", "snare", "hihat_closed", "hihat_open"))
UNKNOWN = -1

LEAST = 4                   # hits of each sound: with fewer a performer isn't counted
BOOTSTRAPS = 2_000
SHARPNESS = 8.0             # of the distance to a prototype, in nats
GENERAL = 0.5               # weight of what everybody's sounds say beside one's own takes

Labels = NDArray[np.int64]


def three(probabilities: Samples) -> Samples:
    """Kick, snare, hat (open and closed together), log probabilities (n, 3)."""
    hats = probabilities[..., CLOSED] + probabilities[..., OPEN]
    kept = np.stack([probabilities[..., KICK], probabilities[..., SNARE], hats], axis=-1)
    return np.asarray(np.log(kept + 1e-9), np.float32)


def three_of(may_be: NDArray[np.bool_]) -> Labels:
    """0 kick, 1 snare, 2 hat; UNKNOWN for what is none of these."""
    hats = may_be[:, CLOSED] | may_be[:, OPEN]
    return np.select([may_be[:, KICK], may_be[:, SNARE], hats], [0, 1, 2], UNKNOWN)


def four_of(may_be: NDArray[np.bool_]) -> Labels:
    """0 kick, 1 snare, 2 closed, 3 open hat; UNKNOWN where a label doesn't say."""
    unsure = may_be[:, CLOSED] & may_be[:, OPEN]
    classes = [may_be[:, k] & ~unsure for k in (KICK, SNARE, CLOSED, OPEN)]
    return np.select(classes, [0, 1, 2, 3], UNKNOWN)


def macro_f1(labels: Labels, named: Labels, classes: int) -> float:
    """The mean over classes of each one's F-measure."""
    f1 = []
    for k in range(classes):
        right = ((labels == k) & (named == k)).sum()
        f1.append(2.0 * right / max(1, (labels == k).sum() + (named == k).sum()))
    return float(np.mean(f1))


def few_takes(heard: Opinions, labels: Labels, general: Samples, ms: float, takes: int,
              classes: int) -> tuple[Labels, Labels]:
    """Name strikes by the first takes of each class: how near, and what everybody would say.

    general : (n, classes) log probabilities without takes
    returns : labels and names of the strikes that are no takes
    """
    places = heard.embedding[heard.after(ms)]
    support = [np.flatnonzero(labels == k) for k in range(classes)]
    support = [rows[:min(takes, len(rows) // 2)] for rows in support]
    centres = np.stack([places[rows].mean(axis=0) for rows in support])
    apart = ((places[:, None] - centres) ** 2).sum(axis=-1)
    asked = np.setdiff1d(np.flatnonzero(labels != UNKNOWN), np.concatenate(support))
    named = (GENERAL * general - SHARPNESS * apart).argmax(axis=1)
    return labels[asked], named[asked]


def summary(by_performer: Mapping[str, float]) -> float | None:
    """The mean over performers, rounded; nothing where there are none."""
    return round(float(np.mean(list(by_performer.values()))), 4) if by_performer else None


def interval(by_performer: Mapping[str, float]) -> list[float] | None:
    """Where the mean over performers lies 95 times of 100: a bootstrap over performers."""
    if not by_performer:
        return None
    values = np.array(list(by_performer.values()))
    draws = np.random.default_rng(0).integers(len(values), size=(BOOTSTRAPS, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return [round(float(low), 4), round(float(high), 4)]


def per_performer(heard: Opinions, labels: Labels, classes: int,
                  score: Callable[[Opinions, Labels], float]) -> dict[str, float]:
    """A score for everybody with at least LEAST hits of each class."""
    found = {}
    for who in sorted(set(heard.who)):
        mine = heard.who == who
        if all((labels[mine] == k).sum() >= LEAST for k in range(classes)):
            found[who] = score(heard.of(mine), labels[mine])
    return found

