"""Train the bar model: `python -m models_onnx.bars.train --data DIR`.

A bar is drawn step by step inside the graph, from the bar before, its chords, where a finger lies
on the pad (learned half the time), and noise that comes from outside: one pass, one bar.
Writes `model.onnx`, compared with torch; scores and card are `evaluate --card`'s. About 3
minutes on one core; expect the nats a bar of the card within .1.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import GateError
from engine.music.bars import (
    BUSIEST,
    CHORD,
    FOLDER,
    HIGHEST,
    STEPS,
    SYMBOLS,
    load_model,
    reference,
    see,
    symbols_of,
)
from models_onnx.bars.data import Pair, pairs
from models_onnx.melody.data import PERMISSIVE, tunes

SEED = 1
INSIDE, THEN = 192, 128
NEAR = (-1, 0, 1, 2, 8)     # steps of the bar before that each step sees, from its own place
PAST = 12                   # steps back that each step sees, into the bar before where it must
BATCH = 256
PASSES = 3
RATE = 4e-3                 # the one-cycle's peak
DROPPED = 0.15
PADDED = 0.5                # of the bars are learned with the pad
CHECKED = 3000              # held-out bars looked at while training
CLOSE = 1e-4                # ONNX and torch may differ by this much


class Composer(nn.Module):
    """The bar before, chords, pad and the steps so far in; the chances of the next step out.

    Symbols are looked up in tables whose rows are added: here where all steps are known and learned
    from at once, one step after another in the graph of the stage. Both ways are the same sums.
    """

    def __init__(self) -> None:
        super().__init__()
        self.whole = _table(STEPS)                      # the bar before at a glance
        self.near = _table(len(NEAR))                   # around the same place of it
        self.past = _table(PAST)                        # the last steps
        self.sounding = _table(1)                       # the note that sounds, if any
        self.place = nn.Parameter(torch.zeros(STEPS, INSIDE))
        self.rest = nn.Linear(2 * CHORD + 4, INSIDE)    # the chord now and in a beat, the pad
        self.says = nn.Sequential(nn.ReLU(), nn.Dropout(DROPPED), nn.Linear(INSIDE, THEN),
                                  nn.ReLU(), nn.Dropout(DROPPED), nn.Linear(THEN, SYMBOLS))

    def around(self, chords: Tensor, pad: Tensor) -> Tensor:
        """What chords, pad and place say at each step: (n, STEPS, INSIDE)."""
        to_come = torch.cat([chords[:, 4:], chords[:, -4:]], 1)
        given = torch.cat([chords, to_come, pad[:, None].expand(-1, STEPS, 4)], 2)
        return self.rest(given) + self.place

    def told(self, before: Tensor, came: Tensor, chords: Tensor, pad: Tensor) -> Tensor:
        """Logits of all steps at once, (n, STEPS, SYMBOLS); before and came int64 (n, STEPS)."""
        both = torch.cat([before, came], 1)
        steps = torch.arange(STEPS)
        near = before[:, (steps[:, None] + torch.tensor(NEAR)) % STEPS]
        past = both[:, steps[:, None] + STEPS - 1 - torch.arange(PAST)]
        inside = (self.around(chords, pad) + _sum(before, self.whole)[:, None]
                  + _sum(near, self.near) + _sum(past, self.past)
                  + self.sounding[sounding_at(before, came)])
        return self.says(inside)


def _table(places: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(places * SYMBOLS, INSIDE) * 0.05)


def _sum(symbols: Tensor, table: Tensor) -> Tensor:
    """The rows of (…, places) symbols added: (…, INSIDE)."""
    places = symbols.shape[-1]
    rows = (symbols + SYMBOLS * torch.arange(places)).reshape(-1, places)
    return nn.functional.embedding_bag(rows, table, mode="sum").reshape(
        *symbols.shape[:-1], INSIDE)


def sounding_at(before: Tensor, came: Tensor) -> Tensor:
    """The symbol of the note that sounds when each step comes, 0 where none does: (n, STEPS)."""
    both = torch.cat([before, came], 1)
    sounds, all_of_them = torch.zeros_like(both[:, 0]), []
    for step in range(2 * STEPS):
        all_of_them.append(sounds)
        sounds = after(sounds, both[:, step])
    return torch.stack(all_of_them[STEPS:], 1)


class Whole(nn.Module):
    """The composer as the stage runs it: noise in, a bar out; the chances it drew from beside."""

    def __init__(self, composer: Composer) -> None:
        super().__init__()
        self.composer = composer

    def forward(self, before: Tensor, chords: Tensor, pad: Tensor, noise: Tensor, welcome: Tensor
                ) -> tuple[Tensor, Tensor]:
        composer, symbols = self.composer, before.to(torch.int64)
        places = torch.arange(STEPS)
        near = symbols[:, (places[:, None] + torch.tensor(NEAR)) % STEPS]
        known = (composer.around(chords, pad) + _rows(symbols, composer.whole)[:, None]
                 + _rows(near, composer.near))
        luck = noise + welcome[:, None]
        events = torch.where(symbols > 0, places * SYMBOLS + symbols, 0)
        sounding = after(0, events.max(-1).values % SYMBOLS)
        past = symbols.flip(1)                                          # the latest first
        steps, logits = [], []
        for place in range(STEPS):
            inside = (known[:, place] + _rows(past[:, :PAST], composer.past)
                      + composer.sounding[sounding])
            logits.append(composer.says(inside))
            drawn = (logits[-1] + luck[:, place]).argmax(-1)
            steps.append(drawn)
            past = torch.cat([drawn[:, None], past], 1)
            sounding = after(sounding, drawn)
        return torch.stack(steps, 1).to(torch.float32), torch.stack(logits, 1).softmax(-1)


def _rows(symbols: Tensor, table: Tensor) -> Tensor:
    """The same as `_sum`, in words that the runtime is quick at."""
    return table[symbols + SYMBOLS * torch.arange(symbols.shape[-1])].sum(-2)


def after(sounding: Tensor | int, symbol: Tensor) -> Tensor:
    """The symbol of what sounds after another: as before a hold, 0 after a rest, or the note."""
    return torch.where(symbol >= 2, symbol, torch.where(symbol == 1, 0, sounding))


class Examples:
    """All pairs as the stage sees them, compact: symbols and chord numbers."""

    def __init__(self, found: list[Pair]) -> None:
        given = {"before": np.zeros((1, STEPS), np.float32),
                 "chords": np.zeros((1, STEPS, CHORD), np.float32),
                 "pad": np.zeros((1, 4), np.float32)}
        count = len(found)
        self.before = np.zeros((count, STEPS), np.int64)
        self.came = np.zeros((count, STEPS), np.int64)
        self.chords = np.zeros((count, STEPS, CHORD), np.uint8)
        self.pad = np.zeros((count, 4), np.float32)
        for row, pair in enumerate(found):
            origin = see(pair.before, pair.chords, *pad_of(pair), given)
            self.before[row] = symbols_of(pair.before, origin)
            self.came[row] = symbols_of(pair.bar, origin)
            self.chords[row], self.pad[row] = given["chords"][0], given["pad"][0]
        self.counts = np.arange(STEPS)[None] < np.array([p.bar.bar for p in found])[:, None]

    def batch(self, rows: NDArray[np.int64], padded: NDArray[np.bool_]) -> tuple[Tensor, ...]:
        """before, chords, pad, what came, which steps count."""
        pad = self.pad[rows].copy()
        pad[~padded, :3] = 0.0
        return (torch.from_numpy(self.before[rows]), torch.from_numpy(self.chords[rows]).float(),
                torch.from_numpy(pad), torch.from_numpy(self.came[rows]),
                torch.from_numpy(self.counts[rows]))


def pad_of(pair: Pair) -> tuple[float, float]:
    """Where the finger would have lain for this bar: how busy, how high over the bar before."""
    notes = pair.bar.steps[pair.bar.steps >= 0]
    rise = float(notes.mean()) - reference(pair.before)
    return (min(len(notes) / BUSIEST, 1.0), float(np.clip(0.5 + rise / HIGHEST / 2, 0.0, 1.0)))


def lost(composer: Composer, batch: tuple[Tensor, ...]) -> Tensor:
    """Nats of each bar, every step told the steps before it."""
    before, chords, pad, came, counts = batch
    said = composer.told(before, came, chords, pad).log_softmax(-1)
    return -(said.gather(2, came[:, :, None])[:, :, 0] * counts).sum(1)


def train(found: Examples, checked: Examples) -> Composer:
    """The composer, on all bars that are not held out."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    composer, count = Composer(), len(found.came)
    chooser = torch.optim.AdamW(composer.parameters(), RATE, weight_decay=0.02)
    cycle = torch.optim.lr_scheduler.OneCycleLR(chooser, RATE, PASSES * (count // BATCH),
                                                pct_start=0.1)
    begun = time.monotonic()
    for turn in range(PASSES):
        order = rng.permutation(count)
        for begin in range(0, count // BATCH * BATCH, BATCH):
            rows = order[begin:begin + BATCH]
            loss = lost(composer, found.batch(rows, rng.random(BATCH) < PADDED)).mean() / STEPS
            chooser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(composer.parameters(), 1.0)
            chooser.step()
            cycle.step()
        composer.eval()
        rows = np.arange(len(checked.came))
        with torch.no_grad():
            nats = lost(composer, checked.batch(rows, np.zeros(len(rows), bool))).mean()
        composer.train()
        print(turn, f"{float(loss.detach()) * STEPS:.2f}", f"{float(nats):.3f}",
              f"{time.monotonic() - begun:.0f} s", flush=True)
    return composer.eval()


def export(composer: Composer) -> None:
    """Write model.onnx, and hold it against torch."""
    whole = Whole(composer).eval()
    shapes = {"before": (1, STEPS), "chords": (1, STEPS, CHORD), "pad": (1, 4),
              "noise": (1, STEPS, SYMBOLS), "welcome": (1, SYMBOLS)}
    rng = np.random.default_rng(SEED)
    example = {name: rng.random(shape, np.float32) for name, shape in shapes.items()}
    example["before"] = rng.integers(0, SYMBOLS, (1, STEPS)).astype(np.float32)
    given = tuple(torch.from_numpy(x) for x in example.values())
    torch.onnx.export(whole, given, str(FOLDER / "model.onnx"), input_names=list(shapes),
                      output_names=["steps", "chances"], dynamo=False, opset_version=17)
    load_model.cache_clear()
    model = load_model()
    for name, values in example.items():
        model.inputs[name][:] = values
    model.run()
    with torch.no_grad():
        steps, chances = whole(*given)
    apart = float(np.abs(model.outputs["chances"] - chances.numpy()).max())
    if apart > CLOSE or not np.array_equal(model.outputs["steps"], steps.numpy()):
        raise GateError(f"model.onnx differs from torch by {apart:.1e}, more than {CLOSE:.0e}")


def main() -> None:
    """Train on the permissive tunes that are not held out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the training data")
    found = tunes(parser.parse_args().data, PERMISSIVE)
    learned = pairs(tune for tune in found if not tune.held_out)
    held = pairs(tune for tune in found if tune.held_out)[::4][:CHECKED]
    print(len(learned), "bars", flush=True)
    export(train(Examples(learned), Examples(held)))


if __name__ == "__main__":
    main()
