"""Write the card's figures from `scores.json`, so that the card never says anything else."""

import json
from typing import Any

from engine.music.melody import FOLDER
from models_onnx.figures import short, write_figures

WAYS = ("nats_per_step", "with_cache", "baseline", "long_baseline")
MADE = (("people", "people"), ("kuchi", "**this engine**"), ("network", "the network alone"),
        ("n_gram", "n-gram and cache"), ("unrelated", "an unrelated tune"))
CHECKS = (("in_key", "in the key of the call"), ("overlap", "pitch classes shared with the call"),
          ("density", "density ratio, absolute log2"), ("in_range", "within the call's range ± 2"),
          ("rhythm", "rhythm shared with the best bar of the call"),
          ("bar_reuse", "a bar of the call comes back exactly"),
          ("bar_transposed", "… moved"), ("bar_varied", "… varied"),
          ("strong_on_chord", "notes of the chord on strong beats"),
          ("on_time", "ends in its last bar, half a beat early"))


def figures() -> str:
    """The card's tables, from `scores.json`."""
    found = json.loads((FOLDER / "scores.json").read_text(encoding="utf-8"))
    lines = ["| nats a step | network | with the line's past | n-gram + cache | longer n-gram + "
             "cache | next note right |", "|---" * 6 + "|"]
    lines += [_row(name, c) for name, c in found["collections"].items()]
    lines += [_row("**mean of the collections**", found), "",
              f"The network alone is {found['lower_alone']:.1%} lower than the n-gram with its "
              f"cache, with the line's past {found['lower_with_cache']:.1%}. A step with all its "
              f"counts takes {found['step_ms_p50']:.2f} ms of processor time, "
              f"{found['step_ms_p99']:.2f} at p99.", "",
              f"| four bars to four bars, {found['answers']['answers']} calls | "
              + " | ".join(words for _, words in MADE) + " |", "|---" * (len(MADE) + 1) + "|"]
    compared = found["compared"]
    lines += [f"| {words} | " + " | ".join(short(compared[who][key], 3) for who, _ in MADE) + " |"
              for key, words in CHECKS]
    lines += ["| longest run of notes in the books: p50, p90, max | " + " | ".join(
        "{}, {}, {}".format(*compared[who]["copy_p50_p90"], compared[who]["longest_copy"])
        for who, _ in MADE) + " |", "",
        f"Over a blues in F {found['blues_on_chord']:.1%} of the notes on strong beats are notes "
        f"of the chord; people, over their own chords, "
        f"{compared['people']['strong_on_chord']:.1%}.", "",
        "Without a clock the tempo of a call is read off its notes (`engine.music.pulse`): of the "
        "first 24 of a tune, played 15 ms off at 75 to 150 beats a minute, "
        f"{found['tempo']['right']:.0%} right within 4 %, {found['tempo']['double']:.0%} double, "
        f"{found['tempo']['half']:.0%} half.", ""]
    return "\n".join(lines)


def _row(name: str, found: dict[str, Any]) -> str:
    return " | ".join([f"| {name}", *(short(found[way], 3) for way in WAYS),
                       f"{short(found['pitch_accuracy'])} |"])


def write_card() -> None:
    """Put the figures between their marks in README.md."""
    write_figures(FOLDER / "README.md", figures())
