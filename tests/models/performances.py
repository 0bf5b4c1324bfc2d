"""A folder of drum performances in the layout of the training data."""

import gzip
import json

import numpy as np

from engine.music.drum_maps import drum_map


def written(folder, bars=20, drummer="somebody"):
    """Write one rock take in 4/4, one in 5/4 and one nobody may use; returns the folder."""
    (folder / "patterns").mkdir()
    notes = drum_map("Roland TD-11")
    rng = np.random.default_rng(1)
    events = [[round(beat + 4 * bar + float(rng.normal()) / 100 + 0.05, 4), notes.note(drum),
               int(60 + rng.integers(40))]
              for bar in range(bars) for beat, drum in [(0, 0), (1, 1), (2, 0), (3, 1), (2.5, 2)]]
    row = {"id": "a", "drummer": drummer, "style": "rock", "bpm": 120.0, "beat_type": "beat",
           "time_signature": "4-4", "licence": "CC BY 4.0", "events": sorted(events)}
    with gzip.open(folder / "patterns" / "groove_test.jsonl.gz", "wt") as file:
        for other in (row, row | {"time_signature": "5-4"}, row | {"licence": "unknown"}):
            file.write(json.dumps(other) + "\n")
    return folder
