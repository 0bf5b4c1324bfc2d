"""A whole bar at once: from the bar before, its chords and where a finger lies on a pad.

    bar = compose(before, chords, Bar(busy=0.7, high=0.5), seed=3)     # Line of one bar
    other = vary(bar, before, chords, Bar(), seed=4, kept=0.6)         # most of it stays

One pass of the model draws all steps: chance comes in as noise, so the same seed gives the same
bar, and noise that insists on a symbol keeps it. Bars of 16 steps and of 12 (3/4, 6/8).
Chords are one number a step (`engine.music.line`), or None.
"""

from functools import cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.dsp.line_context import chord_turned
from engine.model import MODELS, Model
from engine.music.line import HOLD, REST, Line, Steps

FOLDER = MODELS / "bars"
STEPS = 16
REACH = 24                         # half tones a bar may move from the last note before it
SYMBOLS = 2 + 2 * REACH + 1        # hold, rest, intervals to the last note of the bar before
CHORD = 25                         # root or none, members
BUSIEST, HIGHEST = 12.0, 12.0      # notes of a bar, half tones over the reference: a pad's edges
INSIST = 1e6                       # noise no model can argue with

Floats = NDArray[np.float32]


class Bar(msgspec.Struct, frozen=True):
    """What the performer may turn.

    busy, high : 0 to 1, the pad: few or many notes, low or high; -1 leaves it to the model
    low, top   : notes it may use
    scale      : twelve bits of allowed pitch classes, bit 0 is C
    """

    busy: float = -1.0
    high: float = -1.0
    temperature: float = 1.0
    low: int = 36
    top: int = 96
    scale: int = 0xFFF


@cache
def load_model(path: Path = FOLDER / "model.onnx") -> Model:
    """The network that comes with Kuchi. Not for two threads at once."""
    return Model(path, {"before": (1, STEPS), "chords": (1, STEPS, CHORD), "pad": (1, 4),
                        "noise": (1, STEPS, SYMBOLS), "welcome": (1, SYMBOLS)},
                 {"steps": (1, STEPS), "chances": (1, STEPS, SYMBOLS)})


def reference(before: Line) -> int:
    """The last note of a bar, from which the next one's notes are counted; 66 where it has none."""
    onsets = before.steps[before.steps >= 0]
    return int(onsets[-1]) if len(onsets) else 66


def symbols_of(line: Line, origin: int) -> NDArray[np.int64]:
    """A bar as symbols, int64 (STEPS,); notes out of reach come nearer by octaves."""
    symbols = np.zeros(STEPS, np.int64)
    for step, event in enumerate(line.steps[:STEPS].tolist()):
        if event >= 0:
            interval = event - origin
            while abs(interval) > REACH:
                interval -= 12 if interval > 0 else -12
            symbols[step] = 2 + REACH + interval
        else:
            symbols[step] = 1 if event == REST else 0
    return symbols


def line_from(symbols: NDArray[np.int64], origin: int, bar: int) -> Line:
    """A bar from its symbols; a rest where nothing sounds is a hold."""
    steps, sounds = np.full(bar, HOLD, np.int64), True
    for step, symbol in enumerate(symbols[:bar].tolist()):
        if symbol >= 2:
            steps[step], sounds = origin + symbol - 2 - REACH, True
        elif symbol == 1 and sounds:
            steps[step], sounds = REST, False
    return Line(steps, bar)


def see(before: Line, chords: Steps | None, busy: float, high: float, given: dict[str, Floats]
        ) -> int:
    """Fill a model's inputs but noise and welcome; returns the note that intervals count from."""
    origin = reference(before)
    given["before"][0] = symbols_of(before, origin)
    codes = np.zeros(STEPS, np.int64)
    if chords is not None and len(chords):
        codes[:] = chords[np.minimum(np.arange(STEPS), len(chords) - 1)]
    for code in set(codes.tolist()):
        given["chords"][0, codes == code] = _chord_seen(code, origin)
    given["pad"][0] = (busy >= 0 and high >= 0, max(busy, 0.0), max(high, 0.0), before.bar == 12)
    return origin


def _chord_seen(code: int, origin: int) -> Floats:
    """A chord from the note that intervals count from: root or none, members."""
    seen = np.zeros(CHORD, np.float32)
    turned = int(chord_turned(code, origin)) if code else 0
    seen[turned >> 12] = 1.0
    seen[13:] = turned >> np.arange(12) & 1
    return seen


def compose(before: Line, chords: Steps | None = None, settings: Bar | None = None, seed: int = 0
            ) -> Line:
    """The bar after `before`, drawn from the model in one pass."""
    return _draw(before, chords, settings or Bar(), seed, np.full(STEPS, -1, np.int64))


def vary(bar: Line, before: Line, chords: Steps | None = None, settings: Bar | None = None,
         seed: int = 0, kept: float = 0.6) -> Line:
    """A bar again, each of its steps kept with the chance `kept`, the rest drawn anew."""
    symbols = symbols_of(bar, reference(before))
    stays = np.random.default_rng((seed, 1)).random(STEPS) < kept
    return _draw(before, chords, settings or Bar(), seed, np.where(stays, symbols, -1))


def _draw(before: Line, chords: Steps | None, settings: Bar, seed: int,
          held: NDArray[np.int64]) -> Line:
    model = load_model()
    origin = see(before, chords, settings.busy, settings.high, model.inputs)
    rng = np.random.default_rng(seed)
    noise = rng.gumbel(size=(STEPS, SYMBOLS)) * max(settings.temperature, 0.01)
    for step in np.flatnonzero(held >= 0).tolist():
        noise[step, held[step]] = INSIST
    model.inputs["noise"][0] = noise
    model.inputs["welcome"][0] = _welcome(origin, settings)
    model.run()
    return line_from(model.outputs["steps"][0].astype(np.int64), origin, before.bar)


def _welcome(origin: int, settings: Bar) -> Floats:
    """0 for what may be played, a great loss for what may not."""
    notes = origin + np.arange(-REACH, REACH + 1)
    allowed = (notes >= settings.low) & (notes <= settings.top)
    allowed &= (settings.scale >> (notes % 12) & 1).astype(bool)
    welcome = np.zeros(SYMBOLS, np.float32)
    welcome[2:] = np.where(allowed, 0.0, -1e4)
    return welcome


def nats(bar: Line, before: Line, chords: Steps | None = None) -> float:
    """How surprising a bar is after another: nats, by the model without its pad."""
    model = load_model()
    origin = see(before, chords, -1.0, -1.0, model.inputs)
    symbols = symbols_of(bar, origin)
    model.inputs["welcome"][:] = 0.0
    model.inputs["noise"][:] = 0.0
    model.inputs["noise"][0, np.arange(STEPS), symbols] = INSIST
    model.run()
    chances = model.outputs["chances"][0, np.arange(bar.bar), symbols[:bar.bar]]
    return float(-np.log(np.maximum(chances, 1e-9)).sum())
