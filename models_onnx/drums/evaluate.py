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
    four,
    four_of,
    interval,
    per_performer,
    summary,
    three,
    three_of,
    with_takes,
    without_takes,
)
from models_onnx.onsets.evaluate import onset_scores

MOMENTS_MS = (8, 12, 16, 24, 32, 48, 64, 100, 200)
WAITS_MS = (16.0, 32.0, 64.0)
STEADY_MS = 32.0
ONESHOT_MS = (32, 64, 200)

Scores = dict[str, Any]


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    found: Scores = {}
    if voices := strikes(data, part="beatbox", sets=sets):
        found |= voice_scores(opinions(voices))
    if stage.takes(data, sets):
        found |= {"onsets": onset_scores(data, sets)} | stage_scores(data, sets)
    if drums := strikes(data, part="drums", sets=sets):
        found["oneshots"] = oneshot_scores(opinions(drums))
    return found


def voice_scores(heard: Opinions) -> Scores:
    """Strikes cut out by hand: the model alone, without and with takes of one's own."""
    names = ("zero_shot", "takes_5", "takes_10")
    found: Scores = {name: {} for name in (*names, *(f"{name}_ci" for name in names))}
    performers: dict[str, Scores] = {}
    labels = three_of(heard.may_be)
    for ms in MOMENTS_MS:
        ways = (without_takes(ms), with_takes(ms, 5, three, 3), with_takes(ms, 10, three, 3))
        for name, way in zip(names, ways, strict=True):
            f1, accuracy = per_performer(heard, labels, 3, way)
            found[name][str(ms)] = {"f1": summary(f1), "accuracy": summary(accuracy)}
            found[f"{name}_ci"][str(ms)] = interval(f1)
            for who, value in f1.items():
                performers.setdefault(who, {}).setdefault(name, {})[str(ms)] = round(value, 4)
    f1, _ = per_performer(heard, four_of(heard.may_be), 4, with_takes(64, 5, four, 4))
    return found | {"four_class_takes_5": {"64": summary(f1)}, "performers": performers}


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
