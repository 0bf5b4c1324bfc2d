"""The whole graph over real takes: detection and naming together, as a performer would have it."""

from collections.abc import Sequence
from pathlib import Path

import mir_eval
import numpy as np

from engine.drums import HIHATS
from engine.events import Hit
from engine.patch import load_patch
from engine.rendering import render
from models_onnx.corpus import Recording, recordings
from models_onnx.drums.hearing import model_for
from models_onnx.drums.measures import LEAST
from models_onnx.onsets.measures import model_for as judge_for

WINDOW_S = 0.05
SOUNDS = ("kick", "snare", "hihat")


def takes(data: Path, sets: Sequence[str]) -> list[Recording]:
    """The voices' continuous recordings."""
    return [r for r in recordings(data, part="beatbox", sets=sets) if len(r.events) > 1]


def sound_of(name: str) -> str:
    """Open, closed and unknown hats are one sound here."""
    return "hihat" if name in HIHATS else name


def hits(recording: Recording, wait_ms: float) -> list[tuple[Hit, float]]:
    """What leaves the drum-classifier of the patch `beatbox-to-daw`, and when."""
    patch = load_patch("beatbox-to-daw").with_setting("wait_ms", wait_ms, node="drums")
    patch = patch.with_setting("model", str(model_for(recording.performer)), node="drums")
    patch = patch.with_setting("model", str(judge_for(recording.performer)), node="onsets")
    return [(sent.event, sent.sent) for sent in render(patch, recording.audio)
            if isinstance(sent.event, Hit)]


def labelled(data: Path, sets: Sequence[str], wait_ms: float
             ) -> tuple[dict[str, float], list[float]]:
    """Macro-F1 of labelled hits for each performer, and every hit's `sent - time` in seconds.

    A hit is right where it lies within 50 ms of a strike of its sound.
    """
    counts: dict[str, np.ndarray] = {}
    delays = []
    for recording in takes(data, sets):
        heard = hits(recording, wait_ms)
        delays += [sent - hit.time for hit, sent in heard]
        count = counts.setdefault(recording.performer, np.zeros((3, 3)))
        for k, sound in enumerate(SOUNDS):
            truth = sorted(e.attack_s for e in recording.events if sound_of(e.label) == sound)
            found = sorted(hit.time for hit, _ in heard if sound_of(hit.drum) == sound)
            pairs = mir_eval.util.match_events(np.array(truth), np.array(found), WINDOW_S)
            count[k] += len(truth), len(found), len(pairs)
    f1 = {who: float(np.mean(2 * c[:, 2] / np.maximum(1, c[:, 0] + c[:, 1])))
          for who, c in sorted(counts.items()) if c[:, 0].min() >= LEAST}
    return f1, delays
