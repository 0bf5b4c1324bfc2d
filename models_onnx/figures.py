"""Put figures between their marks in a model's card, so that no figure is written by hand."""

from pathlib import Path

BEGIN, END = "<!-- figures from scores.json -->\n", "<!-- end of figures -->\n"


def write_figures(card: Path, figures: str) -> None:
    """Rewrite what stands between the marks of a card."""
    text = card.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    card.write_text(before + BEGIN + figures + END + rest.split(END)[1], encoding="utf-8")


def short(value: float, digits: int = 2) -> str:
    """`.93` for 0.93, `1.20` for 1.2.

    >>> short(0.934), short(-0.5), short(1.2)
    ('.93', '-.50', '1.20')
    """
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
