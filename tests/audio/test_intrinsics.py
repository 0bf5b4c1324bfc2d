"""Pointers, order and vanishing numbers, as compiled code sees them."""

import os
import time

import numpy as np
import pytest
from numba import njit

from engine.audio.intrinsics import (
    call_system,
    exchange,
    flush_denormals,
    load_acquire,
    restore_denormals,
    store_release,
)
from engine.audio.wake import address_of


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


def test_an_exchange_puts_one_number_and_gives_the_other():
    @njit(error_model="numpy")
    def swap(word, value):
        return exchange(word.ctypes.data, value)

    word = np.array([5], np.int64)
    assert swap(word, 7) == 5
    assert swap(word, 0) == 7
    assert word.tolist() == [0]


@pytest.mark.skipif(os.name != "posix", reason="asks the C library")
def test_a_function_of_the_system_is_called_by_its_address():
    @njit(error_model="numpy")
    def call(function, number, words):
        return call_system(function, number, words.ctypes.data, 8 * words.shape[0])

    reading, writing = os.pipe()
    assert call(address_of("write"), writing, np.array([1, 2], np.int64)) == 16
    assert np.frombuffer(os.read(reading, 100), np.int64).tolist() == [1, 2]
    os.close(reading)
    os.close(writing)
    instant, before = np.zeros(2, np.int64), time.monotonic_ns()
    clock = getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC)
    call(address_of("clock_gettime"), clock, instant)
    assert before <= instant[0] * 10**9 + instant[1] <= time.monotonic_ns()
