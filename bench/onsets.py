"""How well and how soon is a strike found, beside others on the same takes?

Accuracy and delay belong together: who waits longer hears better. Each detector hears the same
takes of the training data (`../shared/data`, which doesn't ship), ours by a judge that was never
taught by the performer it hears; the others as they come and, where they can be, tuned on the same
takes. The null control scores our own detector twice: it must give the same to the last figure.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.table import Report, Row

DATA = Path(os.environ.get("DATA", Path(__file__).parents[2] / "shared" / "data"))
_FEW = 12                           # takes, in a quick run
_QUESTION = "How well and how soon is a strike found?  F within 50 and 25 ms; delays in ms."


def run(quick: bool) -> Report:
    """Score all on the same takes; without the data nothing can be said."""
    if not (DATA / "manifest.csv").is_file():
        return Report(_QUESTION, [], void=True, rule=f"the data is not there: {DATA}")
    from models_onnx.onsets.data import voices
    from models_onnx.onsets.measures import hear_takes, summary
    from models_onnx.onsets.peers import peers

    takes = voices(DATA)
    if quick:
        takes = takes[::max(1, len(takes) // _FEW)]
    ours, again = summary(hear_takes(takes)), summary(hear_takes(takes))
    scored: dict[str, Any] = {"kuchi": ours, **peers(takes)}
    rows = [_row(name, scores) for name, scores in scored.items() if isinstance(scores, Mapping)]
    missing = [f"{name}: {why}" for name, why in scored.items() if isinstance(why, str)]
    return Report(_QUESTION, rows, void=ours != again,
                  rule="our own detector, scored twice, gives two results",
                  notes=[f"{len(takes)} takes", *missing])


def _row(name: str, scores: Mapping[str, Any]) -> Row:
    return {"what": name, "F 50": scores.get("f50"), "F 25": scores.get("f25"),
            "delay p50": scores.get("delay_ms_p50"), "p95": scores.get("delay_ms_p95")}
