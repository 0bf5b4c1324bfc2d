"""Vanishing numbers are zero while compiled code runs.

A filter that rings out into silence would else cost twenty times as much as one that sounds.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from numba import njit

from engine.audio.intrinsics import flush_denormals, restore_denormals


@njit("int64()", cache=True, nogil=True, error_model="numpy")
def flush():
    """From now on, in this thread; returns what `restore` takes."""
    return flush_denormals()


@njit("void(int64)", cache=True, nogil=True, error_model="numpy")
def restore(before):
    """As it was: other libraries of this thread may count on it."""
    restore_denormals(before)


@contextmanager
def unchanged() -> Iterator[None]:
    """Whatever is called meanwhile, such as a plugin's code, this thread counts on as before."""
    before = flush()
    restore(before)
    try:
        yield
    finally:
        restore(before)
