"""Train the bar model: `python -m models_onnx.bars.train --data DIR`.

A bar is drawn step by step inside the graph, from the bar before, its chords, half the time from
where a finger would lie on the pad, and from noise that comes from outside: one pass, one bar.
Writes `model.onnx`, compared with torch; scores and card are `evaluate --card`'s. About 10
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
    REACH,
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
UNITS = 160
AROUND = 5                  # steps of the bar before that each step sees: -1..2, and half a bar on
BATCH = 256
PASSES = 3
RATE = 3e-3                 # the one-cycle's peak
DROPPED = 0.2
PADDED = 0.5                # of the bars are learned with the pad
CHECKED = 3000              # held-out bars looked at while training
CLOSE = 1e-4                # ONNX and torch may differ by this much


class Composer(nn.Module):
    """The bar before, chords and pad in; at each step the chances of what comes."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = nn.Linear(STEPS * SYMBOLS, UNITS)          # the bar before at a glance
        self.near = nn.Linear(AROUND * SYMBOLS, 96)             # around the same place of it
        self.last = nn.Linear(SYMBOLS, 64, bias=False)          # the last step
        self.sounding = nn.Linear(SYMBOLS, 64, bias=False)      # the note that sounds, if any
        self.rest = nn.Linear(2 * CHORD + 4 + STEPS, 64)        # chord now and to come, pad, place
        self.into = nn.Linear(UNITS + 96 + 64 + 64, 3 * UNITS)
        self.keep = nn.Linear(UNITS, 3 * UNITS)
        self.says = nn.Sequential(nn.Linear(UNITS + 96 + 64 + 64, 160), nn.ReLU(),
                                  nn.Dropout(DROPPED), nn.Linear(160, SYMBOLS))
        self.drop = nn.Dropout(DROPPED)
        self.register_buffer("places", torch.eye(STEPS))

    def read(self, before: Tensor, chords: Tensor, pad: Tensor) -> Tensor:
        """What every step knows from outside: (n, STEPS, features)."""
        count = before.shape[0]
        glance = self.drop(self.whole(before.reshape(count, -1))).relu()
        wide = torch.cat([before[:, -1:], before, before[:, :3]], 1)    # one before, three after
        near = torch.cat([wide[:, k:k + STEPS] for k in range(4)] + [before.roll(-8, 1)], 2)
        to_come = torch.cat([chords[:, 4:], chords[:, -4:]], 1)
        rest = torch.cat([chords, to_come, pad[:, None].expand(count, STEPS, 4),
                          self.places[None].expand(count, STEPS, STEPS)], 2)
        return torch.cat([glance[:, None].expand(count, STEPS, UNITS),
                          self.drop(self.near(near)).relu(), self.rest(rest).relu()], 2)

    def step(self, known: Tensor, last: Tensor, sounding: Tensor, state: Tensor
             ) -> tuple[Tensor, Tensor]:
        """One step: logits (n, SYMBOLS) and the next state; a gated recurrent unit by hand."""
        inside = (self.last(last) + self.sounding(sounding)).relu()
        seen = torch.cat([known, inside], 1)
        reset, update, fresh = self.into(seen).chunk(3, 1)
        kept_reset, kept_update, kept_fresh = self.keep(state).chunk(3, 1)
        gate = torch.sigmoid(update + kept_update)
        new = torch.tanh(fresh + torch.sigmoid(reset + kept_reset) * kept_fresh)
        state = gate * state + (1 - gate) * new
        return self.says(torch.cat([state, known[:, UNITS:], inside], 1)), state


def after(sounding: Tensor, symbol: Tensor) -> Tensor:
    """Which note sounds after a symbol: held, none after a rest, or the new one; as one-hot."""
    starts = symbol[:, 2:].sum(1, keepdim=True)
    rests = symbol[:, 1:2]
    note = torch.cat([torch.zeros_like(symbol[:, :2]), symbol[:, 2:]], 1)
    return sounding * (1 - starts) * (1 - rests) + note


class Whole(nn.Module):
    """The composer as the stage runs it: noise in, a bar out; the chances it drew from beside."""

    def __init__(self, composer: Composer) -> None:
        super().__init__()
        self.composer = composer

    def forward(self, before: Tensor, chords: Tensor, pad: Tensor, noise: Tensor, welcome: Tensor
                ) -> tuple[Tensor, Tensor]:
        known = self.composer.read(before, chords, pad)
        last = before[:, -1]
        sounding = self._end_of(before)
        state = torch.zeros_like(known[:, 0, :UNITS])
        steps, chances = [], []
        for place in range(STEPS):
            logits, state = self.composer.step(known[:, place], last, sounding, state)
            chances.append(logits.softmax(-1))
            drawn = (logits.log_softmax(-1) + welcome + noise[:, place]).argmax(-1)
            last = nn.functional.one_hot(drawn, SYMBOLS).to(torch.float32)
            sounding = after(sounding, last)
            steps.append(drawn)
        return torch.stack(steps, 1).to(torch.float32), torch.stack(chances, 1)

    def _end_of(self, before: Tensor) -> Tensor:
        sounding = torch.zeros_like(before[:, 0])
        for place in range(STEPS):
            sounding = after(sounding, before[:, place])
        return sounding


class Examples:
    """All pairs as the stage sees them, compact: symbols and chord numbers."""

    def __init__(self, found: list[Pair]) -> None:
        given = {"before": np.zeros((1, STEPS, SYMBOLS), np.float32),
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
        """before, chords, pad, what came as one-hot, which steps count."""
        pad = self.pad[rows].copy()
        pad[~padded, :3] = 0.0
        eye = torch.eye(SYMBOLS)
        return (eye[self.before[rows]], torch.from_numpy(self.chords[rows]).float(),
                torch.from_numpy(pad), eye[self.came[rows]],
                torch.from_numpy(self.counts[rows]))


def pad_of(pair: Pair) -> tuple[float, float]:
    """Where the finger would have lain for this bar: how busy, how high over the bar before."""
    notes = pair.bar.steps[pair.bar.steps >= 0]
    rise = float(notes.mean()) - reference(pair.before)
    return (min(len(notes) / BUSIEST, 1.0), float(np.clip(0.5 + rise / HIGHEST / 2, 0.0, 1.0)))


def lost(composer: Composer, batch: tuple[Tensor, ...]) -> Tensor:
    """Nats of each bar, all steps told what came before them."""
    before, chords, pad, came, counts = batch
    known = composer.read(before, chords, pad)
    last, sounding = before[:, -1], Whole(composer)._end_of(before)
    state, total = torch.zeros(len(before), UNITS), torch.zeros(len(before))
    for place in range(STEPS):
        logits, state = composer.step(known[:, place], last, sounding, state)
        said = (logits.log_softmax(-1) * came[:, place]).sum(1)
        total = total - said * counts[:, place]
        last = came[:, place]
        sounding = after(sounding, last)
    return total


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
        print(turn, f"{float(loss) * STEPS:.2f}", f"{float(nats):.3f}",
              f"{time.monotonic() - begun:.0f} s", flush=True)
    return composer.eval()


def export(composer: Composer) -> None:
    """Write model.onnx, and hold it against torch."""
    whole = Whole(composer).eval()
    shapes = {"before": (1, STEPS, SYMBOLS), "chords": (1, STEPS, CHORD), "pad": (1, 4),
              "noise": (1, STEPS, SYMBOLS), "welcome": (1, SYMBOLS)}
    rng = np.random.default_rng(SEED)
    example = {name: rng.random(shape, np.float32) for name, shape in shapes.items()}
    example["before"] = np.eye(SYMBOLS, dtype=np.float32)[
        rng.integers(0, 2 * REACH, STEPS)][None]
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
