"""Scores: F-measure, means over performers with their intervals, few takes of one's own."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.units import Samples
from engine.voice.learning import MOMENTS_MS, Takes, learn, probabilities
from engine.voice.likeness import Likeness
from models_onnx.drums.hearing import Opinions, spread_for

KICK, SNARE = DRUMS.index("kick"), DRUMS.index("snare")
CLOSED, OPEN = DRUMS.index("hihat_closed"), DRUMS.index("hihat_open")
UNKNOWN = -1

THREE = ("kick", "snare", "hihat_closed")
FOUR = (*THREE, "hihat_open")

LEAST = 4                   # hits of each sound: with fewer a performer isn't counted
BOOTSTRAPS = 2_000

Labels = NDArray[np.int64]
Naming = Callable[[Opinions, Labels], tuple[Labels, Labels]]


def three(chances: Samples) -> Samples:
    """Kick, snare, hat (open and closed together): (..., 3)."""
    hats = chances[..., CLOSED] + chances[..., OPEN]
    return np.stack([chances[..., KICK], chances[..., SNARE], hats], axis=-1)


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


# -- naming ------------------------------------------------------------------------------------

def without_takes(ms: float) -> Naming:
    """Name kick, snare or hat by what the model says after so many milliseconds."""
    def name(heard: Opinions, labels: Labels) -> tuple[Labels, Labels]:
        named = three(heard.probabilities[heard.after(ms)]).argmax(axis=1)
        return labels[labels != UNKNOWN], named[labels != UNKNOWN]
    return name


class Taught:
    """One performer's heads, learnt from the first takes of each sound.

    asked : the strikes that weren't among them, and `truth` what they are
    """

    def __init__(self, heard: Opinions, labels: Labels, takes: int, names: Sequence[str]) -> None:
        mine = [np.flatnonzero(labels == k) for k in range(len(names))]
        given = np.concatenate([rows[:min(takes, len(rows) // 2)] for rows in mine])
        shifts = heard.features.shape[1]
        known = Takes(heard.features[given].reshape(-1, *heard.features.shape[2:]),
                      heard.general[given].reshape(-1, *heard.general.shape[2:]),
                      np.repeat(labels[given], shifts), np.repeat(given, shifts),
                      spread_for(str(heard.who[0])))
        self.heads, self._likeness = learn(known, names), Likeness(known)
        self.asked = np.setdiff1d(np.flatnonzero(labels != UNKNOWN), given)
        self.truth = labels[self.asked]
        self._features = heard.features[self.asked, 0]
        self._general = heard.general[self.asked, 0]

    def chances(self, ms: int) -> Samples:
        """Of each sound and, last, of none, for each strike that is asked: (n, sounds + 1)."""
        return self.chances_of(self._features, self._general, ms)

    def chances_of(self, features: Samples, general: Samples, ms: int) -> Samples:
        """The same for other strikes; (n, moments, units) and (n, moments, CLASSES)."""
        moment = MOMENTS_MS.index(ms)
        chances = probabilities(self.heads, moment, features[:, moment], general[:, moment])
        for memory, own in zip(features[:, moment], chances, strict=True):
            self._likeness.weigh(moment, memory, own)
        return chances

    def named(self, ms: int) -> Labels:
        """The likeliest sounds."""
        return np.asarray(self.chances(ms)[:, :-1].argmax(axis=1))

    def as_soon_as_sure(self, sure: float, cap_ms: int) -> tuple[Labels, NDArray[np.float64]]:
        """What is said as soon as one chance reaches `sure`, at `cap_ms` at the latest, and when.

        What is refused then is UNKNOWN, as on stage: it would have been kept silent.
        """
        moments = [ms for ms in MOMENTS_MS if ms <= cap_ms]
        chances = np.stack([self.chances(ms) for ms in moments], axis=1)
        reached = chances.max(axis=-1) >= sure
        reached[:, -1] = True
        first = reached.argmax(axis=1)
        said = chances[np.arange(len(first)), first]
        named = np.where(said[:, -1] >= sure, UNKNOWN, said[:, :-1].argmax(axis=1))
        return named, np.array(moments, float)[first]


# -- performers --------------------------------------------------------------------------------

def counted(heard: Opinions, labels: Labels, classes: int
            ) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Everybody with at least LEAST hits of each class, and which strikes are theirs."""
    for who in sorted(set(heard.who)):
        mine = heard.who == who
        if all((labels[mine] == k).sum() >= LEAST for k in range(classes)):
            yield str(who), mine


def per_performer(heard: Opinions, labels: Labels, classes: int, name: Naming
                  ) -> tuple[dict[str, float], dict[str, float]]:
    """F1 and accuracy of everybody who is counted.

    name : from a performer's strikes and labels to (labels, names) of those that are asked about
    """
    f1, accuracy = {}, {}
    for who, mine in counted(heard, labels, classes):
        truth, named = name(heard.of(mine), labels[mine])
        f1[who] = macro_f1(truth, named, classes)
        accuracy[who] = float((truth == named).mean())
    return f1, accuracy


def taught(heard: Opinions, labels: Labels, takes: int, names: Sequence[str]
           ) -> dict[str, Taught]:
    """Everybody who is counted, taught by their first takes."""
    return {who: Taught(heard.of(mine), labels[mine], takes, names)
            for who, mine in counted(heard, labels, len(names))}


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
