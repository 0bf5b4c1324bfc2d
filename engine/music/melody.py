"""Melody: what comes next in one voice, learned from many tunes and from this performance.

    melody = Melody(bar=16)                        # one performance's line; nothing heard yet
    for event, chord in zip(line.steps, chords):   # a note number, HOLD or REST a step
        melody.hear(event, chord)                  # adapts: what came may come again
    chances = melody.chances(chord)                # float32 (2 + notes,): hold, rest, low..high
    chances = melody.played(chord)                 # the network alone: the better player

`chances` mixes the network with this line's own past and predicts best; `played` stays in key
and is what answers are drawn from. `continue_line` draws a whole continuation: deterministic by
its seed. A step costs about .1 ms. Chords are numbers a step, see `engine.music.line`.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.dsp import line_chances as count
from engine.dsp import line_context as context
from engine.dsp import line_memory as memory
from engine.errors import ModelError
from engine.model import MODELS, Model
from engine.music.line import HOLD, REST, Line, Steps

CAPACITY = 4096                    # steps a performance remembers; then the older half is forgotten
LOW, HIGH = 48, 83
FOLDER = MODELS / "melody"

Chances = NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """How often what followed which context in the books: the prior of a line's own counts."""

    rhythm_keys: NDArray[np.int64]
    rhythm_counts: NDArray[np.uint16]
    pitch_keys: NDArray[np.int64]
    pitch_begins: NDArray[np.int64]
    pitch_symbols: NDArray[np.uint8]
    pitch_counts: NDArray[np.uint16]


@cache
def load_table(path: Path = FOLDER / "table.npz") -> Table:
    """The table that comes with Kuchi; raises ModelError where it can't be read."""
    try:
        with np.load(path) as kept:
            return Table(kept["rhythm_keys"], kept["rhythm_counts"], kept["pitch_keys"],
                         kept["pitch_begins"], kept["pitch_symbols"], kept["pitch_counts"])
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: no table of melodies can be read there ({error}); "
                         "install Kuchi again, or make it with `make train`") from None


@cache
def load_model(path: Path = FOLDER / "model.onnx") -> Model:
    """The network that comes with Kuchi. Not for two threads at once."""
    return Model(path, {"rhythm": (1, context.RHYTHM_VIEW), "pitch": (1, context.PITCH_VIEW),
                        "rhythm_sure": (1, 2 * count.RHYTHM_OPINIONS),
                        "pitch_sure": (1, 2 * count.PITCH_OPINIONS)},
                 {"rhythm_alone": (1, count.KINDS), "pitch_alone": (1, count.INTERVALS),
                  "rhythm_trust": (1, count.RHYTHM_OPINIONS + 1),
                  "pitch_trust": (1, count.PITCH_OPINIONS + 1)})


class Melody:
    """One line, as it is heard; a memory of its own, one network for all.

    bar, start : steps in a bar, and the place of the first step in it
    low, high  : the notes that `chances` speaks of
    """

    def __init__(self, *, bar: int = 16, start: int = 0, low: int = LOW, high: int = HIGH) -> None:
        self.low, self.high = low, high
        self._table, self._model = load_table(), load_model()
        self._heads, self._steps, self._notes = memory.memory(CAPACITY, bar, start)
        self._rhythm = np.zeros(memory.KIND_CONTEXTS, np.int64)
        self._pitch = np.zeros(memory.PITCH_CONTEXTS, np.int64)
        self._rhythm_opinions = np.zeros((count.RHYTHM_OPINIONS, count.KINDS), np.float32)
        self._pitch_opinions = np.zeros((count.PITCH_OPINIONS, count.INTERVALS), np.float32)

    def copy(self) -> "Melody":
        """A second memory of the same line, to try a continuation on."""
        other = Melody.__new__(Melody)
        other.__dict__.update(self.__dict__)
        for name in ("_heads", "_steps", "_notes", "_rhythm", "_pitch", "_rhythm_opinions",
                     "_pitch_opinions"):
            setattr(other, name, getattr(self, name).copy())
        return other

    @property
    def last(self) -> int:
        """The last note heard, or the one supposed before the first."""
        return int(memory.last_pitch(self._heads, self._notes))

    @property
    def sounds(self) -> bool:
        """Does a note go on into the step to come?"""
        return bool(memory.is_sounding(self._heads, self._steps))

    def hear(self, event: int, chord: int = 0) -> None:
        """The step that came: a note number, HOLD or REST, over a chord."""
        if self._heads[memory.HERE] == CAPACITY:
            self._forget()
        self._name_contexts(chord)
        count.keep_contexts(self._heads, self._steps, self._notes, self._rhythm, self._pitch,
                            event >= 0)
        memory.remember(self._heads, self._steps, self._notes, int(event), int(chord))

    def chances(self, chord: int = 0) -> Chances:
        """float32 (2 + notes,): hold, rest, then each note from low to high; the best guess."""
        self._ask(chord, opinions=True)
        out = self._model.outputs
        rhythm, pitch = out["rhythm_trust"][0], out["pitch_trust"][0]
        return self._joined(
            rhythm[0] * self._rhythm_alone() + rhythm[1:] @ self._rhythm_opinions,
            pitch[0] * self._pitch_alone() + pitch[1:] @ self._pitch_opinions)

    def played(self, chord: int = 0) -> Chances:
        """The same by the network alone: less sure of what comes, surer in key."""
        self._ask(chord, opinions=False)
        return self._joined(self._rhythm_alone(), self._pitch_alone())

    def all_chances(self, chord: int = 0) -> dict[str, Chances]:
        """By the network ("alone"), mixed ("with_cache"), and by counting as before ("baseline":
        place, bar before and two intervals; "long_baseline": up to eight notes), for scores."""
        mixed = self.chances(chord)
        rhythm, pitch = self._rhythm_opinions, self._pitch_opinions
        return {"alone": self._joined(self._rhythm_alone(), self._pitch_alone()),
                "with_cache": mixed,
                "baseline": self._joined(rhythm[count.RHYTHM_TABLED], pitch[count.PITCH_TABLED]),
                "long_baseline": self._joined(rhythm[-1], pitch[count.ABSOLUTE])}

    def counted(self, chord: int = 0) -> Chances:
        """The same by counting alone: the back-off n-gram with this line as its cache."""
        self._name_contexts(chord)
        self._count()
        return self._joined(self._rhythm_opinions[count.RHYTHM_TABLED],
                            self._pitch_opinions[count.PITCH_TABLED])

    def _ask(self, chord: int, opinions: bool) -> None:
        """Lay the line before the network."""
        state, given = (self._heads, self._steps, self._notes, int(chord)), self._model.inputs
        context.rhythm_view(*state, given["rhythm"][0])
        context.pitch_view(*state, given["pitch"][0])
        if opinions:
            self._name_contexts(chord)
            self._count()
        self._model.run()

    def _count(self) -> None:
        table, given = self._table, self._model.inputs
        count.rhythm_opinions(self._heads, self._steps, self._rhythm, table.rhythm_keys,
                              table.rhythm_counts, self._rhythm_opinions,
                              given["rhythm_sure"].reshape(-1, 2))
        count.pitch_opinions(self._heads, self._notes, self._pitch, self.low, self.high,
                             table.pitch_keys, table.pitch_begins, table.pitch_symbols,
                             table.pitch_counts, self._pitch_opinions,
                             given["pitch_sure"].reshape(-1, 2))

    def _name_contexts(self, chord: int) -> None:
        context.rhythm_contexts(self._heads, self._steps, self._notes, self._rhythm)
        context.pitch_contexts(self._heads, self._steps, self._notes, int(chord), self._pitch)

    def _rhythm_alone(self) -> Chances:
        chances = self._model.outputs["rhythm_alone"][0].copy()
        if not self.sounds:
            chances[memory.REST] = 0.0
        return chances / chances.sum()

    def _pitch_alone(self) -> Chances:
        chances = self._model.outputs["pitch_alone"][0].copy()
        first = self.low - self.last + count.UNISON
        chances[:max(0, first)] = 0.0
        chances[max(0, first + self.high - self.low + 1):] = 0.0
        total = chances.sum()
        return chances / total if total > 0.0 else chances

    def _joined(self, rhythm: Chances, pitch: Chances) -> Chances:
        chances = np.zeros(3 + self.high - self.low, np.float32)
        count.join(rhythm, pitch, self.last, self.low, chances)
        return chances / chances.sum()

    def _forget(self) -> None:
        """Keep the newer half, from a bar line on."""
        old_heads, old_steps, old_notes = self._heads, self._steps.copy(), self._notes
        bar = int(old_heads[memory.BAR])
        begin = CAPACITY // 2 // bar * bar
        self._heads, self._steps, self._notes = memory.memory(
            CAPACITY, bar, int(old_heads[memory.START]))
        onsets = dict(zip(old_notes[memory.STEP, :old_heads[memory.NOTES]].tolist(),
                          old_notes[memory.PITCH, :old_heads[memory.NOTES]].tolist(), strict=True))
        for step in range(begin, CAPACITY):
            rests = old_steps[memory.KIND, step] == memory.REST
            self.hear(onsets.get(step, REST if rests else HOLD), int(old_steps[memory.CHORD, step]))


def continue_line(call: Line, steps: int, *, chords: Steps | None = None, seed: int = 0,
                  temperature: float = 1.0, low: int = LOW, high: int = HIGH,
                  scale: int = 0xFFF, density: float = 1.0, novelty: float = 0.0) -> Line:
    """Draw `steps` more steps of a line; the same for the same arguments.

    chords  : int64 (len(call) + steps,) one a step, or None where there are none
    scale   : twelve bits, the pitch classes allowed (bit 0 is C); all by default
    density : more than 1 starts more notes than the model would, less fewer
    novelty : 0..1, how much of what the line itself would say is kept away from
    """
    melody = Melody(bar=call.bar, start=call.start, low=low, high=high)
    codes = np.zeros(len(call.steps) + steps, np.int64) if chords is None else chords
    for event, chord in zip(call.steps, codes, strict=False):
        melody.hear(int(event), int(chord))
    allowed = np.array([scale >> (note % 12) & 1 for note in range(low, high + 1)], np.float64)
    rng = np.random.default_rng(seed)
    drawn = np.zeros(steps, np.int64)
    for step in range(steps):
        chord = int(codes[len(call.steps) + step])
        drawn[step] = draw(melody, chord, rng, temperature, allowed, density, novelty)
        melody.hear(int(drawn[step]), chord)
    return Line(drawn, call.bar, (call.start + len(call.steps)) % call.bar)


def draw(melody: Melody, chord: int, rng: np.random.Generator, temperature: float,
         allowed: NDArray[np.float64], density: float, novelty: float) -> int:
    """One step drawn from the network; `allowed` weighs the notes from low to high."""
    chances = melody.played(chord).astype(np.float64)
    if novelty > 0.0:
        usual = melody.chances(chord)
        chances *= (1.0 - usual) ** (4.0 * novelty)
    chances = np.maximum(chances, 1e-12) ** (1.0 / max(temperature, 0.05))
    chances[2:] *= density * allowed
    if not melody.sounds:
        chances[1] = 0.0
    place = int(np.searchsorted(np.cumsum(chances), rng.random() * chances.sum(), side="right"))
    return (HOLD, REST)[place] if place < 2 else melody.low + min(place, len(chances) - 1) - 2
