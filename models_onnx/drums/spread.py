"""How a model's memory varies within one sound: `python -m models_onnx.drums.spread --data DIR`.

Five takes can't show in which of two hundred numbers a performer's snare varies from strike to
strike, and in which it doesn't. What one voice doesn't show, thirty do: the covariance over all
sounds of all voices that a model was trained on, pooled over the moments. It is written into each
model's file as a note, and the heads of a profile are learned with it. Training ends with this;
about three minutes on one core.
"""

import argparse
import json
from base64 import b64encode
from pathlib import Path

import numpy as np
import onnx

from engine.dsp.strike import LINGERING
from engine.units import Samples
from engine.voice.drum_model import MEMORY, SPREAD, UNITS
from models_onnx.drums.data import strikes
from models_onnx.drums.hearing import HERE, Opinions, opinions

LEAST = 3                       # strikes of a sound that show how it varies
ROUND = 0.3                     # of it is taken to be round: thirty voices aren't everybody


def spread(heard: Opinions) -> Samples:
    """The state's covariance within a sound, each sound counting alike: float32 (UNITS, UNITS).

    heard   : strikes as takes are learnt, see `hearing.opinions`
    returns : 1 is what a lingering band varies by in the mean
    """
    sounds: dict[tuple[str, bytes], list[int]] = {}
    for row, (who, may_be) in enumerate(zip(heard.who, heard.may_be, strict=True)):
        sounds.setdefault((str(who), may_be.tobytes()), []).append(row)
    pooled, count = np.zeros((MEMORY, MEMORY)), 0.0
    for rows in sounds.values():
        if len(rows) >= LEAST:
            features = heard.features[rows].astype(np.float64)  # (strikes, shifts, moments, units)
            apart = (features - features.mean(axis=(0, 1))).reshape(-1, MEMORY)
            pooled += apart.T @ apart / len(apart)
            count += 1.0 - 1.0 / len(rows)
    state, bands = pooled[:UNITS, :UNITS] / count, pooled[UNITS:, UNITS:] / count
    mixed = (1.0 - ROUND) * state + ROUND * np.trace(state) / UNITS * np.eye(UNITS)
    return np.asarray(mixed / (np.trace(bands) / LINGERING), np.float32)


def note(path: Path, found: Samples) -> None:
    """Write it into a model's file, instead of what is noted there."""
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {SPREAD: b64encode(found.astype("<f2").tobytes()).decode()})
    onnx.save(model, path)


def note_all(data: Path, folder: Path = HERE) -> None:
    """Each model in a folder learns it from the voices that it was trained on."""
    voices = strikes(data, part="beatbox", permissive=True)
    heard_by = json.loads((folder / "folds" / "folds.json").read_text())
    for path in [folder / "model.onnx", *sorted((folder / "folds").glob("*.onnx"))]:
        met = [voice for voice in voices if f"fold_{heard_by[voice.who]}" != path.stem]
        note(path, spread(opinions(met, takes=True, model=path)))
        print(f"{path.name}: how {len({voice.who for voice in met})} voices vary")


def main() -> None:
    """Note it in all models."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with a manifest.csv")
    parser.add_argument("--out", type=Path, default=HERE,
                        help="where the models are; the model's own folder unless told otherwise")
    arguments = parser.parse_args()
    note_all(arguments.data, arguments.out)


if __name__ == "__main__":
    main()
