"""The card's figures come from `scores.json`: written into README.md, and checked by a test."""

import json
from pathlib import Path

HERE = Path(__file__).parent
BEGIN, END = "<!-- figures from scores.json -->\n", "<!-- end of figures -->\n"
WORDS = {"taught": "heard as it was taught", "elsewhere": "another microphone, -12 dB, a room",
         "corrected": "the same after a soundcheck, two of each sound",
         "taught_there": "the same, taught there instead, five of each sound"}


def figures() -> str:
    """The card's table, from `scores.json`."""
    found = json.loads((HERE / "scores.json").read_text(encoding="utf-8"))
    waits = list(found["taught"])
    lines = ["| named right after | " + " | ".join(f"{ms} ms" for ms in waits) + " |",
             "|---" * (len(waits) + 1) + "|"]
    lines += [f"| {words} | " + " | ".join(f"{found[way][ms]:.1%}" for ms in waits) + " |"
              for way, words in WORDS.items()]
    lines += ["| of the loss won back | " + " | ".join(f"{found['won_back'][ms]:.0%}"
                                                       for ms in waits) + " |", "",
              f"Over all three waits {found['won_back_all']:.0%} of the loss are won back, and "
              f"{found['won_back_there']:.0%} by a profile that was taught there. The soundcheck "
              f"gains {100.0 * found['gained']['mean']:.1f} points of accuracy, with a standard "
              f"error of {100.0 * found['gained']['standard_error']:.1f} over performers; "
              f"{len(found['performers'])} performers, five takes of each sound, each heard by a "
              "model trained without them; for each recording three microphones and rooms are "
              "drawn, which is harder than an evening through one.", "",
              f"2 dB of gain move a hit's MIDI velocity by {found['velocity_2db']['mean']:.1f} of "
              f"127 in the mean, 95 times of 100 by {found['velocity_2db']['p95']:.1f} at most.",
              ""]
    return "\n".join(lines)


def write_card() -> None:
    """Put the figures between their marks in README.md."""
    card = HERE / "README.md"
    before, rest = card.read_text(encoding="utf-8").split(BEGIN)
    card.write_text(before + BEGIN + figures() + END + rest.split(END)[1], encoding="utf-8")
