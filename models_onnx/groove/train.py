"""Train the groove model: `python -m models_onnx.groove.train --data DIR`.

Two bars pass through 64 numbers and come back. Learns from everybody; three fold models learn
without some of the drummers each, for scores on those never heard. Writes `encoder.onnx`,
`decoder.onnx`, `plane.npz` and `folds/`, each compared with torch. About 3 minutes on one core;
expect the onset F1 of the card within .01.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import GateError
from engine.model import Model
from engine.music.groove import DECODER, ENCODER, POINT, STEPS
from engine.music.pattern import DRUMS_HERE
from engine.units import Samples
from models_onnx.groove.data import windows
from models_onnx.rhythm.data import takes
from models_onnx.rhythm.train import FOLDS

SEED = 1
WIDE = 256
BATCH, STEPS_TAUGHT, RATE = 256, 1500, 2e-3
SLOW = 0.99                 # the average of the weights that is kept
NARROW = 0.0005             # weight of the point's information, a stroke of loss a nat
FLAT = 0.25                 # share of grooves that are read without velocities and timing
STROKES = 2.0               # weight of how hard and how late, beside what is struck
MIXED = 0.5                 # share of grooves whose drums come from two takes

CLOSE = 1e-4                # ONNX and torch may differ by this much
SHEETS = 3 * STEPS * DRUMS_HERE


class Reader(nn.Module):
    """A groove (n, 3, 32, 9) to the middle and log spread of its point, (n, POINT) each."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(SHEETS, WIDE), nn.ReLU(),
                                  nn.Linear(WIDE, WIDE), nn.ReLU())
        self.point, self.spread = nn.Linear(WIDE, POINT), nn.Linear(WIDE, POINT)

    def forward(self, groove: Tensor) -> Tensor:
        """The point itself."""
        return self.point(self.body(groove))

    def both(self, groove: Tensor) -> tuple[Tensor, Tensor]:
        """The point and its log spread."""
        heard = self.body(groove)
        return self.point(heard), self.spread(heard) - 2.0


class Writer(nn.Module):
    """A point and a density to a groove: log-odds, velocities 0..1, lateness within half a step."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(POINT + DRUMS_HERE, WIDE), nn.ReLU(),
                                  nn.Linear(WIDE, WIDE), nn.ReLU(), nn.Linear(WIDE, SHEETS))

    def forward(self, point: Tensor, density: Tensor) -> Tensor:
        """(n, POINT), (n, 9) -> (n, 3, 32, 9)."""
        sheet = self.body(torch.cat([point, 4.0 * density], dim=1))
        likely, hard, late = sheet.reshape(-1, 3, STEPS, DRUMS_HERE).unbind(1)
        return torch.stack([likely, torch.sigmoid(hard), 0.5 * torch.tanh(late)], dim=1)


def varied(grooves: Samples, rng: np.random.Generator) -> Samples:
    """New grooves from old: some drums from another take, bars swapped, a drum left out."""
    made = grooves[rng.integers(len(grooves), size=BATCH)]
    other = grooves[rng.integers(len(grooves), size=BATCH)]
    foreign = (rng.random((BATCH, DRUMS_HERE)) < 0.5) & (rng.random((BATCH, 1)) < MIXED)
    made = np.where(foreign[:, None, None], other, made)
    swapped = np.concatenate([made[:, :, STEPS // 2:], made[:, :, :STEPS // 2]], axis=2)
    made = np.where(rng.random((BATCH, 1, 1, 1)) < 0.3, swapped, made)
    kept = rng.random((BATCH, 1, 1, DRUMS_HERE)) > 0.05
    return np.asarray(made * kept, np.float32)


def loss_of(reader: Reader, writer: Writer, truth: Tensor, flat: Tensor) -> Tensor:
    """What is struck, how hard and how late, and how much the point had to say."""
    heard = truth.clone()
    heard[flat, 1], heard[flat, 2] = 0.6 * truth[flat, 0], 0.0
    point, spread = reader.both(heard)
    drawn = point + torch.exp(spread) * torch.randn_like(point)
    made = writer(drawn, truth[:, 0].mean(dim=1))
    struck = truth[:, 0]
    hits = nn.functional.binary_cross_entropy_with_logits(made[:, 0], struck, reduction="sum")
    strokes = ((made[:, 1:] - truth[:, 1:]).abs() * struck[:, None]).sum()
    told = 0.5 * (point ** 2 + torch.exp(2.0 * spread) - 1.0 - 2.0 * spread).sum()
    return (hits + STROKES * strokes) / struck.sum() + NARROW * told / len(truth)


def train(grooves: Samples, seed: int) -> tuple[Reader, Writer]:
    """One model on some grooves."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    both, slow = nn.ModuleList([Reader(), Writer()]), nn.ModuleList([Reader(), Writer()])
    slow.load_state_dict(both.state_dict())
    optimiser = torch.optim.AdamW(both.parameters(), weight_decay=0.02)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS_TAUGHT)
    for step in range(STEPS_TAUGHT):
        truth = torch.from_numpy(varied(grooves, rng))
        flat = torch.from_numpy(rng.random(BATCH) < FLAT)
        loss = loss_of(both[0], both[1], truth, flat)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimiser.step()
        cycle.step()
        with torch.no_grad():
            for kept, new in zip(slow.parameters(), both.parameters(), strict=True):
                kept.lerp_(new, 1.0 - min(SLOW, step / (step + 10.0)))
    return slow[0].eval(), slow[1].eval()


def export(reader: Reader, writer: Writer, folder: Path, name: str, check: Tensor) -> float:
    """Write both, run them as the stage does, and say how far they are from torch."""
    apart = 0.0
    with torch.no_grad():
        point = reader(check)
        density = check[:, 0].mean(dim=1)
        for part, module, given, shapes in (("encoder", reader, (check,), ENCODER),
                                            ("decoder", writer, (point, density), DECODER)):
            path = folder / (f"{name}_{part}.onnx" if name else f"{part}.onnx")
            torch.onnx.export(module, tuple(array[:1] for array in given), path, dynamo=False,
                              input_names=list(shapes[0]), output_names=list(shapes[1]))
            model, wanted = Model(path, *shapes), module(*given)
            for row in range(len(check)):
                for array, values in zip(model.inputs.values(), given, strict=True):
                    array[0] = values[row]
                model.run()
                (found,) = model.outputs.values()
                apart = max(apart, float(np.abs(found[0] - wanted[row].numpy()).max()))
    return apart


def save_plane(reader: Reader, grooves: Samples, path: Path) -> None:
    """The middle of all points and the two directions in which they differ most."""
    with torch.no_grad():
        points = reader(torch.from_numpy(grooves)).numpy()
    middle = points.mean(axis=0)
    _, sizes, axes = np.linalg.svd(points - middle, full_matrices=False)
    spread = sizes[:2, None] / np.sqrt(len(points))
    np.savez(path, middle=middle.astype(np.float32), axes=(spread * axes[:2]).astype(np.float32))


def main() -> None:
    """Train, export, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with patterns/")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent,
                        help="where the models go; the model's own folder unless told otherwise")
    arguments = parser.parse_args()
    torch.set_num_threads(1)                            # the same sums in the same order
    grooves, whose, _ = windows(takes(arguments.data))
    (arguments.out / "folds").mkdir(exist_ok=True)
    for fold, without in enumerate([(), *FOLDS], start=-1):
        folder, name = (arguments.out / "folds", f"fold_{fold}") if without else (arguments.out, "")
        kept = grooves[~np.isin(whose, without)]
        reader, writer = train(kept, SEED)
        apart = export(reader, writer, folder, name, torch.from_numpy(kept[:20]))
        if apart > CLOSE:
            raise GateError(f"{name}: differs from torch by {apart:.1e}, more than {CLOSE:.0e}")
        if not without:
            save_plane(reader, kept, arguments.out / "plane.npz")
        print(f"{name or 'model'}: trained without {', '.join(without) or 'nobody'}; "
              f"{apart:.1e} from torch", flush=True)
    heard_by = {who: fold for fold, group in enumerate(FOLDS) for who in group}
    (arguments.out / "folds" / "folds.json").write_text(json.dumps(heard_by, indent=1) + "\n")


if __name__ == "__main__":
    main()
