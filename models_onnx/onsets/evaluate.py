"""Score the detector: `python -m models_onnx.onsets.evaluate --data DIR [--sets A,B] [--json F]`.

Every performer is heard by a judge that never was taught by them. `f50` and `f25` are means over
performers with at least four kicks, snares and hats, `_ci` a 95 % bootstrap over performers,
`pooled_` over all onsets. Times count from the acoustic attack, and under `against_marks` from
where a person marked it. The last line printed is one JSON object. `--card` rewrites the card.
"""

from collections.abc import Sequence
from pathlib import Path

from models_onnx.onsets import company, stage
from models_onnx.onsets.card import write_card
from models_onnx.onsets.data import singles, voices
from models_onnx.onsets.measures import (
    HERE,
    Heard,
    f_measures,
    hear_takes,
    summary,
)
from models_onnx.onsets.peers import peers
from models_onnx.scoring import Scores, score_by_command

QUIET_GAIN = 0.1                # 20 dB
MANY = 15                       # events: fewer don't make a worst performer


def onset_scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """How well strikes in takes are found: f50, f25 and delays, means over performers."""
    return summary(hear_takes(voices(data, sets)))


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    found: Scores = {"triggers_per_minute": stage.triggers_per_minute(),
                     "hummed_bass": company.hummed_bass(), "lip_roll": company.lip_roll()}
    if takes := voices(data, sets):
        heard = hear_takes(takes)
        found["onsets"] = summary(heard) | {"against_marks": summary(heard, marks=True)}
        quiet = hear_takes(takes, gain=QUIET_GAIN)
        found["quiet"] = summary(quiet)
        found["performers"] = {who: {"f50": round(f, 4)} for who, f in
                               f_measures(heard, 0.05, everybody=True).items()}
        found["worst_performer"] = worst(heard)
        found["triggers_per_minute"]["pauses"] = stage.triggers_in_pauses(heard, takes)
        found["kit_bleed"] = stage.kit_bleed(takes)
        found["loop_bleed"] = company.loop_bleed(takes)
        found["peers"] = peers(takes)
    if hits := singles(data, sets):
        found["sixteenths"] = stage.sixteenths(hits)
    return found


def worst(heard: Sequence[Heard]) -> Scores:
    """The performer with at least MANY strikes whose onsets were heard worst."""
    strikes: dict[str, int] = {}
    for h in heard:
        strikes[h.who] = strikes.get(h.who, 0) + len(h.attacks)
    f50 = f_measures(heard, 0.05, everybody=True)
    many = {who: f for who, f in f50.items() if strikes[who] >= MANY}
    if not many:
        return {}
    who = min(many, key=lambda name: many[name])
    return {"who": who, "f50": round(many[who], 4), "strikes": strikes[who]}


def with_peers(before: Scores, now: Scores) -> Scores:
    """Peers that aren't installed today keep their figures: these depend on the takes alone."""
    old = {name: s for name, s in before.get("peers", {}).items() if isinstance(s, dict)}
    return now | {"peers": old | now.get("peers", {})}


def main() -> None:
    """Print the scores, and write them where asked."""
    score_by_command(scores, HERE, write_card, data="a manifest.csv", what=str(__doc__),
                     keep=with_peers)


if __name__ == "__main__":
    main()
