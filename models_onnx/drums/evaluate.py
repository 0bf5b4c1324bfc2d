"""Score the drum model: `python -m models_onnx.drums.evaluate --data DIR [--sets A,B] [--json F]`.

Every performer is heard by a model that never was taught by them. Means are over performers with
at least four kicks, snares and hats; `_ci` is a 95 % bootstrap over performers. Times count from
the acoustic attack. The last line printed is one JSON object. `--card` rewrites the card.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models_onnx.drums import stage
from models_onnx.drums.card import write_card
from models_onnx.drums.data import strikes
from models_onnx.drums.hearing import HERE, Opinions, opinions
from models_onnx.drums.measures import (
    UNKNOWN,
    few_takes,
    four_of,
    interval,
    macro_f1,
    per_performer,
    summary,
    three,
    three_of,
)

MOMENTS_MS = (8, 12, 16, 24, 32, 48, 64, 100, 200)
WAITS_MS = (16.0, 32.0, 64.0)
STEADY_MS = 32.0
ONESHOT_MS = (32, 64, 200)

Scores = dict[str, Any]


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    found: Scores = {}
    voices = strikes(data, part="beatbox", sets=sets)
    if voices:
        heard = opinions(voices)
        found |= voice_scores(heard)
    if stage.takes(data, sets):
        found |= stage_scores(data, sets)
    drums = strikes(data, part="drums", sets=sets)
    if drums:
        found["oneshots"] = oneshot_scores(opinions(drums))
    return found


def voice_scores(heard: Opinions) -> Scores:
    """Strikes cut out by hand: the model alone, without and with takes of one's own."""
    found: Scores = {"zero_shot": {}, "zero_shot_ci": {}, "takes_5": {}, "takes_10": {},
                     "four_class_takes_5": {}, "performers": {}}
    labels = three_of(heard.may_be)
    for ms in MOMENTS_MS:
        f1 = per_performer(heard, labels, 3, lambda o, y, ms=ms: macro_f1(*_zero_shot(o, y, ms), 3))
        accuracy = per_performer(heard, labels, 3,
                                 lambda o, y, ms=ms: _accuracy(*_zero_shot(o, y, ms)))
        found["zero_shot"][str(ms)] = {"f1": summary(f1), "accuracy": summary(accuracy)}
        found["zero_shot_ci"][str(ms)] = interval(f1)
        for who, value in f1.items():
            found["performers"].setdefault(who, {})[str(ms)] = round(value, 4)
        for takes in (5, 10):
            f1 = per_performer(heard, labels, 3, lambda o, y, ms=ms, n=takes: macro_f1(
                *_taught(o, y, ms, n), 3))
            accuracy = per_performer(heard, labels, 3, lambda o, y, ms=ms, n=takes: _accuracy(
                *_taught(o, y, ms, n)))
            found[f"takes_{takes}"][str(ms)] = {"f1": summary(f1), "accuracy": summary(accuracy)}
    four = per_performer(heard, four_of(heard.may_be), 4, lambda o, y: macro_f1(
        *_four(o, y, 64), 4))
    found["four_class_takes_5"]["64"] = summary(four)
    return found


def _zero_shot(heard: Opinions, labels: Any, ms: float) -> tuple[Any, Any]:
    named = three(heard.probabilities[heard.after(ms)]).argmax(axis=1)
    return labels[labels != UNKNOWN], named[labels != UNKNOWN]


def _taught(heard: Opinions, labels: Any, ms: float, takes: int) -> tuple[Any, Any]:
    general = three(heard.probabilities[heard.after(ms)])
    return few_takes(heard, labels, general, ms, takes, 3)


def _four(heard: Opinions, labels: Any, ms: float) -> tuple[Any, Any]:
    general = np.log(heard.probabilities[heard.after(ms)][:, :4] + 1e-9)
    return few_takes(heard, labels, general, ms, 5, 4)


def _accuracy(labels: Any, named: Any) -> float:
    return float((labels == named).mean())


def stage_scores(data: Path, sets: Sequence[str]) -> Scores:
    """Whole takes through the whole graph."""
    found: Scores = {"labelled_zero_shot": {}, "labelled_zero_shot_ci": {}}
    for wait_ms in WAITS_MS:
        f1, delays = stage.labelled(data, sets, wait_ms)
        found["labelled_zero_shot"][f"{wait_ms:g}"] = summary(f1)
        found["labelled_zero_shot_ci"][f"{wait_ms:g}"] = interval(f1)
        if wait_ms == STEADY_MS:
            late = np.array(delays) > wait_ms / 1000.0 + 1e-6
            found["steady"] = {"wait_ms": wait_ms, "late_share": round(float(late.mean()), 4),
                               "sd_ms": round(1000.0 * float(np.array(delays)[~late].std()), 4)}
    return found


def oneshot_scores(heard: Opinions) -> Scores:
    """Real drums, one by one: the share named right, mean over kits."""
    found: Scores = {}
    for ms in ONESHOT_MS:
        named = heard.instruments[heard.after(ms)].argmax(axis=1)
        right = heard.may_be[np.arange(len(named)), named]
        found[str(ms)] = summary({who: float(right[heard.who == who].mean())
                                  for who in set(heard.who)})
    return found


def main() -> None:
    """Print the scores, and write them where asked."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder with a manifest.csv")
    parser.add_argument("--sets", default="", help="only these sets, by commas")
    parser.add_argument("--json", type=Path, help="write the scores to this file")
    parser.add_argument("--card", action="store_true", help="and to scores.json and README.md")
    arguments = parser.parse_args()
    found = scores(arguments.data, tuple(filter(None, arguments.sets.split(","))))
    text = json.dumps(found)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    if arguments.card:
        (HERE / "scores.json").write_text(json.dumps(found, indent=1) + "\n")
        write_card()
    print(text)


if __name__ == "__main__":
    main()
