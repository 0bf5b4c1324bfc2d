"""Cut takes out of recordings, as the stage will hear them, and refuse those that would mislead.

A take begins where the engine's own detector hears it begin, and ends where the next one does.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from engine.errors import FileError, UsageError
from engine.events import Onset
from engine.nodes.onset_detector import OnsetDetector
from engine.rehearsal.microphone import CLIPPED, FULL_SCALE
from engine.rendering import play
from engine.units import SAMPLE_RATE, Samples, frames, level_db, seconds
from engine.voice.profile import AFTER_S, BEFORE_S, Profile, Take

NEAR_S = 0.05                   # so far from where it was marked, an onset is still the one meant
LEAD_S = 0.5                    # of silence before a recording, which may begin with its hit

DOUBLE_S = 0.35                 # a second strike this soon after the first: which one was meant?
DOUBLE_DB = 15.0                # unless it is this much softer: an echo, a breath
ABOVE_ROOM_DB = 18.0            # a take less far above its room would teach the room

PLAYED = 400                    # strikes of a manifest at most: 16 sounds of 25

COLUMNS = ("path", "label", "onset_s")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manifest."""

    path: Path
    label: str
    onset_s: float
    line: int


# -- cutting -----------------------------------------------------------------------------------

def onsets_of(audio: Samples) -> list[Onset]:
    """What the engine's detector hears in a recording, which may begin with a hit."""
    lead = frames(LEAD_S)
    heard = play(OnsetDetector(), np.concatenate([np.zeros(lead, np.float32), audio,
                                                  np.zeros(frames(0.1), np.float32)]))
    return [Onset(max(0.0, onset.time - LEAD_S), onset.strength) for onset in heard]


def cut(audio: Samples, onset_s: float, onsets: Sequence[Onset], source: str = "") -> Take:
    """The take that begins near a moment.

    audio   : float32 (frames,) at 48 kHz
    onset_s : where it was marked; it counts as it is where the detector hears nothing near
    onsets  : from `onsets_of`
    """
    near = [o.time for o in onsets if abs(o.time - onset_s) <= NEAR_S]
    start = min(near, key=lambda time: abs(time - onset_s)) if near else onset_s
    attack = min(frames(start), len(audio) - 1)
    first, last = attack - frames(BEFORE_S), attack + frames(AFTER_S)
    following = [frames(o.time) for o in onsets if frames(o.time) > attack + frames(0.01)]
    last = min([last, *following])
    piece = np.zeros(last - first, np.float32)
    inside = audio[max(0, first):last]
    piece[max(0, -first):max(0, -first) + len(inside)] = inside
    return Take(piece, attack - first, source)


# -- manifests ---------------------------------------------------------------------------------

def read_manifest(path: Path, per_class: int | None = None) -> tuple[list[Row], list[Row]]:
    """The rows of a CSV with the columns path, label and onset_s: the first of each label, and
    the others.

    Raises FileError where it can't be read, UsageError where a row can't be meant.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise UsageError(f"{path}: has no column {', '.join(missing)}; needed are "
                                 f"{', '.join(COLUMNS)}, others are passed over")
            rows = [_row(path, row, number) for number, row in enumerate(reader, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = str(error.strerror).lower() if isinstance(error, OSError) else str(error)
        raise FileError(f"{path}: can't be read: {reason}") from None
    counts: dict[str, int] = {}
    kept: tuple[list[Row], list[Row]] = [], []
    for row in rows:
        counts[row.label] = counts.get(row.label, 0) + 1
        kept[per_class is not None and counts[row.label] > per_class].append(row)
    return kept


def _row(manifest: Path, row: dict[str, str], line: int) -> Row:
    place, label = f"{manifest}, line {line}", (row["label"] or "").strip()
    if not label or not row["path"]:
        raise UsageError(f"{place}: has no {'path' if label else 'label'}")
    try:
        onset_s = float(row["onset_s"] or 0.0)
    except ValueError:
        onset_s = -1.0
    if not 0.0 <= onset_s < 1e6:
        raise UsageError(f"{place}: onset_s = {row['onset_s']!r} must be seconds, 0 or later")
    return Row(manifest.parent / row["path"], label, onset_s, line)


def takes_from(rows: Iterable[Row], read: Callable[[Path], Samples]) -> dict[str, list[Take]]:
    """The takes of each label, cut out of the files that the rows name.

    read : from a path to float32 (frames,) at 48 kHz
    """
    found: dict[str, list[Take]] = {}
    for label, take in strikes_from(rows, read):
        found.setdefault(label, []).append(take)
    return found


def strikes_from(rows: Iterable[Row], read: Callable[[Path], Samples]) -> list[tuple[str, Take]]:
    """The same, in the order of the rows; the first PLAYED where there are more."""
    @cache
    def heard(path: Path) -> tuple[Samples, list[Onset]]:
        audio = read(path)
        return audio, onsets_of(audio)

    found: list[tuple[str, Take]] = []
    for row in islice(rows, PLAYED):
        audio, onsets = heard(row.path)
        if row.onset_s * SAMPLE_RATE >= len(audio):
            raise UsageError(f"{row.path}: lasts {seconds(len(audio)):.2f} s, and line {row.line} "
                             f"of the manifest marks a {row.label} at {row.onset_s:g} s")
        found.append((row.label, cut(audio, row.onset_s, onsets, row.path.name)))
    return found


def with_new(profile: Profile, found: dict[str, list[Take]]) -> tuple[Profile, int]:
    """The profile with the takes it doesn't hold already, and how many they were."""
    held = {take.samples.tobytes() for take in profile.takes.values()}
    added = 0
    for label, takes in found.items():
        new = [take for take in takes if take.as_kept().samples.tobytes() not in held]
        added += len(new)
        if new:
            profile = profile.with_takes(label, new)
    return profile, added


# -- refusing ----------------------------------------------------------------------------------

def refusal(audio: Samples, onsets: Sequence[Onset], attack_s: float) -> str:
    """Why this would be a bad take, for the performer to read; "" where it is a good one.

    audio : float32 (frames,), one take and some of the room before it
    """
    attack = frames(attack_s)
    body = np.abs(audio[max(0, attack - frames(0.006)):attack + frames(AFTER_S)])
    peak = float(body.max(initial=0.0))
    if np.count_nonzero(body >= FULL_SCALE) >= CLIPPED:
        return "too loud for the input, it is clipped: turn the input down, or go further away"
    before = audio[max(0, attack - frames(0.3)):max(0, attack - frames(0.03))]
    room = float(np.percentile(np.abs(before), 95)) if len(before) else 0.0
    if level_db(peak) - max(-120.0, level_db(room)) < ABOVE_ROOM_DB:
        return "too quiet, hardly above the room: go nearer, or play it as on stage"
    for onset in onsets:
        if 0.02 < onset.time - attack_s < DOUBLE_S and _peak_db(audio, onset.time) > (
                level_db(peak) - DOUBLE_DB):
            return "two strikes in one: play it once, and wait for the next turn"
    return ""


def _peak_db(audio: Samples, time: float) -> float:
    return level_db(float(np.abs(audio[frames(time):frames(time + 0.05)]).max(initial=0.0)))
