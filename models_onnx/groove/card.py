"""The card's figures come from `scores.json`: written into README.md, and checked by a test."""

import json

from engine.model import MODELS

HERE = MODELS / "groove"
BEGIN, END = "<!-- figures from scores.json -->\n", "<!-- end of figures -->\n"
FEELS = {"flat": "left flat", "a_drummers": "a drummer's feel",
         "own": "the performer's own, after 8 bars"}


def figures() -> str:
    """The card's tables, from `scores.json`."""
    found = json.loads((HERE / "scores.json").read_text(encoding="utf-8"))
    lines = ["| drummer, never met | onset F1 | velocity, of 127 | timing, ms |",
             "|---" * 4 + "|"]
    lines += [f"| {who.removeprefix('drummer')} | {of['onset_f1']:.2f} | {of['velocity_mae']:.1f} "
              f"| {of['timing_mae_ms']:.1f} |"
              for who, of in [*found["drummers"].items(), ("all", found)]]
    pad, took = found["pad"], found["decode_us"]
    lines += ["", f"- Density got against asked, at half to twice what a groove has: "
              f"{found['density_off']:.1%} off on average (strokes are whole).",
              f"- {pad['inside']:.0%} of all grooves lie within the pad; an eighth of its width "
              f"moves {pad['strokes_moved']:.0%} of the strokes.",
              f"- A point to two bars: {took['p50']:.0f} µs, 99 % within {took['p99']:.0f} µs of "
              "the processor that made the scores.",
              "", "| two flat bars made human | velocity off, of 127 | timing off, ms |",
              "|---|---|---|"]
    lines += [f"| {FEELS[name]} | {of['velocity_mae']:.1f} | {of['timing_mae_ms']:.1f} |"
              for name, of in found["feel"].items()]
    return "\n".join([*lines, ""])


def write_card() -> None:
    """Put the figures between their marks in README.md."""
    card = HERE / "README.md"
    text = card.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    card.write_text(before + BEGIN + figures() + END + rest.split(END)[1], encoding="utf-8")
