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

from engine.music.ngram import OWN_BELIEF, prefixes
from engine.music.pattern import DRUMS_HERE, SETS, drums_in
from engine.units import Samples

Floats = NDArray[np.floating]

OPINIONS = 5
SUREST = 8.0                # log-odds of any opinion
_FAITH = 0.2                # of a recollection in the take's own counts, in moments like this one
_PREFIX_BITS = [drums_in(np.arange(1 << d) << (DRUMS_HERE - d)).astype(np.float32)
                for d in range(DRUMS_HERE)]


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


def log_odds(struck: Floats, either: Floats) -> Floats:
    """How sure, from the mass of the sets that hold the drum and of those that may."""
    rest = np.maximum(either - struck, 0.0)
    tiny = 1e-9
    return np.clip(np.log((struck + tiny) / (rest + tiny)), -SUREST, SUREST)


def decisions(masses: Floats, played: NDArray[np.int64]) -> Floats:
    """Each opinion's nine log-odds along the way to the set that was played.

    masses  : (5, n, 10)   of the sets that agree with it in the first 0..9 drums
    returns : (5, n, 9)
    """
    yes = drums_in(played)
    on, off = masses[..., 1:], masses[..., :-1]
    return log_odds(np.where(yes, on, off - on), off)


def set_chances(chances: Floats, weighing: Weighing, shift: Floats | float = 0.0,
                heat: float = 1.0) -> Floats:
    """The probability of each of 512 sets.

    chances : (5, 512)   the opinions' masses
    shift   : (9,)       added to each drum's log-odds: above 0 it is struck more often
    heat    : divides the log-odds: above 1 flatter
    """
    upto = _upto(chances)
    found, shifts = np.ones(1), np.broadcast_to(shift, (DRUMS_HERE,))
    for drum in range(DRUMS_HERE):
        edges = upto[:, ::SETS >> (drum + 1)]
        struck, either = edges[:, 2::2] - edges[:, 1:-1:2], edges[:, 2::2] - edges[:, :-2:2]
        sure = (weighing.weights[:, drum] @ log_odds(struck, either) + weighing.bias[drum]
                + _PREFIX_BITS[drum] @ weighing.pairs[drum] + shifts[drum]) / heat
        yes = 1.0 / (1.0 + np.exp(-sure))
        found = np.stack([found * (1.0 - yes), found * yes], axis=-1).ravel()
    return found


def draw(chances: Floats, weighing: Weighing, dice: Floats, shift: Floats | float = 0.0,
         heat: float = 1.0) -> NDArray[np.bool_]:
    """One set, drum by drum: bool (9,).

    dice : (9,) within 0..1; the other arguments as in `set_chances`
    """
    upto = _upto(chances)
    shifts = np.broadcast_to(shift, (DRUMS_HERE,))
    yes = np.zeros(DRUMS_HERE, bool)
    low, width = 0, SETS
    for drum in range(DRUMS_HERE):
        width //= 2
        middle = upto[:, low + width]
        end = upto[:, low + 2 * width]
        sure = (weighing.weights[:, drum] @ log_odds(end - middle, end - upto[:, low])
                + weighing.bias[drum] + weighing.pairs[drum] @ yes + shifts[drum]) / heat
        yes[drum] = dice[drum] < 1.0 / (1.0 + np.exp(-sure))
        low += width * int(yes[drum])
    return yes


def along(chances: Floats, played: NDArray[np.int64]) -> Floats:
    """Masses of the sets that agree with `played` in the first 0..9 drums.

    chances : (k, 512); returns (k, 10)
    """
    low, high = prefixes(played)
    upto = _upto(chances)
    return upto[:, high] - upto[:, low]


def _upto(chances: Floats) -> Floats:
    return np.concatenate([np.zeros((len(chances), 1)), np.cumsum(chances, axis=1, dtype=float)],
                          axis=1)
