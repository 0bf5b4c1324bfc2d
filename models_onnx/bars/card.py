"""Write the card's figures from `scores.json`, so that the card never says anything else."""

import json

from engine.music.bars import FOLDER
from models_onnx.figures import short, write_figures


def figures() -> str:
    """The card's figures, from `scores.json`."""
    found = json.loads((FOLDER / "scores.json").read_text(encoding="utf-8"))
    names = list(found["collections"])
    more = found["notes_per_bar"] / found["people_notes_per_bar"] - 1
    asked = "; ".join(f"{want:g} → {got:g}" for want, got in found["pad"].values())
    return "\n".join([
        f"| nats a bar | all | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|",
        f"| this model | **{found['nats_per_bar']:.2f}** | "
        + " | ".join(f"{found['collections'][name]:.2f}" for name in names) + " |", "",
        f"- {found['bars']} bars of tunes held out. The melody model's n-gram, which heard the "
        f"bar before: {found['n_gram']:.2f} nats a bar.",
        f"- Notes a bar: {found['notes_per_bar']:.2f}; people "
        f"{found['people_notes_per_bar']:.2f} in the same places ({more:+.1%}).",
        f"- Notes in the key of the bar before: {short(found['in_key'])}; people "
        f"{short(found['people_in_key'])}.",
        f"- The pad: notes asked for → notes composed: {asked}.",
        f"- A whole bar, drawn and read: {found['pass_ms_p50']:.2f} ms of processor time, "
        f"{found['pass_ms_p99']:.2f} at p99.", ""])


def write_card() -> None:
    """Put the figures between their marks in README.md."""
    write_figures(FOLDER / "README.md", figures())
