"""The house's two clocks and its decibels, in one place.

Analysis runs at 48 kHz in hops of 64 samples, whatever the device and the file do. A bare `time`
is seconds, a bare `frame` counts samples at 48 kHz, a bare `samples` is float32 within ±1.
"""

import math

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
HOP = 64
SLICE = 256            # the most frames the audio thread makes at once

Samples = NDArray[np.float32]

_NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def frames(seconds: float) -> int:
    """The frame nearest to a time.

    >>> frames(0.5)
    24000
    """
    return round(seconds * SAMPLE_RATE)


def seconds(frame: float) -> float:
    """The time of a frame.

    >>> seconds(64)
    0.0013333333333333333
    """
    return frame / SAMPLE_RATE


def gain(level_db: float) -> float:
    """Decibels to a factor.

    >>> gain(-20.0)
    0.1
    """
    return float(10.0 ** (level_db / 20.0))


def level_db(amplitude: float) -> float:
    """A factor to decibels; silence is -inf.

    >>> level_db(0.1)
    -20.0
    """
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else -math.inf


def note_name(note: int) -> str:
    """A note with its number first, since makers differ about the octave.

    >>> note_name(36)
    '36 / C1'
    """
    return f"{note} / {_NOTE_NAMES[note % 12]}{note // 12 - 2}"
