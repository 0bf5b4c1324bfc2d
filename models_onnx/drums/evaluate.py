"""Score the drum model: `python -m models_onnx.drums.evaluate --data DIR [--sets A,B] [--json F]`.

Every performer is heard by a model that never was taught by them. Means are over performers with
at least four kicks, snares and hats; `_ci` is a 95 % bootstrap over performers. Times count from
the acoustic attack, and under `against_marks` from where a person marked the strike. "takes" are
the first of each sound, learnt by `engine.voice.learning` as on stage and scored on the rest. The
last line printed is one JSON object. `--card` rewrites the card. Five minutes on one core.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.drums import DRUMS
from models_onnx.corpus import recordings
from models_onnx.drums import refusal, rival, stage
from models_onnx.drums.card import write_card
from models_onnx.drums.data import Strike, strikes
from models_onnx.drums.hearing import HERE, Opinions, opinions
from models_onnx.drums.measures import (
    FOUR,
    THREE,
    UNKNOWN,
    Labels,
    four_of,
    interval,
    macro_f1,
    per_performer,
    summary,
    taught,
    three,
    three_of,
    without_takes,
)
from models_onnx.onsets.evaluate import onset_scores
from models_onnx.scoring import Scores, score_by_command

MOMENTS_MS = (8, 12, 16, 24, 32, 48, 64, 100, 200)
WAITS_MS = (16.0, 32.0, 64.0)
STEADY_MS = 32.0
ONESHOT_MS = (32, 64, 200)
REFUSE_MS, FOUR_MS, SHOWN_MS = 32, 64, 32
SURE, CAP_MS = 0.9, 32

NINE = tuple(DRUMS.index(drum) for drum in (
    "kick", "snare", "hihat_closed", "hihat_open", "tom_low", "tom_mid", "tom_high", "clap", "rim"))
"""The nine of the Drumkit Audio Classifier (N. Tokui, 2018); which tom, the data doesn't say."""


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    found: Scores = {}
    if voices := strikes(data, part="beatbox", sets=sets):
        found |= voice_scores(opinions(voices, takes=True))
        marked = strikes(data, part="beatbox", sets=sets, marks=True)
        found["against_marks"] = mark_scores(opinions(marked, takes=True))
        if speech := refusal.spoken(data):
            inside = [strike for strike in speech if strike.kind != refusal.EDGE]
            found["false_accept"] = {
                str(REFUSE_MS): refusal.false_accept(voices, speech, REFUSE_MS),
                "strikes_in_speech": len(speech),
                "without_edges": (
                    refusal.false_accept(voices, inside, REFUSE_MS) if inside else None),
                "edges": len(speech) - len(inside)}
            by = refusal.false_accept_taught(voices, speech, REFUSE_MS)
            found["false_accept_taught"] = {str(REFUSE_MS): summary(by), "performers": len(by)}
    found["false_hits_a_minute"] = refusal.false_hits_a_minute()
    if takes := stage.takes(data, sets):
        found["onsets"] = onset_scores(data, sets)
        found |= stage.stage_scores(takes, WAITS_MS, STEADY_MS)
        found["false_hits_taught"] = refusal.false_hits_taught(data, takes)
        found["velocity_moves"] = stage.velocity_scores(takes)
        found |= rival.rival_scores(recordings(data, part="beatbox", sets=sets))
    if drums := strikes(data, part="drums", sets=sets):
        found |= oneshot_scores(drums)
    return found


def voice_scores(heard: Opinions) -> Scores:
    """Strikes cut out by hand: the model alone, without and with takes of one's own."""
    labels, fours = three_of(heard.may_be), four_of(heard.may_be)
    fives, tens = (taught(heard, labels, takes, THREE) for takes in (5, 10))
    ways = {"zero_shot": lambda ms: per_performer(heard, labels, 3, without_takes(ms)),
            "takes_5": lambda ms: _named(fives, ms),
            "takes_10": lambda ms: _named(tens, ms)}
    found, performers = _at_moments(ways, MOMENTS_MS)
    sure = {who: each.as_soon_as_sure(SURE, CAP_MS) for who, each in fives.items()}
    right = {who: float((named == fives[who].truth).mean()) for who, (named, _) in sure.items()}
    found["anytime_takes_5"] = {
        "accuracy": summary(right), "accuracy_ci": interval(right),
        "mean_ms": summary({who: float(ms.mean()) for who, (_, ms) in sure.items()}),
        "cap_ms": CAP_MS, "threshold": SURE}
    four = {who: macro_f1(each.truth, each.named(FOUR_MS), 4)
            for who, each in taught(heard, fours, 5, FOUR).items()}
    return found | {
        "four_class_takes_5": {str(FOUR_MS): summary(four)},
        "four_class_takes_5_ci": {str(FOUR_MS): interval(four)},
        "confusion": {str(SHOWN_MS): confusion(heard, labels, SHOWN_MS)},
        "reliability": {str(SHOWN_MS): reliability(heard, labels, SHOWN_MS)},
        "performers": performers}


def mark_scores(heard: Opinions) -> Scores:
    """The same, counted from where a person marked each strike."""
    labels = three_of(heard.may_be)
    fives = taught(heard, labels, 5, THREE)
    return _at_moments({
        "zero_shot": lambda ms: per_performer(heard, labels, 3, without_takes(ms)),
        "takes_5": lambda ms: _named(fives, ms)}, (16, 32, 64))[0]


def oneshot_scores(drums: Sequence[Strike]) -> Scores:
    """Real drums, one by one, kits never heard: the share named right, mean over kits."""
    heard = opinions(drums)
    nine = np.asarray(heard.may_be[:, NINE].any(axis=1))
    found: Scores = {}
    for key, rows, names in (("oneshots", nine, NINE),
                             ("oneshots_16", np.full(len(nine), True), range(len(DRUMS)))):
        some = heard.of(rows)
        found[key], found[f"{key}_ci"] = {}, {}
        for ms in ONESHOT_MS:
            chances = some.instruments[some.after(ms)][:, list(names)]
            named = np.array(list(names))[chances.argmax(axis=1)]
            right = some.may_be[np.arange(len(named)), named]
            kits = {str(who): float(right[some.who == who].mean())
                    for who in sorted(set(some.who))}
            found[key][str(ms)], found[f"{key}_ci"][str(ms)] = summary(kits), interval(kits)
    return found


def confusion(heard: Opinions, labels: Labels, ms: int) -> list[list[float]]:
    """Never heard: of each sound's strikes (rows kick, snare, hat), the share named each."""
    rows = labels != UNKNOWN
    named = three(heard.probabilities[heard.after(ms)]).argmax(axis=1)[rows]
    truth = labels[rows]
    return [[round(float((named[truth == k] == j).mean()), 4) if (truth == k).any() else 0.0
             for j in range(3)] for k in range(3)]


def reliability(heard: Opinions, labels: Labels, ms: int) -> list[list[float]]:
    """Never heard, strikes by how sure the model is: [mean probability, share right, strikes]."""
    rows = labels != UNKNOWN
    chances = three(heard.probabilities[heard.after(ms)])[rows]
    chances = chances / chances.sum(axis=1, keepdims=True)
    best, right = chances.max(axis=1), chances.argmax(axis=1) == labels[rows]
    edges = np.minimum((best * 10).astype(int), 9)
    return [[round(float(best[edges == k].mean()), 4), round(float(right[edges == k].mean()), 4),
             int((edges == k).sum())] for k in sorted(set(edges.tolist()))]


def _named(performers: dict[str, Any], ms: int) -> tuple[dict[str, float], dict[str, float]]:
    f1 = {who: macro_f1(each.truth, each.named(ms), 3) for who, each in performers.items()}
    return f1, {who: float((each.named(ms) == each.truth).mean())
                for who, each in performers.items()}


def _at_moments(ways: dict[str, Callable[[int], tuple[dict[str, float], dict[str, float]]]],
                moments: Sequence[int]) -> tuple[Scores, dict[str, Scores]]:
    """{way: {ms: {f1, accuracy}}} with intervals of f1, and every performer's own f1."""
    found: Scores = {name: {} for way in ways for name in (way, f"{way}_ci")}
    performers: dict[str, Scores] = {}
    for ms in moments:
        for name, way in ways.items():
            f1, accuracy = way(ms)
            found[name][str(ms)] = {"f1": summary(f1), "accuracy": summary(accuracy)}
            found[f"{name}_ci"][str(ms)] = interval(f1)
            for who, value in f1.items():
                performers.setdefault(who, {}).setdefault(name, {})[str(ms)] = round(value, 4)
    return found, performers


def main() -> None:
    """Print the scores, and write them where asked."""
    score_by_command(scores, HERE, write_card, data="a manifest.csv", what=str(__doc__),
                     keep=rival.kept)


if __name__ == "__main__":
    main()
