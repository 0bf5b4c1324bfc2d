"""Pointers, order and vanishing numbers, as compiled code sees them."""

import numpy as np
from numba import njit

from engine.audio.intrinsics import (
    flush_denormals,
    load_acquire,
    restore_denormals,
    store_release,
)


@njit(error_model="numpy")
def halve(sample):
    return sample * np.float32(0.5)


@njit(error_model="numpy")
def halve_flushed(samples):
    before = flush_denormals()
    for i in range(samples.shape[0]):
        samples[i] *= np.float32(0.5)
    restore_denormals(before)


def test_vanishing_numbers_are_zero_while_flushed_and_alive_again_after():
    smallest = np.finfo(np.float32).tiny
    samples = np.array([smallest, 1.0], np.float32)
    halve_flushed(samples)
    assert samples.tolist() == [0.0, 0.5]
    assert halve(smallest) > 0.0


def test_what_is_published_is_read():
    @njit(error_model="numpy")
    def publish_and_read(word):
        store_release(word.ctypes.data + 8, 7)
        return load_acquire(word.ctypes.data + 8)

    word = np.zeros(2, np.int64)
    assert publish_and_read(word) == 7
    assert word.tolist() == [0, 7]
