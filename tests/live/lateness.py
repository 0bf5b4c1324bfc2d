"""How late notes were, from JACK's frames at the listener and the moments that the log has."""

import json
from pathlib import Path

import numpy as np
from scipy.signal import medfilt

from engine.units import SAMPLE_RATE

HALF_BLOCK_MS = 0.67        # RtMidi writes at the beginning of JACK's next block
_FIRST = 20                 # notes that tell how far both clocks are apart
_MOST_LOST = 0.01           # of the log's lines: it never makes the engine wait


def due(log: Path, node: str = "daw") -> np.ndarray:
    """When each note of an outlet was due, in order, seconds."""
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return np.array(sorted(row["sent"] for row in rows
                           if row["event"] == "note_on" and row["node"] == node))


def late_ms(frames: list[int], dues: np.ndarray) -> np.ndarray:
    """Each note's lateness beside its neighbours', ms: a block that JACK left out is no delay.

    A note belongs to the moment nearest to it; hardly any may lack its line in the log.
    """
    times = np.array(sorted(frames)) / SAMPLE_RATE
    assert abs(len(times) - len(dues)) <= 1 + _MOST_LOST * len(dues), (len(times), len(dues))
    offset = float(np.median(times[:_FIRST] - dues[:_FIRST]))
    nearest = np.abs(times[:, None] - offset - dues).argmin(axis=1)
    apart = times - dues[nearest]
    return 1000.0 * (apart - medfilt(apart, 41))
