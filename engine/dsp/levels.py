"""How loud a stretch of sound is."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def accumulate(samples, sums):
    """Add a block to a running measurement of level.

    samples : float32 (n,)
    sums    : float32 (2,)   highest absolute sample, sum of squares; updated in place
    """
    peak, square = sums[0], sums[1]
    for sample in samples:
        peak = max(peak, abs(sample))
        square += sample * sample
    sums[0], sums[1] = peak, square


@njit(cache=True, nogil=True, error_model="numpy")
def highest(samples):
    """The highest absolute sample of a block. samples : float32 (n,)."""
    peak = np.float32(0.0)
    for sample in samples:
        peak = max(peak, abs(sample))
    return peak
