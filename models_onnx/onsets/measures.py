"""Scores of a detector: F-measures by performer and pooled, and how soon it spoke.

Every performer the judge was taught by is heard by a fold's judge that never met them.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.drums import HIHATS
from engine.dsp.onsets import STATE, begin, hear
from engine.model import MODELS
from engine.nodes.onset_detector import STEEPEST, OnsetDetector, load_ear
from engine.units import HOP, SAMPLE_RATE, Samples
from models_onnx.corpus import Recording

HERE = MODELS / "onsets"
LEAST = 4                   # hits of each sound: with fewer a performer isn't in the means
SOUNDS = ("kick", "snare", "hihat")
BOOTSTRAPS = 2_000
HOPS_A_MS = SAMPLE_RATE / 1000.0 / HOP

Times = NDArray[np.float64]
Detector = Callable[[Samples, Path], tuple[Times, Times]]
"""From samples and the file of a judge to the onsets' times and when each was sent, seconds."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a detector made of one recording, seconds, and the two truths about it."""

    who: str
    sounds: Counter[str]
    attacks: Times
    marks: Times
    times: Times
    sent: Times


def model_for(who: str) -> Path:
    """The judge that never heard this performer."""
    listed = HERE / "folds" / "folds.json"
    heard_by = json.loads(listed.read_text()) if listed.is_file() else {}
    return HERE / "folds" / f"fold_{heard_by[who]}.npz" if who in heard_by else HERE / "judge.npz"


def kuchi(samples: Samples, judge: Path) -> tuple[Times, Times]:
    """Our detector as on stage, in one compiled stride: several times as fast as the node."""
    states, hops = np.zeros(1, STATE), -(-len(samples) // HOP)
    states["sensitivity_db"] = OnsetDetector.sensitivity_db.default
    states["retrigger_hops"] = OnsetDetector.retrigger_ms.default * HOPS_A_MS
    begin(states)
    ages = np.full(hops, np.nan)
    _hear_all(np.pad(samples, (0, hops * HOP - len(samples))), load_ear(judge), states, ages)
    announced = np.flatnonzero(~np.isnan(ages))
    attacks = announced * HOP + STEEPEST - ages[announced] * HOP
    return np.maximum(attacks, 0.0) / SAMPLE_RATE, (announced + 1) * HOP / SAMPLE_RATE


@njit(cache=True, nogil=True, error_model="numpy")
def _hear_all(samples: Samples, ears: NDArray[np.void], states: NDArray[np.void], ages: Times
              ) -> None:
    silence = np.zeros(HOP, np.float32)
    for hop in range(len(ages)):
        if hear(samples[hop * HOP:(hop + 1) * HOP], silence, False, ears, states):
            ages[hop] = states[0].age


def hear_takes(recordings: Sequence[Recording], detector: Detector = kuchi,
               gain: float = 1.0) -> list[Heard]:
    """Let a detector hear recordings, `gain` times as loud."""
    found = []
    for r in recordings:
        times, sent = detector(np.float32(gain) * r.audio, model_for(r.performer))
        sounds = Counter("hihat" if e.label in HIHATS else e.label for e in r.events)
        found.append(Heard(r.performer, sounds, np.array(sorted(e.attack_s for e in r.events)),
                           np.array(sorted(e.onset_s for e in r.events)), times, sent))
    return found


def f_measures(heard: Sequence[Heard], window_s: float, marks: bool = False,
               everybody: bool = False) -> dict[str, float]:
    """F-measure of each performer with at least LEAST hits of each sound, or of everybody.

    An onset is right where it lies within `window_s` of an attack (or of a person's mark), one
    each at most (C. Raffel et al., mir_eval).
    """
    sounds: dict[str, Counter[str]] = {}
    for h in heard:
        sounds.setdefault(h.who, Counter()).update(h.sounds)
    counted = [who for who, count in sorted(sounds.items())
               if everybody or all(count[sound] >= LEAST for sound in SOUNDS)]
    return {who: pooled([h for h in heard if h.who == who], window_s, marks) for who in counted}


def pooled(heard: Sequence[Heard], window_s: float, marks: bool = False) -> float:
    """F-measure over all onsets."""
    right = total = 0
    for h in heard:
        truth = h.marks if marks else h.attacks
        right += len(mir_eval.util.match_events(truth, h.times, window_s))
        total += len(truth) + len(h.times)
    return 2.0 * right / max(total, 1)


def delays_ms(heard: Sequence[Heard], marks: bool = False) -> Times:
    """From each attack found within 50 ms to its announcement."""
    found = [1000.0 * (h.sent[j] - truth[i]) for h in heard
             for truth in [h.marks if marks else h.attacks]
             for i, j in mir_eval.util.match_events(truth, h.times, 0.05)]
    return np.array(found)


def mean_f(by_performer: dict[str, float]) -> float:
    """The mean over performers, 0 where there are none."""
    return float(np.mean(list(by_performer.values()))) if by_performer else 0.0


def interval(by_performer: dict[str, float]) -> list[float]:
    """Where the mean over performers lies 95 times of 100: a bootstrap over performers."""
    values = np.array(list(by_performer.values()))
    draws = np.random.default_rng(0).integers(len(values), size=(BOOTSTRAPS, len(values)))
    return [round(float(v), 4) for v in np.percentile(values[draws].mean(axis=1), [2.5, 97.5])]


def summary(heard: Sequence[Heard], marks: bool = False) -> dict[str, Any]:
    """F at ±50 and ±25 ms, means over performers with their intervals and pooled, and delays."""
    found: dict[str, Any] = {"hits": sum(len(h.attacks) for h in heard),
                             "announced": sum(len(h.times) for h in heard)}
    for name, window_s in (("f50", 0.05), ("f25", 0.025)):
        if of_each := f_measures(heard, window_s, marks):
            found |= {name: round(mean_f(of_each), 4), f"{name}_ci": interval(of_each)}
        found[f"pooled_{name}"] = round(pooled(heard, window_s, marks), 4)
    if len(late := delays_ms(heard, marks)):
        found |= {f"delay_ms_p{p}": round(float(np.percentile(late, p)), 2) for p in (50, 95)}
    return found
