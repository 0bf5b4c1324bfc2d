"""What a player who listens knows before each step of a take, and what was played then.

The memory is the stage's own (`engine/music/memory.py`); here a whole take runs through it, and
what training and scoring need is kept: for the set that was played, how much of each source's mass
agrees with it in its first 0, 1, .. 9 drums.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.model import MODELS
from engine.music.memory import FEATURES, RECOLLECTIONS, Memory
from engine.music.mixing import along, decisions, opinions
from engine.music.ngram import CONTEXTS, Ngram, contexts, prefixes
from engine.music.pattern import DRUMS_HERE, Pattern, sets_of
from engine.units import Samples

HERE = MODELS / "rhythm"


@dataclass(frozen=True)
class Heard:
    """n steps, of one take or of many.

    features : float16 (n, FEATURES)
    counts   : float32 (4, n, 10)   this take's counts
    votes    : float32 (3, n, 10)
    of       : int64 (4, n)         contexts
    played   : int64 (n,)           sets
    hits, offsets : float32 (n, 9)
    """

    features: NDArray[np.float16]
    counts: Samples
    votes: Samples
    of: NDArray[np.int64]
    played: NDArray[np.int64]
    hits: Samples
    offsets: Samples

    def drummers(self, ngram: Ngram) -> NDArray[np.float64]:
        """What the many say of the set that was played: masses (n, 10)."""
        low, high = prefixes(self.played)
        return ngram.masses(self.of[..., None], low, high)

    def decisions(self, drummers: NDArray[np.float64]) -> Samples:
        """The five opinions' log-odds along the way to what was played: (5, n, 9)."""
        masses = opinions(drummers, self.counts, self.counts[..., :1], self.votes)
        return decisions(masses, self.played)


def listen(pattern: Pattern, bpm: float) -> Heard:
    """Run a take through the memory."""
    n = pattern.steps
    memory = Memory(pattern.steps_per_bar, pattern.steps_per_beat, bpm)
    played = sets_of(pattern.hits)
    features = np.zeros((n, FEATURES), np.float16)
    counts = np.zeros((CONTEXTS, n, DRUMS_HERE + 1), np.float32)
    votes = np.zeros((RECOLLECTIONS, n, DRUMS_HERE + 1), np.float32)
    of = np.zeros((CONTEXTS, n), np.int64)
    for i in range(n):
        recalled = memory.recall()
        features[i], of[:, i] = recalled.features, memory.contexts()
        counts[:, i] = along(recalled.counts, played[i])
        votes[:, i] = along(recalled.votes, played[i])
        memory.hear(pattern.hits[i], pattern.offsets[i])
    return Heard(features, counts, votes, of, played, pattern.hits, pattern.offsets)


def together(heard: Sequence[Heard]) -> Heard:
    """Many takes one after another."""
    return Heard(*(np.concatenate([getattr(h, name) for h in heard],
                                  axis=1 if name in ("counts", "votes", "of") else 0)
                   for name in Heard.__dataclass_fields__))


def contexts_of(pattern: Pattern) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Contexts (4, n) and sets (n,) of a pattern, for counting."""
    played = sets_of(pattern.hits)
    bar = pattern.steps_per_bar
    padded = np.concatenate([np.zeros(bar, np.int64), played])
    places = np.arange(len(played)) % bar * 96 // bar + 96 * (pattern.steps_per_beat == 6)
    back = [padded[bar - ago:len(padded) - ago] for ago in (bar, 1, 2)]
    return contexts(places, *back), played


@cache
def folds() -> dict[str, int]:
    """Which fold model never met a drummer."""
    file = HERE / "folds" / "folds.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def model_for(drummer: str) -> str:
    """The model that never met this drummer."""
    return f"folds/fold_{folds()[drummer]}" if drummer in folds() else "model"
