"""How far a point lies from the nearest of some others, where some directions count less."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def nearest(point, whiten, others, white):
    """Squared distance to the nearest, a mean over the units.

    point  : float32 (units,)
    whiten : float32 (units, units)   row j: what unit j brings to each of the whitened
    others : float32 (n, units)       whitened
    white  : float32 (units,)         overwritten: the point, whitened
    """
    units = len(point)
    white[:] = np.float32(0.0)
    for j in range(units):
        share = point[j]
        for i in range(units):
            white[i] += whiten[j, i] * share
    best = np.inf
    for k in range(len(others)):
        apart = 0.0
        for i in range(units):
            off = white[i] - others[k, i]
            apart += off * off
        best = min(best, apart / units)
    return best
