"""The card's figures come from `scores.json`: written into README.md, and checked by a test."""

import json
from typing import Any

from models_onnx.onsets.measures import HERE

BEGIN, END = "<!-- figures from scores.json -->\n", "<!-- end of figures -->\n"


def figures() -> str:
    """The card's tables, from `scores.json`."""
    found = json.loads((HERE / "scores.json").read_text())
    onsets, quiet, bleed = found["onsets"], found["quiet"], found["kit_bleed"]
    loop, hum, roll = found["loop_bleed"], found["hummed_bass"], found["lip_roll"]
    lines = ["| | F ±50 ms | F ±25 ms | pooled | ms to the announcement, p50 / p95 |",
             "|---" * 5 + "|",
             _row("**this detector**, never heard", onsets, intervals=True),
             _row("the same, 20 dB softer", quiet),
             _row("the same, against people's marks", onsets["against_marks"])]
    lines += [_row(name, peer) for name, peer in found["peers"].items() if isinstance(peer, dict)]
    worst, dense, pauses = (found["worst_performer"], found["sixteenths"],
                            found["triggers_per_minute"]["pauses"])
    noise = ", ".join(f"{name} {count:g}" for name, count in found["triggers_per_minute"].items()
                      if name != "pauses")
    return "\n".join([
        *lines, "",
        f"- Worst performer with 15 strikes or more: F ±50 ms {_short(worst['f50'])}.",
        f"- Sixteenths at 83 ms, of real hits with their tails: F ±25 ms {_short(dense['f25'])}.",
        f"- Onsets a minute where nothing is struck: {noise}; the voices' own pauses "
        f"{pauses['a_minute']:g} ({pauses['minutes']:g} minutes), of which "
        f"{pauses['as_loud_a_minute']:g} as loud as what was struck.",
        f"- Those in pauses lie at {_listed(pauses['levels_db'])} dB against the median strike of "
        f"their take. All that are as loud as strikes come from {pauses['takes']} take of "
        f"{pauses['labels']} labels; {pauses['as_soft']} of {onsets['hits']} labelled strikes are "
        "as soft as the others.",
        f"- The kit heard by the microphone at -12 dB, 10-80 ms late: {bleed['one_hit']:.1%} of "
        f"{bleed['strikes']} strikes give one hit, {bleed['invented']} are invented.",
        f"- A beatbox loop on `bleed`, 10 dB under the voice, 10-80 ms late: "
        f"{loop['false_per_minute']:g} false hits a minute, {loop['recall_lost']:.1%} of "
        f"{loop['strikes']} strikes lost.",
        f"- Kicks and snares over a hummed bass (synthetic mouths): F ±50 ms {_short(hum['f50'])}. "
        f"A two-second lip roll gives {roll['mean']:g} "
        f"onset{'s' * (roll['mean'] != 1)} in the mean.", ""])


def write_card() -> None:
    """Put the figures between their marks in README.md."""
    card = HERE / "README.md"
    text = card.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    card.write_text(before + BEGIN + figures() + END + rest.split(END)[1], encoding="utf-8")


def _row(name: str, found: dict[str, Any], intervals: bool = False) -> str:
    cells = [name]
    for key in ("f50", "f25"):
        low, high = found[f"{key}_ci"]
        cells.append(_short(found[key]) + (f" ({_short(low)}–{_short(high)})" if intervals else ""))
    cells += [f"{_short(found['pooled_f50'])} / {_short(found['pooled_f25'])}",
              f"{found['delay_ms_p50']:.1f} / {found['delay_ms_p95']:.1f}"]
    return "| " + " | ".join(cells) + " |"


def _listed(levels: list[float]) -> str:
    return ", ".join(f"{level:+g}" for level in levels)


def _short(value: float) -> str:
    """.935 for 0.9348."""
    return f"{value:.3f}".lstrip("0")
