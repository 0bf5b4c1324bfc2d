"""Cut a recording into its strikes, with all the time in the world.

The live detector's judge says, hop by hop, how likely a strike is. On stage it must decide at
once; here each candidate is looked at again from both sides: what the sound did before it and
what it did after, how loud it is against the others, what its neighbours are. A line through
these few numbers, learnt from many mouths, decides (`models_onnx/onsets/again.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.dsp.onsets import PAST, STATE, begin, hear
from engine.errors import ModelError
from engine.model import MODELS
from engine.nodes.onset_detector import load_ear
from engine.units import HOP, SAMPLE_RATE, Samples, frames

JUDGE = MODELS / "onsets" / "judge.npz"
AGAIN = MODELS / "onsets" / "again.npz"

MEASURES = ("odds", "level", "rise", "bright_rise", "prev_near", "next_near", "over_prev",
            "over_next", "flux", "live", "first_rise", "odds_after")
"""What is measured of a candidate; `measure` gives them in this order."""

_LEAD_S = 0.1                       # a recording may begin with a strike
_TAIL_S = 0.2
_SENSITIVE_DB = 4.0                 # above the room: what comes up to it is a candidate
_RETRIGGER_HOPS = 33.75             # 45 ms, as on stage
_UNSURE = 1.0                       # log odds below the live bar that make a candidate
_APART_HOPS = 45                    # 60 ms
_LOOK_BACK = 14                     # hops from the judge's surest to the attack
_STEEPEST = 24                      # samples into its hop lies an attack
_NEAR_S = 0.12                      # neighbours count less, the farther they are
_SILENCE = 1e-10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Strike:
    """One strike in a recording, in samples: its attack, and where the next one begins."""

    attack: int
    until: int

    @property
    def time(self) -> float:
        """When, in seconds."""
        return self.attack / SAMPLE_RATE


def strikes(audio: Samples, judge: Path = JUDGE, again: Path = AGAIN) -> list[Strike]:
    """The strikes of a recording, in order.

    audio : float32 (frames,) at 48 kHz
    """
    times, measures = candidates(audio, judge)
    weights = weights_of(again)
    sure = measures @ weights[:-1] + weights[-1] > 0.0 if len(times) else np.zeros(0, bool)
    attacks = [frames(time) for time in times[sure]]
    ends = [*attacks[1:], len(audio)]
    return [Strike(attack, end) for attack, end in zip(attacks, ends, strict=True)
            if attack < len(audio)]


@cache
def weights_of(path: Path) -> Floats:
    """What was learnt: a weight a measure, and last the bias. ModelError where it isn't there."""
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = np.asarray(file["weights"], np.float64)
    except (OSError, ValueError, KeyError) as problem:
        raise ModelError(f"{path} holds no second opinion on strikes: {problem}") from None
    if weights.shape != (len(MEASURES) + 1,):
        raise ModelError(f"{path}: {len(MEASURES) + 1} weights are needed; it has {weights.shape}")
    return weights


def candidates(audio: Samples, judge: Path = JUDGE) -> tuple[Floats, Floats]:
    """Whatever might be a strike: when, in seconds, and its measures (n, 12)."""
    padded = np.concatenate([np.zeros(frames(_LEAD_S), np.float32), audio,
                             np.zeros(frames(_TAIL_S), np.float32)])
    odds, flux, live, sure = _heard(padded, judge)
    surest = _peaks(odds, sure - _UNSURE)
    begins = np.unique([max(0, hop - _LOOK_BACK)
                        + int(np.argmax(flux[max(0, hop - _LOOK_BACK):hop + 1]))
                        for hop in surest]).astype(np.int64)
    if not len(begins):
        return np.zeros(0), np.zeros((0, len(MEASURES)))
    measures = _measure(padded, begins, odds - sure, flux, live)
    times = (begins * HOP + _STEEPEST) / SAMPLE_RATE - _LEAD_S
    return np.maximum(times, 0.0), measures


def _heard(audio: Samples, judge: Path) -> tuple[Floats, Floats, Floats, float]:
    """Hop by hop the judge's log odds and the bands' rise; when it spoke; how sure it must be."""
    ear, state, live = load_ear(judge), np.zeros(1, STATE), np.zeros(1, STATE)
    for each, sensitivity_db in ((state, _SENSITIVE_DB), (live, 10.0)):
        begin(each)
        each["sensitivity_db"], each["retrigger_hops"] = sensitivity_db, _RETRIGGER_HOPS
    hops, silence = len(audio) // HOP, np.zeros(HOP, np.float32)
    odds, flux, spoken = np.zeros(hops), np.zeros(hops), []
    for hop in range(hops):
        samples = audio[hop * HOP:(hop + 1) * HOP]
        hear(samples, silence, False, ear, state)
        odds[hop] = state["odds"][0]
        flux[hop] = state["flux"][0][(int(state["hop"][0]) - 1) % PAST]
        if hear(samples, silence, False, ear, live):
            spoken.append(hop - float(live["age"][0]))
    return odds, flux, np.array(spoken), float(ear["sure"][0])


def _peaks(odds: Floats, least: float) -> NDArray[np.int64]:
    """Where the odds are highest, none nearer than 60 ms to a higher one."""
    inner = odds[1:-1]
    found = np.flatnonzero((inner >= odds[:-2]) & (inner > odds[2:]) & (inner > least)) + 1
    taken: list[int] = []
    for hop in found[np.argsort(-odds[found], kind="stable")]:
        if all(abs(int(hop) - other) >= _APART_HOPS for other in taken):
            taken.append(int(hop))
    return np.array(sorted(taken), np.int64)


def _measure(audio: Samples, begins: NDArray[np.int64], odds: Floats, flux: Floats, live: Floats
             ) -> Floats:
    """The measures of every candidate; levels in tens of dB."""
    hops = audio[:len(audio) // HOP * HOP].astype(np.float64).reshape(-1, HOP)
    peaks, energy = np.abs(hops).max(axis=1), (hops ** 2).mean(axis=1)
    bright = (np.diff(audio[:hops.size].astype(np.float64), prepend=0.0) ** 2
              ).reshape(-1, HOP).mean(axis=1)
    levels = np.array([20.0 * np.log10(peaks[hop:hop + 45].max() + 1e-6) for hop in begins])
    reference = np.percentile(levels, 80)
    times = begins * HOP / SAMPLE_RATE
    found = []
    for number, hop in enumerate(begins):
        surest = hop + int(np.argmax(odds[hop:hop + 16]))
        before, after = (max(0, hop - 45), max(1, hop - 4)), (hop, hop + 40)
        previous, following = _beside(times, levels, number)
        found.append([
            odds[surest], (levels[number] - reference) / 10.0,
            min(_db(energy, *after) - _db(energy, *before), 40.0) / 10.0,
            min(_db(bright, *after) - _db(bright, *before), 40.0) / 10.0,
            previous[0], following[0], previous[0] * previous[1] / 10.0,
            following[0] * following[1] / 10.0, flux[hop] / 20.0,
            float(len(live) > 0 and np.abs(live - hop).min() < 22.5),
            min(_db(energy, hop, hop + 8) - _db(energy, *before), 40.0) / 10.0,
            odds[hop:hop + 40].mean()])
    return np.nan_to_num(np.clip(np.array(found), -20.0, 20.0))


def _beside(times: Floats, levels: Floats, number: int) -> Sequence[tuple[float, float]]:
    """How near the neighbours are, 1 to 0, and how far this one is louder, dB."""
    found = []
    for other in (number - 1, number + 1):
        if 0 <= other < len(times):
            apart = abs(float(times[other] - times[number]))
            found.append((float(np.exp(-apart / _NEAR_S)), float(levels[number] - levels[other])))
        else:
            found.append((float(np.exp(-2.0 / _NEAR_S)), 10.0))
    return found


def _db(energy: Floats, first: int, last: int) -> float:
    return float(10.0 * np.log10(energy[first:last].mean() + _SILENCE))
