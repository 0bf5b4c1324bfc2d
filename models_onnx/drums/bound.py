"""How much speech a network like ours lets through: `python -m models_onnx.drums.bound --data DIR`.

Hits and real speech are placed alike: where the onset detector announces them, over the same
hiss, through the same random band limits. Where 95 % of the hits are accepted, how much speech is,
by today's model and by a refusing network of the same kind and size that is taught real speech?
Performers and speakers are held out in turn; speakers are dealt twice, with a seed each.

A bound by example, not a proof: another network, more steps or more speakers may do better.
With 300 steps instead of the recipe's 800, .65 to .67 of speech was accepted at 32 ms.

Nothing that is taught here ships: real speech is used to measure only. Writes `bound.json` and the
card's figures, or with `--json F` only that file. Eight minutes on one core; expect .73
of speech accepted at 32 ms by today's model, .54 by those that were taught it.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import FileError
from models_onnx.drums import refusal, train
from models_onnx.drums.card import BOUND, figures
from models_onnx.drums.data import NONE, Strike, announced
from models_onnx.drums.days import varied
from models_onnx.drums.examples import Examples, gathered, hear, on_some_day
from models_onnx.drums.hearing import HERE
from models_onnx.figures import write_figures
from models_onnx.scoring import Scores

MOMENTS_MS = (16, 32, 64)
SEEDS = (1, 2)
LINES = 4                   # band limits that each is heard through: one draw moves shares by .02
DAYS = 5                    # other ones of each example
EACH = 80                   # hits in a batch, and as much speech

Rows = NDArray[np.bool_]
Floats = NDArray[np.floating]
Panel = list[tuple[Path, Rows, Rows]]
"""Models, the hits that set the threshold of each, and the speech that it is asked about."""


def bound(data: Path) -> Scores:
    """Shares of real speech that are accepted, and of how many hits and onsets."""
    rng = np.random.default_rng(12)
    hits = [replace(hit, samples=hit.samples + refusal.FLOOR * rng.standard_normal(
        len(hit.samples), dtype=np.float32)) for hit in announced(data)]
    speech = refusal.spoken(data)
    if not hits or not speech:
        raise FileError(f"{data} needs both hits and speech: parts beatbox and negatives")
    recorded = [*hits, *speech]
    examples = gathered(recorded, (_on_other_days(each, rng) for each in recorded))
    everything = np.full(len(speech), True)
    with TemporaryDirectory() as folder:
        panels: list[Panel] = [[(model, mine, everything) for model, mine, _
                                in refusal.held_out(hits, speech, SEEDS[0])]]
        panels += [[_taught(examples, Path(folder) / f"{seed}_{model.name}", mine, theirs, seed)
                    for model, mine, theirs in refusal.held_out(hits, speech, seed)]
                   for seed in SEEDS]
        accepted = np.zeros((len(panels), len(speech), len(MOMENTS_MS)))
        for _ in range(LINES):
            lines = [[refusal.limited(each, rng) for each in some] for some in (hits, speech)]
            accepted += np.stack([_accepted(panel, *lines) for panel in panels]) / LINES
    edges = np.array([each.kind == refusal.EDGE for each in speech])
    today, *taught = ({str(ms): {"all": round(float(of.mean()), 4),
                                 "without_edges": round(float(of[~edges].mean()), 4)}
                       for ms, of in zip(MOMENTS_MS, by_panel.T, strict=True)}
                      for by_panel in accepted)
    return {"hits": len(hits), "performers": len({hit.who for hit in hits}),
            "onsets": len(speech), "edges": int(edges.sum()),
            "speakers": len({each.who for each in speech}), "today": today, "taught": taught}


def _on_other_days(strike: Strike, rng: np.random.Generator
                   ) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    days = [strike, *(varied(strike, rng) for _ in range(DAYS))]
    return hear([refusal.limited(day, rng) for day in days])


def _taught(examples: Examples, path: Path, mine: Rows, theirs: Rows, seed: int
            ) -> tuple[Path, Rows, Rows]:
    """A network whose refusing half was taught all other hits and speech; it names nothing.

    examples : hits, then speech
    path     : where it is written
    """
    torch.manual_seed(seed)
    rng, ear = np.random.default_rng(seed), train.Ear()
    is_none, taught = examples.may_be[:, NONE], ~np.concatenate([mine, theirs])
    sides = np.flatnonzero(taught & ~is_none), np.flatnonzero(taught & is_none)

    def loss(_: int) -> Tensor:
        chosen = np.concatenate([rng.choice(side, EACH) for side in sides])
        rows = on_some_day(examples, chosen, rng)
        frames, alone = train.first_frames(examples, rows, train.SHORT)
        weight = train.opinion_weight(train.SHORT, train.HALF) * alone
        return train.refusal_loss(ear.refuse(frames)[0], torch.from_numpy(is_none[chosen]), weight)

    check = torch.from_numpy(examples.heard[0].astype(np.float32))
    train.export(train.fit(ear, train.STEPS, loss), path, check)
    return path, mine, theirs


def _accepted(panel: Panel, hits: Sequence[Strike], speech: Sequence[Strike]) -> Floats:
    """By how many models each onset is accepted, 0 to 1, (speech, moments).

    Of those it is asked of; each counts as often as it has hits.
    """
    found, asked = np.zeros((len(speech), len(MOMENTS_MS))), np.zeros((len(speech), 1))
    for model, mine, theirs in panel:
        found[theirs] += mine.sum() * refusal.accepted(
            model, list(compress(hits, mine)), list(compress(speech, theirs)), MOMENTS_MS)
        asked[theirs] += mine.sum()
    return found / asked


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with a manifest.csv")
    parser.add_argument("--json", type=Path, help="write there, and leave the card as it is")
    asked = parser.parse_args()
    torch.set_num_threads(1)                            # the same sums in the same order
    text = json.dumps(bound(asked.data), indent=1) + "\n"
    (asked.json or BOUND).write_text(text, encoding="utf-8")
    if not asked.json:
        write_figures(HERE / "README.md", figures())
    print(text, end="")


if __name__ == "__main__":
    main()
