"""Two bars at a time, from the takes the rhythm model reads."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.music.groove import STEPS, sheets
from engine.music.pattern import Pattern
from engine.units import Samples
from models_onnx.rhythm.data import Take

_BAR = STEPS // 2
_FEWEST = 4                          # strokes: fewer aren't a groove


def windows(takes: Sequence[Take]) -> tuple[Samples, NDArray[np.str_], NDArray[np.float64]]:
    """Every two bars of every take, from each bar on.

    returns : float32 (n, 3, 32, 9)   struck, how hard, how late
              str (n,)                whose
              float (n,)              ms a sixteenth
    """
    found, whose, step_ms = [], [], []
    for take in takes:
        pattern = take.on_grid()
        for begin in range(0, pattern.steps - STEPS + 1, _BAR):
            part = Pattern(16, pattern.hits[begin:begin + STEPS],
                           pattern.offsets[begin:begin + STEPS])
            if (part.hits > 0.0).sum() >= _FEWEST:
                found.append(sheets(part))
                whose.append(take.drummer)
                step_ms.append(take.step_ms)
    return (np.array(found, np.float32).reshape(-1, 3, STEPS, 9), np.array(whose, str),
            np.array(step_ms))
