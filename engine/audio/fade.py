"""How long a change takes so that nobody hears a click or a zip: five milliseconds."""

import math

import numpy as np

from engine.audio.unit import kernel
from engine.units import frames

FADE_FRAMES = frames(0.005)
FADE_STEP = np.float32(1.0 / FADE_FRAMES)
"""A voice or an output that starts or stops moves this far a frame, in a straight line."""

_GLIDE = np.float32(1.0 - math.exp(-3.0 / FADE_FRAMES))
_ARRIVED = np.float32(1e-5)


@kernel
def glide(level, goal):
    """A fader's next value on its way to its goal, float32; 95 % of the way in 5 ms."""
    if abs(goal - level) < _ARRIVED:
        return goal
    return level + (goal - level) * _GLIDE
