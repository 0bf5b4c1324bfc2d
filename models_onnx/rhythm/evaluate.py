"""Score the rhythm model: `python -m models_onnx.rhythm.evaluate --data DIR [--json FILE]`.

Whole takes, fills included, on sixteenths. Drummers of the training data are heard by a fold model
that never met them, everybody else by the one that ships; the baseline is the look-back n-gram
with a cache of the take, from the same rows. The last line printed is one JSON object. `--card`
rewrites the card.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.model import MODELS
from engine.music.drum_maps import NINE
from engine.music.memory import FEATURES
from engine.music.mixing import own_masses
from engine.music.pattern import drums_in, swings
from engine.music.rhythm import Rhythm, trained
from models_onnx.rhythm import stage
from models_onnx.rhythm.card import write_card
from models_onnx.rhythm.data import Take, takes
from models_onnx.rhythm.hearing import Heard, folds, listen, model_for
from models_onnx.rhythm.prior import prior_worth
from models_onnx.scoring import Scores, score_by_command

HERE = MODELS / "rhythm"
LEFT_OUT = ("drummer3", "drummer8")     # of the training data's drummers, as those kept apart
PRIOR_STEPS = 3000                      # of each drummer's takes, for the expectation
THREE = (("kick",), ("snare",), ("hihat_closed", "hihat_open"))


def foreseen(heard: Heard, name: str) -> tuple[NDArray[np.float64], ...]:
    """Nats of each step by the model and by the baseline, and the strokes expected (n, 4, 9)."""
    model, ngram = trained(name)
    drummers = heard.drummers(ngram)
    counts = heard.counts
    baseline = -np.log(own_masses(drummers, counts, counts[..., :1])[:, -1])
    says = heard.decisions(drummers).transpose(1, 0, 2)
    yes = drums_in(heard.played)
    nats, strokes = np.zeros(len(yes)), np.zeros((len(yes), 4, len(NINE)))
    for i, features in enumerate(heard.features):
        model.inputs["features"][0], model.inputs["struck"][0] = features, yes[i]
        model.run()
        out = model.outputs
        sure = (out["weights"][0] * says[i]).sum(axis=0) + out["bias"][0] + out["pairs"][0] @ yes[i]
        nats[i] = np.logaddexp(0.0, np.where(yes[i], -sure, sure)).sum()
        strokes[i] = out["strokes"][0]
    return nats, baseline, strokes


def step_scores(found: Sequence[Take]) -> Scores:
    """What is foreseen of every step, given the take's past."""
    rows: dict[str, list[tuple[float, ...]]] = {}
    for take in found:
        heard = listen(take.on_grid(), take.bpm)
        nats, baseline, strokes = foreseen(heard, model_for(take.drummer))
        struck = heard.hits > 0.0
        velocity = np.abs(np.clip(strokes[:, 0], 0.0, 1.0) - heard.hits)[struck].sum() * 127.0
        late = np.abs(np.clip(strokes[:, 2], -0.5, 0.5) - heard.offsets)[struck].sum()
        rows.setdefault(take.drummer, []).append(
            (len(nats), nats.sum(), baseline.sum(), struck.sum(), velocity, late * take.step_ms))
    by_drummer = {who: np.sum(of_one, axis=0) for who, of_one in sorted(rows.items())}
    unseen = [sums for who, sums in by_drummer.items() if who in LEFT_OUT or who not in folds()]
    scored = _means(np.sum(list(by_drummer.values()), axis=0))
    if unseen:
        apart = _means(np.sum(unseen, axis=0))
        scored |= {"unseen_drummers": apart["nats_per_step"],
                   "unseen_drummers_baseline": apart["baseline_nats_per_step"],
                   "unseen_drummers_velocity_mae": apart["velocity_mae"],
                   "unseen_drummers_timing_mae_ms": apart["timing_mae_ms"]}
    return scored | {"drummers": {who: _means(sums) for who, sums in by_drummer.items()}}


def _means(sums: NDArray[np.float64]) -> Scores:
    steps, nats, baseline, strokes, velocity, late = sums.tolist()
    return {"nats_per_step": round(nats / steps, 4),
            "baseline_nats_per_step": round(baseline / steps, 4),
            "lower_by": round(1.0 - nats / baseline, 4),
            "velocity_mae": round(velocity / strokes, 3),
            "timing_mae_ms": round(late / strokes, 3), "steps": int(steps)}


def triplet_scores(found: Sequence[Take]) -> Scores:
    """Takes that swing, on twenty-four steps a bar."""
    nats, baseline = 0.0, 0.0
    steps = 0
    for take in found:
        heard = listen(take.on_grid(triplets=True), take.bpm)
        model, counted, _ = foreseen(heard, model_for(take.drummer))
        nats, baseline, steps = nats + model.sum(), baseline + counted.sum(), steps + len(model)
    return {"nats_per_step": round(nats / steps, 4),
            "baseline_nats_per_step": round(baseline / steps, 4)}


def prior_scores(found: Sequence[Take]) -> Scores:
    """Given that exactly one of kick, snare and hat falls on this step: which?

    Some takes of each drummer, the longest last; the stage's own player listens.
    """
    alone = _alone()
    nats, right = [], []
    for who in sorted({take.drummer for take in found}):
        heard = 0
        for take in sorted((t for t in found if t.drummer == who), key=lambda t: len(t.strokes)):
            if heard >= PRIOR_STEPS:
                break
            pattern = take.on_grid()
            heard += pattern.steps
            rhythm = Rhythm(bpm=take.bpm, model=model_for(who))
            for hits, offsets in zip(pattern.hits, pattern.offsets, strict=True):
                which = [bool(hits[_places(names)].any()) for names in THREE]
                if sum(which) == 1:
                    chances = alone @ rhythm.set_chances()
                    nats.append(-np.log(chances[which.index(True)] / chances.sum()))
                    right.append(chances.argmax() == which.index(True))
                rhythm.hear(hits, offsets)
    return {"prior_perplexity": round(float(np.exp(np.mean(nats))), 4),
            "prior_accuracy": round(float(np.mean(right)), 4), "prior_steps": len(nats)}


def _places(names: Sequence[str]) -> list[int]:
    return [NINE.index(name) for name in names]


def _alone() -> NDArray[np.float64]:
    """Which of 512 sets hold one of kick, snare and hat but neither of the others: (3, 512)."""
    holds = drums_in(np.arange(512))
    three = np.stack([holds[:, _places(names)].any(axis=1) for names in THREE])
    return np.asarray(three & (three.sum(axis=0) == 1), np.float64)


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    found = takes(data, sets)
    if not found:
        return {}
    scored = step_scores(found) | prior_scores(found)
    if swinging := [take for take in found if swings(take.strokes)]:
        scored["triplets"] = triplet_scores(swinging)
    if people := stage.long_takes(found):
        scored |= {"generated": stage.beside_people(people)} | stage.settings(people)
    scored |= prior_worth(data, found)
    return scored | {"step_us": stage.step_us(), "bytes": {
        name: (HERE / name).stat().st_size for name in ("model.onnx", "ngram.npz")},
        "features": FEATURES}


def main() -> None:
    """Print the scores, and write them where asked."""
    score_by_command(scores, HERE, write_card, data="patterns/", what=str(__doc__))


if __name__ == "__main__":
    main()
