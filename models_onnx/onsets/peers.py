"""Other detectors on the same takes, in the same run: whatever of five is installed."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from models_onnx.corpus import Recording
from models_onnx.onsets import bonk, libraries, supercollider
from models_onnx.onsets.measures import Detector, hear_takes, summary

AUBIO = {"threshold": 1.0, "silence": -45.0, "minioi_ms": 100.0}
"""The best of 24 settings on the training voices; a fixed silence of -45 dBFS suits these takes."""

SUPERCOLLIDER = {"threshold": 0.65, "gap": 12.0, "floor": 0.1}
"""The best of some thirty; librosa's of thirteen, essentia's of twelve: all on every third or
sixth of the training voices."""

LIBROSA = {"delta": 0.2, "wait": 0.08, "pre_max": 0.03, "post_max": 0.0, "pre_avg": 0.1,
           "post_avg": 0.0}

Makers = Mapping[str, Callable[[], Detector]]


def makers() -> dict[str, tuple[bool, Makers]]:
    """Each peer: whether it is installed, and its detectors, made when asked for."""
    there, sc = libraries.installed, supercollider.detector
    return {
        "aubio": (there("aubio"), {
            "aubio default": partial(libraries.aubio, "default", {}),
            "aubio specflux": partial(libraries.aubio, "specflux", {}),
            "aubio default, tuned": partial(libraries.aubio, "default", AUBIO)}),
        "bonk~": (bonk.installed(), {
            "bonk~ default": partial(bonk.detector, (bonk.DEFAULT,), 0.0),
            "bonk~ tuned": bonk.detector}),
        "SuperCollider": (supercollider.installed(), {
            "SuperCollider Onsets default": partial(sc, {}, "rcomplex", 512, 0.005),
            "SuperCollider Onsets tuned": partial(sc, SUPERCOLLIDER, "rcomplex", 512, 0.007)}),
        "librosa": (there("librosa"), {
            "librosa default": partial(libraries.librosa, 2048, 512, {}),
            "librosa tuned": partial(libraries.librosa, 2048, 512, LIBROSA, 0.013)}),
        "essentia": (there("essentia"), {
            "essentia hfc default": partial(libraries.essentia, "hfc", 0.1, 0.02),
            "essentia hfc tuned": partial(libraries.essentia, "hfc", 0.1, 0.02, 0.007)}),
    }


def peers(takes: Sequence[Recording]) -> dict[str, Any]:
    """Scores of each peer, or that it isn't installed."""
    found: dict[str, Any] = {}
    for name, (installed, detectors) in makers().items():
        if not installed:
            found[name] = "not installed"
            continue
        found |= {own: summary(hear_takes(takes, make())) for own, make in detectors.items()}
    return found
