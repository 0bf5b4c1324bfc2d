"""Judge answers beside people's: four bars answer four bars of tunes never learned from.

For each tune the first four bars with notes are the call; people's answer is what follows in the
tune. The same measures are taken of the engine's answers, of the network and of the n-gram
drawn alone, and of an unrelated tune's bars.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.music.answer import answer
from engine.music.books import longest_copy
from engine.music.ending import LEFT_BEATS
from engine.music.frame import Settings
from engine.music.likeness import (
    density_ratio,
    in_key,
    key_of,
    overlap,
    returns,
    rhythm_overlap,
    strong_on_chord,
)
from engine.music.line import HOLD, REST, STEPS_A_BEAT, Line, Steps, chord, notes_of
from engine.music.melody import Melody, continue_line
from models_onnx.melody.data import Tune

BARS = 4
CALLS = 140
SEED = 5
F_BLUES = ("F", "Bb", "F", "F", "Bb", "Bb", "F", "F", "C", "Bb", "F", "C")
ROOTS = {"F": 5, "Bb": 10, "C": 0}

Made = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call, what people went on with, and the chords over both."""

    call: Line
    went_on: Line
    chords: Steps
    source: str


def exchanges(tunes: Sequence[Tune], count: int = CALLS) -> list[Exchange]:
    """Four bars and four bars, as many from each collection, drawn by a seed."""
    rng = np.random.default_rng(SEED)
    by_source: dict[str, list[Exchange]] = {}
    for tune in tunes:
        found = _exchange(tune)
        if found is not None:
            by_source.setdefault(found.source, []).append(found)
    chosen = []
    for name in sorted(by_source):
        all_of_it = by_source[name]
        wanted = min(len(all_of_it), -(-count // len(by_source)))
        chosen += [all_of_it[i] for i in sorted(rng.permutation(len(all_of_it))[:wanted])]
    return chosen


def _exchange(tune: Tune) -> Exchange | None:
    """The first eight bars in a row of which each has a note."""
    steps, bar = tune.line.steps, tune.line.bar
    if tune.line.start or not 8 <= bar <= 24:
        return None
    sounding = [bool((steps[at:at + bar] >= 0).any())
                for at in range(0, len(steps) - bar + 1, bar)]
    for first in range(len(sounding) - 2 * BARS + 1):
        if all(sounding[first:first + 2 * BARS]):
            begin, middle, end = (bar * (first + k) for k in (0, BARS, 2 * BARS))
            return Exchange(Line(steps[begin:middle], bar), Line(steps[middle:end], bar),
                            tune.chords[begin:end], tune.source)
    return None


def measures(answers: Sequence[Line], found: Sequence[Exchange]) -> Made:
    """The musical checks, means over answers; `longest_copy` the longest of all."""
    rows = []
    for line, exchange in zip(answers, found, strict=True):
        call = exchange.call
        came_back = returns(line, call)
        rows.append({"in_key": in_key(line, key_of(call)), "overlap": overlap(line, call),
                     "density": density_ratio(line, call), "rhythm": rhythm_overlap(line, call),
                     "bar_reuse": came_back["exact"], "bar_transposed": came_back["transposed"],
                     "bar_varied": came_back["varied"], "in_range": _in_range(line, call),
                     "on_time": on_time(line)})
    copies = [longest_copy(line) for line in answers]
    strong = np.sum([strong_on_chord(line, e.chords[len(e.call.steps):].tolist())
                     for line, e in zip(answers, found, strict=True)], axis=0)
    made: Made = {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}
    return made | {"longest_copy": max(copies), "copy_p50_p90": [
        int(np.percentile(copies, p)) for p in (50, 90)],
        "strong_on_chord": round(float(strong[0] / max(strong[1], 1)), 4), "answers": len(answers)}


def _in_range(line: Line, call: Line) -> float:
    """The share of notes within the call's range and two half tones."""
    heard = call.steps[call.steps >= 0]
    notes = line.steps[line.steps >= 0]
    inside = (notes >= heard.min() - 2) & (notes <= heard.max() + 2)
    return float(inside.mean()) if len(notes) else 1.0


def on_time(line: Line) -> bool:
    """Does the last note begin in the last bar and end half a beat before it does?"""
    notes = notes_of(line)
    left = int(LEFT_BEATS * STEPS_A_BEAT)
    return bool(notes) and notes[-1].step >= len(line.steps) - line.bar and (
        notes[-1].step + notes[-1].steps <= len(line.steps) - left)


def compare(found: Sequence[Exchange]) -> dict[str, Made]:
    """People, the engine, the network alone, the n-gram, an unrelated tune: the same checks."""
    others = [_unrelated(found, i) for i in range(len(found))]
    makers: dict[str, Callable[[int, Exchange], Line]] = {
        "people": lambda i, e: e.went_on,
        "kuchi": lambda i, e: answer(e.call, e.chords, Settings(), seed=i),
        "network": lambda i, e: continue_line(e.call, len(e.went_on.steps), chords=e.chords,
                                              seed=i),
        "n_gram": lambda i, e: by_counting(e, seed=i),
        "unrelated": lambda i, e: others[i].went_on,
    }
    return {name: measures([make(i, e) for i, e in enumerate(found)], found)
            for name, make in makers.items()}


def _unrelated(found: Sequence[Exchange], number: int) -> Exchange:
    """The next exchange after half of the others in bars of the same length."""
    turned = [found[(number + len(found) // 2 + k) % len(found)] for k in range(len(found))]
    return next(e for e in turned if e.call.bar == found[number].call.bar)


def by_counting(exchange: Exchange, seed: int) -> Line:
    """The same steps drawn from the n-gram and its cache."""
    melody = Melody(bar=exchange.call.bar)
    rng, drawn = np.random.default_rng(seed), []
    for event, code in zip(exchange.call.steps.tolist(), exchange.chords.tolist(), strict=False):
        melody.hear(event, code)
    for code in exchange.chords[len(exchange.call.steps):].tolist():
        chances = np.cumsum(melody.counted(code), dtype=np.float64)
        place = min(int(np.searchsorted(chances, rng.random() * chances[-1], side="right")),
                    len(chances) - 1)
        drawn.append((HOLD, REST)[place] if place < 2 else melody.low + place - 2)
        melody.hear(drawn[-1], code)
    return Line(np.array(drawn, np.int64), exchange.call.bar)


def over_a_blues(found: Sequence[Exchange]) -> float:
    """Calls in common time, moved to F, answered over each third of a blues in F.

    Returns the share of notes on strong beats that are notes of the chord.
    """
    over = np.repeat([_seventh(ROOTS[name]) for name in F_BLUES], 16)
    on = count = 0
    for number, exchange in enumerate(e for e in found if e.call.bar == 16):
        key = key_of(exchange.call)
        up = (5 - key.root + 5) % 12 - 5
        steps = exchange.call.steps
        call = Line(np.where(steps >= 0, steps + up, steps), 16)
        begin = 64 * (number % 3)
        chords = np.roll(over, -begin)[:128]
        line = answer(call, chords, Settings(), seed=number)
        strong = strong_on_chord(line, chords[64:].tolist())
        on, count = on + strong[0], count + strong[1]
    return on / max(count, 1)


def _seventh(root: int) -> int:
    return chord(root, [root + step for step in (0, 4, 7, 10)])
