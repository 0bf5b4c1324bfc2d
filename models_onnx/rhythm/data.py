"""Groove MIDI's performances on the grid: `DIR/patterns/groove_<split>.jsonl.gz`, a take a line."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import FileError
from engine.music.drum_maps import drum_map
from engine.music.pattern import Pattern, Stroke, pattern_of

_NOTES = drum_map("Roland TD-11")
PERMISSIVE = ("MIT", "CC0", "CC BY 4.0")


@dataclass(frozen=True)
class Take:
    """One performance.

    set     : the split it was kept in, by its file's name
    kind    : "beat" or "fill"
    strokes : (beat, one of nine drums, velocity 0..1), ascending
    """

    name: str
    set: str
    drummer: str
    style: str
    kind: str
    bpm: float
    strokes: tuple[Stroke, ...]

    def on_grid(self, *, triplets: bool | None = False) -> Pattern:
        """Sixteenths, or triplets where asked for; None: what fits."""
        return pattern_of(self.strokes, triplets=triplets)

    @property
    def step_ms(self) -> float:
        """How long a sixteenth lasts."""
        return 15_000.0 / self.bpm


def takes(data: Path, sets: Sequence[str] = ()) -> list[Take]:
    """Every take in four quarters of every split that is there; all splits unless named.

    FileError where the folder has no patterns at all.
    """
    files = sorted((data / "patterns").glob("groove_*.jsonl.gz"))
    if not files:
        raise FileError(f"{data}/patterns: no groove_<split>.jsonl.gz is there")
    return [take for file in files for take in _read(file)
            if not sets or take.set in sets]


def _read(file: Path) -> Iterator[Take]:
    name = file.name.removeprefix("groove_").removesuffix(".jsonl.gz")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["time_signature"] != "4-4" or not row["licence"].startswith(PERMISSIVE):
                continue
            strokes = tuple(
                (float(beat), drum, velocity / 127.0) for beat, note, velocity in row["events"]
                if (drum := _NOTES.drum(note)) is not None and velocity)
            yield Take(row["id"], name, row["drummer"], row["style"], row["beat_type"],
                       float(row["bpm"]), strokes)
