"""One rounding for a product and a sum."""

import numpy as np
from numba import njit

from engine.dsp.fused import fma


@njit
def fused(a, b, c):
    return fma(a, b, c)


def test_what_the_product_alone_would_lose_is_kept():
    just_over, just_under = np.float32(1.0 + 2.0 ** -13), np.float32(1.0 - 2.0 ** -13)
    assert just_over * just_under - np.float32(1.0) == 0.0
    assert fused(just_over, just_under, np.float32(-1.0)) == -2.0 ** -26
