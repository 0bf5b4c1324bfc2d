"""Read tunes: `melodies/<set>_<split>.jsonl.gz`, as lines on a sixteenth grid with chords.

A tune is shifted by octaves to where most of its notes lie between 48 and 83, and the rest folded
in. Long silences keep two bars. Every tenth tune of a training file, by a hash of its title,
is held out; of any other file all are.
"""

import gzip
import json
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import FileError
from engine.music.chords import ChordError, read_chord
from engine.music.line import REST, Line, Steps, chord, chord_steps, line_of

LOW, HIGH = 48, 83
PERMISSIVE = ("airds", "oneills1850", "ryans_mammoth", "openewld", "pop909")
HELD_OUT = 10                     # one tune in so many
SHORTEST = 32                     # steps; less is no tune
LONGEST = 4000                    # steps


@dataclass(frozen=True, slots=True)
class Tune:
    """A tune: its line, one chord a step (0: none), and whether training may never see it."""

    name: str
    source: str
    line: Line
    chords: Steps
    held_out: bool


def tunes(data: Path, sets: Collection[str] = ()) -> list[Tune]:
    """All tunes of the files there, in the order of their names; all sets unless named."""
    found: list[Tune] = []
    for path in sorted((data / "melodies").glob("*.jsonl.gz")):
        name, _, split = path.name.removesuffix(".jsonl.gz").rpartition("_")
        if not sets or name in sets:
            found += _tunes(path, name, split == "train")
    return found


def _tunes(path: Path, source: str, is_training: bool) -> Iterator[Tune]:
    for row in rows(path):
        tune = _tune(row)
        if tune is not None:
            line, chords = tune
            held_out = not is_training or _falls_to(row.get("title") or row["id"])
            yield Tune(row["id"], source, line, chords, held_out)


def _falls_to(title: str) -> bool:
    """Is a tune of this title held out? The same title in two books falls to the same side."""
    letters = "".join(c for c in title.lower() if c.isalnum())
    return zlib.crc32(letters.encode()) % HELD_OUT == 0


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a `.jsonl.gz`, one a line."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                try:
                    yield json.loads(text)
                except json.JSONDecodeError as error:
                    raise FileError(f"{path}:{number}: not JSON ({error.msg})") from None
    except (OSError, EOFError) as error:
        raise FileError(f"{path}: can't be read as .jsonl.gz ({error})") from None


def _tune(row: dict[str, Any]) -> tuple[Line, Steps] | None:
    """A row's line and chords, or None where it is no tune on a grid."""
    bar = bar_of(row.get("meter"))
    notes = [(on * 4, lasting * 4, int(pitch)) for on, lasting, pitch in row["notes"]]
    if not notes or bar is None:
        return None
    skip = int(notes[0][0] // bar) * bar
    end = max(on + lasting for on, lasting, _ in notes) - skip
    length = min(int(np.ceil(end - 0.4)), LONGEST)
    shift = _shift([pitch for _, _, pitch in notes])
    placed = [(on - skip, lasting, _fold(pitch + shift)) for on, lasting, pitch in notes]
    line = line_of(placed, length, bar=bar)
    if length < SHORTEST or (line.steps >= 0).sum() < 8:
        return None
    changes = [(on * 4 - skip, symbol_chord(symbol, shift))
               for on, symbol in row.get("chords") or ()]
    return _without_silences(line, chord_steps(changes, length))


def bar_of(meter: str | None) -> int | None:
    """Steps in a bar, 16 where no meter is known; None where a bar is no number of sixteenths.

    >>> bar_of("6/8"), bar_of("2/2"), bar_of("none")
    (12, 16, 16)
    """
    try:
        beats, unit = map(int, (meter or "4/4").split("/"))
    except ValueError:
        return 16
    steps = beats * 16 / unit
    return int(steps) if steps == int(steps) and 4 <= steps <= 64 else None


def _shift(pitches: list[int]) -> int:
    """The octaves by which most notes come to lie in range, the fewest of equals."""
    heard = np.array(pitches)
    shifts = sorted(range(-36, 37, 12), key=abs)
    return max(shifts, key=lambda s: int(((heard + s >= LOW) & (heard + s <= HIGH)).sum()))


def _fold(pitch: int) -> int:
    while pitch < LOW:
        pitch += 12
    while pitch > HIGH:
        pitch -= 12
    return pitch


def _without_silences(line: Line, chords: Steps) -> tuple[Line, Steps]:
    """The same with silences of more than two bars shortened by whole bars."""
    keep = np.ones(len(line.steps), bool)
    rests = np.flatnonzero(line.steps == REST)
    onsets = np.flatnonzero(line.steps >= 0)
    for rest in rests:
        after = onsets[onsets > rest]
        silent = (after[0] if len(after) else len(keep)) - rest
        if silent > 2 * line.bar:
            cut = (silent - line.bar) // line.bar * line.bar
            keep[rest + 1:rest + 1 + cut] = False
    return Line(line.steps[keep], line.bar, line.start), chords[keep]


@cache
def symbol_chord(symbol: str, shift: int = 0) -> int:
    """A chord from `Am7` or `A:min7/b3`, the bass left out; 0 where it is none we know.

    >>> symbol_chord("F:maj/3") == symbol_chord("F") == chord(5, (5, 9, 0))
    True
    >>> symbol_chord("N"), symbol_chord("D.C.")
    (0, 0)
    """
    try:
        found = read_chord(symbol.strip())
    except ChordError:
        return 0
    if found.root < 0:
        return 0
    return chord(found.root + shift, [pitch + shift for pitch in found.pitches])
