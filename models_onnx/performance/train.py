"""Train the performance model: `python -m models_onnx.performance.train --data DIR`.

A GRU hears the events of piano performances and says what happens next. Beside the last event it
sees what sounds and since when, and what followed where the same notes came before. Pieces are
moved by up to five half tones. Writes `model.onnx`, compared with torch; scores and card are
`evaluate --card`'s. About 12 minutes on one core; expect the nats an event of the card within .02.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.dsp.performance_memory import EVENTS, OFF, VIEW, WAIT, memory, walk
from engine.errors import GateError
from engine.music.performance import FOLDER, UNITS, load_model
from models_onnx.performance.data import Piece, pieces

SEED = 1
INSIDE = 160                # what is seen, brought together before the GRU
LENGTH, TOGETHER = 160, 48  # events of a stretch; stretches in a batch
STEPS = 620
RATE = 4e-3                 # the one-cycle's peak
UP = 5                      # half tones a piece is moved at most, either way
CHECKED = 8                 # held-out pieces looked at while training
CLOSE = 1e-4                # ONNX and torch may differ by this much


class Pianist(nn.Module):
    """What is seen in, the next event out."""

    def __init__(self) -> None:
        super().__init__()
        self.sees = nn.Linear(VIEW, INSIDE)
        self.gru = nn.GRU(INSIDE, UNITS, batch_first=True)
        self.says = nn.Linear(UNITS + INSIDE, EVENTS)

    def forward(self, views: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """views (n, time, VIEW) -> logits (n, time, EVENTS), last state (1, n, UNITS)."""
        seen = self.sees(views).relu()
        heard, state = self.gru(seen, state)
        return self.says(torch.cat([heard, seen], -1)), state


class Step(nn.Module):
    """One event, as the stage runs it: state (1, UNITS) in and out, chances a share of 1."""

    def __init__(self, pianist: Pianist) -> None:
        super().__init__()
        self.pianist = pianist

    def forward(self, view: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        logits, after = self.pianist(view[:, None], state[None])
        return logits[:, 0].softmax(-1), after[0]


def moved(events: NDArray[np.int64], up: int) -> NDArray[np.int64]:
    """The same piece some half tones higher; octaves fold at the ends of the keyboard."""
    out = events.copy()
    for begin, end in ((0, OFF), (OFF, WAIT)):
        notes = (events >= begin) & (events < end)
        pitch = events[notes] - begin + up
        pitch += np.where(pitch < 21, 12, 0) - np.where(pitch > 108, 12, 0)
        out[notes] = begin + pitch
    return out


def views_of(events: NDArray[np.int64]) -> NDArray[np.uint8]:
    """What is seen before each event, uint8 (events, VIEW)."""
    views = np.zeros((len(events), VIEW), np.uint8)
    walk(events, *memory(len(events) + 1), views)
    return views


class Reader:
    """Batches of stretches that go on where the last ended, each through a piece of its own."""

    def __init__(self, found: list[Piece], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.found = found
        self.open = [self._piece() for _ in range(TOGETHER)]
        self.at = [int(self.rng.integers(0, len(e) - LENGTH)) if len(e) > LENGTH else 0
                   for e, _ in self.open]

    def _piece(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        piece = self.found[self.rng.integers(len(self.found))]
        events = moved(piece.events, int(self.rng.integers(-UP, UP + 1)))
        return events, views_of(events)

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """views (TOGETHER, LENGTH, VIEW), events that came, and which stretches begin afresh."""
        views = np.zeros((TOGETHER, LENGTH, VIEW), np.float32)
        came = np.zeros((TOGETHER, LENGTH), np.int64)
        fresh = np.zeros(TOGETHER, bool)
        for row in range(TOGETHER):
            if self.at[row] + LENGTH > len(self.open[row][0]):
                self.open[row], self.at[row] = self._long_piece(), 0
                fresh[row] = True
            events, seen = self.open[row]
            part = slice(self.at[row], self.at[row] + LENGTH)
            views[row], came[row] = seen[part], events[part]
            self.at[row] += LENGTH
        return torch.from_numpy(views) / 255.0, torch.from_numpy(came), torch.from_numpy(fresh)

    def _long_piece(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        while True:
            piece = self._piece()
            if len(piece[0]) >= LENGTH:
                return piece


def train(found: list[Piece], checked: list[Piece]) -> Pianist:
    """One model on the pieces that are not held out."""
    torch.manual_seed(SEED)
    pianist, reader = Pianist(), Reader(found, SEED)
    chooser = torch.optim.AdamW(pianist.parameters(), RATE, weight_decay=0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(chooser, RATE, STEPS, pct_start=0.1)
    state, begun = torch.zeros(1, TOGETHER, UNITS), time.monotonic()
    for step in range(STEPS):
        views, came, fresh = reader.draw()
        state = state * (~fresh)[None, :, None]
        logits, state = pianist(views, state.detach())
        loss = nn.functional.cross_entropy(logits.reshape(-1, EVENTS), came.reshape(-1))
        chooser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(pianist.parameters(), 1.0)
        chooser.step()
        cycle.step()
        if step % 50 == 49 or step == STEPS - 1:
            print(step + 1, f"{float(loss):.3f}", f"{check(pianist, checked):.4f}",
                  f"{time.monotonic() - begun:.0f} s", flush=True)
    return pianist.eval()


@torch.no_grad()
def check(pianist: Pianist, checked: list[Piece]) -> float:
    """Nats an event on held-out pieces."""
    lost = count = 0.0
    for piece in checked:
        events = piece.events[:2000]
        logits, _ = pianist(torch.from_numpy(views_of(events)).float()[None] / 255.0)
        lost += float(nn.functional.cross_entropy(logits[0], torch.from_numpy(events),
                                                  reduction="sum"))
        count += len(events)
    return lost / count


def export(pianist: Pianist) -> None:
    """Write model.onnx, and hold it against torch over some steps."""
    step = Step(pianist).eval()
    blank = (torch.zeros(1, VIEW), torch.zeros(1, UNITS))
    torch.onnx.export(step, blank, str(FOLDER / "model.onnx"), input_names=["view", "state"],
                      output_names=["event", "next_state"], dynamo=False)
    load_model.cache_clear()
    model, rng, state, apart = load_model(), np.random.default_rng(SEED), blank[1], 0.0
    model.inputs["state"][:] = 0.0
    for _ in range(20):
        view = rng.random((1, VIEW), np.float32)
        model.inputs["view"][:] = view
        model.run()
        with torch.no_grad():
            event, state = step(torch.from_numpy(view), state)
        apart = max(apart, float(np.abs(model.outputs["event"] - event.numpy()).max()))
        model.inputs["state"][:] = model.outputs["next_state"]
    if apart > CLOSE:
        raise GateError(f"model.onnx differs from torch by {apart:.1e}, more than {CLOSE:.0e}")


def main() -> None:
    """Train on the pieces that are not held out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the training data")
    data = parser.parse_args().data
    export(train(pieces(data, held_out=False), pieces(data, held_out=True)[:CHECKED]))


if __name__ == "__main__":
    main()
