"""The spectrum of the last few milliseconds, fast enough to ask for at every hop.

A frame of real samples is windowed, taken as half as many complex numbers, transformed by a
Stockham FFT (radix 4, self-sorting, so nothing is swapped afterwards) and unpacked to the power
of each frequency. One kernel is written out per size: with every length known, the compiler
turns the loops into vector code. Windowing and all, a frame of 1024 takes about one microsecond.

    plan = plan_for(hann(512))                  # once: the caller's memory, all float32
    frame, power = np.zeros(512, np.float32), np.zeros(257, np.float32)
    push(frame, hop)                            # each hop: slide, then look
    power_512(frame, plan, power)

Source: C. Van Loan, "Computational Frameworks for the Fast Fourier Transform", 1992, 1.7 and 4.3.
"""

import math

import numpy as np
from numba import njit

from engine.units import Samples

SIZES = (256, 512, 1024, 2048)

_FAST = {"contract", "nsz"}                 # fused multiply-add; NaN and infinity stay


def hann(size: int) -> Samples:
    """The periodic Hann window, float32 (size,)."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)).astype(np.float32)


def leaning(size: int, fall: int) -> Samples:
    """A window with a long rise and a short fall: it looks at now, and half a glance back.

    fall    : samples from the peak to the end; what has just begun counts after that many
    returns : float32 (size,)
    """
    rise = size - fall
    up = np.sin(0.5 * np.pi * (np.arange(rise) + 0.5) / rise) ** 2
    down = np.cos(0.5 * np.pi * (np.arange(fall) + 0.5) / fall) ** 2
    return np.concatenate([up, down]).astype(np.float32)


def plan_for(window: Samples) -> Samples:
    """All that a kernel needs in one piece of memory: one array is handed over quicker than three.

    window  : float32 (size,)   size one of SIZES
    returns : float32           [window: size | scratch: 2 size | twiddles, in reading order]

    A plan holds scratch, so two threads need two.
    """
    size = len(window)
    parts, length = [window, np.zeros(2 * size)], size // 2
    while length >= 4:
        for k in (1, 2, 3):
            turn = np.exp(-2j * math.pi * k * np.arange(length // 4) / length)
            parts += [turn.real, turn.imag]
        length //= 4
    turn = np.exp(-2j * math.pi * np.arange(size // 2) / size)
    return np.concatenate([*parts, turn.real, turn.imag]).astype(np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def push(frame, hop):
    """Slide a frame: its oldest samples go, a hop comes in at the end.

    frame : float32 (size,)   overwritten
    hop   : float32 (n,)      n <= size
    """
    kept = len(frame) - len(hop)
    for i in range(kept):
        frame[i] = frame[i + len(hop)]
    for i in range(len(hop)):
        frame[kept + i] = hop[i]


@njit(inline="always")
def _window_and_first(frame, plan, half):
    """The window and the first radix-4 stage in one pass, from `frame` to the first scratch."""
    n, y, w = half // 4, 2 * half, 6 * half
    for p in range(n):
        a, b, c, d = 2 * p, 2 * (p + n), 2 * (p + 2 * n), 2 * (p + 3 * n)
        ar, ai = frame[a] * plan[a], frame[a + 1] * plan[a + 1]
        br, bi = frame[b] * plan[b], frame[b + 1] * plan[b + 1]
        cr, ci = frame[c] * plan[c], frame[c + 1] * plan[c + 1]
        dr, di = frame[d] * plan[d], frame[d + 1] * plan[d + 1]
        sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
        ur, ui, vr, vi = br + dr, bi + di, di - bi, br - dr
        plan[y], plan[y + half] = sr + ur, si + ui
        wr, wi, er, ei = plan[w + p], plan[w + n + p], tr - vr, ti - vi
        plan[y + 1], plan[y + 1 + half] = wr * er - wi * ei, wr * ei + wi * er
        wr, wi, er, ei = plan[w + 2 * n + p], plan[w + 3 * n + p], sr - ur, si - ui
        plan[y + 2], plan[y + 2 + half] = wr * er - wi * ei, wr * ei + wi * er
        wr, wi, er, ei = plan[w + 4 * n + p], plan[w + 5 * n + p], tr + vr, ti + vi
        plan[y + 3], plan[y + 3 + half] = wr * er - wi * ei, wr * ei + wi * er
        y += 4


@njit(inline="always")
def _radix_4(plan, source, target, twiddles, half, stride):
    """One stage; source, target and twiddles are places in the plan."""
    n = half // (4 * stride)
    step = stride * n
    for p in range(n):
        w = twiddles + p
        w1r, w1i = plan[w], plan[w + n]
        w2r, w2i = plan[w + 2 * n], plan[w + 3 * n]
        w3r, w3i = plan[w + 4 * n], plan[w + 5 * n]
        for q in range(stride):
            x, y = source + stride * p + q, target + 4 * stride * p + q
            ar, ai = plan[x], plan[x + half]
            br, bi = plan[x + step], plan[x + step + half]
            cr, ci = plan[x + 2 * step], plan[x + 2 * step + half]
            dr, di = plan[x + 3 * step], plan[x + 3 * step + half]
            sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
            ur, ui, vr, vi = br + dr, bi + di, di - bi, br - dr
            plan[y], plan[y + half] = sr + ur, si + ui
            y, er, ei = y + stride, tr - vr, ti - vi
            plan[y], plan[y + half] = w1r * er - w1i * ei, w1r * ei + w1i * er
            y, er, ei = y + stride, sr - ur, si - ui
            plan[y], plan[y + half] = w2r * er - w2i * ei, w2r * ei + w2i * er
            y, er, ei = y + stride, tr + vr, ti + vi
            plan[y], plan[y + half] = w3r * er - w3i * ei, w3r * ei + w3i * er


@njit(inline="always")
def _radix_2(plan, source, target, half):
    """The last stage where the half size is no power of four."""
    n = half // 2
    for q in range(n):
        a, b, y = source + q, source + n + q, target + q
        ar, ai, br, bi = plan[a], plan[a + half], plan[b], plan[b + half]
        plan[y], plan[y + half] = ar + br, ai + bi
        plan[y + n], plan[y + n + half] = ar - br, ai - bi


@njit(inline="always")
def _unpack(plan, source, twiddles, half, power):
    """From the half-size complex spectrum to the power of the real frame's frequencies."""
    re, im = plan[source], plan[source + half]
    power[0], power[half] = (re + im) * (re + im), (re - im) * (re - im)
    middle = np.float32(0.5)
    for k in range(1, half):
        ar, ai = plan[source + k], plan[source + k + half]
        br, bi = plan[source + half - k], plan[source + 2 * half - k]
        er, ei = middle * (ar + br), middle * (ai - bi)          # the even samples' spectrum
        dr, di = middle * (ai + bi), middle * (br - ar)          # the odd samples'
        wr, wi = plan[twiddles + k], plan[twiddles + half + k]
        re, im = er + wr * dr - wi * di, ei + wr * di + wi * dr
        power[k] = re * re + im * im


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def power_256(frame, plan, power):
    """The power spectrum of a windowed frame.

    frame : float32 (256,)
    plan  : from `plan_for` a window of 256; its scratch is overwritten
    power : float32 (129,)   filled: |X|^2 from 0 Hz to half the sample rate
    """
    _window_and_first(frame, plan, 128)
    _radix_4(plan, 256, 512, 960, 128, 4)
    _radix_4(plan, 512, 256, 1008, 128, 16)
    _radix_2(plan, 256, 512, 128)
    _unpack(plan, 512, 1020, 128, power)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def power_512(frame, plan, power):
    """As `power_256`: frame (512,), power (257,), a plan for a window of 512."""
    _window_and_first(frame, plan, 256)
    _radix_4(plan, 512, 1024, 1920, 256, 4)
    _radix_4(plan, 1024, 512, 2016, 256, 16)
    _radix_4(plan, 512, 1024, 2040, 256, 64)
    _unpack(plan, 1024, 2046, 256, power)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def power_1024(frame, plan, power):
    """As `power_256`: frame (1024,), power (513,), a plan for a window of 1024."""
    _window_and_first(frame, plan, 512)
    _radix_4(plan, 1024, 2048, 3840, 512, 4)
    _radix_4(plan, 2048, 1024, 4032, 512, 16)
    _radix_4(plan, 1024, 2048, 4080, 512, 64)
    _radix_2(plan, 2048, 1024, 512)
    _unpack(plan, 1024, 4092, 512, power)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def power_2048(frame, plan, power):
    """As `power_256`: frame (2048,), power (1025,), a plan for a window of 2048."""
    _window_and_first(frame, plan, 1024)
    _radix_4(plan, 2048, 4096, 7680, 1024, 4)
    _radix_4(plan, 4096, 2048, 8064, 1024, 16)
    _radix_4(plan, 2048, 4096, 8160, 1024, 64)
    _radix_4(plan, 4096, 2048, 8184, 1024, 256)
    _unpack(plan, 2048, 8190, 1024, power)


POWER = {256: power_256, 512: power_512, 1024: power_1024, 2048: power_2048}
"""The kernel of each size."""
