"""Teach the judge of strikes: `python -m models_onnx.onsets.train --data DIR`.

Five times on four fifths of the performers, so that everybody can be judged by a judge that never
heard them, and once on all: that one ships. Then one bar is set for all, the lowest odds that
count as sure, where the never-heard performers' F-measures are best. About 5 minutes on one core
and 3 GB; the card has the scores to expect. Then `python -m models_onnx.onsets.evaluate --card`.
"""

import argparse
import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine.dsp.filters import BANDS
from engine.dsp.onsets import DEEPER, EDGES, FEATURES, HIDDEN, POINTS
from engine.errors import ModelError
from engine.units import Samples
from models_onnx.corpus import Recording, folds
from models_onnx.onsets import data, stage
from models_onnx.onsets.data import Take, examples, take, varied
from models_onnx.onsets.measures import HERE, Heard, f_measures, hear_takes, mean_f
from models_onnx.onsets.sixteenths import cut, playing

FOLDS = 5
VARIED = 6                      # times each take is heard, each time on another day
PLAYED, LONGER = (16, 64), (10, 40)  # fast takes of 5 s of each performer: of takes, of single hits
PLAYED_SHARE = 0.25             # of their hops that are none; they are much like one another
SINGLE_LEAD_S, LONGEST_S = 0.05, 1.2
STEPS, BATCH = 2_000, 768
TAKE, FAST, NOTHING = 0, 1, 2
MIX = {(TAKE, 1): 0.23, (TAKE, 0): 0.43, (FAST, 1): 0.12, (FAST, 0): 0.08, (NOTHING, 0): 0.14}
"""What a batch is made of: hops of takes, of fast playing and of nothing; strikes (1) and none."""
RATE, DECAY = 3e-3, 1e-2
DROP_FEATURES, DROP_HIDDEN = 0.05, 0.2     # few mouths, many hops: without it, it knows them all
SURER = 3.0
BARS = np.arange(2.75, 3.6, 0.25)
BREATHS, CLICKS = 1.0, 1.0       # a minute at most; in noise nothing is struck at all


class Lessons:
    """All that is taught: hops of many takes, who was heard, what it was and whether it struck."""

    def __init__(self, takes: Sequence[Recording], singles: Sequence[Recording], seed: int) -> None:
        self._parts: list[tuple[Samples, Samples, str, int]] = []
        self._teach_takes(takes, np.random.default_rng([seed, 0]))
        self._teach_fast([*takes, *singles], np.random.default_rng([seed, 1]))
        self._teach_nothing(np.random.default_rng([seed, 2]))
        sizes = [len(answers) for _, answers, _, _ in self._parts]
        self.answers = np.concatenate([answers for _, answers, _, _ in self._parts])
        self.who = np.repeat([who for _, _, who, _ in self._parts], sizes)
        self.kind = np.repeat([kind for _, _, _, kind in self._parts], sizes)
        self.features = np.empty((sum(sizes), FEATURES), np.float32)
        place, change = 0, contrasts()
        while self._parts:
            features = self._parts.pop(0)[0]
            self.features[place:place + len(features)] = features.astype(np.float32) @ change.T
            place += len(features)

    def _teach(self, t: Take, kind: int, rng: np.random.Generator, share: float = data.NO_SHARE
               ) -> None:
        features, answers = examples(t, rng, share)
        self._parts.append((features.astype(np.float16), answers, t.who, kind))

    def _teach_takes(self, recordings: Sequence[Recording], rng: np.random.Generator) -> None:
        takes = [take(r) for r in recordings]
        for time in range(VARIED):
            for t in takes:
                self._teach(varied(data.sudden(t, rng), rng) if time else t, TAKE, rng)

    def _teach_fast(self, recordings: Sequence[Recording], rng: np.random.Generator) -> None:
        for who in sorted({r.performer for r in recordings}):
            own = [r for r in recordings if r.performer == who]
            single = own[0].set not in data.TAKES
            hits = [hit for r in own for hit in cut(r, LONGEST_S)]
            for k in range(PLAYED[single]):
                audio, attacks = playing(hits, rng)
                t = Take(who, data.levels_of(audio), attacks)
                self._teach(varied(t, rng) if k % 3 else t, FAST, rng, PLAYED_SHARE)
            takes = [take(r, SINGLE_LEAD_S) for r in own]
            for _ in range(LONGER[single]):
                self._teach(varied(data.dense(takes, rng), rng), FAST, rng, PLAYED_SHARE)

    def _teach_nothing(self, rng: np.random.Generator) -> None:
        for _ in range(VARIED):
            for t in [*data.nothing(seed=1), *data.rolls(seed=1)]:
                self._teach(varied(t, rng), NOTHING, rng)

    def rows(self, never: Collection[str]) -> dict[tuple[int, int], NDArray[np.intp]]:
        """Which hops a judge may be taught by that never hears some performers, by kind."""
        heard = ~np.isin(self.who, list(never))
        return {(kind, answer): np.flatnonzero(heard & (self.kind == kind)
                                               & (self.answers == answer))
                for kind, answer in MIX}


def contrasts() -> Samples:
    """The features as they are learnt from, float32 (FEATURES, FEATURES): each hop and stretch
    against the one before it, the loudest against now. So a small rise stands out; no more is
    known, and the first layer takes it up into its weights."""
    rows = np.eye(FEATURES // BANDS, dtype=np.float32)
    oldest = POINTS + len(EDGES) - 2
    for row in range(oldest):
        rows[row, row + 1] = -1.0
    rows[oldest + 2, 0] = -1.0
    return np.kron(rows, np.eye(BANDS, dtype=np.float32))


class Judge(nn.Module):
    """Three layers; the first sees contrasts brought to mean 0 and deviation 1."""

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
        named = {"first": first @ torch.from_numpy(contrasts()), "first_bias": bias,
                 "second": self.second.weight, "second_bias": self.second.bias,
                 "last": self.last.weight[0], "last_bias": self.last.bias[0]}
        return {name: tensor.numpy().astype(np.float32) for name, tensor in named.items()}


def train(lessons: Lessons, never: Collection[str], seed: int) -> Judge:
    """A judge that never hears some performers."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rows = lessons.rows(never)
    some = np.sort(np.concatenate([rng.choice(of_kind, 20_000) for of_kind in rows.values()]))
    judge = Judge(lessons.features[some])
    optimiser = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        batch = np.concatenate([rng.choice(rows[kind], int(BATCH * share))
                                for kind, share in MIX.items()])
        x, y = torch.from_numpy(lessons.features[batch]), torch.from_numpy(lessons.answers[batch])
        loss = nn.functional.binary_cross_entropy_with_logits(judge(x), y)
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


def set_bar(judges: dict[str, dict[str, Samples]], takes: Sequence[Recording],
            singles: Sequence[Recording]) -> None:
    """Save the judges with the bar at which takes and sixteenths of never-heard performers are
    heard best, of those at which noise is never a strike, and breaths and the clicks of a pause
    are seldom. ModelError where there is no such bar."""
    best, bar = 0.0, 0.0
    for sure in BARS:
        save(HERE, judges, float(sure))
        heard = hear_takes(takes)
        f50, f25 = mean_f(f_measures(heard, 0.05)), mean_f(f_measures(heard, 0.025))
        fast = stage.sixteenths(singles)["f25"] if singles else 0.0
        calm = stays_calm(heard, takes)
        print(f"sure at {sure:.2f}: F {f50:.4f} / {f25:.4f}, sixteenths {fast:.4f}"
              f"{'' if calm else ', but not calm'}", flush=True)
        if calm and f50 + f25 + fast > best:
            best, bar = f50 + f25 + fast, float(sure)
    if not best:
        raise ModelError("at none of BARS the judge stays calm in noise, breaths and pauses; "
                         "teach it more of them, or raise the bars")
    save(HERE, judges, bar)


def stays_calm(heard: Sequence[Heard], takes: Sequence[Recording]) -> bool:
    """Whether little is announced where nothing is struck; sounds in a pause that are as loud as
    the strikes about it don't count."""
    noises = stage.triggers_per_minute(seconds=120.0)
    breaths = noises.pop("breaths, peaks of -38 dBFS")
    pauses = stage.triggers_in_pauses(heard, takes)
    clicks = pauses["a_minute"] - pauses["as_loud_a_minute"]
    return not any(noises.values()) and breaths <= BREATHS and clicks <= CLICKS


def main() -> None:
    """Train, set the bar, write `judge.npz` and `folds/`."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with a manifest.csv")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    takes = [r for r in data.voices(arguments.data) if r.permissive]
    singles = [r for r in data.singles(arguments.data) if r.permissive]
    lessons = Lessons(takes, singles, arguments.seed)
    print(f"{len(lessons.answers)} hops to learn from", flush=True)
    groups = folds({r.performer for r in [*takes, *singles]}, FOLDS)
    (HERE / "folds").mkdir(exist_ok=True)
    judges = {}
    for number, group in enumerate([*groups, []]):
        name = f"folds/fold_{number}.npz" if group else "judge.npz"
        judges[name] = train(lessons, group, arguments.seed + number).weights()
        print(f"{name}: never heard {', '.join(group) or 'nobody'}", flush=True)
    heard_by = {who: number for number, group in enumerate(groups) for who in group}
    (HERE / "folds" / "folds.json").write_text(json.dumps(heard_by, indent=1) + "\n")
    set_bar(judges, takes, singles)


if __name__ == "__main__":
    main()
