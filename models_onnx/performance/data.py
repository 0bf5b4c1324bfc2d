"""Read performances: `performances/<set>_<split>.jsonl.gz`, notes in seconds, as events.

Every twelfth piece of a training file, by a hash of its name, is held out; of any other file all.
"""

import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.music.performance import Played, events_of
from models_onnx.melody.data import rows

HELD_OUT = 12                      # one piece in so many
LOWEST, HIGHEST = 21, 108          # a piano's keys


@dataclass(frozen=True, slots=True)
class Piece:
    """A performance as events 0-387, int64 (events,)."""

    name: str
    source: str
    notes: tuple[Played, ...]
    events: NDArray[np.int64]
    held_out: bool


def pieces(data: Path, sets: Collection[str] = (), held_out: bool | None = None) -> list[Piece]:
    """All pieces of the files there, or only those held out, or those not."""
    found = []
    for path in sorted((data / "performances").glob("*.jsonl.gz")):
        name, _, split = path.name.removesuffix(".jsonl.gz").rpartition("_")
        if sets and name not in sets:
            continue
        for row in rows(path):
            kept = split != "train" or zlib.crc32(str(row["id"]).encode()) % HELD_OUT == 0
            if held_out is not None and kept != held_out:
                continue
            notes = tuple(Played(float(time), float(lasting), int(pitch), int(velocity))
                          for time, lasting, pitch, velocity in row["notes"]
                          if LOWEST <= pitch <= HIGHEST)
            if len(notes) >= 8:
                events = np.array(events_of(notes), np.int64)
                found.append(Piece(str(row["id"]), name, notes, events, kept))
    return found
