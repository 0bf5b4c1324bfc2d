"""How a sounding unit is written: one C signature, one handle, one set of compiler options.

A unit is a compiled `run(handle, frames)`, at most SLICE frames at a time, and a handle: a row of
int64, most of them addresses of the arrays it reads and writes. The signature is LV2's, so a
plugin's own `run` fits in the same list.
"""

from collections.abc import Iterable

import numpy as np
from numba import cfunc, njit, types
from numpy.typing import NDArray

RUN = types.void(types.voidptr, types.uint32)

unit = cfunc(RUN, cache=True, error_model="numpy")
"""Compile a `run`. With numpy's error model a division by zero is inf, and no call into Python."""

kernel = njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
"""Compile a function that units are made of; inlined, so that numba's error checks vanish."""

Integers = NDArray[np.int64]


def handle_of(parts: Iterable[np.ndarray | int]) -> Integers:
    """Lay out a handle: arrays by their address, numbers as they are. It owns none of them."""
    return np.array([part.ctypes.data if isinstance(part, np.ndarray) else part
                     for part in parts], np.int64)
