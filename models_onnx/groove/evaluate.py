"""Score the groove model: `python -m models_onnx.groove.evaluate --data DIR [--json FILE]`.

Every two bars of every take, through the point (its mean, no dice) and back, asked for the density
they have. Drummers of the training data pass through a fold model that never met them, everybody
else through the one that ships. The last line printed is one JSON object. `--card` rewrites the
card.
"""

import json
import time
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from engine.model import MODELS
from engine.music.groove import (
    PLAIN,
    STEPS,
    between,
    decode,
    density_of,
    encode,
    humanise,
    on_pad,
    pad,
)
from engine.music.pattern import Pattern
from models_onnx.groove.card import write_card
from models_onnx.groove.data import windows
from models_onnx.rhythm.data import Take, takes
from models_onnx.scoring import Scores, score_by_command

HERE = MODELS / "groove"
ASKED = (0.5, 0.75, 1.0, 1.5, 2.0)          # times the density a groove has
EACH = 8                                    # every so many grooves: of densities and of the pad
OWN_BARS, BARS = 8, 2                       # of the performer's own before, and to be humanised
EVENLY = 0.125                              # of the pad, from finger to finger

@cache
def folds() -> dict[str, int]:
    """Which fold model never met a drummer."""
    file = HERE / "folds" / "folds.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def model_for(drummer: str) -> str:
    """The model that never met this drummer."""
    return f"fold_{folds()[drummer]}" if drummer in folds() else ""


def through_scores(found: Sequence[Take]) -> Scores:
    """What comes back, by drummer and of all; how near the density is to what was asked."""
    grooves, whose, step_ms = windows(found)
    rows: dict[str, list[tuple[float, ...]]] = {}
    off: list[float] = []
    for i, (sheet, who) in enumerate(zip(grooves, whose.tolist(), strict=True)):
        truth, name = Pattern(16, sheet[1], sheet[2]), model_for(who)
        point, density = encode(truth, name), density_of(truth)
        made = decode(point, density, name)
        both = (made.hits > 0.0) & (truth.hits > 0.0)
        rows.setdefault(who, []).append((
            both.sum(), (made.hits > 0.0).sum() + (truth.hits > 0.0).sum(),
            127.0 * np.abs(made.hits - truth.hits)[both].sum(),
            step_ms[i] * np.abs(made.offsets - truth.offsets)[both].sum()))
        if i % EACH == 0:
            off += [_density_off(point, np.minimum(factor * density, 1.0), name)
                    for factor in ASKED]
    sums = {who: np.sum(of_one, axis=0) for who, of_one in sorted(rows.items())}
    return _through(np.sum(list(sums.values()), axis=0)) | {
        "grooves": len(grooves), "density_off": round(float(np.mean(off)), 4),
        "drummers": {who: _through(of_one) for who, of_one in sums.items()}}


def _through(sums: np.ndarray[Any, np.dtype[np.float64]]) -> Scores:
    both, strokes, velocity, late = sums.tolist()
    return {"onset_f1": round(2.0 * both / strokes, 4), "velocity_mae": round(velocity / both, 3),
            "timing_mae_ms": round(late / both, 3)}


def _density_off(point: np.ndarray[Any, Any], asked: np.ndarray[Any, Any], name: str) -> float:
    """How far the strokes got are from those asked for, as a share of them."""
    got = density_of(decode(point, asked, name)).sum()
    return float(abs(got / asked.sum() - 1.0))


def feel_scores(found: Sequence[Take]) -> Scores:
    """Two bars played flat: how near is a drummer's feel, and the performer's own, to the truth?

    After eight bars of a take, the next two lose their velocities and timing and get them back.
    """
    errors: dict[str, list[tuple[float, float]]] = {"flat": [], "a_drummers": [], "own": []}
    for take in found:
        pattern = take.on_grid()
        begin, end = OWN_BARS * 16, (OWN_BARS + BARS) * 16
        if pattern.steps < end:
            continue
        own = Pattern(16, pattern.hits[:begin], pattern.offsets[:begin])
        hits, late = pattern.hits[begin:end], pattern.offsets[begin:end]
        struck = hits > 0.0
        if not struck.any():
            continue
        flat = Pattern(16, np.where(struck, np.float32(PLAIN), np.float32(0.0)),
                       np.zeros_like(late))
        for name, made in (("flat", flat), ("a_drummers", humanise(flat, bpm=take.bpm)),
                           ("own", humanise(flat, own, bpm=take.bpm))):
            errors[name].append((127.0 * float(np.abs(made.hits - hits)[struck].mean()),
                                 take.step_ms * float(np.abs(made.offsets - late)[struck].mean())))
    return {name: {"velocity_mae": round(float(np.mean(pairs, axis=0)[0]), 3),
                   "timing_mae_ms": round(float(np.mean(pairs, axis=0)[1]), 3)}
            for name, pairs in errors.items() if pairs}


def pad_scores(found: Sequence[Take]) -> Scores:
    """How much of people's music lies on the pad, and how gently it changes under a finger."""
    grooves, _, _ = windows(found)
    places = np.array([on_pad(encode(Pattern(16, sheet[1], sheet[2])))
                       for sheet in grooves[::EACH]])
    density = grooves[:, 0].mean(axis=(0, 1))
    fingers = np.arange(0.0, 1.0 + EVENLY, EVENLY)
    line = [decode(pad(x, 0.5), density) for x in fingers]
    changed = [float(((one.hits > 0.0) != (two.hits > 0.0)).sum() / (one.hits > 0.0).sum() / 2.0)
               for one, two in pairwise(line)]
    return {"inside": round(float(((places > 0.0) & (places < 1.0)).all(axis=1).mean()), 4),
            "strokes_moved": round(float(np.mean(changed)), 4)}


def decode_us(times: int = 500) -> Scores:
    """What two bars from a point cost: microseconds of the processor."""
    point, density = pad(0.5, 0.5), np.full(9, 0.1, np.float32)
    took = []
    for i in range(times):
        begin = time.thread_time_ns()
        decode(between(point, pad(0.1, 0.9), i / times), density)
        took.append((time.thread_time_ns() - begin) / 1000.0)
    return {"p50": round(float(np.percentile(took, 50)), 1),
            "p99": round(float(np.percentile(took, 99)), 1)}


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    found = takes(data, sets)
    if not len(windows(found)[0]):
        return {}
    return through_scores(found) | {
        "feel": feel_scores(found), "pad": pad_scores(found), "decode_us": decode_us(),
        "steps": STEPS, "bytes": {name: (HERE / name).stat().st_size
                                  for name in ("encoder.onnx", "decoder.onnx")}}


def main() -> None:
    """Print the scores, and write them where asked."""
    score_by_command(scores, HERE, write_card, data="patterns/", what=str(__doc__))


if __name__ == "__main__":
    main()
