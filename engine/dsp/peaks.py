"""When to say "now", and when it had begun."""

import numpy as np
from numba import njit

SHARPNESS = 4                # the steepest hop counts most, its neighbours shift it
SPAN_HOPS = 32               # 43 ms after a strike may be struck again, as sure as ever by then


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
