"""Train the rhythm model: `python -m models_onnx.rhythm.train --data DIR`.

A small network hears what a take's past says about the next step and weighs the opinions: what
drummers do, what this one did in moments like this, and its own. The one that ships
learns from everybody; three fold models learn without some of the drummers each, for scores on
those never heard. Writes `model.onnx`, `ngram.npz` and `folds/`, each compared with torch; scores
and card are `evaluate --card`'s. About 5 minutes on one core; expect the nats of the card within
.01.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import GateError
from engine.model import Model
from engine.music.memory import FEATURES, INTENT, RECALLED
from engine.music.mixing import OPINIONS
from engine.music.ngram import Ngram, counted, save
from engine.music.pattern import DRUMS_HERE, drums_in, swings
from engine.music.rhythm import SHAPES
from models_onnx.rhythm.data import Take, takes
from models_onnx.rhythm.hearing import Heard, listen, together

SEED = 1
FOLDS = (("drummer3", "drummer8"), ("drummer1", "drummer4"),
         ("drummer5", "drummer6", "drummer7"))
WIDE, NARROW = 256, 192     # twice that is no better on drummers never heard
DROPPED = 0.2
STROKE_UNITS = 64
TOLD = 0.5                  # share of steps that are told whether their take is a beat or a fill

BATCH = 1024                # steps of any take
STEPS = 600                 # about twice everything
RATE = 3e-3                 # the one-cycle's peak
SLOW = 0.99                 # the average of the weights that is kept
STROKES = 1.0               # weight of how hard and how late, beside what is struck

CLOSE = 1e-4                # ONNX and torch may differ by this much

_LATER = torch.tril(torch.ones(DRUMS_HERE, DRUMS_HERE), -1).flatten().nonzero()[:, 0]
_SPREAD = torch.eye(DRUMS_HERE * DRUMS_HERE)[_LATER]    # 36 pairs to their places among 81


class Player(nn.Module):
    """What the past says in, how to weigh it and how to strike out."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(FEATURES, WIDE), nn.ReLU(), nn.Dropout(DROPPED),
                                  nn.Linear(WIDE, NARROW), nn.ReLU(), nn.Dropout(DROPPED))
        self.weights = nn.Linear(NARROW, OPINIONS * DRUMS_HERE)
        self.bias = nn.Linear(NARROW, DRUMS_HERE)
        self.pairs = nn.Linear(NARROW, len(_LATER))
        self.strokes = nn.Sequential(nn.Linear(NARROW + DRUMS_HERE, STROKE_UNITS), nn.ReLU(),
                                     nn.Linear(STROKE_UNITS, 4 * DRUMS_HERE))
        for layer in (self.weights, self.bias, self.pairs, self.strokes[-1]):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.weights.bias, 0.25)

    def forward(self, features: Tensor, struck: Tensor) -> tuple[Tensor, ...]:
        """features (n, FEATURES) -> weights (n, 5, 9), bias (n, 9), pairs (n, 9, 9), strokes.

        struck  : (n, 9)      1 where the step's drum is struck; only the strokes depend on it
        strokes : (n, 4, 9)   velocity and its log spread, lateness in steps and its log spread
        """
        heard = self.body(features)
        pairs = self.pairs(heard) @ _SPREAD
        strokes = self.strokes(torch.cat([heard, struck], 1)).reshape(-1, 4, DRUMS_HERE)
        recalled = features[:, RECALLED:RECALLED + 4 * DRUMS_HERE].reshape(-1, 4, DRUMS_HERE)
        strokes = torch.stack([strokes[:, 0] + recalled[:, 2], strokes[:, 1] - 2.0,
                               strokes[:, 2] + recalled[:, 3], strokes[:, 3] - 2.0], dim=1)
        return (self.weights(heard).reshape(-1, OPINIONS, DRUMS_HERE), self.bias(heard),
                pairs.reshape(-1, DRUMS_HERE, DRUMS_HERE), strokes)


@dataclass(frozen=True)
class Steps:
    """Everything a model learns from, a row a step."""

    heard: Heard
    opinions: NDArray[np.float32]       # (n, 5, 9)
    intent: NDArray[np.float32]         # (n, 2)   their take is a beat, a fill


def learned(found: Sequence[tuple[Take, Heard]], without: Sequence[str]) -> tuple[Steps, Ngram]:
    """The steps of all drummers but some, and the counts that ship with them.

    While learning, no drummer's own takes are among what "drummers do": else the network would
    trust it more than it deserves with strangers.
    """
    kept = [(take, heard) for take, heard in found if take.drummer not in without]
    rows: list[Heard] = []
    says: list[NDArray[np.float32]] = []
    intent: list[tuple[bool, bool]] = []
    for drummer in sorted({take.drummer for take, _ in kept}):
        others = together([heard for take, heard in kept if take.drummer != drummer])
        own = together([heard for take, heard in kept if take.drummer == drummer])
        rows.append(own)
        drummers = own.drummers(counted(others.of, others.played))
        says.append(own.decisions(drummers).transpose(1, 0, 2))
        intent += [(take.kind == "beat", take.kind == "fill") for take, heard in kept
                   if take.drummer == drummer for _ in heard.played]
    everybody = together(rows)
    return (Steps(everybody, np.concatenate(says), np.array(intent, np.float32)),
            counted(everybody.of, everybody.played))


def train(steps: Steps, seed: int) -> Player:
    """One model on some steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    player, slow = Player(), Player()
    slow.load_state_dict(player.state_dict())
    optimiser = torch.optim.AdamW(player.parameters(), weight_decay=0.02)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for step in range(STEPS):
        chosen = rng.integers(len(steps.opinions), size=BATCH)
        told = (rng.random(BATCH) < TOLD)[:, None]
        nats, strokes = losses(player, steps, chosen, told * steps.intent[chosen])
        optimiser.zero_grad()
        (nats + STROKES * strokes).backward()
        nn.utils.clip_grad_norm_(player.parameters(), 1.0)
        optimiser.step()
        cycle.step()
        with torch.no_grad():
            for kept, new in zip(slow.parameters(), player.parameters(), strict=True):
                kept.lerp_(new, 1.0 - min(SLOW, step / (step + 10.0)))
    return slow.eval()


def losses(player: Player, steps: Steps, chosen: NDArray[np.int64], intent: NDArray[np.float32]
           ) -> tuple[Tensor, Tensor]:
    """Nats a step, and how badly velocities and lateness were foreseen (Laplace, nats a stroke)."""
    features = torch.from_numpy(steps.heard.features[chosen].astype(np.float32))
    features[:, INTENT:] = torch.from_numpy(intent)
    played = torch.from_numpy(drums_in(steps.heard.played[chosen]).astype(np.float32))
    weights, bias, pairs, strokes = player(features, played)
    sure = ((weights * torch.from_numpy(steps.opinions[chosen])).sum(dim=1) + bias
            + (pairs * played[:, None]).sum(dim=-1))
    nats = nn.functional.binary_cross_entropy_with_logits(sure, played, reduction="none")
    spread = torch.clamp(strokes[:, 1::2], -4.0, 1.0)
    truth = torch.from_numpy(np.stack([steps.heard.hits[chosen], steps.heard.offsets[chosen]], 1))
    missed = (strokes[:, ::2] - truth).abs() * torch.exp(-spread) + spread
    struck = played[:, None].expand_as(missed)
    return nats.sum(dim=1).mean(), (missed * struck).sum() / struck.sum()


def export(player: Player, path: Path, check: Tensor) -> float:
    """Write the model, run it as the stage does, and say how far it is from torch."""
    inputs, outputs = SHAPES
    blank = torch.zeros(1, FEATURES), torch.zeros(1, DRUMS_HERE)
    torch.onnx.export(player, blank, path, input_names=list(inputs),
                      output_names=list(outputs), dynamo=False)
    model, apart = Model(path, inputs, outputs), 0.0
    with torch.no_grad():
        for features in check:
            model.inputs["features"][0] = features
            model.inputs["struck"][0, 3] = 1.0
            model.run()
            expected = player(features[None], torch.from_numpy(model.inputs["struck"]))
            for given, wanted in zip(model.outputs.values(), expected, strict=True):
                apart = max(apart, float(np.abs(given - wanted.numpy()).max()))
    return apart


def heard_takes(data: Path) -> list[tuple[Take, Heard]]:
    """Every take on sixteenths, and those that swing on triplets too."""
    return [(take, listen(take.on_grid(triplets=triplets), take.bpm))
            for take in takes(data)
            for triplets in ((False, True) if swings(take.strokes) else (False,))]


def main() -> None:
    """Listen, train, export, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with patterns/")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent,
                        help="where the models go; the model's own folder unless told otherwise")
    arguments = parser.parse_args()
    torch.set_num_threads(1)                            # the same sums in the same order
    found = heard_takes(arguments.data)
    (arguments.out / "folds").mkdir(exist_ok=True)
    for fold, without in enumerate([(), *FOLDS], start=-1):
        name = f"folds/fold_{fold}" if without else "model"
        steps, ngram = learned(found, without)
        player = train(steps, SEED)
        check = torch.from_numpy(steps.heard.features[:50].astype(np.float32))
        apart = export(player, arguments.out / f"{name}.onnx", check)
        if apart > CLOSE:
            raise GateError(f"{name}: differs from torch by {apart:.1e}, more than {CLOSE:.0e}")
        save(ngram, arguments.out / f"{name.replace('model', 'ngram')}.npz")
        print(f"{name}: trained without {', '.join(without) or 'nobody'}; {apart:.1e} from torch",
              flush=True)
    heard_by = {who: fold for fold, group in enumerate(FOLDS) for who in group}
    (arguments.out / "folds" / "folds.json").write_text(json.dumps(heard_by, indent=1) + "\n")


if __name__ == "__main__":
    main()
