"""The arithmetic of a memory: compiled, since it looks through a thousand steps for each new one.

A take's past is a few arrays, one row a step: `sets` int64 (n,), `hits` and `offsets` float32
(n, 9), `of` int64 (4, n), the contexts each step was played in. `kept` is how many are filled.
"""

import numpy as np
from numba import njit

LAPLACE = np.float32(0.1)       # votes for and against that nobody gave
FEW = np.float32(0.05)          # votes of habit beside those of moments that were alike


@njit(cache=True, nogil=True, error_model="numpy")
def liken(alike, sets, kept, every, fade, apart):
    """Update how alike each earlier moment is, now that step `kept - 1` is known.

    alike : float32 (n,)    of the moments `every`, 2 `every`, .. steps back; updated
    apart : float32 (512,)  how unlike two sets are, by their exclusive or
    """
    now = kept - 1
    for back in range(len(alike)):
        then = now - every * (back + 1)
        if then < 0:
            break
        alike[back] = fade * alike[back] - apart[sets[then] ^ sets[now]]


@njit(cache=True, nogil=True, error_model="numpy")
def count(of, sets, kept, now, counts):
    """How often each set followed the contexts `now` int64 (4,): into float32 (4, 512)."""
    counts[:] = 0.0
    for level in range(len(now)):
        for step in range(kept):
            if of[level, step] == now[level]:
                counts[level, sets[step]] += 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def recollect(alike, sharpness, sets, hits, offsets, kept, every, usual, votes, strokes):
    """What came after the moments that were like this one.

    usual   : float32 (2, 9)   velocity and lateness by habit
    votes   : float32 (512,)   filled: for each set
    strokes : float32 (2, 9)   filled: how hard and how late each drum was struck there
    """
    votes[:] = 0.0
    struck = np.full(hits.shape[1], FEW, np.float32)
    strokes[:] = FEW * usual
    for back in range(len(alike)):
        then = kept - every * (back + 1)
        if then < 0:
            break
        weight = np.exp(sharpness * alike[back])
        votes[sets[then]] += weight
        for drum in range(hits.shape[1]):
            if hits[then, drum] > 0.0:
                struck[drum] += weight
                strokes[0, drum] += weight * hits[then, drum]
                strokes[1, drum] += weight * offsets[then, drum]
    strokes /= struck


@njit(cache=True, nogil=True, error_model="numpy")
def odds(votes, found):
    """Each drum's log-odds by the votes for sets: float32 (512,) into (9,)."""
    total = votes.sum()
    found[:] = LAPLACE
    for which in range(len(votes)):
        if votes[which] > 0.0:
            for drum in range(len(found)):
                if which >> (len(found) - 1 - drum) & 1:
                    found[drum] += votes[which]
    for drum in range(len(found)):
        found[drum] = np.log(found[drum] / (total + 2.0 * LAPLACE - found[drum]))
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def window(rows, kept, ago, struck, into):
    """Steps from `ago` back on, into (length, 9); 1 where struck, if only that is asked."""
    for row in range(len(into)):
        step = kept - ago + row
        for drum in range(into.shape[1]):
            value = rows[step, drum] if 0 <= step < kept else np.float32(0.0)
            if struck and value > 0.0:
                value = np.float32(1.0)
            into[row, drum] = value


@njit(cache=True, nogil=True, error_model="numpy")
def follow(keys, upto, context, guess, belief):
    """What followed a context, by sorted counts: `guess` float32 (sets,) is updated.

    keys   : int64 (n,)        context * sets + set, ascending
    upto   : float64 (n + 1,)  how often any key before this one was seen
    belief : how many steps of the context outweigh the guess so far
    """
    first = context * len(guess)
    begin, end = np.searchsorted(keys, first), np.searchsorted(keys, first + len(guess))
    every = upto[end] - upto[begin] + belief
    guess *= np.float32(belief / every)
    for key in range(begin, end):
        guess[keys[key] - first] += (upto[key + 1] - upto[key]) / every


@njit(cache=True, nogil=True, error_model="numpy")
def remember(velocities, offsets, expected, stays, habit, weight, last, often, drift):
    """How a step was struck becomes habit; float32 (drums,) and rows of them, all updated.

    expected : (2, drums)   velocity and lateness that were recalled
    stays    : of a habit, a stroke
    habit    : (2, drums)   sums of velocity and lateness, `weight` (drums,) strokes of them
    last     : (2, drums)   the last stroke's
    often    : (2, drums)   how often each is struck: slowly, quickly
    drift    : (2,)         how much harder and later than expected the last strokes were
    """
    struck, harder, later = 0, 0.0, 0.0
    for drum in range(len(velocities)):
        now = np.float32(velocities[drum] > 0.0)
        often[0, drum] += np.float32(0.03) * (now - often[0, drum])
        often[1, drum] += np.float32(0.2) * (now - often[1, drum])
        if velocities[drum] <= 0.0:
            continue
        struck += 1
        harder += velocities[drum] - expected[0, drum]
        later += offsets[drum] - expected[1, drum]
        habit[0, drum] = stays * habit[0, drum] + velocities[drum]
        habit[1, drum] = stays * habit[1, drum] + offsets[drum]
        weight[drum] = stays * weight[drum] + 1.0
        last[0, drum], last[1, drum] = velocities[drum], offsets[drum]
    if struck:
        drift[0] += 0.3 * (harder / struck - drift[0])
        drift[1] += 0.3 * (later / struck - drift[1])


@njit(cache=True, nogil=True, error_model="numpy")
def usual(habit, weight, faith, velocity, found):
    """How hard and how late each drum is struck by habit: `found` (2, drums).

    faith, velocity : so many strokes' worth of what is usual for any drum; before any, this hard
    """
    for what in range(2):
        anyone = faith * velocity if what == 0 else 0.0
        anyone = (anyone + habit[what].sum()) / (weight.sum() + faith)
        for drum in range(len(weight)):
            found[what, drum] = (habit[what, drum] + faith * anyone) / (weight[drum] + faith)
