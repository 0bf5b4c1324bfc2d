"""Does capture find the right sounds?  Whole takes of people, cut, named and sorted into kits.

Segmentation: F of all strikes within 50 and 25 ms of their acoustic attack, and its mean over
performers. Slots: how many of the kicks, snares and hats that a performer's takes put into the
kit are sounds of that name. Judge and drum model are those that never heard the performer.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np

from engine.capture import assign, hear_out
from engine.devices.files import read_audio
from engine.model import MODELS
from engine.segments import strikes

SETS = ("vopec", "lvt")
SOUNDS = {"kick": "kick", "snare": "snare", "hihat_closed": "hihat", "hihat_open": "hihat",
          "hihat": "hihat"}
NEAR_S = 0.05


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


def score(data: Path) -> dict[str, Any]:
    """All figures."""
    counts: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    slots: dict[str, list[bool]] = defaultdict(list)
    found_of: dict[str, list[Any]] = defaultdict(list)
    for who, path, marked in takes(data):
        audio = np.concatenate(list(read_audio(path)))
        cut = strikes(audio, stranger("onsets", who, "npz"))
        times, truth = np.array([s.time for s in cut]), np.array([t for _, t in marked])
        pairs = mir_eval.util.match_events(truth, times, NEAR_S)
        counts[who][0] += len(pairs)
        counts[who][1] += len(mir_eval.util.match_events(truth, times, NEAR_S / 2))
        counts[who][2] += (len(truth) + len(times)) / 2
        label_of = {j: SOUNDS.get(marked[i][0], marked[i][0]) for i, j in pairs}
        for number, strike in enumerate(cut):
            sound = hear_out(audio, strike, stranger("drums", who, "onnx"))
            if sound is not None:
                found_of[who].append((sound, label_of.get(number, "nothing")))
    for who, sounds in found_of.items():
        kit, names = assign([sound for sound, _ in sounds]), {id(s): name for s, name in sounds}
        slots[who] = [names[id(sound)] == SOUNDS[drum] for drum, sound in kit.items()
                      if drum in SOUNDS]
    right = np.array(list(counts.values()))
    total = right.sum(axis=0)
    by_performer = right[:, :2] / right[:, 2:]
    return {"takes_of": len(counts), "strikes": int(total[2]),
            "f50": round(total[0] / total[2], 4), "f25": round(total[1] / total[2], 4),
            "f50_by_performer": round(float(by_performer[:, 0].mean()), 4),
            "f25_by_performer": round(float(by_performer[:, 1].mean()), 4),
            "slots": sum(map(len, slots.values())),
            "slots_right": round(float(np.mean([np.mean(s) for s in slots.values() if s])), 4)}


def main() -> None:
    """Print the figures."""
    import argparse
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with a manifest.csv")
    print(json.dumps(score(parser.parse_args().data)))


if __name__ == "__main__":
    main()
