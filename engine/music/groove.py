"""Two bars as one point: near points are like grooves, and every point can be played.

    point = encode(pattern)                     # 64 numbers
    decode(point, density_of(pattern))          # two bars back, with velocities and timing
    decode(between(point, other, 0.5), ...)     # halfway between two grooves
    decode(pad(0.2, 0.9), density)              # a finger on a pad over the space
    humanise(flat)                              # the same strokes, as a drummer would play them

`density` says how many of the steps each drum is struck on, and is obeyed to the stroke: the
likeliest steps are taken. The model (`models_onnx/groove`) thinks in sixteenths; a swing is
sixteenths that are late. No dice: the same point is always the same groove.
"""

from functools import cache
from typing import Final

import numpy as np

from engine.errors import ModelError, UsageError
from engine.model import MODELS, Model
from engine.music.pattern import DRUMS_HERE, Pattern, pattern_of
from engine.music.rhythm import Rhythm
from engine.units import Samples

STEPS: Final = 32                    # two bars of sixteenths
POINT: Final = 64                    # numbers
_SHEETS = 3                          # struck, how hard, how late
ENCODER: Final = ({"groove": (1, _SHEETS, STEPS, DRUMS_HERE)}, {"point": (1, POINT)})
DECODER: Final = ({"point": (1, POINT), "density": (1, DRUMS_HERE)},
                  {"groove": (1, _SHEETS, STEPS, DRUMS_HERE)})
PLAIN: Final = 0.6                   # the velocity of a stroke nobody gave one
_REACH = 2.0                         # from the middle of the pad to its edge, in spreads


@cache
def trained(name: str = "") -> tuple[Model, Model]:
    """Encoder and decoder; a fold's, for scores, where one is named ("fold_0")."""
    folder = MODELS / "groove" / ("folds" if name else "")
    parts = [f"{name}_{part}.onnx" if name else f"{part}.onnx" for part in ("encoder", "decoder")]
    return Model(folder / parts[0], *ENCODER), Model(folder / parts[1], *DECODER)


@cache
def plane() -> tuple[Samples, Samples]:
    """The middle of people's grooves (POINT,), and their two widest directions (2, POINT)."""
    path = MODELS / "groove" / "plane.npz"
    try:
        with np.load(path) as file:
            return file["middle"], file["axes"]
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: no plane for the pad can be read there ({error})") from None


def two_bars(pattern: Pattern) -> Pattern:
    """A pattern's first two bars in sixteenths; a shorter one is repeated."""
    if pattern.steps_per_beat != 4:
        pattern = pattern_of(pattern.strokes(), triplets=False,
                             steps=pattern.steps * 4 // pattern.steps_per_beat)
    rows = np.arange(STEPS) % max(1, min(pattern.steps, STEPS))
    if not pattern.steps:
        return Pattern(16, np.zeros((STEPS, DRUMS_HERE), np.float32),
                       np.zeros((STEPS, DRUMS_HERE), np.float32))
    return Pattern(16, pattern.hits[rows], pattern.offsets[rows])


def sheets(pattern: Pattern) -> Samples:
    """Two bars as the encoder reads them: struck, how hard, how late; float32 (3, 32, 9)."""
    return np.stack([(pattern.hits > 0.0).astype(np.float32), pattern.hits, pattern.offsets])


def density_of(pattern: Pattern) -> Samples:
    """The share of steps each drum is struck on: (9,)."""
    return np.asarray((pattern.hits > 0.0).mean(axis=0), np.float32)


def encode(pattern: Pattern, name: str = "") -> Samples:
    """The point of a pattern's first two bars: float32 (POINT,)."""
    model = trained(name)[0]
    model.inputs["groove"][0] = sheets(two_bars(pattern))
    model.run()
    return model.outputs["point"][0].copy()


def decode(point: Samples, density: Samples, name: str = "") -> Pattern:
    """Two bars from a point, each drum struck on as many steps as its density asks: (9,) 0..1."""
    if not (np.isfinite(point).all() and np.all((density >= 0.0) & (density <= 1.0))):
        raise UsageError("a groove needs finite numbers, and a density of 0..1 for each drum")
    likely, hard, late = _played(point, density, name)
    hits = np.zeros_like(likely)
    for drum, count in enumerate(np.floor(density * STEPS + 0.5).astype(int)):
        struck = np.argsort(-likely[:, drum], kind="stable")[:count]
        hits[struck, drum] = np.clip(hard[struck, drum], 1.0 / 127.0, 1.0)
    return Pattern(16, hits, np.where(hits > 0.0, np.clip(late, -0.5, 0.5), 0.0).astype(np.float32))


def between(one: Samples, other: Samples, share: float) -> Samples:
    """From one point (0) to another (1), in a straight line."""
    return np.asarray((1.0 - share) * one + share * other, np.float32)


def pad(x: float, y: float) -> Samples:
    """The point under a finger: x and y 0..1, the middle is what most grooves have in common."""
    middle, axes = plane()
    where = 2.0 * _REACH * (np.array([x, y], np.float32) - 0.5)
    return np.asarray(middle + where @ axes, np.float32)


def on_pad(point: Samples) -> tuple[float, float]:
    """Where on the pad a groove lies; its nearest edge, where it lies beyond."""
    middle, axes = plane()
    along = axes @ (point - middle) / (axes ** 2).sum(axis=1)
    x, y = np.clip(0.5 + along / (2.0 * _REACH), 0.0, 1.0)
    return float(x), float(y)


def humanise(flat: Pattern, like: Pattern | None = None, amount: float = 1.0,
             bpm: float = 110.0) -> Pattern:
    """The same strokes with a drummer's velocities and timing.

    like   : whose: the bars somebody just played, so with their own swing; else any drummer's
    amount : 0..1, how far from the flat pattern
    """
    rhythm = Rhythm(steps_per_bar=flat.steps_per_bar, steps_per_beat=flat.steps_per_beat, bpm=bpm)
    if like is not None:
        if like.steps_per_bar != flat.steps_per_bar:
            raise UsageError(f"a pattern of {flat.steps_per_bar} steps a bar can't take its feel "
                             f"from one of {like.steps_per_bar}")
        for hits, offsets in zip(like.hits, like.offsets, strict=True):
            rhythm.hear(hits, offsets)
    made_hits, made_late = flat.hits.copy(), flat.offsets.copy()
    for step, struck in enumerate(flat.hits > 0.0):
        hard, _, late, _ = rhythm.strokes(struck)
        hard = np.where(struck, np.clip(hard, 1.0 / 127.0, 1.0), 0.0).astype(np.float32)
        late = np.where(struck, np.clip(late, -0.5, 0.5), 0.0).astype(np.float32)
        made_hits[step] += amount * (hard - made_hits[step])
        made_late[step] += amount * (late - made_late[step])
        rhythm.hear(hard, late)
    return Pattern(flat.steps_per_bar, made_hits, made_late, flat.steps_per_beat)


def _played(point: Samples, density: Samples, name: str) -> Samples:
    model = trained(name)[1]
    model.inputs["point"][0], model.inputs["density"][0] = point, density
    model.run()
    return model.outputs["groove"][0].copy()
