"""Several opinions about the next step, weighed drum by drum.

Five opinions: what many drummers do, what this take does (counts, with the drummers' as their
prior), and the take's three recollections. Each is a distribution over 512 sets of drums, so each
can say: given what is decided about the drums before it, is this drum struck? Those nine log-odds
are summed with the weights the network gives them at this moment; it adds its own opinion. Mixing
log-odds rather than chances lets two unsure opinions that agree make a sure one.

Source: M. Mahoney, "Adaptive weighing of context models for lossless data compression", 2005
(logistic mixing); here the weights come from a network that hears the take.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.dsp import choice
from engine.music.ngram import OWN_BELIEF, prefixes
from engine.music.pattern import DRUMS_HERE, SETS, drums_in
from engine.units import Samples

Floats = NDArray[np.floating]

OPINIONS = 5
_FAITH = 0.2                # of a recollection in the take's own counts, in moments like this one


@dataclass(frozen=True, slots=True)
class Weighing:
    """What the network makes of a moment.

    weights : float32 (5, 9)   of each opinion about each drum
    bias    : float32 (9,)     the network's own log-odds
    pairs   : float32 (9, 9)   what striking one drum (column) adds to a later one (row)
    """

    weights: Samples
    bias: Samples
    pairs: Samples


def opinions(drummers: Floats, counts: Floats, every: Floats, votes: Floats) -> Floats:
    """The five opinions' masses of events, from those of each source.

    drummers : (..., n)      probabilities, by the many
    counts   : (4, ..., n)   how often each event followed this take's contexts
    every    : (4, ..., 1)   how often anything did
    votes    : (3, ..., n)   of the recollections
    returns  : (5, ..., n)   not normalised
    """
    own = own_masses(drummers, counts, every)
    return np.concatenate([own[None], drummers[None], votes + _FAITH * own])


def own_masses(prior: Floats, counts: Floats, every: Floats) -> Floats:
    """Events' probabilities after this take's counts have had their say.

    prior  : (..., n)      of the events, by the many drummers
    counts : (4, ..., n)   how often each event followed each context
    every  : (4, ..., 1)   how often anything did
    """
    guess = prior
    for here, total, belief in zip(counts, every, OWN_BELIEF, strict=True):
        guess = (here + belief * guess) / (total + belief)
    return guess


def decisions(masses: Floats, played: NDArray[np.int64]) -> Samples:
    """Each opinion's nine log-odds along the way to the set that was played.

    masses  : (5, n, 10)   of the sets that agree with it in the first 0..9 drums
    returns : float32 (5, n, 9)
    """
    found = np.zeros((*masses.shape[:2], DRUMS_HERE), np.float32)
    choice.along(masses.astype(np.float64), drums_in(played), found)
    return found


def set_chances(masses: Floats, weighing: Weighing) -> NDArray[np.float64]:
    """The probability of each of 512 sets, from the opinions' masses (5, 512)."""
    found = np.empty(SETS)
    choice.every_chance(_upto(masses), weighing.weights, weighing.bias, weighing.pairs, found)
    return found


def draw(masses: Floats, weighing: Weighing, dice: NDArray[np.float64],
         shift: NDArray[np.float64], heat: float = 1.0) -> NDArray[np.bool_]:
    """One set, drum by drum: bool (9,).

    masses : (5, 512)   the opinions'
    dice   : (9,) within 0..1
    shift  : (9,)       added to each drum's log-odds: above 0 it is struck more often
    heat   : divides the log-odds: above 1 flatter
    """
    yes = np.zeros(DRUMS_HERE, bool)
    choice.draw(_upto(masses), weighing.weights, weighing.bias, weighing.pairs, shift, heat,
                dice, yes)
    return yes


def along(masses: Floats, played: NDArray[np.int64]) -> Floats:
    """Masses of the sets that agree with `played` in the first 0..9 drums.

    masses : (k, 512); returns (k, 10)
    """
    low, high = prefixes(played)
    upto = _upto(masses)
    return upto[:, high] - upto[:, low]


def _upto(masses: Floats) -> NDArray[np.float64]:
    upto = np.zeros((len(masses), SETS + 1))
    np.cumsum(masses, axis=1, dtype=np.float64, out=upto[:, 1:])
    return upto
