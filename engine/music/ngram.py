"""What drummers mostly do: counts of what followed what, and how to guess from counts.

A set's context is its place in the bar, the set at the same place one bar ago, and the sets just
before. Four contexts, each narrower than the last; where the narrow one has seen little, the wider
one speaks (a Dirichlet prior, its strength in `BELIEF`). The same chain serves the counts of many
drummers, which ship, and those of the take that is being played, whose prior the first ones are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dsp import recall
from engine.errors import ModelError
from engine.music.pattern import DRUMS_HERE, SETS
from engine.units import Samples

PLACES = 192                    # of a bar: 96, and as many where beats are cut in triplets
CONTEXTS = 4
BELIEF = (4.0, 40.0, 40.0, 60.0)     # how many steps of a context outweigh the wider one
OWN_BELIEF = (40.0, 12.0, 6.0, 6.0)  # the same, where the counts are this take's own

_DRUMS_LEFT = np.arange(DRUMS_HERE, -1, -1)

Ints = NDArray[np.int64]


def contexts(place: Ints | int, bar_ago: Ints | int, last: Ints | int, before: Ints | int) -> Ints:
    """The four contexts of steps, the widest first: int64 (4, ...).

    place   : 0..191, where in the bar
    bar_ago, last, before : sets at this place one bar ago, one and two steps ago
    """
    narrow = (bar_ago * SETS + last) * PLACES + place
    return np.array([place, bar_ago * PLACES + place, narrow, narrow * SETS + before], np.int64)


def prefixes(played: Ints) -> tuple[Ints, Ints]:
    """The sets that agree with one in its first 0, 1, .. 9 drums: [low, high) of each, (..., 10).

    >>> low, high = prefixes(np.array(256))
    >>> low[:3].tolist(), high[:3].tolist()
    ([0, 256, 256], [512, 512, 384])
    """
    width = 1 << _DRUMS_LEFT
    low = np.asarray(played)[..., None] >> _DRUMS_LEFT << _DRUMS_LEFT
    return low, low + width


@dataclass(frozen=True)
class Ngram:
    """Counts of what followed each context.

    keys : int64 (n,) a level   context * 512 + set, ascending
    upto : float64 (n + 1,) a level   how often any key before this one was seen
    """

    keys: tuple[Ints, ...]
    upto: tuple[NDArray[np.float64], ...]

    def seen(self, level: int, context: Ints, low: Ints, high: Ints) -> NDArray[np.float64]:
        """How often a context was followed by a set in [low, high)."""
        keys, upto = self.keys[level], self.upto[level]
        begin = np.searchsorted(keys, context * SETS + low)
        return upto[np.searchsorted(keys, context * SETS + high)] - upto[begin]

    def masses(self, of: Ints, low: Ints, high: Ints) -> NDArray[np.float64]:
        """The probability of a set in [low, high) after contexts `of` (4, ...)."""
        guess = (high - low) / SETS
        for level, belief in enumerate(BELIEF):
            here = self.seen(level, of[level], low, high)
            every = self.seen(level, of[level], np.zeros_like(low), np.full_like(low, SETS))
            guess = (here + belief * guess) / (every + belief)
        return guess

    def chances(self, of: Ints) -> Samples:
        """The probability of each of 512 sets after one step's contexts (4,)."""
        guess = np.full(SETS, 1.0 / SETS, np.float32)
        for level, belief in enumerate(BELIEF):
            recall.follow(self.keys[level], self.upto[level], of[level], guess, belief)
        return guess


def counted(of: Ints, played: Ints) -> Ngram:
    """Count what followed: contexts (4, n) and the sets (n,) played there."""
    keys, upto = [], []
    for level in of:
        found, often = np.unique(level * SETS + played, return_counts=True)
        keys.append(found)
        upto.append(np.concatenate([[0.0], np.cumsum(often)]))
    return Ngram(tuple(keys), tuple(upto))


def save(ngram: Ngram, path: Path) -> None:
    """Write the counts: gaps between keys pack well."""
    arrays: dict[str, Any] = {}
    for level in range(CONTEXTS):
        arrays[f"gaps{level}"] = np.diff(ngram.keys[level], prepend=0)
        arrays[f"counts{level}"] = np.diff(ngram.upto[level]).astype(np.uint16)
    np.savez_compressed(path, **arrays)


def load(path: Path) -> Ngram:
    """Read the counts; ModelError where they aren't there or aren't counts."""
    try:
        with np.load(path) as file:
            levels = [(np.cumsum(file[f"gaps{level}"]),
                       np.concatenate([[0.0], np.cumsum(file[f"counts{level}"], dtype=float)]))
                      for level in range(CONTEXTS)]
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: no counts of patterns can be read there ({error})") from None
    return Ngram(tuple(keys for keys, _ in levels), tuple(upto for _, upto in levels))
