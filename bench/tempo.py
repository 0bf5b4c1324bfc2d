"""Is the tempo understood from the hits alone?  Drummers of Groove MIDI, sung by synthetic mouths.

Kicks, snares and hats of a performance's first bars go to one of nine mouths, one sound at a
time as mouths do; the live detector and classifier hear them, and the clock follows their hits.
After four bars its tempo must be right within 4 %, or twice or half of it. Performances shorter
than that are left out.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.capture import training_data
from bench.table import Gate, Report, Row
from engine.drums import HIHATS, drum_of
from engine.events import Hit
from engine.mouth import PERFORMERS, perform
from engine.mouth.score import Cue
from engine.nodes.clock import Clock
from engine.nodes.drum_classifier import DrumClassifier
from engine.nodes.onset_detector import OnsetDetector
from engine.rendering import play
from engine.units import SAMPLE_RATE

BARS = 4
NEAR = 0.04
EVERY = 3                           # of the performances one in three is sung
_MUST = 0.80
_SUNG = {"kick": "kick", "snare": "snare", "rim": "snare", "clap": "snare", "ride": "hihat_closed",
         **dict.fromkeys(HIHATS, "hihat_closed")}
_APART_S = 0.060                    # a mouth plays one sound at a time
_HEARD_S = 0.05                     # a hit is understood so long after it was sung
_SOFTEST = 30                       # of 127: softer strokes are ghosts that no mouth repeats


def run(quick: bool) -> Report:
    """Sing, listen, follow; one row a drummer."""
    question = "Is the tempo understood from hits, within 4 % (or twice, or half) after four bars?"
    data = training_data()
    if data is None:
        return Report(question, [], void=True, rule="the training data isn't there (DATA=...)")
    right: dict[str, list[bool]] = {}
    for number, take in enumerate(performances(data)[::EVERY][:6 if quick else None]):
        cues = score_of(take)
        bars_s = BARS * 240.0 / take["bpm"]
        if cues and cues[-1][0] - cues[0][0] > bars_s - 120.0 / take["bpm"]:
            bpm = understood(cues, number, cues[0][0] + bars_s)
            right.setdefault(take["drummer"], []).append(is_right(bpm, take["bpm"]))
    rows: list[Row] = [{"drummer": who, "performances": len(found), "right": float(np.mean(found))}
                       for who, found in sorted(right.items())]
    share = float(np.mean([each for found in right.values() for each in found]))
    return Report(question, rows, rule="there are no performances", void=not rows,
                  gates=[Gate("share understood", share, _MUST, at_least=True)])


def performances(data: Path) -> list[dict[str, Any]]:
    """Those in 4/4 that are grooves, not fills."""
    with gzip.open(data / "patterns" / "groove_train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row for row in rows if row["beat_type"] == "beat" and row["time_signature"] == "4-4"]


def score_of(take: dict[str, Any]) -> list[Cue]:
    """Its first four bars, for one mouth."""
    cues: list[Cue] = []
    first = None
    for beat, note, velocity in take["events"]:
        time, sound = beat * 60.0 / take["bpm"], _SUNG.get(drum_of(note))
        if sound is None or velocity < _SOFTEST:
            continue
        first = time if first is None else first
        if time - first > BARS * 240.0 / take["bpm"]:
            break
        cue = (time - first + 0.5, sound, velocity / 127.0)
        if cues and cue[0] - cues[-1][0] < _APART_S:
            if cues[-1][1] == "hihat_closed":
                cues[-1] = (cues[-1][0], sound, cue[2])
            continue
        cues.append(cue)
    return cues


def understood(cues: list[Cue], number: int, end: float) -> float:
    """The tempo at the end of the fourth bar, 0 where there is none."""
    mouth = PERFORMERS[number % len(PERFORMERS)]
    audio, _ = perform(cues, mouth, seed=number)
    onsets = play(OnsetDetector(), audio)
    hits = [hit for hit in play(DrumClassifier(), audio, onsets=onsets) if isinstance(hit, Hit)]
    silence = np.zeros(round((end + _HEARD_S) * SAMPLE_RATE), np.float32)
    beats = play(Clock(), silence, hits=hits)
    return beats[-1].bpm if beats else 0.0


def is_right(bpm: float, truth: float) -> bool:
    """Within 4 %, or of twice or half."""
    return any(abs(bpm * factor / truth - 1.0) <= NEAR for factor in (0.5, 1.0, 2.0))
