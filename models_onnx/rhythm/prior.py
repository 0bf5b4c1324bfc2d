"""The groove prior's worth: does knowing the groove help to name a mouth's hits?

Real opinions of the drum model about real mouths (each heard by a fold model that never met them),
put where a Groove performance has that drum; a mouth plays one sound at a time, so each step keeps
its rarest drum. What was *named*, not what was meant, is what the groove is learned from. Paired:
the same hits with and without the prior.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.music.drum_maps import NINE
from engine.music.expectation import Expectation, weighed
from engine.music.pattern import Pattern
from engine.units import Samples
from models_onnx.drums.data import strikes
from models_onnx.drums.hearing import Opinions, opinions
from models_onnx.drums.measures import interval, summary, three, three_of
from models_onnx.rhythm.data import Take
from models_onnx.rhythm.hearing import model_for
from models_onnx.rhythm.stage import long_takes

STRENGTHS = (0.25, 0.5, 1.0)
AFTER_MS = 24.0                      # when a hit is named by default
TAKES = 2                            # performances for each mouth
STEPS_BETWEEN = 64                   # calls, so that any silence is caught up with
LEAST = 4                            # of each of kick, snare and hat a mouth must have
_KICK, _SNARE, _HATS = NINE.index("kick"), NINE.index("snare"), (2, 3)

Scores = dict[str, Any]
Hit = tuple[float, int, float]       # beat, 0 kick 1 snare 2 hat, velocity


def one_mouth(pattern: Pattern) -> list[Hit]:
    """A performance as one mouth would play it: of a step's drums snare, then kick, then hat."""
    found: list[Hit] = []
    for step, row in enumerate(pattern.hits):
        hats = float(row[list(_HATS)].max())
        for which, velocity in ((1, float(row[_SNARE])), (0, float(row[_KICK])), (2, hats)):
            if velocity > 0.0:
                found.append((step / pattern.steps_per_beat, which, velocity))
                break
    return found


def named(hits: Sequence[Hit], heard: Sequence[Samples], take: Take, strength: float) -> float:
    """The share of hits named right, the groove weighing in."""
    expectation, right = Expectation(take.bpm, model=model_for(take.drummer)), 0
    for (beat, which, velocity), ear in zip(hits, heard, strict=True):
        both = ear
        if strength:
            for _ in range(STEPS_BETWEEN):
                expectation.follow(beat)
            both = weighed(ear, expectation.due(), strength)
        expectation.struck(DRUMS[int(both[:len(DRUMS)].argmax())], velocity)
        right += int(three(both).argmax()) == which
    return right / len(hits)


def prior_worth(data: Path, takes: Sequence[Take]) -> Scores:
    """By how much more hits are named right at each strength, mean over mouths, with intervals."""
    performances = long_takes(takes)
    mouths = strikes(data, part="beatbox") if (data / "manifest.csv").is_file() else []
    if not performances or not mouths:
        return {}
    heard = opinions(mouths)
    rows, frames = heard.after(AFTER_MS)
    ears, labels = heard.probabilities[rows, frames], three_of(heard.may_be)
    gains: dict[str, dict[str, float]] = {f"{strength:g}": {} for strength in STRENGTHS}
    alone: dict[str, float] = {}
    for who, of_who in _able(heard, labels).items():
        rng = np.random.default_rng(len(alone))
        for take, pattern in (performances[k] for k in rng.integers(len(performances), size=TAKES)):
            hits = one_mouth(pattern)
            sounds = [ears[rng.choice(of_who[which])] for _, which, _ in hits]
            plain = named(hits, sounds, take, 0.0)
            alone[who] = alone.get(who, 0.0) + plain / TAKES
            for strength in STRENGTHS:
                better = named(hits, sounds, take, strength) - plain
                of_one = gains[f"{strength:g}"]
                of_one[who] = of_one.get(who, 0.0) + better / TAKES
    return {"groove_prior": {
        "mouths": len(alone), "ms": AFTER_MS, "without": summary(alone),
        "gain": {at: summary(of) for at, of in gains.items()},
        "gain_ci": {at: interval(of) for at, of in gains.items()}}}


def _able(heard: Opinions, labels: NDArray[np.int64]) -> dict[str, list[NDArray[np.int64]]]:
    """Each mouth's strikes by kick, snare and hat; those with too few are left out."""
    found = {who: [np.flatnonzero((heard.who == who) & (labels == k)) for k in range(3)]
             for who in sorted(set(heard.who.tolist()))}
    return {who: of for who, of in found.items() if min(map(len, of)) >= LEAST}
