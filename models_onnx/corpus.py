"""Read the training data's manifest: recordings, their performers and what was struck when.

The data lies outside the project (`--data DIR`): a `manifest.csv` and the files it names. Any
part of it may be missing; what is there is used. Audio comes as the graph would hear it, 48 kHz
mono float32.
"""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.errors import FileError
from engine.units import SAMPLE_RATE, Samples

_SAME_PERSON = {"OBM": "MOB"}              # probably one person under two sets of initials

PERMISSIVE = ("MIT", "CC0", "Public domain", "Unlicense", "CC BY 4.0")
"""How the licence field of a row begins where weights that ship may be trained on it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One strike: its label, where a person marked it and where its sound begins, seconds."""

    label: str
    onset_s: float
    attack_s: float


@dataclass(frozen=True)
class Recording:
    """One file. `performer` is who made it: the same initials are one person in every set.

    part is the first folder (beatbox, drums, negatives), set the second.
    """

    path: Path
    part: str
    set: str
    performer: str
    licence: str
    events: tuple[Event, ...]

    @cached_property
    def audio(self) -> Samples:
        """float32 (frames,) at 48 kHz, the mean of the channels."""
        samples, rate = soundfile.read(self.path, dtype="float32", always_2d=True)
        mono = samples.mean(axis=1)
        return np.asarray(soxr.resample(mono, rate, SAMPLE_RATE), np.float32)

    @property
    def permissive(self) -> bool:
        """May weights that ship be trained on this?"""
        return self.licence.startswith(PERMISSIVE)


def recordings(data: Path, *, part: str, sets: Collection[str] = ()) -> list[Recording]:
    """All recordings of one part, in the order of the manifest; all sets unless named."""
    return [r for r in _read(data) if r.part == part and (not sets or r.set in sets)]


def folds(performers: Collection[str], count: int, seed: int | None = None) -> list[list[str]]:
    """Deal performers into `count` groups, the same way each time; one person stays in one.

    Unless a seed shuffles them, they are dealt by the alphabet.

    >>> folds(["d", "a", "c", "b"], 3)
    [['a', 'd'], ['b'], ['c']]
    >>> folds(["MOB", "OBM", "a"], 3)
    [['MOB', 'OBM'], ['a'], []]
    """
    people = sorted({_SAME_PERSON.get(p, p) for p in performers})
    if seed is not None:
        np.random.default_rng(seed).shuffle(people)
    place = {person: i % count for i, person in enumerate(people)}
    groups: list[list[str]] = [[] for _ in range(count)]
    for performer in sorted(set(performers)):
        groups[place[_SAME_PERSON.get(performer, performer)]].append(performer)
    return groups


def _read(data: Path) -> Iterator[Recording]:
    manifest = data / "manifest.csv"
    if not manifest.is_file():
        raise FileError(f"{manifest} is not there: --data must name a folder with a manifest.csv")
    rows: dict[str, list[dict[str, str]]] = {}
    with manifest.open(newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["path"], []).append(row)
    for name, of_file in rows.items():
        path, first = data / name, of_file[0]
        if not path.is_file():
            continue
        events = tuple(Event(r["label"], float(r["onset_s"] or 0.0),
                             float(r["attack_s"] or r["onset_s"] or 0.0)) for r in of_file)
        yield Recording(path, name.split("/")[0], first["set"], first["performer_or_kit"],
                        first["licence"], events)
