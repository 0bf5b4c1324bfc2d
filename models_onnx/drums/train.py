"""Train the drum model: `python -m models_onnx.drums.train --data DIR [--onward]`.

A causal GRU hears a strike frame by frame and gives its opinion after each. Five fold models are
trained without a fifth of the performers and kits each, for scores on those never heard; then the
one that ships, on everybody. Writes `model.onnx` and `folds/`, each compared with torch; scores
and card are `evaluate --card`'s. About 20 minutes on one core; expect the macro-F1 of the card
within .02. `--onward` goes on from the models that are there, a few steps, each from its own fold.

Speech to refuse is read aloud by eSpeak NG (`apt install espeak-ng`); without it, training goes on
and says so, and the model accepts more speech.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from engine.drums import DRUMS
from engine.dsp.mel import BANDS
from engine.errors import GateError
from engine.voice.drum_model import EMBEDDING, UNITS, drum_model
from models_onnx.corpus import folds
from models_onnx.drums.data import (
    CLASSES,
    FRAMES,
    NONE,
    Strike,
    features,
    refused,
    strikes,
    tails,
)
from models_onnx.drums.days import varied
from models_onnx.drums.noises import NOISES
from models_onnx.drums.talk import PROGRAM, READING, can_talk

SEED = 1
FOLDS = 5
VARIATIONS = 16             # of each strike; the first is the strike as it was recorded
TAILS = 600                 # of real strikes, learnt as none
STREAMS, READINGS = 40, 500 # noises of each kind, and words and sentences, whose onsets are none

CLEAN = 0.25                # of the examples are heard as they were recorded

STEPS, RATE = 600, 4e-3     # and the one-cycle's peak; twice that is no better
ONWARD_STEPS, ONWARD_RATE = 160, 1.5e-3
SLOW = 0.99                 # the average of the weights that is kept
SMOOTH = 0.1                # of a label's certainty goes to the other sounds of a mouth
SHORT = 41                  # frames of most batches, 76 ms; each fifth is whole
FULL = 6                    # from 8 ms on an opinion counts fully
HALF = 30                   # and half at 56 ms: the early ones are hard, and were .04 worse where
                            # the late ones led

PEOPLE, EACH = 5, 6         # performers in a batch, and examples of kick, snare and hat of each
DRUM_BATCH = 36
NONE_BATCH = 60             # there are more ways of being none than of being a kick;
NONE_WEIGHT = 0.6           # but on stage they are rarer
DRUM_HALF = 100             # one-shots ring: their opinion counts half only after 196 ms
DRUM_SHARE = 0.6            # of the loss

CLOSE = 1e-4                # ONNX and torch may differ by this much

VOICED = [DRUMS.index(drum) for drum in ("kick", "snare", "hihat_closed", "hihat_open")] + [NONE]


class Ear(nn.Module):
    """40 bands in, an opinion out, after each frame."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(BANDS, UNITS, batch_first=True)
        self.voice = nn.Linear(UNITS, CLASSES)       # which drum does this mouth mean?
        self.drum = nn.Linear(UNITS, len(DRUMS))     # if it is a real drum, which?
        self.place = nn.Linear(UNITS, EMBEDDING)  # what belongs together lies together
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
             + tails(data, rng, TAILS) + refused(rng, STREAMS, READINGS))
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
        nones = keep & (data.kind == "none")
        drawn, read = np.isin(data.who, list(NOISES)), data.who == READING
        self.nones = [rows for rows in map(np.flatnonzero, (
            nones & drawn, nones & read, nones & ~drawn & ~read)) if len(rows)]

    def draw(self) -> NDArray[np.int64]:
        """Indices: PEOPLE x 3 sounds x EACH, then drums, then what is none."""
        rng = self.rng
        people = rng.choice(len(self.people), PEOPLE, replace=len(self.people) < PEOPLE)
        drawn = [rng.choice(of_sound, EACH, replace=len(of_sound) < EACH)
                 for person in people for of_sound in self.people[person]]
        drums = [rng.choice(self.drums[rng.integers(len(self.drums))]) for _ in range(DRUM_BATCH)]
        nones = [rng.choice(self.nones[k % len(self.nones)]) for k in range(NONE_BATCH)]
        return np.concatenate([*drawn, drums, nones])


def train(data: Examples, keep: NDArray[np.bool_], seed: int, onward: Path | None = None) -> Ear:
    """One model on the examples that are kept; `onward` from the weights of a file."""
    torch.manual_seed(seed)
    batches = Batches(data, keep, seed)
    ear, slow = Ear(), Ear()
    if onward:
        ear.load_state_dict(weights(onward), strict=False)
    slow.load_state_dict(ear.state_dict())
    steps, rate = (ONWARD_STEPS, ONWARD_RATE) if onward else (STEPS, RATE)
    optimiser = torch.optim.AdamW(ear.parameters(), weight_decay=0.02)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for step in range(steps):
        chosen = batches.draw()
        variation = batches.rng.integers(VARIATIONS, size=len(chosen))
        variation[batches.rng.random(len(chosen)) < CLEAN] = 0
        length = FRAMES if step % 5 == 0 else SHORT
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
    voice, drum, place, _ = ear(frames)
    drums = slice(-DRUM_BATCH - NONE_BATCH, -NONE_BATCH)
    mouth = torch.ones(len(chosen), dtype=torch.bool)
    mouth[drums] = False
    worth = torch.where(right[:, NONE], NONE_WEIGHT, 1.0)[:, None] * alone
    loss = _opinion(voice[mouth], right[mouth], _weight(length, HALF) * worth[mouth], VOICED)
    loss = loss + DRUM_SHARE * _opinion(drum[drums], right[drums, :NONE],
                                        _weight(length, DRUM_HALF) * alone[drums],
                                        list(range(NONE)))
    return loss + 0.5 * _nearest(ear, place, length, rng)


def _weight(length: int, half: int) -> Tensor:
    """How much the opinion after each frame counts."""
    frame = torch.arange(length, dtype=torch.float32)
    rise = torch.clamp((frame - 2.0) / (FULL - 2.0), 0.0, 1.0)
    return rise / (1.0 + torch.clamp(frame - 10.0, min=0.0) / (half - 10.0))


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
    names = ["probabilities", "instruments", "embedding", "next_state"]
    blank = torch.zeros(1, BANDS), torch.zeros(1, UNITS)
    step = Step(ear).eval()
    torch.onnx.export(step, blank, path, input_names=["frame", "state"], output_names=names,
                      dynamo=False)
    model = drum_model(path)
    state, apart = torch.zeros(1, UNITS), 0.0
    model.inputs["state"][:] = 0.0
    with torch.no_grad():
        for frame in check:
            expected = step(frame[None], state)
            model.inputs["frame"][:] = frame
            model.run()
            for name, wanted in zip(names, expected, strict=True):
                apart = max(apart, float(np.abs(model.outputs[name] - wanted.numpy()).max()))
            state = expected[-1]
            model.inputs["state"][:] = model.outputs["next_state"]
    return apart


def weights(path: Path) -> dict[str, Tensor]:
    """What `export` wrote, as torch has it; ONNX has a GRU's gates in another order."""
    graph = onnx.load(path).graph
    arrays = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy())
              for each in graph.initializer}
    gru = next(node for node in graph.node if node.op_type == "GRU")
    places = np.concatenate([np.arange(k * UNITS, (k + 1) * UNITS) for k in (1, 0, 2)])
    found = {"gru.weight_ih_l0": arrays[gru.input[1]][0, places],
             "gru.weight_hh_l0": arrays[gru.input[2]][0, places],
             "gru.bias_ih_l0": arrays[gru.input[3]][0, :3 * UNITS][places],
             "gru.bias_hh_l0": arrays[gru.input[3]][0, 3 * UNITS:][places]}
    for node in graph.node:
        name = node.output[0].split("/")[2] if node.output[0].startswith("/ear/") else ""
        if node.op_type == "MatMul":
            found[f"{name}.weight"] = arrays[node.input[1]].T.contiguous()
        elif node.op_type == "Add":
            found[f"{name}.bias"] = arrays[node.input[0]]
    return found


def main() -> None:
    """Train, export, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with a manifest.csv")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent,
                        help="where the models go; the model's own folder unless told otherwise")
    parser.add_argument("--onward", action="store_true",
                        help="go on from the models that are there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)                            # the same sums in the same order
    if not can_talk():
        print(f"{PROGRAM} isn't installed: trained without speech, more of it will be accepted")
    data = examples(arguments.data)
    groups = [voices + kits for voices, kits in zip(
        folds(set(data.who[data.kind == "voice"]), FOLDS),
        folds(set(data.who[data.kind == "drum"]), FOLDS), strict=True)]
    (arguments.out / "folds").mkdir(exist_ok=True)
    for fold, without in enumerate([*groups, []]):
        name = f"folds/fold_{fold}.onnx" if without else "model.onnx"
        path = arguments.out / name
        ear = train(data, ~np.isin(data.who, without), SEED, path if arguments.onward else None)
        strike = torch.from_numpy(data.heard[0, 0].astype(np.float32))
        apart = export(ear, path, strike)
        if apart > CLOSE:
            raise GateError(f"{name}: differs from torch by {apart:.1e}, more than {CLOSE:.0e}")
        print(f"{name}: trained without {', '.join(without) or 'nobody'}; {apart:.1e} from torch")
    heard_by = {who: fold for fold, group in enumerate(groups) for who in group}
    (arguments.out / "folds" / "folds.json").write_text(json.dumps(heard_by, indent=1) + "\n")


if __name__ == "__main__":
    main()
