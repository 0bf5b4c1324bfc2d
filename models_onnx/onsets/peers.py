"""Other detectors on the same takes, in the same run: aubio and `bonk~`, where installed."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.units import SAMPLE_RATE, Samples
from models_onnx.corpus import Recording
from models_onnx.onsets import bonk
from models_onnx.onsets.measures import Detector, Times, hear_takes, summary

WINDOW, HOP = 1_024, 256        # aubio's own advice for onsets
TUNED = {"threshold": 1.0, "silence": -45.0, "minioi_ms": 100.0}
"""The best of 24 settings on the training voices; a fixed silence of -45 dBFS suits these takes."""


def peers(takes: Sequence[Recording]) -> dict[str, Any]:
    """Scores of each peer, or that it isn't installed."""
    found: dict[str, Any] = {}
    detectors: dict[str, Detector] = {}
    if importlib.util.find_spec("aubio") is None:
        found["aubio"] = "not installed"
    else:
        detectors |= {"aubio default": aubio("default", {}),
                      "aubio specflux": aubio("specflux", {}),
                      "aubio default, tuned": aubio("default", TUNED)}
    if not bonk.installed():
        found["bonk~"] = "not installed"
    else:
        detectors |= {"bonk~ default": bonk.detector((bonk.DEFAULT,), 0.0),
                      "bonk~ tuned": bonk.detector()}
    return found | {name: summary(hear_takes(takes, detector))
                    for name, detector in detectors.items()}


def aubio(method: str, settings: dict[str, float]) -> Detector:
    """One of aubio's detectors; P. Brossier, 2006."""
    make: Callable[..., Any] = importlib.import_module("aubio").onset

    def detect(samples: Samples, _judge: Path) -> tuple[Times, Times]:
        onset = make(method, WINDOW, HOP, SAMPLE_RATE)
        for name, value in settings.items():
            getattr(onset, f"set_{name}")(value)
        padded = np.pad(samples, (0, -len(samples) % HOP))
        times, sent = [], []
        for first in range(0, len(padded), HOP):
            if onset(padded[first:first + HOP])[0]:
                times.append(max(onset.get_last_s(), 0.0))
                sent.append((first + HOP) / SAMPLE_RATE)
        return np.array(times), np.array(sent)
    return detect
