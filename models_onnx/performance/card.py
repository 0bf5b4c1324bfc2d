"""Write the card's figures from `scores.json`, so that the card never says anything else."""

import json

from engine.music.performance import FOLDER
from models_onnx.figures import short, write_figures


def figures() -> str:
    """The card's figures, from `scores.json`."""
    found = json.loads((FOLDER / "scores.json").read_text(encoding="utf-8"))
    kept = found["answers"]
    low, high = found["pieces_p10_p90"]
    kinds = ", ".join(f"{name} {nats:.2f}" for name, nats in found["by_kind"].items())
    return "\n".join([
        "| nats an event | |", "|---|---|",
        f"| this model | **{found['nats_per_event']:.2f}** (pieces, p10–p90: "
        f"{low:.2f}–{high:.2f}) |",
        f"| back-off n-gram that learns from the piece | {found['n_gram']:.2f} |", "",
        f"- {found['events']} events of {found['pieces']} pieces held out. By kind: {kinds}.",
        f"- Answers of six seconds to twelve, {kept['count']} of them: notes a second "
        f"{short(kept['density'])} octaves from the call's (people {short(kept['people_density'])}"
        f"), mean note {kept['register']:.1f} half tones away (people "
        f"{kept['people_register']:.1f}). The longest note lasts {kept['longest_note_s']:.2f} s; "
        f"{found['longest_allowed_s']:g} are allowed.",
        f"- A step takes {found['step_ms_p50']:.2f} ms of processor time, "
        f"{found['step_ms_p99']:.2f} at p99.", ""])


def write_card() -> None:
    """Put the figures between their marks in README.md."""
    write_figures(FOLDER / "README.md", figures())
