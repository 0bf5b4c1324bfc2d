"""Which tempo somebody means who plays alone, from when their notes begin.

The time between two notes is read as so many sixteenths. What people write tells how likely each
count is, and so half and double are told apart: nearly half of all notes are eighths.
"""

from collections.abc import Sequence

import numpy as np

USUAL = 100.0               # beats a minute, where nothing is clear
SLOWEST, FASTEST = 70.0, 160.0      # half and double beyond are folded into it
FEWEST = 4                  # notes that tell a tempo

_TEMPI = np.arange(SLOWEST, FASTEST + 1.0)
_STEPS_S = 15.0 / _TEMPI    # a sixteenth
_LEAST = 0.001
_SHARES = {1: 0.19, 2: 0.41, 3: 0.04, 4: 0.17, 6: 0.02, 8: 0.09, 12: 0.01, 16: 0.035}
"""How often notes lie so many sixteenths apart in tunes, the mean of the books learned from."""
_MOST_STEPS = 32
_LOG_SHARES = np.log([_SHARES.get(steps, _LEAST) for steps in range(_MOST_STEPS + 1)])
_OFF_S = 0.025              # by so much two notes are further apart, or nearer, than written
_SLIP = 4.0                 # so many times as far off says no more: it was a slip
_NEAR = 0.06                # a line drawn through all notes differs from the tempo tried by less
_WIDE_OCTAVES = 0.35        # how far from USUAL people play
_WELCOME = -0.5 * (np.log2(_TEMPI / USUAL) / _WIDE_OCTAVES) ** 2


def tempo_of(times: Sequence[float]) -> float:
    """The beats a minute that somebody who plays alone seems to mean; USUAL for too few notes.

    times : when notes began, in order, seconds

    >>> round(tempo_of([0.0, 0.5, 1.0, 1.25, 1.5, 2.0]), 6)
    120.0
    """
    if len(times) < FEWEST:
        return USUAL
    apart = np.diff(np.asarray(times, float))
    steps = np.clip(np.round(apart / _STEPS_S[:, None]), 1, _MOST_STEPS)
    off = (apart - steps * _STEPS_S[:, None]) / _OFF_S
    says = (_LOG_SHARES[steps.astype(int)] - 0.5 * np.clip(off, -_SLIP, _SLIP) ** 2).sum(axis=1)
    best = int(np.argmax(says + _WELCOME))
    return _drawn_through(np.cumsum(steps[best]), np.cumsum(apart), float(_TEMPI[best]))


def _drawn_through(steps: np.ndarray, times: np.ndarray, near: float) -> float:
    """The tempo of the straight line through all notes, the first at 0; `near` if it is no such."""
    places, moments = np.append(0.0, steps), np.append(0.0, times)
    spread = places - places.mean()
    step_s = float(spread @ moments) / float(spread @ spread)
    found = 15.0 / step_s if step_s > 0.0 else near
    return found if abs(found / near - 1.0) < _NEAR else near
