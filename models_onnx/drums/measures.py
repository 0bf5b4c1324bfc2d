"""Scores: F-measure, means over performers with their intervals, few takes of one's own."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.units import Samples
from models_onnx.drums.hearing import Opinions

KICK, SNARE = DRUMS.index("kick"), DRUMS.index("snare")
CLOSED, OPEN = DRUMS.index("hihat_closed"), DRUMS.index("hihat_open")
UNKNOWN = -1

LEAST = 4                   # hits of each sound: with fewer a performer isn't counted
BOOTSTRAPS = 2_000
SHARPNESS = 8.0             # of the distance to a prototype, in nats
GENERAL = 0.5               # weight of what everybody's sounds say beside one's own takes

Labels = NDArray[np.int64]
Naming = Callable[[Opinions, Labels], tuple[Labels, Labels]]


def three(probabilities: Samples) -> Samples:
    """Kick, snare, hat (open and closed together), log probabilities (n, 3)."""
    hats = probabilities[..., CLOSED] + probabilities[..., OPEN]
    kept = np.stack([probabilities[..., KICK], probabilities[..., SNARE], hats], axis=-1)
    return np.asarray(np.log(kept + 1e-9), np.float32)


def four(probabilities: Samples) -> Samples:
    """Kick, snare, closed and open hat, log probabilities (n, 4)."""
    kept = probabilities[..., [KICK, SNARE, CLOSED, OPEN]]
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


def without_takes(ms: float) -> Naming:
    """Name kick, snare or hat by what the model says after so many milliseconds."""
    def name(heard: Opinions, labels: Labels) -> tuple[Labels, Labels]:
        named = three(heard.probabilities[heard.after(ms)]).argmax(axis=1)
        return labels[labels != UNKNOWN], named[labels != UNKNOWN]
    return name


def with_takes(ms: float, takes: int, general: Callable[[Samples], Samples], classes: int
               ) -> Naming:
    """Name strikes by the first takes of each class, and a little by what everybody would say.

    general : from probabilities to log probabilities of the classes
    """
    def name(heard: Opinions, labels: Labels) -> tuple[Labels, Labels]:
        places = heard.embedding[heard.after(ms)]
        mine = [np.flatnonzero(labels == k) for k in range(classes)]
        mine = [rows[:min(takes, len(rows) // 2)] for rows in mine]
        centres = np.stack([places[rows].mean(axis=0) for rows in mine])
        apart = ((places[:, None] - centres) ** 2).sum(axis=-1)
        said = general(heard.probabilities[heard.after(ms)])
        named = (GENERAL * said - SHARPNESS * apart).argmax(axis=1)
        asked = np.setdiff1d(np.flatnonzero(labels != UNKNOWN), np.concatenate(mine))
        return labels[asked], named[asked]
    return name


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


def per_performer(heard: Opinions, labels: Labels, classes: int, name: Naming
                  ) -> tuple[dict[str, float], dict[str, float]]:
    """F1 and accuracy of everybody with at least LEAST hits of each class.

    name : from a performer's strikes and labels to (labels, names) of those that are asked about
    """
    f1, accuracy = {}, {}
    for who in sorted(set(heard.who)):
        mine = heard.who == who
        if all((labels[mine] == k).sum() >= LEAST for k in range(classes)):
            truth, named = name(heard.of(mine), labels[mine])
            f1[who] = macro_f1(truth, named, classes)
            accuracy[who] = float((truth == named).mean())
    return f1, accuracy
