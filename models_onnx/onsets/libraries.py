"""Detectors of strikes from Python's libraries as peers: aubio, librosa and essentia.

aubio hears block after block. The other two hear a whole recording before they say anything; as
`sent` counts the earliest moment at which all that a decision rests on has been heard.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from engine.units import SAMPLE_RATE, Samples
from models_onnx.onsets.measures import Detector, Times

WINDOW, HOP = 1_024, 256        # aubio's own advice for onsets; the window is essentia's too
_ESSENTIAS = 44_100


def installed(name: str) -> bool:
    """Whether a library is there; it isn't loaded."""
    return importlib.util.find_spec(name) is not None


def aubio(method: str, settings: Mapping[str, float]) -> Detector:
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


def librosa(window: int, hop: int, picking: Mapping[str, float], late_s: float = 0.0) -> Detector:
    """Its spectral flux over mel bands, and its peak picking; B. McFee et al., SciPy 2015.

    picking : `pre_max post_max pre_avg post_avg wait`, seconds, each a frame at least, and
              `delta`; what is left out is the library's own
    """
    onset: Any = importlib.import_module("librosa").onset
    in_frames = {name: value if name == "delta" else max(1, round(value * SAMPLE_RATE / hop))
                 for name, value in picking.items()}
    own = int(0.1 * SAMPLE_RATE / hop) + 1              # of the library: frames of `post_avg`
    after = max(in_frames.get("post_max", 1), in_frames.get("post_avg", own)) - 1
    ahead = (window / 2 + hop * after) / SAMPLE_RATE

    def detect(samples: Samples, _judge: Path) -> tuple[Times, Times]:
        flux = onset.onset_strength(y=samples, sr=SAMPLE_RATE, n_fft=window, hop_length=hop)
        times = onset.onset_detect(onset_envelope=flux, sr=SAMPLE_RATE, hop_length=hop,
                                   units="time", **in_frames)
        return np.maximum(times - late_s, 0.0), times + ahead
    return detect


def essentia(method: str, threshold: float, silence: float, late_s: float = 0.0) -> Detector:
    """One of its detection functions, and its peak picking, which wants hops of 512 at 44.1 kHz.

    D. Bogdanov et al., ISMIR 2013.

    threshold, silence : `alpha` and `silenceThreshold` of its `Onsets`
    """
    std: Any = importlib.import_module("essentia.standard")
    shape, spectrum = std.Windowing(type="hann"), std.FFT(size=WINDOW)
    polar, novelty = std.CartesianToPolar(), std.OnsetDetection(method=method)
    choose = std.Onsets(alpha=threshold, silenceThreshold=silence)

    def detect(samples: Samples, _judge: Path) -> tuple[Times, Times]:
        values = [novelty(*polar(spectrum(shape(frame)))) for frame in std.FrameGenerator(
            soxr.resample(samples, SAMPLE_RATE, _ESSENTIAS), frameSize=WINDOW, hopSize=512)]
        times = choose(np.array([values], np.float32), [1.0]).astype(np.float64)
        return np.maximum(times - late_s, 0.0), times + WINDOW / 2 / _ESSENTIAS
    return detect
