"""Train the drum model: `python -m models_onnx.drums.train --data DIR`.

A causal GRU hears a strike frame by frame and gives its opinion after each. Five fold models are
trained without a fifth of the performers and kits each, for scores on those never heard; then the
one that ships, on everybody. Writes `model.onnx` and `folds/`, each compared with torch; scores
and card are `evaluate --card`'s. About 12 minutes on one core; expect the macro-F1 of the card
within .02.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.drums import DRUMS
from engine.dsp.mel import BANDS
from engine.errors import GateError
from engine.model import Model
from models_onnx.corpus import folds
from models_onnx.drums.data import (
    CLASSES,
    FRAMES,
    NONE,
    Strike,
    features,
    noises,
    strikes,
    tails,
    varied,
)

SEED = 1
FOLDS = 5
UNITS = 96                  # as good as more on thirty performers, and a step costs 10 us
EMBEDDING = 48
VARIATIONS = 12             # of each strike; the first is the strike as it was recorded
NONES = 600                 # tails of real strikes, and as many noises

STEPS = 600                 # twice that is no better on performers never heard
RATE = 4e-3                 # the one-cycle's peak
SLOW = 0.99                 # the average of the weights that is kept
SMOOTH = 0.1                # of a label's certainty goes to the other sounds of a mouth
SHORT = 41                  # frames of most batches, 76 ms; each fourth is whole
FULL, HALF = 6, 22          # from 8 ms on an opinion counts fully, at 40 ms half: the early ones
                            # are hard, and were .04 worse where the late ones led

PEOPLE, EACH = 7, 6         # performers in a batch, and examples of kick, snare and hat of each
DRUM_BATCH, NONE_BATCH = 32, 32

CLOSE = 1e-4                # ONNX and torch may differ by this much

VOICED = [DRUMS.index(drum) for drum in ("kick", "snare", "hihat_closed", "hihat_open")] + [NONE]


class Ear(nn.Module):
    """40 bands in, an opinion out, after each frame."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(BANDS, UNITS, batch_first=True)
        self.voice = nn.Linear(UNITS, CLASSES)          # which drum does this mouth mean?
        self.drum = nn.Linear(UNITS, len(DRUMS))        # which drum is this, if it is a real one?
        self.place = nn.Linear(UNITS, EMBEDDING)        # sounds that belong together lie together
        self.nearness = nn.Parameter(torch.tensor(2.0))

    def forward(self, frames: Tensor, state: Tensor | None = None) -> tuple[Tensor, ...]:
        """frames (n, time, BANDS) -> voice and drum logits, embedding, last state."""
        heard, state = self.gru(frames, state)
        embedding = nn.functional.normalize(self.place(heard), dim=-1)
        return self.voice(heard), self.drum(heard), embedding, state


@dataclass(frozen=True, slots=True)
class Examples:
    """All strikes, heard in all variations.

    heard  : float16 (n, VARIATIONS, FRAMES, BANDS)
    may_be : bool (n, CLASSES)
    until  : int (n, VARIATIONS)   the first frame that hears the next strike
    who, kind : str (n,)
    """

    heard: NDArray[np.float16]
    may_be: NDArray[np.bool_]
    until: NDArray[np.int64]
    who: NDArray[np.str_]
    kind: NDArray[np.str_]


def examples(data: Path) -> Examples:
    """Read, vary and hear everything that weights that ship may learn from."""
    rng = np.random.default_rng(SEED)
    found = (strikes(data, part="beatbox", permissive=True)
             + strikes(data, part="drums", permissive=True)
             + tails(data, rng, NONES) + noises(rng, NONES))
    heard = np.zeros((len(found), VARIATIONS, FRAMES, BANDS), np.float16)
    until = np.zeros((len(found), VARIATIONS), np.int64)
    for i, strike in enumerate(found):
        for k in range(VARIATIONS):
            example = varied(strike, rng) if k else strike
            heard[i, k] = features(example)
            until[i, k] = _until(example)
    return Examples(heard, np.stack([s.may_be for s in found]), until,
                    np.array([s.who for s in found]), np.array([s.kind for s in found]))


def _until(strike: Strike) -> int:
    """A frame may hear 10 ms of the next strike: it is announced no sooner."""
    return int(min(FRAMES, 3 + 500.0 * (strike.alone_s + 0.010)))


class Batches:
    """Episodes: a few performers, and of each as many kicks as snares and hats."""

    def __init__(self, data: Examples, keep: NDArray[np.bool_], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.data = data
        voices = keep & (data.kind == "voice")
        sounds = [data.may_be[:, DRUMS.index("kick")], data.may_be[:, DRUMS.index("snare")],
                  data.may_be[:, DRUMS.index("hihat_closed")]
                  | data.may_be[:, DRUMS.index("hihat_open")]]
        self.people = [
            [np.flatnonzero(mine & sound) for sound in sounds]
            for mine in (voices & (data.who == who) for who in sorted(set(data.who[voices])))]
        self.people = [person for person in self.people if all(map(len, person))]
        self.drums = [np.flatnonzero(keep & (data.kind == "drum") & data.may_be[:, c])
                      for c in range(len(DRUMS))]
        self.drums = [of_one for of_one in self.drums if len(of_one)]
        self.nones = np.flatnonzero(keep & (data.kind == "none"))

    def draw(self) -> NDArray[np.int64]:
        """Indices: PEOPLE x 3 sounds x EACH, then drums, then what is none."""
        rng = self.rng
        people = rng.choice(len(self.people), PEOPLE, replace=len(self.people) < PEOPLE)
        drawn = [rng.choice(of_sound, EACH, replace=len(of_sound) < EACH)
                 for person in people for of_sound in self.people[person]]
        drums = [rng.choice(self.drums[rng.integers(len(self.drums))]) for _ in range(DRUM_BATCH)]
        return np.concatenate([*drawn, drums, rng.choice(self.nones, NONE_BATCH)])


def train(data: Examples, keep: NDArray[np.bool_], seed: int) -> Ear:
    """One model on the examples that are kept."""
    torch.manual_seed(seed)
    batches = Batches(data, keep, seed)
    ear, slow = Ear(), Ear()
    slow.load_state_dict(ear.state_dict())
    optimiser = torch.optim.AdamW(ear.parameters(), weight_decay=0.02)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for step in range(STEPS):
        chosen = batches.draw()
        variation = batches.rng.integers(VARIATIONS, size=len(chosen))
        length = FRAMES if step % 4 == 0 else SHORT
        loss = _loss(ear, data, chosen, variation, length, batches.rng)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(ear.parameters(), 1.0)
        optimiser.step()
        cycle.step()
        with torch.no_grad():
            for kept, new in zip(slow.parameters(), ear.parameters(), strict=True):
                kept.lerp_(new, 1.0 - min(SLOW, step / (step + 10.0)))
    return slow.eval()


def _loss(ear: Ear, data: Examples, chosen: NDArray[np.int64], variation: NDArray[np.int64],
          length: int, rng: np.random.Generator) -> Tensor:
    """The opinion at every frame, the drums as a second task, and who lies beside whom."""
    frames = torch.from_numpy(data.heard[chosen, variation, :length].astype(np.float32))
    right = torch.from_numpy(data.may_be[chosen])
    alone = torch.arange(length) < torch.from_numpy(data.until[chosen, variation])[:, None]
    frame = torch.arange(length, dtype=torch.float32)
    rise = torch.clamp((frame - 2.0) / (FULL - 2.0), 0.0, 1.0)
    weight = rise / (1.0 + torch.clamp(frame - 10.0, min=0.0) / (HALF - 10.0)) * alone
    voice, drum, place, _ = ear(frames)
    drums = slice(-DRUM_BATCH - NONE_BATCH, -NONE_BATCH)
    mouth = torch.ones(len(chosen), dtype=torch.bool)
    mouth[drums] = False
    loss = _opinion(voice[mouth], right[mouth], weight[mouth], VOICED)
    loss = loss + 0.3 * _opinion(drum[drums], right[drums, :NONE], weight[drums],
                                 list(range(NONE)))
    return loss + 0.5 * _nearest(ear, place, length, rng)


def _opinion(logits: Tensor, right: Tensor, weight: Tensor, others: list[int]) -> Tensor:
    """Cross-entropy where several answers may be right, softened a little."""
    logs = torch.log_softmax(logits, dim=-1)
    hit = torch.logsumexp(logs.masked_fill(~right[:, None], -30.0), dim=-1)
    loss = -(1.0 - SMOOTH) * hit - SMOOTH * logs[..., others].mean(dim=-1)
    return (loss * weight).sum() / weight.sum()


def _nearest(ear: Ear, place: Tensor, length: int, rng: np.random.Generator) -> Tensor:
    """Prototypes: half of a performer's examples name the other half, at three moments."""
    people = place[:PEOPLE * 3 * EACH].reshape(PEOPLE, 3, EACH, length, EMBEDDING)
    loss = torch.zeros(())
    for frame in rng.integers(8, min(length, SHORT), size=3):
        centres = people[:, :, :EACH // 2, frame].mean(dim=2)
        asked = people[:, :, EACH // 2:, frame].reshape(PEOPLE, -1, EMBEDDING)
        scores = -torch.cdist(asked, centres) ** 2 * ear.nearness.exp()
        answer = torch.arange(3).repeat_interleave(EACH - EACH // 2).repeat(PEOPLE)
        loss = loss + nn.functional.cross_entropy(scores.reshape(-1, 3), answer)
    return loss / 3.0


class Step(nn.Module):
    """The model as the stage runs it: one frame of one strike."""

    def __init__(self, ear: Ear) -> None:
        super().__init__()
        self.ear = ear

    def forward(self, frame: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        """frame (1, BANDS), state (1, UNITS) -> probabilities, instruments, embedding, state."""
        voice, drum, place, state = self.ear(frame[None], state[None])
        return (torch.softmax(voice[0], -1), torch.softmax(drum[0], -1), place[0], state[0])


def export(ear: Ear, path: Path, check: Tensor) -> float:
    """Write the model, run it as the stage does, and say how far it is from torch.

    check   : (time, BANDS)   a strike
    returns : the largest difference of any output at any frame
    """
    names = {"probabilities": (1, CLASSES), "instruments": (1, len(DRUMS)),
             "embedding": (1, EMBEDDING), "next_state": (1, UNITS)}
    blank = torch.zeros(1, BANDS), torch.zeros(1, UNITS)
    torch.onnx.export(Step(ear).eval(), blank, path, input_names=["frame", "state"],
                      output_names=list(names), dynamo=False)
    model = Model(path, {"frame": (1, BANDS), "state": (1, UNITS)}, names)
    state, apart = torch.zeros(1, UNITS), 0.0
    model.inputs["state"][:] = 0.0
    with torch.no_grad():
        for frame in check:
            expected = Step(ear)(frame[None], state)
            model.inputs["frame"][:] = frame
            model.run()
            for given, wanted in zip(model.outputs.values(), expected, strict=True):
                apart = max(apart, float(np.abs(given - wanted.numpy()).max()))
            state = expected[-1]
            model.inputs["state"][:] = model.outputs["next_state"]
    return apart


def main() -> None:
    """Train, export, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with a manifest.csv")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent,
                        help="where the models go; the model's own folder unless told otherwise")
    arguments = parser.parse_args()
    torch.set_num_threads(1)                            # the same sums in the same order
    data = examples(arguments.data)
    groups = [voices + kits for voices, kits in zip(
        folds(set(data.who[data.kind == "voice"]), FOLDS),
        folds(set(data.who[data.kind == "drum"]), FOLDS), strict=True)]
    (arguments.out / "folds").mkdir(exist_ok=True)
    for fold, without in enumerate([*groups, []]):
        name = f"folds/fold_{fold}.onnx" if without else "model.onnx"
        ear = train(data, ~np.isin(data.who, without), SEED)
        strike = torch.from_numpy(data.heard[0, 0].astype(np.float32))
        apart = export(ear, arguments.out / name, strike)
        if apart > CLOSE:
            raise GateError(f"{name}: differs from torch by {apart:.1e}, more than {CLOSE:.0e}")
        print(f"{name}: trained without {', '.join(without) or 'nobody'}; {apart:.1e} from torch")
    heard_by = {who: fold for fold, group in enumerate(groups) for who in group}
    (arguments.out / "folds" / "folds.json").write_text(json.dumps(heard_by, indent=1) + "\n")


if __name__ == "__main__":
    main()
