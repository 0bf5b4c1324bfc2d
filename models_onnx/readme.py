"""Put the scores a performer asks for into the README: `python -m models_onnx.readme`.

The figures stand between two marks and come from the models' `scores.json`; `make scores` runs
this last, and a test holds the page to them.
"""

import json
from pathlib import Path

HOUSE = Path(__file__).parents[1]
BEGIN, END = "<!-- scores -->\n", "<!-- /scores -->\n"
WAITS_MS = ("16", "24", "32", "64")


def figures() -> str:
    """What a wait buys: the share of kicks, snares and hats named right, and how many are heard."""
    drums = json.loads((HOUSE / "models_onnx/drums/scores.json").read_text(encoding="utf-8"))
    onsets = json.loads((HOUSE / "models_onnx/onsets/scores.json").read_text(encoding="utf-8"))
    heard = onsets["onsets"]
    rows = [f"| ms you wait | {' | '.join(WAITS_MS)} |", "|---" * (len(WAITS_MS) + 1) + "|"]
    for key, words in (("zero_shot", "named right, a voice it never heard"),
                       ("takes_5", "with five takes of each sound, later")):
        shares = " | ".join(f"{drums[key][ms]['accuracy']:.0%}" for ms in WAITS_MS)
        rows.append(f"| {words} | {shares} |")
    return "\n".join([
        *rows, "", f"The strike itself is noticed {heard['delay_ms_p50']:.0f} ms after it began "
        f"(95 % within {heard['delay_ms_p95']:.0f}), F1 {heard['f50']:.2f} against what people "
        "marked. Kicks, snares and hats of performers the models were never trained on.", ""])


def page(text: str) -> str:
    """The README with the figures in their place."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + figures() + END + rest.split(END)[1]


def main() -> None:
    """Rewrite the README."""
    readme = HOUSE / "README.md"
    readme.write_text(page(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
