"""A drummer who listens: says what comes next in this take, and can play it.

    rhythm = Rhythm(seed=1)
    rhythm.hear(velocities, offsets)                # what was played on this step
    rhythm.chances()                                # how likely each of nine drums is next
    velocities, offsets = rhythm.next_step()        # a step of its own, which it hears as well

A small network (`models_onnx/rhythm`) weighs what drummers do, what this take does and what it
thinks itself (`engine/music/mixing.py`). It adapts with every step and needs no training on stage.
The same seed and the same past give the same music.
"""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.model import MODELS, Model
from engine.music import ngram
from engine.music.drum_maps import NINE
from engine.music.memory import FEATURES, MEAN_BPM, Memory
from engine.music.mixing import OPINIONS, Floats, Weighing, draw, opinions, set_chances
from engine.music.pattern import DRUMS_HERE, SETS, Pattern, drums_in
from engine.units import Samples

SHAPES: Final = (
    {"features": (1, FEATURES), "struck": (1, DRUMS_HERE)},
    {"weights": (1, OPINIONS, DRUMS_HERE), "bias": (1, DRUMS_HERE),
     "pairs": (1, DRUMS_HERE, DRUMS_HERE), "strokes": (1, 4, DRUMS_HERE)},
)
"""What the network hears and says; strokes: velocity, log spread, lateness in steps, log spread."""

ALL: Final = np.ones(DRUMS_HERE, bool)
_NEVER = -40.0                   # log-odds of a drum that isn't allowed
_DENSER = 4.0                    # log-odds between the thinnest and the densest
_SAME = 0.22                     # how much the dice of a place in the bar remember, a bar later
_LIFT = np.array([0.1, 0.25, *7 * [0.05]])    # log-odds: hearing only itself, it would thin out
_LOOSE = (1.2, 0.6)              # spread of velocity and timing: its own mistakes add up
_SOFTEST = 4.0 / 127.0
_COOLEST = 0.05


@cache
def trained(name: str = "model") -> tuple[Model, ngram.Ngram]:
    """The network and the counts it was trained beside; `folds/fold_0` and so on for scores."""
    folder: Path = MODELS / "rhythm"
    return (Model(folder / f"{name}.onnx", *SHAPES),
            ngram.load(folder / f"{name.replace('model', 'ngram')}.npz"))


class Rhythm:
    """One take's player."""

    def __init__(self, seed: int = 0, *, steps_per_bar: int = 16, steps_per_beat: int = 4,
                 bpm: float = MEAN_BPM, model: str = "model") -> None:
        self._model, self._ngram = trained(model)
        self.memory = Memory(steps_per_bar, steps_per_beat, bpm)
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._faces = self._rng.standard_normal((steps_per_bar, DRUMS_HERE))
        self._moment: tuple[Floats, Weighing] | None = None

    def hear(self, velocities: Samples, offsets: Samples | None = None) -> None:
        """A step was played: velocities 0..1 (9,), 0 where nothing; lateness in steps (9,)."""
        self._think()
        late = np.zeros(DRUMS_HERE, np.float32) if offsets is None else offsets
        self.memory.hear(velocities, late)
        self._moment = None

    def intend(self, fill: bool | None) -> None:
        """From the next step on a fill is meant, or a beat; None: whatever comes."""
        self.memory.fill = fill
        self._moment = None

    def chances(self) -> Samples:
        """How likely each of nine drums is on the next step: float32 (9,)."""
        return np.asarray(self.set_chances() @ _HOLDS, np.float32)

    def set_chances(self) -> NDArray[np.float64]:
        """How likely each of 512 sets of drums is on the next step."""
        return set_chances(*self._think())

    def strokes(self, struck: NDArray[np.bool_]) -> Samples:
        """How these drums (9,) would be struck on the next step: float32 (4, 9).

        The velocity to expect, its log spread, the lateness in steps, its log spread.
        """
        self._think()
        self._model.inputs["features"][0] = self.memory.features
        self._model.inputs["struck"][0] = struck
        self._model.run()
        return self._model.outputs["strokes"][0].copy()

    def next_step(self, temperature: float = 1.0, density: float = 0.5,
                  allowed: NDArray[np.bool_] = ALL, novelty: float = 0.0
                  ) -> tuple[Samples, Samples]:
        """Play a step, and hear it: velocities and lateness in steps, (9,) each.

        temperature : 1 as people do, towards 0 the likeliest
        density     : 0..1, 0.5 as dense as the take would be
        allowed     : bool (9,)   the drums it may strike
        novelty     : 0..1, how far from what this take did before
        """
        opinions, weighing = self._think()
        dice = self._thrown()
        noise = self._rng.laplace(size=(2, DRUMS_HERE))
        shift = np.where(allowed, _LIFT + _DENSER * (density - 0.5), _NEVER)
        heat = max(temperature * (1.0 + 0.5 * novelty), _COOLEST)
        yes = draw(opinions, _bolder(weighing, novelty), dice, shift, heat)
        strokes = self.strokes(yes)
        wild = noise * np.exp(np.clip(strokes[1::2], -4.0, 1.0)) * min(temperature, 1.0)
        velocity = np.clip(strokes[0] + _LOOSE[0] * wild[0], _SOFTEST, 1.0)
        late = np.clip(strokes[2] + _LOOSE[1] * wild[1], -0.5, 0.5)
        step = (np.where(yes, velocity, 0.0).astype(np.float32),
                np.where(yes, late, 0.0).astype(np.float32))
        self.hear(*step)
        return step

    def _thrown(self) -> NDArray[np.float64]:
        """Dice (9,) within 0..1 that resemble those of this place one bar ago.

        Each throw alone is fair, so each step is as likely as the model says; but what fell out
        unlikely once may do so again, and a bar resembles the last one as people's bars do.
        """
        faces = self._faces[self.memory.step % len(self._faces)]
        faces *= _SAME
        faces += np.sqrt(1.0 - _SAME * _SAME) * self._rng.standard_normal(DRUMS_HERE)
        return np.array([0.5 + 0.5 * math.erf(face / math.sqrt(2.0)) for face in faces])

    def _think(self) -> tuple[Floats, Weighing]:
        """The moment's opinions (5, 512) and their weighing; thought once a step."""
        if self._moment is None:
            recalled = self.memory.recall()
            drummers = self._ngram.chances(self.memory.contexts())
            every = recalled.counts.sum(axis=1, keepdims=True)
            mass = opinions(drummers, recalled.counts, every, recalled.votes)
            self._model.inputs["features"][0] = recalled.features
            self._model.run()
            said = self._model.outputs
            self._moment = mass, Weighing(said["weights"][0].copy(), said["bias"][0].copy(),
                                          said["pairs"][0].copy())
        return self._moment


_HOLDS = drums_in(np.arange(SETS)).astype(np.float64)


def _bolder(weighing: Weighing, novelty: float) -> Weighing:
    """Believe less in what this take did, more in what drummers do."""
    if novelty <= 0.0:
        return weighing
    weights = weighing.weights.copy()
    own = [0, 2, 3, 4]
    weights[1] += novelty * weights[own].sum(axis=0)
    weights[own] *= 1.0 - novelty
    return replace(weighing, weights=weights, bias=(1.0 - novelty) * weighing.bias)


def generate(history: Pattern, bars: int, seed: int, *, temperature: float = 1.0,
             density: float = 0.5, novelty: float = 0.0, allowed: NDArray[np.bool_] = ALL,
             bpm: float = MEAN_BPM, fill: bool = False) -> Pattern:
    """Bars that go on from a history, which may be empty; as many steps a bar as it has."""
    rhythm = Rhythm(seed, steps_per_bar=history.steps_per_bar,
                    steps_per_beat=history.steps_per_beat, bpm=bpm)
    for velocities, offsets in zip(history.hits, history.offsets, strict=True):
        rhythm.hear(velocities, offsets)
    rhythm.intend(fill)
    steps = [rhythm.next_step(temperature, density, allowed, novelty)
             for _ in range(bars * history.steps_per_bar)]
    return Pattern(history.steps_per_bar, np.array([hits for hits, _ in steps]),
                   np.array([late for _, late in steps]), history.steps_per_beat)


def drums_named(names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which of nine drums are named: bool (9,), for `allowed`."""
    return np.array([drum in names for drum in NINE])
