"""The card's figures come from `scores.json`: written into README.md, and checked by a test."""

import json
from typing import Any

from engine.model import MODELS

HERE = MODELS / "rhythm"
BEGIN, END = "<!-- figures from scores.json -->\n", "<!-- end of figures -->\n"
WORDS = {"hits_a_bar": "hits a bar", "kick_on_one": "kick on the one", "backbeat": "backbeat",
         "similarity": "bar to bar similarity", "velocity_spread": "velocity spread, of 127",
         "timing_spread_ms": "timing spread, ms"}


def figures() -> str:
    """The card's tables, from `scores.json`."""
    found = json.loads((HERE / "scores.json").read_text(encoding="utf-8"))
    lines = ["| drummer, never heard | steps | nats a step | n-gram + cache | lower by | velocity, "
             "of 127 | timing, ms |", "|---" * 7 + "|"]
    lines += [_row(who.removeprefix("drummer"), of) for who, of in found["drummers"].items()]
    lines += [_row("all", found | {"steps": sum(of["steps"] for of in found["drummers"].values())})]
    swinging, made = found["triplets"], found["generated"]
    lines += ["", f"- Drummers 3 and 8 together: {found['unseen_drummers']:.2f} nats a step, the "
              f"baseline {found['unseen_drummers_baseline']:.2f} "
              f"({1 - found['unseen_drummers'] / found['unseen_drummers_baseline']:.0%} lower); "
              f"velocity {found['unseen_drummers_velocity_mae']:.1f}, timing "
              f"{found['unseen_drummers_timing_mae_ms']:.1f} ms.",
              f"- Takes that swing, on 24 steps a bar: {swinging['nats_per_step']:.2f} nats a step,"
              f" the baseline {swinging['baseline_nats_per_step']:.2f}.",
              f"- One of kick, snare and hat falls on this step, which? Perplexity "
              f"{found['prior_perplexity']:.2f}, {found['prior_accuracy']:.0%} right "
              f"({found['prior_steps']} steps).",
              f"- Settings and the figure they name, rank correlation: density "
              f"{found['density_rank']:.2f}, novelty {found['novelty_rank']:.2f}.",
              f"- A step of its own, memory and draw included: {found['step_us']['p50']:.0f} µs, "
              f"99 % within {found['step_us']['p99']:.0f} µs of the scores' processor.",
              "", "| a hundred takes of 16 bars | people | machine | off |", "|---|---|---|---|"]
    lines += [f"| {WORDS[name]} | {_short(of['people'])} | {_short(of['machine'])} | "
              f"{of['off']:+.0%} |" for name, of in made.items()]
    return "\n".join([*lines, *_prior(found.get("groove_prior")), ""])


def _prior(worth: dict[str, Any] | None) -> list[str]:
    """What the groove prior gains, at each strength."""
    if not worth:
        return []
    gains = [f"{worth['gain'][at]:+.3f} at {at} ({low:+.3f} to {high:+.3f})"
             for at, (low, high) in worth["gain_ci"].items()]
    return ["", f"Groove prior, {worth['mouths']} mouths: {worth['without']:.2f} of the hits named "
            f"right without it; by strength {', '.join(gains)}. Paired, 95 % over mouths."]


def write_card() -> None:
    """Put the figures between their marks in README.md."""
    card = HERE / "README.md"
    text = card.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    card.write_text(before + BEGIN + figures() + END + rest.split(END)[1], encoding="utf-8")


def _row(head: str, of: dict[str, Any]) -> str:
    return (f"| {head} | {of['steps']} | {of['nats_per_step']:.2f} | "
            f"{of['baseline_nats_per_step']:.2f} | {of['lower_by']:.0%} | "
            f"{of['velocity_mae']:.1f} | {of['timing_mae_ms']:.1f} |")


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10.0 else f"{value:.1f}"
