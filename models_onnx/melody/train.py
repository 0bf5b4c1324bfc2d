"""Train the melody model: `python -m models_onnx.melody.train --data DIR`.

Two small networks in one file: whether a step holds, rests or starts a note, and which note. Each
also learns how far to trust the counts of the line itself. What they see is computed by the code
of the stage. Tunes are counted in four parts, so that each learns beside a table that doesn't
hold it; the table that ships holds all four. Writes `model.onnx`, `table.npz` and `books.npz`,
compared with torch; scores and card are `evaluate --card`'s. About 12 minutes on one core; expect
the nats a step of the card within .01.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.dsp.line_chances import INTERVALS, KINDS, PITCH_OPINIONS, RHYTHM_OPINIONS
from engine.dsp.line_context import PITCH_VIEW, RHYTHM_VIEW
from engine.errors import GateError
from engine.music import books
from engine.music.melody import FOLDER, Table, load_model
from models_onnx.melody.data import HIGH, LOW, PERMISSIVE, Tune, tunes
from models_onnx.melody.lesson import Lesson, lesson, table_of

SEED = 1
PARTS = 4                   # the books are counted without a quarter, for that quarter
CHECKED = 60                # held-out tunes looked at while training
BATCH = 1024
RATE = 2e-3                 # the one-cycle's peak
RHYTHM_PASSES, PITCH_PASSES = 4, 9
WIDTHS = {"rhythm": (192, 96), "pitch": (320, 192)}
DROPPED = {"rhythm": 0.1, "pitch": 0.25}        # of what the network sees and says inside
FORGETTING = 0.02           # weight decay
CLOSE = 1e-4                # ONNX and torch may differ by this much


class Half(nn.Module):
    """What is seen in, chances of each symbol and trust in each opinion out."""

    def __init__(self, seen: int, symbols: int, opinions: int, widths: tuple[int, int],
                 dropped: float) -> None:
        super().__init__()
        first, second = widths
        self.body = nn.Sequential(nn.Linear(seen, first), nn.ReLU(), nn.Dropout(dropped),
                                  nn.Linear(first, second), nn.ReLU(), nn.Dropout(dropped))
        self.says = nn.Linear(second, symbols)
        self.trusts = nn.Sequential(nn.Linear(second + 2 * opinions, 64), nn.ReLU(),
                                    nn.Linear(64, opinions + 1))
        self.shrink = nn.Dropout(dropped / 2)

    def forward(self, seen: Tensor, sure: Tensor) -> tuple[Tensor, Tensor]:
        """seen (n, features), sure (n, 2 * opinions) -> logits of the symbols, and of trust."""
        inside = self.body(self.shrink(seen))
        return self.says(inside), self.trusts(torch.cat([inside, sure], 1))


class Whole(nn.Module):
    """Both halves as the stage runs them: chances and trust as shares of 1."""

    def __init__(self, rhythm: Half, pitch: Half) -> None:
        super().__init__()
        self.of_rhythm, self.of_pitch = rhythm, pitch

    def forward(self, rhythm: Tensor, pitch: Tensor, rhythm_sure: Tensor, pitch_sure: Tensor
                ) -> tuple[Tensor, ...]:
        kinds, rhythm_trust = self.of_rhythm(rhythm, rhythm_sure)
        notes, pitch_trust = self.of_pitch(pitch, pitch_sure)
        return tuple(x.softmax(-1) for x in (kinds, notes, rhythm_trust, pitch_trust))


def losses(half: Half, seen: Tensor, sure: Tensor, said: Tensor, came: Tensor, possible: Tensor
           ) -> tuple[Tensor, Tensor]:
    """Nats of what came: by the network alone, and mixed with the line's own counts."""
    logits, trust = half(seen, sure)
    log = logits.masked_fill(~possible, -1e9).log_softmax(-1)
    alone = log.gather(1, came[:, None])[:, 0]
    chances = torch.cat([alone.exp()[:, None], said], 1)
    mixed = (chances * trust.softmax(-1)).sum(1).clamp_min(1e-7).log()
    return -alone, -mixed


def arrays(made: Lesson, half: str) -> tuple[np.ndarray, ...]:
    """The views, how sure, what was said, what came, of one half."""
    if half == "rhythm":
        return made.rhythm_views, made.rhythm_sure, made.rhythm_said, made.kinds, made.sounding
    return made.pitch_views, made.pitch_sure, made.pitch_said, made.intervals, made.last


def batch(data: tuple[np.ndarray, ...], rows: np.ndarray, half: str) -> tuple[Tensor, ...]:
    """Some rows as tensors, and which symbols were possible."""
    views, sure, said, came, state = (part[rows] for part in data)
    if half == "rhythm":
        possible = np.ones((len(rows), KINDS), bool)
        possible[:, 1] = state
    else:
        notes = state[:, None].astype(np.int64) + np.arange(INTERVALS) - 35
        possible = (notes >= LOW) & (notes <= HIGH)
    return (torch.from_numpy(views).float() / 255.0, torch.from_numpy(sure),
            torch.from_numpy(said), torch.from_numpy(came.astype(np.int64)),
            torch.from_numpy(possible))


def train(half: str, made: Lesson, checked: Lesson, seed: int) -> Half:
    """One half, on everything of the lesson; its average of the last steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    sizes = {"rhythm": (RHYTHM_VIEW, KINDS, RHYTHM_OPINIONS),
             "pitch": (PITCH_VIEW, INTERVALS, PITCH_OPINIONS)}[half]
    net = Half(*sizes, WIDTHS[half], DROPPED[half])
    data, passes = arrays(made, half), RHYTHM_PASSES if half == "rhythm" else PITCH_PASSES
    count = len(data[3])
    steps = passes * (count // BATCH)
    chooser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=FORGETTING)
    cycle = torch.optim.lr_scheduler.OneCycleLR(chooser, RATE, steps, pct_start=0.15)
    for turn in range(passes):
        order = rng.permutation(count)
        for begin in range(0, count // BATCH * BATCH, BATCH):
            alone, mixed = losses(net, *batch(data, np.sort(order[begin:begin + BATCH]), half))
            loss = alone.mean() + mixed.mean()
            chooser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            chooser.step()
            cycle.step()
        print(half, turn, *(f"{x:.4f}" for x in check(net, checked, half)), flush=True)
    return net.eval()


@torch.no_grad()
def check(net: Half, checked: Lesson, half: str) -> tuple[float, float]:
    """Nats a symbol on held-out tunes: alone and mixed."""
    net.eval()
    data = arrays(checked, half)
    alone, mixed = losses(net, *batch(data, np.arange(len(data[3])), half))
    net.train()
    return float(alone.mean()), float(mixed.mean())


def lessons(found: list[Tune]) -> tuple[Lesson, Lesson, Table]:
    """What to learn, what to look at meanwhile, and the table that ships."""
    learned = [tune for tune in found if not tune.held_out]
    held = [tune for tune in found if tune.held_out][::7][:CHECKED]
    parts = np.arange(len(learned)) * PARTS // len(learned)
    rng = np.random.default_rng(SEED)
    rng.shuffle(parts)
    tables = [table_of([t for t, p in zip(learned, parts, strict=True) if p != part])
              for part in range(PARTS)]
    shipped = table_of(learned)
    return (lesson(learned, [tables[part] for part in parts]),
            lesson(held, [shipped] * len(held)), shipped)


def export(whole: Whole) -> None:
    """Write model.onnx, and hold it against torch."""
    shapes = {"rhythm": RHYTHM_VIEW, "pitch": PITCH_VIEW, "rhythm_sure": 2 * RHYTHM_OPINIONS,
              "pitch_sure": 2 * PITCH_OPINIONS}
    rng = np.random.default_rng(SEED)
    example = {name: rng.random((1, size), np.float32) for name, size in shapes.items()}
    given = tuple(torch.from_numpy(x) for x in example.values())
    outputs = ["rhythm_alone", "pitch_alone", "rhythm_trust", "pitch_trust"]
    torch.onnx.export(whole, given, str(FOLDER / "model.onnx"), input_names=list(shapes),
                      output_names=outputs, dynamo=False, opset_version=17)
    model = load_model()
    for name, values in example.items():
        model.inputs[name][:] = values
    model.run()
    with torch.no_grad():
        wanted = dict(zip(outputs, whole(*given), strict=True))
    apart = max(float(np.abs(model.outputs[name] - wanted[name].numpy()).max())
                for name in outputs)
    if apart > CLOSE:
        raise GateError(f"model.onnx differs from torch by {apart:.1e}, more than {CLOSE:.0e}")


def main() -> None:
    """Train on the permissive tunes that are not held out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the training data")
    found = tunes(parser.parse_args().data, PERMISSIVE)
    made, checked, table = lessons(found)
    books.keep(tune.line for tune in found if not tune.held_out)
    np.savez_compressed(FOLDER / "table.npz", **{
        name: getattr(table, name) for name in Table.__dataclass_fields__})
    print(json.dumps({"steps": len(made.kinds), "notes": len(made.intervals)}), flush=True)
    halves = [train(half, made, checked, SEED) for half in ("rhythm", "pitch")]
    export(Whole(*halves).eval())


if __name__ == "__main__":
    main()
