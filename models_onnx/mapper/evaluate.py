"""Score what goes round the mapper: `python -m models_onnx.mapper.evaluate --data DIR [--card]`.

A profile is taught from clean takes by a model that never heard its performer; then everything is
heard through another microphone, 12 dB softer, in a room; then a soundcheck takes two of each
sound. Beside it, what a profile is worth that was taught there, five of each sound. And how far
2 dB of gain move a hit's velocity. Means over performers with four strikes of each sound left to
be asked about. The last line printed is one JSON object; `--card` rewrites the card. About five
minutes on one core.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models_onnx.corpus import Recording, recordings
from models_onnx.drums.hearing import model_for
from models_onnx.mapper.card import HERE, write_card
from models_onnx.mapper.measures import CHANGES_MS, WonBack, won_back
from models_onnx.scoring import score_by_command

DRAWS = 3                       # of a microphone and a room, for each performer
WAYS = ("taught", "elsewhere", "corrected", "taught_there")


def scores(data: Path, sets: Sequence[str] = ()) -> dict[str, Any]:
    """The card's figures; nothing where the data has no performer with strikes enough."""
    by_performer: dict[str, list[Recording]] = {}
    for recording in recordings(data, part="beatbox", sets=sets):
        by_performer.setdefault(recording.performer, []).append(recording)
    found: dict[str, list[WonBack]] = {}
    for number, (who, own) in enumerate(sorted(by_performer.items())):
        drawn = [won_back(own, model=model_for(who), seed=DRAWS * number + k)
                 for k in range(DRAWS)]
        if results := [result for result in drawn if result is not None]:
            found[who] = results
    if not found:
        return {}
    shares = {way: np.array([_mean(results, way) for results in found.values()]) for way in WAYS}
    means = {way: share.mean(axis=0) for way, share in shares.items()}
    lost = np.maximum(means["taught"] - means["elsewhere"], 1e-3)
    gained = (shares["corrected"] - shares["elsewhere"]).mean(axis=1)
    moves = np.concatenate([results[0].moves for results in found.values()])
    return {
        **{way: _by_ms(mean) for way, mean in means.items()},
        "won_back": _by_ms((means["corrected"] - means["elsewhere"]) / lost),
        **{name: round(float((means[way] - means["elsewhere"]).sum() / lost.sum()), 4)
           for name, way in (("won_back_all", "corrected"), ("won_back_there", "taught_there"))},
        "gained": {"mean": round(float(gained.mean()), 4),
                   "standard_error": round(float(gained.std(ddof=1) / np.sqrt(len(gained))), 4)
                   if len(gained) > 1 else 0.0},
        "velocity_2db": {"mean": round(float(moves.mean()), 2),
                         "p95": round(float(np.percentile(moves, 95)), 2)},
        "performers": {who: {way: _by_ms(_mean(results, way)) for way in WAYS}
                       for who, results in found.items()}}


def _mean(results: Sequence[WonBack], way: str) -> Any:
    """The mean over a performer's draws, at each moment."""
    return np.mean([getattr(result, way) for result in results], axis=0)


def _by_ms(values: Any) -> dict[str, float]:
    return {str(ms): round(float(value), 4) for ms, value in zip(CHANGES_MS, values, strict=True)}


def main() -> None:
    """Print the scores, and write them where asked."""
    score_by_command(scores, HERE, write_card, data="a manifest.csv", what=str(__doc__))


if __name__ == "__main__":
    main()
