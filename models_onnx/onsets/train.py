"""Teach the judge of strikes: `python -m models_onnx.onsets.train --data DIR`.

Five times on four fifths of the performers, so that everybody can be judged by a judge that never
heard them, and once on all: that one ships. Then one bar is set for all, the lowest odds that
count as sure, where the never-heard performers' F-measures are best. About 8 minutes on one core;
the card has the scores to expect. Then run `python -m models_onnx.onsets.evaluate --card`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.dsp.onsets import DEEPER, FEATURES, HIDDEN
from engine.units import Samples
from models_onnx.corpus import folds
from models_onnx.onsets.data import (
    Take,
    dense,
    examples,
    nothing,
    singles,
    take,
    varied,
    voices,
)
from models_onnx.onsets.measures import HERE, f_measures, hear_takes, mean_f

FOLDS = 5
EPOCHS, STEPS = 10, 400         # in each epoch every take is varied anew
BATCH, YES = 1024, 0.33         # of a batch; in the takes one hop in six says yes
RATE, DECAY = 3e-3, 1e-2
DROP_FEATURES, DROP_HIDDEN = 0.2, 0.3       # few mouths, many hops: without it, it knows them all
DENSE = 50                      # takes of sixteenths an epoch, five seconds each
DENSE_SHARE = 0.05              # of their hops that are none: missing a strike is worse there
SINGLE_LEAD_S = 0.05
SURER = 2.0
BARS = np.arange(1.5, 4.6, 0.25)


class Judge(nn.Module):
    """Three layers; the first sees features brought to mean 0 and deviation 1."""

    def __init__(self, features: Samples) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(features.mean(axis=0)))
        self.register_buffer("deviation", torch.from_numpy(features.std(axis=0) + 0.01))
        self.first = nn.Linear(FEATURES, HIDDEN)
        self.second = nn.Linear(HIDDEN, DEEPER)
        self.last = nn.Linear(DEEPER, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """float32 (n, FEATURES) to log odds (n,)."""
        x = (features - self.mean) / self.deviation
        x = nn.functional.dropout(x, DROP_FEATURES, self.training)
        x = nn.functional.dropout(self.first(x).relu(), DROP_HIDDEN, self.training)
        odds: torch.Tensor = self.last(self.second(x).relu())[:, 0]
        return odds

    @torch.no_grad()
    def weights(self) -> dict[str, Samples]:
        """As the engine reads them: the first layer takes the features as they are."""
        first = self.first.weight / self.deviation
        bias = self.first.bias - first @ self.mean
        named = {"first": first, "first_bias": bias, "second": self.second.weight,
                 "second_bias": self.second.bias, "last": self.last.weight[0],
                 "last_bias": self.last.bias[0]}
        return {name: tensor.numpy().astype(np.float32) for name, tensor in named.items()}


def epoch(takes: Sequence[Take], hits: Sequence[Take], rng: np.random.Generator, first: bool
          ) -> tuple[Samples, Samples]:
    """Features and answers of all takes, varied, and of what the takes don't have."""
    heard = [examples(t if first else varied(t, rng), rng) for t in takes]
    heard += [examples(varied(dense([*takes, *hits], rng), rng), rng, DENSE_SHARE)
              for _ in range(DENSE)]
    heard += [examples(varied(t, rng), rng) for t in nothing(seed=1)]
    features, answers = zip(*heard, strict=True)
    return np.concatenate(features), np.concatenate(answers)


def train(takes: Sequence[Take], hits: Sequence[Take], seed: int) -> Judge:
    """A judge taught by these takes, and by sixteenths made of them and of single hits."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    features, answers = epoch(takes, hits, rng, first=True)
    judge = Judge(features)
    optimiser = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=EPOCHS * STEPS)
    for number in range(EPOCHS):
        if number > 0:
            features, answers = epoch(takes, hits, rng, first=False)
        yes, no = np.flatnonzero(answers == 1), np.flatnonzero(answers == 0)
        x, y = torch.from_numpy(features), torch.from_numpy(answers)
        for _ in range(STEPS):
            rows = np.concatenate([rng.choice(yes, int(BATCH * YES)),
                                   rng.choice(no, BATCH - int(BATCH * YES))])
            loss = nn.functional.binary_cross_entropy_with_logits(judge(x[rows]), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return judge.eval()


def save(out: Path, judges: dict[str, dict[str, Samples]], sure: float) -> None:
    """Write all judges with one bar."""
    for name, weights in judges.items():
        bars = {"sure": np.array(sure, np.float32), "surer": np.array(SURER, np.float32)}
        np.savez(out / name, allow_pickle=False, **weights, **bars)


def main() -> None:
    """Train, set the bar, write `judge.npz` and `folds/`."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with a manifest.csv")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recordings = [r for r in voices(arguments.data) if r.permissive]
    takes = [take(r) for r in recordings]
    hits = [take(r, SINGLE_LEAD_S) for r in singles(arguments.data) if r.permissive]
    groups = folds({t.who for t in [*takes, *hits]}, FOLDS)
    (HERE / "folds").mkdir(exist_ok=True)
    judges = {}
    for number, group in enumerate([*groups, []]):
        name = f"folds/fold_{number}.npz" if group else "judge.npz"
        kept = [t for t in takes if t.who not in group]
        judge = train(kept, [t for t in hits if t.who not in group], arguments.seed + number)
        judges[name] = judge.weights()
        print(f"{name}: taught by {len(kept)} takes, never by {', '.join(group) or 'nobody'}",
              flush=True)
    heard_by = {who: number for number, group in enumerate(groups) for who in group}
    (HERE / "folds" / "folds.json").write_text(json.dumps(heard_by, indent=1) + "\n")
    best, bar = 0.0, 0.0
    for sure in BARS:
        save(HERE, judges, float(sure))
        heard = hear_takes(recordings)
        found = mean_f(f_measures(heard, 0.05)) + mean_f(f_measures(heard, 0.025))
        print(f"sure at {sure:.2f}: mean F of never-heard performers {found / 2:.4f}", flush=True)
        if found > best:
            best, bar = found, float(sure)
    save(HERE, judges, bar)


if __name__ == "__main__":
    main()
