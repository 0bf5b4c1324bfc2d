"""Choosing a set of drums, drum by drum, from several opinions about all sets.

An opinion is a distribution over 512 sets, told as `upto` float64 (opinions, 513): the mass of all
sets before each one. Sets that agree in their first drums lie side by side (the first drum is the
highest bit), so the mass of "the kick, no snare" is one subtraction.
"""

import numpy as np
from numba import njit

SUREST = 8.0                # log-odds of any opinion
_NOTHING = 1e-9


@njit(cache=True, nogil=True, error_model="numpy")
def log_odds(struck, either):
    """How sure: from the mass of sets that hold the drum, and of those that hold it or not."""
    rest = max(either - struck, 0.0)
    return min(max(np.log((max(struck, 0.0) + _NOTHING) / (rest + _NOTHING)), -SUREST), SUREST)


@njit(cache=True, nogil=True, error_model="numpy")
def along(masses, yes, found):
    """Log-odds of each drum on the way to the set that was played.

    masses : float64 (opinions, n, drums + 1)   of sets that agree in the first 0, 1, .. drums
    yes    : bool (n, drums)                    the set
    found  : float32 (opinions, n, drums)       filled
    """
    for opinion in range(masses.shape[0]):
        for step in range(masses.shape[1]):
            for drum in range(yes.shape[1]):
                either = masses[opinion, step, drum]
                agree = masses[opinion, step, drum + 1]
                struck = agree if yes[step, drum] else either - agree
                found[opinion, step, drum] = log_odds(struck, either)


@njit(cache=True, nogil=True, error_model="numpy")
def mixed(upto, low, width, drum, weights, bias, pairs, yes):
    """The weighed log-odds of one drum, where sets [low, low + 2 width) are still possible.

    weights : float32 (opinions, drums)    of each opinion about each drum
    bias    : float32 (drums,)
    pairs   : float32 (drums, drums)       what an earlier drum (column) adds to this one (row)
    yes     : bool (drums,)                decided so far; the others False
    """
    sure = float(bias[drum])
    for earlier in range(drum):
        if yes[earlier]:
            sure += pairs[drum, earlier]
    for opinion in range(upto.shape[0]):
        middle, end = upto[opinion, low + width], upto[opinion, low + 2 * width]
        sure += weights[opinion, drum] * log_odds(end - middle, end - upto[opinion, low])
    return sure


@njit(cache=True, nogil=True, error_model="numpy")
def draw(upto, weights, bias, pairs, shift, heat, dice, yes):
    """One set: for each drum a die (0..1) decides; `yes` bool (drums,) is filled.

    shift : float64 (drums,)   added to the log-odds
    heat  : divides them
    """
    yes[:] = False
    low, width = 0, upto.shape[1] - 1
    for drum in range(len(yes)):
        width //= 2
        sure = mixed(upto, low, width, drum, weights, bias, pairs, yes) + shift[drum]
        yes[drum] = dice[drum] < 1.0 / (1.0 + np.exp(-sure / heat))
        if yes[drum]:
            low += width


@njit(cache=True, nogil=True, error_model="numpy")
def every_chance(upto, weights, bias, pairs, chances):
    """The probability of each set: `chances` float64 (sets,) is filled."""
    drums = len(bias)
    yes = np.zeros(drums, np.bool_)
    chances[:] = 1.0
    for drum in range(drums):
        width = len(chances) >> (drum + 1)
        for branch in range(1 << drum):
            low = branch * 2 * width
            for earlier in range(drum):
                yes[earlier] = branch >> (drum - 1 - earlier) & 1
            likely = 1.0 / (1.0 + np.exp(-mixed(upto, low, width, drum, weights, bias, pairs, yes)))
            chances[low:low + width] *= 1.0 - likely
            chances[low + width:low + 2 * width] *= likely
        yes[:] = False
