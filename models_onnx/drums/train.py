"""Train the drum model: `python -m models_onnx.drums.train --data DIR`.

A causal GRU hears a strike frame by frame and gives its opinion after each. Five fold models are
trained without a fifth of the performers and kits each, for scores on those never heard; then the
one that ships, on everybody. Writes `model.onnx` and `folds/`, each compared with torch; scores
and card are `evaluate --card`'s. About 25 minutes on two cores; expect the macro-F1 of the card
within .02.

Speech to refuse is read aloud by eSpeak NG and Flite (`apt install espeak-ng flite`); without
them, training goes on and says so, and the model accepts more speech.
"""

import argparse
import copy
import json
import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.drums import DRUMS
from engine.dsp.strike import HUSH, WIDTH
from engine.errors import GateError
from engine.voice.drum_model import EMBEDDING, NAMING, UNITS, drum_model
from models_onnx.corpus import folds
from models_onnx.drums.data import DRAWN, FRAMES, NONE
from models_onnx.drums.examples import SEED, WORKERS, Examples, examples, on_some_day
from models_onnx.drums.graph import OUTPUTS, graph
from models_onnx.drums.noises import NOISES
from models_onnx.drums.spread import note_all
from models_onnx.drums.talk import READERS, READING, can_talk

FOLDS = 5

STEPS, RATE = 800, 4e-3     # and the one-cycle's peak; twice that is no better
SLOW = 0.99                 # the average of the weights that is kept
SMOOTH = 0.1                # of a label's certainty goes to the other sounds of a mouth
SHORT = 41                  # frames of most batches, 76 ms; each fifth is whole
FULL = 6                    # from 8 ms on an opinion counts fully
HALF = 30                   # and half at 56 ms: the early ones are hard, and were .04 worse where
                            # the late ones led

REFUSING = UNITS - NAMING

PEOPLE, EACH = 5, 6         # performers in a batch, and examples of kick, snare and hat of each
MOUTHS = PEOPLE * 3 * EACH
DRUM_BATCH = 36             # always heard to the end: a cymbal's opinion must last
NONE_BATCH = 96             # there are more ways of being none than of being a kick
NONE_SHARES = {READING: 0.34, "noise": 0.36, "word": 0.12, "backwards": 0.1, "tail": 0.08}
OFTEN = {"sibilants": 4, "applause": 2, "music": 2}     # of the noises: they resemble drums most
DRAWN_BATCH = 24            # of synthetic mouths; like real drums they only must not be refused
DRUM_SHARE = 0.6            # of the loss

CLOSE = 1e-4                # ONNX and torch may differ by this much

VOICED = [DRUMS.index(drum) for drum in ("kick", "snare", "hihat_closed", "hihat_open")]
HEARD = WIDTH - HUSH        # of a frame is remembered; how loud the room was only helps to refuse


class Ear(nn.Module):
    """Frames in, an opinion out, after each.

    Naming and refusing remember for themselves, so neither is learnt at the other's cost.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(HEARD, NAMING, batch_first=True)
        self.voice = nn.Linear(NAMING, len(DRUMS))    # which drum does this mouth mean?
        self.drum = nn.Linear(NAMING, len(DRUMS))     # if it is a real drum, which?
        self.place = nn.Linear(NAMING, EMBEDDING)     # what belongs together lies together
        self.nearness = nn.Parameter(torch.tensor(2.0))
        self.doubt = nn.GRU(WIDTH, REFUSING, batch_first=True)
        self.none = nn.Linear(REFUSING, 1)     # or is it none at all?

    def name(self, frames: Tensor, state: Tensor | None = None) -> tuple[Tensor, ...]:
        """frames (n, time, WIDTH) -> voice and drum logits, embedding, last state."""
        heard, state = self.gru(frames[..., :HEARD], state)
        place = nn.functional.normalize(self.place(heard), dim=-1)
        return self.voice(heard), self.drum(heard), place, state

    def refuse(self, frames: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """frames (n, time, WIDTH) -> the logit of none, last state."""
        heard, state = self.doubt(frames, state)
        return self.none(heard)[..., 0], state


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
        self.drawn = np.flatnonzero(data.kind == DRAWN)
        self.nones = {kind: np.flatnonzero(keep & (data.kind == kind)) for kind in NONE_SHARES}
        self.noises = [np.flatnonzero(data.who == name) for name in NOISES
                       for _ in range(OFTEN.get(name, 1))]

    def draw(self) -> NDArray[np.int64]:
        """Indices: PEOPLE x 3 x EACH, what is none, synthetic mouths, and real drums last."""
        rng = self.rng
        people = rng.choice(len(self.people), PEOPLE, replace=len(self.people) < PEOPLE)
        voices = [rng.choice(of_sound, EACH, replace=len(of_sound) < EACH)
                  for person in people for of_sound in self.people[person]]
        drums = [rng.choice(self.drums[rng.integers(len(self.drums))]) for _ in range(DRUM_BATCH)]
        nones = [rng.choice(rows, round(share * NONE_BATCH)) for kind, share in NONE_SHARES.items()
                 if kind != "noise" and len(rows := self.nones[kind])]
        noises = [rng.choice(self.noises[k % len(self.noises)])
                  for k in range(round(NONE_SHARES["noise"] * NONE_BATCH))]
        synthetic = rng.choice(self.drawn, DRAWN_BATCH)
        return np.concatenate([*voices, *nones, noises, synthetic, drums])


def train(data: Examples, keep: NDArray[np.bool_], seed: int) -> Ear:
    """One model on the examples that are kept."""
    torch.manual_seed(seed)
    batches, ear = Batches(data, keep, seed), Ear()

    def loss(step: int) -> Tensor:
        chosen = batches.draw()
        length = FRAMES if step % 5 == 0 else SHORT
        return _loss(ear, data, chosen, on_some_day(data, chosen, batches.rng), length,
                     batches.rng)

    return fit(ear, STEPS, loss)


def fit(ear: Ear, steps: int, loss: Callable[[int], Tensor]) -> Ear:
    """Lower the loss of each step; returns the slow average of the weights."""
    slow = copy.deepcopy(ear)
    optimiser = torch.optim.AdamW(ear.parameters(), weight_decay=0.02)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for step in range(steps):
        optimiser.zero_grad()
        loss(step).backward()
        nn.utils.clip_grad_norm_(ear.parameters(), 1.0)
        optimiser.step()
        cycle.step()
        with torch.no_grad():
            for kept, new in zip(slow.parameters(), ear.parameters(), strict=True):
                kept.lerp_(new, 1.0 - min(SLOW, step / (step + 10.0)))
    return slow.eval()


def _loss(ear: Ear, data: Examples, chosen: NDArray[np.int64], rows: NDArray[np.int64],
          length: int, rng: np.random.Generator) -> Tensor:
    """The opinion at every frame, the drums as a second task, and who lies beside whom.

    chosen, rows : which strikes, and which of their variations
    length       : frames of what isn't a real drum
    """
    right = torch.from_numpy(data.may_be[chosen])
    frames, alone = first_frames(data, rows[-DRUM_BATCH:], FRAMES)
    _, drum, _, _ = ear.name(frames)
    loss = DRUM_SHARE * _opinion(drum, right[-DRUM_BATCH:, :NONE], opinion_weight(FRAMES) * alone,
                                 list(range(NONE)))
    frames, alone = first_frames(data, rows, length)
    weight = opinion_weight(length, HALF) * alone
    voice, _, place, _ = ear.name(frames[:MOUTHS])
    loss = loss + _opinion(voice, right[:MOUTHS, :NONE], weight[:MOUTHS], VOICED)
    loss = loss + refusal_loss(ear.refuse(frames)[0], right[:, NONE], weight)
    return loss + 0.5 * _nearest(ear, place, length, rng)


def first_frames(data: Examples, rows: NDArray[np.int64], length: int) -> tuple[Tensor, Tensor]:
    """Their first frames, and which of them don't hear the next strike."""
    return (torch.from_numpy(data.heard[rows, :length].astype(np.float32)),
            torch.arange(length) < torch.from_numpy(data.until[rows])[:, None])


def opinion_weight(length: int, half: float = np.inf) -> Tensor:
    """How much the opinion after each frame counts."""
    frame = torch.arange(length, dtype=torch.float32)
    rise = torch.clamp((frame - 2.0) / (FULL - 2.0), 0.0, 1.0)
    return rise / (1.0 + torch.clamp(frame - 10.0, min=0.0) / (half - 10.0))


def refusal_loss(logits: Tensor, is_none: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of being none."""
    wanted = is_none[:, None].float().expand_as(logits)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (loss * weight).sum() / weight.sum()


def _opinion(logits: Tensor, right: Tensor, weight: Tensor, others: list[int]) -> Tensor:
    """Cross-entropy where several answers may be right, softened a little."""
    logs = torch.log_softmax(logits, dim=-1)
    hit = torch.logsumexp(logs.masked_fill(~right[:, None], -30.0), dim=-1)
    loss = -(1.0 - SMOOTH) * hit - SMOOTH * logs[..., others].mean(dim=-1)
    return (loss * weight).sum() / weight.sum()


def _nearest(ear: Ear, place: Tensor, length: int, rng: np.random.Generator) -> Tensor:
    """Prototypes: half of a performer's examples name the other half, at three moments."""
    people = place[:MOUTHS].reshape(PEOPLE, 3, EACH, length, EMBEDDING)
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
        """frame (1, WIDTH), state (1, UNITS) -> probabilities, instruments, embedding, state."""
        voice, drum, place, named = self.ear.name(frame[None], state[None, :, :NAMING])
        logit, doubted = self.ear.refuse(frame[None], state[None, :, NAMING:])
        none = torch.sigmoid(logit)
        chances = torch.cat([torch.softmax(voice[0], -1) * (1.0 - none), none], dim=-1)
        return (chances, torch.softmax(drum[0], -1), place[0],
                torch.cat([named[0], doubted[0]], dim=-1))


def export(ear: Ear, path: Path, check: Tensor) -> float:
    """Write the model, run it as the stage does, and say how far it is from torch.

    check   : (time, WIDTH)   a strike
    returns : the largest difference of any output at any frame
    """
    learnt = {name: weight.numpy() for name, weight in ear.state_dict().items()}
    onnx.save(graph(learnt), path)
    step, model = Step(ear).eval(), drum_model(path)
    state, apart = torch.zeros(1, UNITS), 0.0
    model.inputs["state"][:] = 0.0
    with torch.no_grad():
        for frame in check:
            expected = step(frame[None], state)
            model.inputs["frame"][:] = frame
            model.run()
            for name, wanted in zip(OUTPUTS, expected, strict=True):
                apart = max(apart, float(np.abs(model.outputs[name] - wanted.numpy()).max()))
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
    if not can_talk():
        print(f"{' and '.join(READERS)} aren't both installed: trained without speech, more of "
              "it will be accepted")
    data = examples(arguments.data)
    groups = [voices + kits for voices, kits in zip(
        folds(set(data.who[data.kind == "voice"]), FOLDS),
        folds(set(data.who[data.kind == "drum"]), FOLDS), strict=True)]
    (arguments.out / "folds").mkdir(exist_ok=True)
    jobs = [(arguments.out / f"folds/fold_{fold}.onnx", group) for fold, group in enumerate(groups)]
    _SHARED.append(data)
    with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
        for said in pool.imap(_make, [*jobs, (arguments.out / "model.onnx", [])], chunksize=1):
            print(said, flush=True)
    heard_by = {who: fold for fold, group in enumerate(groups) for who in group}
    (arguments.out / "folds" / "folds.json").write_text(json.dumps(heard_by, indent=1) + "\n")
    note_all(arguments.data, arguments.out)


_SHARED: list[Examples] = []    # with the workers, who are born with it


def _make(job: tuple[Path, Sequence[str]]) -> str:
    """Train one model without some, write it, and say so."""
    path, without = job
    torch.set_num_threads(1)
    data, = _SHARED
    ear = train(data, ~np.isin(data.who, without), SEED)
    apart = export(ear, path, torch.from_numpy(data.heard[0].astype(np.float32)))
    if apart > CLOSE:
        raise GateError(f"{path.name}: differs from torch by {apart:.1e}, more than {CLOSE:.0e}")
    return f"{path.name}: trained without {', '.join(without) or 'nobody'}; {apart:.1e} from torch"


if __name__ == "__main__":
    main()
