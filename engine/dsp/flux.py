"""How much louder a sound became: what an attack has most of."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def level_flux(levels, before, floor):
    """How much louder the bands became since the last hop, together.

    levels, before : float32 (bands,)   dB, of this hop and the last
    floor          : float32 (bands,)   dB; what lies below counts as this
    returns        : float32            sum of the increases, dB, >= 0

    Source: S. Dixon, "Onset Detection Revisited", DAFx 2006 (half-wave rectified, L1), on a
    logarithmic scale as A. Klapuri, ICASSP 1999.
    """
    flux = np.float32(0.0)
    for band in range(len(levels)):
        flux += max(levels[band] - max(before[band], floor[band]), np.float32(0.0))
    return flux
