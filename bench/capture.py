"""Does capture find the right sounds?  Whole takes of people, cut, named and sorted into kits.

Segmentation: F of all strikes within 50 and 25 ms of their acoustic attack, and its mean over
performers. Slots: how many of the kicks, snares and hats that a performer's takes put into the
kit are sounds of that name. Judge and drum model are those that never heard the performer.
"""

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np

from bench.table import Gate, Report, Row
from engine.capture import Sound, assign, hear_out
from engine.devices.files import read_audio
from engine.model import MODELS
from engine.segments import strikes

SETS = ("vopec", "lvt")
SOUNDS = {"kick": "kick", "snare": "snare", "hihat_closed": "hihat", "hihat_open": "hihat",
          "hihat": "hihat"}
NEAR_S = 0.05


def training_data() -> Path | None:
    """Where it lies: `DATA`, or beside the project; None where it isn't."""
    data = Path(os.environ.get("DATA", "../shared/data"))
    return data if (data / "manifest.csv").is_file() else None


def takes(data: Path) -> Iterator[tuple[str, Path, list[tuple[str, float]]]]:
    """Performer, file, and each strike's label and attack, of continuous recordings."""
    found: dict[Path, list[dict[str, str]]] = defaultdict(list)
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["set"].split("/")[-1] in SETS:
                found[data / row["path"]].append(row)
    for path, rows in sorted(found.items()):
        if len(rows) > 1:
            yield (rows[0]["performer_or_kit"], path,
                   sorted(((r["label"], float(r["attack_s"])) for r in rows),
                          key=lambda each: each[1]))


def stranger(model: str, who: str, end: str) -> Path:
    """The fold's model that never heard this performer, or the one that ships."""
    folder = MODELS / model / "folds"
    listed = folder / "folds.json"
    heard_by = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else {}
    shipped = MODELS / model / ("judge.npz" if end == "npz" else "model.onnx")
    return folder / f"fold_{heard_by[who]}.{end}" if who in heard_by else shipped


def run(quick: bool) -> Report:
    """Cut every take, and make a kit of each performer's; void where the data isn't there."""
    question = "Does capture find the right sounds?  Strikes cut, and slots that are what they say."
    data = training_data()
    if data is None:
        return Report(question, [], void=True, rule="the training data isn't there (DATA=...)")
    found = scored(data, quick)
    rows = [_row(who, of_each) for who, of_each in found.items()]
    near50, near25, total = (sum(float(counts[place]) for counts in found.values())
                             for place in range(3))
    slots = [right for _, _, _, sounds in found.values() if (right := slots_right(sounds))]
    return Report(question, rows, rule="no takes were found", void=not rows, gates=[
        Gate("F of strikes within 50 ms", near50 / total, 0.95, at_least=True),
        Gate("F of strikes within 25 ms", near25 / total, 0.88, at_least=True),
        Gate("slots whose sound is of that name",
             float(np.mean([np.mean(right) for right in slots])), 0.85, at_least=True)])


def scored(data: Path, quick: bool) -> dict[str, list[Any]]:
    """For each performer: strikes near 50 and 25 ms, how many there are, sounds and their names."""
    found: dict[str, list[Any]] = defaultdict(lambda: [0, 0, 0.0, []])
    for who, path, marked in list(takes(data))[:6 if quick else None]:
        audio = np.concatenate(list(read_audio(path)))
        cut = strikes(audio, stranger("onsets", who, "npz"))
        times, truth = np.array([s.time for s in cut]), np.array([t for _, t in marked])
        pairs = mir_eval.util.match_events(truth, times, NEAR_S)
        counts = found[who]
        counts[0] += len(pairs)
        counts[1] += len(mir_eval.util.match_events(truth, times, NEAR_S / 2))
        counts[2] += (len(truth) + len(times)) / 2
        names = {j: SOUNDS.get(marked[i][0], marked[i][0]) for i, j in pairs}
        for number, strike in enumerate(cut):
            sound = hear_out(audio, strike, stranger("drums", who, "onnx"))
            if sound is not None:
                counts[3].append((sound, names.get(number, "nothing")))
    return found


def slots_right(sounds: list[tuple[Sound, str]]) -> list[bool]:
    """For each slot of kick, snare and hats that a performer's sounds fill: is it of that name?"""
    names = {id(sound): name for sound, name in sounds}
    return [names[id(sound)] == SOUNDS[drum]
            for drum, sound in assign([sound for sound, _ in sounds]).items() if drum in SOUNDS]


def _row(who: str, counts: list[Any]) -> Row:
    right = slots_right(counts[3])
    return {"performer": who, "strikes": counts[2], "F50": counts[0] / counts[2],
            "F25": counts[1] / counts[2], "slots": len(right),
            "right": float(np.mean(right)) if right else None}
