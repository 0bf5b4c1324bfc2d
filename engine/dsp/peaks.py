"""When to say "now", and when it had begun."""

import numpy as np
from numba import njit

SHARPNESS = 4                # the steepest hop counts most, its neighbours shift it
SPAN_HOPS = 32               # 43 ms after a strike may be struck again, as sure as ever by then
ROLL_HOPS = (22, 54)         # lips roll 14 to 34 times a second; nobody plays sixteenths so fast
RISE_HOPS = 2                # a rise is what lies so close to its steepest hop
ALIKE, ROLL_DB = 0.4, 80.0   # a burst rises out of the roll by so much of the next, and by so much


@njit(cache=True, nogil=True, error_model="numpy")
def steepest(flux, hop, back):
    """Where a sound rose most steeply, between hops if need be.

    flux    : float32 (a power of two,)   how much louder each hop became, a ring
    hop     : int                         the newest
    back    : int                         how many hops to look at
    returns : float                       hops before the newest, 0 .. back - 1
    """
    most = np.float32(1e-6)
    for age in range(back):
        most = max(most, flux[(hop - age) & (len(flux) - 1)])
    weights = ages = np.float32(0.0)
    for age in range(back):
        weight = (flux[(hop - age) & (len(flux) - 1)] / most) ** SHARPNESS
        weights += weight
        ages += weight * np.float32(age)
    return ages / weights if weights > 0.0 else np.float32(0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def bar_for(hops_since, retrigger_hops, sure, surer):
    """How sure one must be so soon after the last strike; infinitely within the retrigger time.

    A tail that crackles on is most easily taken for a strike just after one: there the bar is
    `surer` higher, and comes down to `sure` over SPAN_HOPS.
    """
    since = hops_since - retrigger_hops
    if since <= 0:
        return np.inf
    return sure + surer * max(0.0, 1.0 - since / SPAN_HOPS)


@njit(cache=True, nogil=True, error_model="numpy")
def rolls(flux, hop, age):
    """Whether a rise is at least the third of a row that comes evenly and fast: a lip that rolls.

    The two before it must lie as far from each other as from it, be about as large or larger, and
    little may rise halfway between.

    flux : float32 (a power of two,)   how much louder each hop became, dB, a ring
    hop  : int                         the newest
    age  : int                         how many hops ago the rise was steepest
    """
    least = max(np.float32(ALIKE) * rise(flux, hop, age), np.float32(ROLL_DB))
    for apart in range(ROLL_HOPS[0], ROLL_HOPS[1] + 1):
        before = min(rise(flux, hop, age + apart), rise(flux, hop, age + 2 * apart))
        between = max(rise(flux, hop, age + apart // 2), rise(flux, hop, age + apart + apart // 2))
        if before - between > least:
            return True
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def bursts(flux, hop):
    """Whether the newest burst of a roll was steepest just now, RISE_HOPS + 1 ago."""
    age = RISE_HOPS + 1
    newest = rise(flux, hop, age)
    return (newest > ROLL_DB and newest >= rise(flux, hop, age - 1)
            and newest > rise(flux, hop, age + 1) and rolls(flux, hop, age))


@njit(cache=True, nogil=True, error_model="numpy")
def rise(flux, hop, age):
    """How much louder it became about a hop, dB together."""
    total = np.float32(0.0)
    for near in range(max(age - RISE_HOPS, 0), age + RISE_HOPS + 1):
        total += flux[(hop - near) & (len(flux) - 1)]
    return total
