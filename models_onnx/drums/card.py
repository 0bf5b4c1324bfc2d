"""The card's figures come from `scores.json`: written into README.md, and checked by a test."""

import json

from models_onnx.drums.hearing import HERE

BEGIN, END = "<!-- figures from scores.json -->\n", "<!-- end of figures -->\n"
SHOWN_MS = ("8", "16", "24", "32", "48", "64", "100", "200")


def figures() -> str:
    """The card's table, from `scores.json`."""
    found = json.loads((HERE / "scores.json").read_text())
    lines = ["| ms heard | " + " | ".join(SHOWN_MS) + " |", "|---" * (len(SHOWN_MS) + 1) + "|"]
    for name, words in (("zero_shot", "never heard"), ("takes_5", "+ 5 takes of each"),
                        ("takes_10", "+ 10 takes of each")):
        lines += [_row(f"{words}, F1", [_short(found[name][ms]["f1"]) for ms in SHOWN_MS]),
                  _row("95 % over performers",
                       ["–".join(map(_short, found[f"{name}_ci"][ms])) for ms in SHOWN_MS])]
    waits, steady = found["labelled_zero_shot"], found["steady"]
    at = ", ".join(f"{_short(f1)} at {ms} ms ({'–'.join(map(_short, ci))})" for (ms, f1), ci in
                   zip(waits.items(), found["labelled_zero_shot_ci"].values(), strict=True))
    drums = ", ".join(f"{_short(share)} at {ms} ms" for ms, share in found["oneshots"].items())
    return "\n".join([
        *lines, "", f"- Through the whole graph, labelled hits within 50 ms, never heard: F1 {at}.",
        f"- Steady at {steady['wait_ms']:g} ms: {100 * steady['late_share']:.1f} % of hits late, "
        f"the others {steady['sd_ms']:g} ms apart (standard deviation).",
        f"- Open against closed hat (4 classes, 5 takes, 64 ms): F1 "
        f"{_short(found['four_class_takes_5']['64'])}.",
        f"- One-shots of kits never heard, 16 names: {drums} named right.", ""])


def write_card() -> None:
    """Put the figures between their marks in README.md."""
    card = HERE / "README.md"
    text = card.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    card.write_text(before + BEGIN + figures() + END + rest.split(END)[1], encoding="utf-8")


def _row(head: str, cells: list[str]) -> str:
    return f"| {head} | " + " | ".join(cells) + " |"


def _short(value: float) -> str:
    """.76 for 0.7634."""
    return f"{value:.2f}".lstrip("0")
