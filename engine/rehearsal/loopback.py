"""How long sound takes from the speakers to the microphone on this rig: measured once, and kept.

The performer lets the microphone hear the speakers, or joins them with a cable, and runs
`kuchi bench loopback`. What comes out is the way of the card and its driver, both directions;
`kuchi doctor` shows it from then on.
"""

import hashlib
import re
from pathlib import Path

import msgspec
import numpy as np
import platformdirs
from numpy.typing import NDArray

from engine.errors import FileError
from engine.units import Samples, frames

APART = frames(0.1)                 # clicks this far apart: no loop is longer
_LOUD = 0.25                        # of the loudest: a click's beginning


class Loop(msgspec.Struct, frozen=True):
    """What was measured with a device: ms from speaker to microphone, or from MIDI out to MIDI
    in, over so many clicks or notes."""

    device: str
    date: str
    clicks: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    jitter_ms: float


def delays(played: Samples, heard: Samples) -> NDArray[np.int64]:
    """How many frames after each click left it was heard; a click that wasn't is left out.

    played, heard : float32 (n,), frame for frame on one clock
    """
    sent, came = _beginnings(played), _beginnings(heard)
    if not len(sent) or not len(came):
        return np.zeros(0, np.int64)
    after = np.searchsorted(came, sent)
    found = after < len(came)
    late = came[np.minimum(after, len(came) - 1)] - sent
    return late[found & (late < APART)]


def _beginnings(sound: Samples) -> NDArray[np.int64]:
    """Where, after half a gap of quiet, a click begins."""
    peak = float(np.abs(sound).max(initial=0.0))
    loud = np.flatnonzero(np.abs(sound) > max(_LOUD * peak, 1e-3))
    return loud[np.r_[True, np.diff(loud) > APART // 2]] if len(loud) else loud


def summary(device: str, date: str, late_ms: NDArray[np.float64]) -> Loop:
    """The figures of a measurement."""
    p50, p95, p99 = np.percentile(late_ms, [50, 95, 99]).tolist()
    return Loop(device, date, len(late_ms), p50, p95, p99, float(late_ms.std()))


def midi_name(port: str) -> str:
    """Under which name a MIDI port's loop is kept; ALSA's numbers change, so they are left out.

    >>> midi_name("Keys:Keys 20:0")
    'MIDI Keys:Keys'
    """
    return "MIDI " + re.sub(r" \d+:\d+$", "", port)


def keep(loop: Loop) -> None:
    """Write it down under the device's name. Raises FileError."""
    place = _place(loop.device)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(msgspec.json.encode(loop))
    except OSError as error:
        raise FileError(f"{place}: can't be written: {str(error.strerror).lower()}") from None


def kept(device: str) -> Loop | None:
    """What was last measured with this device; None where nothing was."""
    try:
        return msgspec.json.decode(_place(device).read_bytes(), type=Loop)
    except (OSError, msgspec.DecodeError):
        return None


def _place(device: str) -> Path:
    folder = Path(platformdirs.user_data_dir("kuchi", appauthor=False)) / "loops"
    return folder / f"{hashlib.sha256(device.encode()).hexdigest()[:16]}.json"
