"""What the model thinks of recorded strikes, each performer heard by a model that never was taught
by them: a fold model for those it was trained on, the one that ships for everybody else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.dsp.strike import WIDTH, ear, frames_by, hear_all
from engine.model import MODELS, Model
from engine.units import SAMPLE_RATE, Samples
from engine.voice.drum_model import BUILT_IN, MEMORY, drum_model, hear_on, spread_of
from engine.voice.learning import MOMENTS_MS, SHIFTS_MS
from models_onnx.drums.data import BEFORE, CLASSES, FRAMES, Strike

HERE = MODELS / "drums"

Names = NDArray[np.str_]

_EAR = ear()
_MOMENT_FRAMES = np.array([frames_by(ms * SAMPLE_RATE // 1000) for ms in MOMENTS_MS])
_SHIFTS = [round(ms * SAMPLE_RATE / 1000) for ms in SHIFTS_MS]


@dataclass(frozen=True, slots=True)
class Opinions:
    """The model's outputs for n strikes after each of `FRAMES` frames.

    probabilities : float32 (n, FRAMES, CLASSES)   as a mouth's
    instruments   : float32 (n, FRAMES, 16)        as a real drum's
    features      : float32 (n, shifts, moments, MEMORY)    as takes are learnt, see
    general       : float32 (n, shifts, moments, CLASSES)   `voice.learning`; (n, 0, ...) if not
    may_be        : bool (n, CLASSES)
    alone         : int (n,)                       frames that don't hear the next strike
    who           : str (n,)
    """

    probabilities: Samples
    instruments: Samples
    features: Samples
    general: Samples
    may_be: NDArray[np.bool_]
    alone: NDArray[np.int64]
    who: Names

    def of(self, rows: NDArray[np.bool_]) -> "Opinions":
        """Some of the strikes."""
        return Opinions(*(getattr(self, each.name)[rows] for each in fields(self)))

    def after(self, ms: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where to look for the opinion so long after the attack: (row, frame) indices."""
        last = np.minimum(frames_by(round(ms * SAMPLE_RATE / 1000)), self.alone) - 1
        return np.arange(len(last)), np.maximum(last, 0)


def model_for(who: str) -> Path:
    """The model that never heard this performer or kit."""
    folds = HERE / "folds" / "folds.json"
    heard_by = json.loads(folds.read_text()) if folds.is_file() else {}
    return HERE / "folds" / f"fold_{heard_by[who]}.onnx" if who in heard_by else BUILT_IN


def spread_for(who: str) -> Samples | None:
    """How the memory of that model varies within one sound, see `spread_of`."""
    return _spread(model_for(who))


@cache
def _spread(path: Path) -> Samples | None:
    return spread_of(drum_model(path))


def opinions(strikes: Sequence[Strike], *, takes: bool = False, model: Path | None = None
             ) -> Opinions:
    """Play every strike to the model that doesn't know its performer, or to `model`.

    takes : also hear them as takes are learnt, on time, early and late
    """
    n, shifts = len(strikes), _SHIFTS if takes else []
    moments = len(MOMENTS_MS)
    found = Opinions(
        np.zeros((n, FRAMES, CLASSES), np.float32), np.zeros((n, FRAMES, len(DRUMS)), np.float32),
        np.zeros((n, len(shifts), moments, MEMORY), np.float32),
        np.zeros((n, len(shifts), moments, CLASSES), np.float32),
        np.stack([s.may_be for s in strikes]),
        np.array([min(FRAMES, frames_by(int(min(s.alone_s, 9.0) * SAMPLE_RATE)))
                  for s in strikes]), np.array([s.who for s in strikes]))
    by_model: dict[Path, list[int]] = {}
    for i, strike in enumerate(strikes):
        by_model.setdefault(model or model_for(strike.who), []).append(i)
    for path, rows in by_model.items():
        loaded = drum_model(path)
        for i in rows:
            _, found.probabilities[i], found.instruments[i] = _play(loaded, strikes[i].samples, 0)
            last = np.clip(_MOMENT_FRAMES, 1, max(1, found.alone[i])) - 1
            for k, shift in enumerate(shifts):
                states, said, _ = _play(loaded, strikes[i].samples, shift)
                found.features[i, k], found.general[i, k] = states[last], said[last]
    return found


def _play(model: Model, samples: Samples, shift: int) -> tuple[Samples, Samples, Samples]:
    """After each frame: the model's memory, what a mouth would mean, what drum it would be."""
    heard = np.zeros((FRAMES, WIDTH), np.float32)
    hear_all(samples, BEFORE + shift, *_EAR, heard)
    states, said, drums = (np.zeros((FRAMES, size), np.float32)
                           for size in (MEMORY, CLASSES, len(DRUMS)))
    memory = np.zeros(MEMORY, np.float32)
    for j, frame in enumerate(heard):
        model.inputs["frame"][0] = frame
        hear_on(model, memory)
        states[j] = memory
        said[j], drums[j] = (model.outputs[name][0] for name in ("probabilities", "instruments"))
    return states, said, drums
