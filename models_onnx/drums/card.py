"""The card's figures come from `scores.json` and `bound.json`: a test holds README.md to them."""

import json
from typing import Any

from models_onnx.drums.hearing import HERE
from models_onnx.drums.plots import draw_scores
from models_onnx.drums.rival import KEY
from models_onnx.figures import short, write_figures

BOUND = HERE / "bound.json"

SHOWN_MS = ("8", "16", "24", "32", "48", "64", "100", "200")


def figures() -> str:
    """The card's table, from `scores.json`."""
    found = json.loads((HERE / "scores.json").read_text())
    lines = ["| ms heard | " + " | ".join(SHOWN_MS) + " |", "|---" * (len(SHOWN_MS) + 1) + "|"]
    for name, words in (("zero_shot", "never heard"), ("takes_5", "+ 5 takes of each"),
                        ("takes_10", "+ 10 takes of each")):
        lines += [_row(f"{words}, F1", [short(found[name][ms]["f1"]) for ms in SHOWN_MS]),
                  _row("95 % over performers", [_span(found[f"{name}_ci"][ms]) for ms in SHOWN_MS])]
    return "\n".join([*lines, "", *_alone(found), *_in_the_graph(found), *_refused(found), ""])


def _alone(found: dict[str, Any]) -> list[str]:
    """The model without the graph."""
    sure, marks = found["anytime_takes_5"], found["against_marks"]
    from_marks = "; ".join(
        f"{words} " + " / ".join(short(each["f1"]) for each in marks[name].values())
        for name, words in (("zero_shot", "never heard"), ("takes_5", "5 takes")))
    return [
        _in_turn(found),
        f"- From where a person marked the strike, 16 / 32 / 64 ms, F1: {from_marks}.",
        f"- *Sure* (threshold {short(sure['threshold'])}, {sure['cap_ms']} ms at the latest), "
        f"5 takes: accuracy {short(sure['accuracy'])} ({_span(sure['accuracy_ci'])}) after "
        f"{sure['mean_ms']:.1f} ms in the mean.",
        f"- Open against closed hat (4 classes, 5 takes, 64 ms): F1 "
        f"{_at(found, 'four_class_takes_5')}.",
        f"- One-shots of kits never heard: nine drums {_at(found, 'oneshots')}; "
        f"all sixteen names {_at(found, 'oneshots_16')}."]


def _in_turn(found: dict[str, Any]) -> str:
    """Those who are held out in turn, apart from those whom no weights may learn from."""
    trained_on = json.loads((HERE / "folds" / "folds.json").read_text())
    groups: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for who, own in found["performers"].items():
        groups[who in trained_on].append(own)
    said = {of: "; ".join(
        f"{words} " + " / ".join(
            short(sum(own[name][ms] for own in some) / max(1, len(some)), 3)
            for ms in ("16", "32", "64"))
        for name, words in (("zero_shot", "never heard"), ("takes_5", "5 takes")))
        for of, some in groups.items()}
    return (f"- Of these {len(found['performers'])}, the {len(groups[True])} who are held out in "
            f"turn, 16 / 32 / 64 ms, F1: {said[True]}. The {len(groups[False])} whose licence lets "
            f"no weights learn from them: {said[False]}.")


def _in_the_graph(found: dict[str, Any]) -> list[str]:
    """Detection, naming and timing together."""
    steady, moves = found["steady"], found["velocity_moves"]
    return [
        "- Through the whole graph, labelled hits within 50 ms, F1: never heard "
        f"{_at(found, 'labelled_zero_shot')}; 5 takes {_at(found, 'labelled_takes_5')}.",
        f"- Steady at {steady['wait_ms']:g} ms: {100 * steady['late_share']:.1f} % of hits late, "
        f"the others {steady['sd_ms']:g} ms apart (standard deviation).",
        f"- A take 2 dB louder or softer moves the MIDI velocity by {moves['mean']:.1f} of 127 "
        f"in the mean, {moves['p95']:g} at most of 95 % of hits.",
        *_beside_bonk(found)]


def _beside_bonk(found: dict[str, Any]) -> list[str]:
    """The same takes, the same strikes, the same delay."""
    if KEY not in found:
        return ["- Beside Pure Data's `bonk~`: not measured, since Pure Data wasn't installed."]
    both = found[KEY]
    kuchi, bonk = (f"{short(both[name])} ({_span(both[f'{name}_ci'])})"
                   for name in ("kuchi", "bonk"))
    more, any_five = (f"{short(both[name], 3)} ({_span(both[f'{name}_ci'])})"
                      for name in ("difference", "any_five"))
    fives = " / ".join(short(five, 3) for five in both["fives"])
    ours, theirs = both["delay_ms"]["kuchi"], both["delay_ms"]["bonk"]
    return [f"- Beside Pure Data's `bonk~`, taught the same {both['takes']} takes, misses counted "
            f"as errors, named {ours:.1f} and {theirs:.1f} ms after the attack: accuracy {kuchi} "
            f"against {bonk}; the difference by performer is {more} ({both['performers']} "
            "performers, hits recorded alone among their takes). Taught the first, second, third "
            f"and fourth five of each sound: {fives}; by performer, whichever five, {any_five}."]


def _refused(found: dict[str, Any]) -> list[str]:
    """What should be silent."""
    speech = found["false_accept"]
    ms, accepted = next(iter(speech.items()))
    noise = ", ".join(f"{name} {count:g}" for name, count in found["false_hits_a_minute"].items())
    return [
        f"- Real speech taken for a drum where 95 % of hits are, {ms} ms, both through the same "
        f"random band limits: {short(accepted)} of the {speech['strikes_in_speech']} onsets that "
        f"the detector hears in it; {short(speech['without_edges'])} without the "
        f"{speech['edges']} where a file begins at full level.",
        *_bound(),
        f"- Hits a minute in five minutes of each, -20 dB: {noise}.",
        *_refused_taught(found)]


def _refused_taught(found: dict[str, Any]) -> list[str]:
    """The same, of performers who have taught their sounds."""
    if "false_hits_taught" not in found:
        return []
    noise = ", ".join(f"{name} {count:g}" for name, count in found["false_hits_taught"].items())
    speech = found["false_accept_taught"]
    ms, accepted = next(iter(speech.items()))
    return [f"- Real speech where five takes of each sound were taught, {ms} ms, performer and "
            f"speech through the same line, 95 % of the performer's other hits accepted: "
            f"{short(accepted)} ({speech['performers']} performers).",
            f"- Hits a minute where five takes of each sound were taught, every fifth performer, "
            f"a minute of each, and in real speech: {noise}."]


def _bound() -> list[str]:
    """What a network like ours reaches that is taught real speech."""
    if not BOUND.is_file():
        return []
    found = json.loads(BOUND.read_text(encoding="utf-8"))
    moments = list(found["today"])
    today, taught = (
        [" / ".join("–".join(sorted({short(each[ms][share]) for each in some})) for ms in moments)
         for share in ("all", "without_edges")]
        for some in ([found["today"]], found["taught"]))
    return [
        "- How little of it might pass, an example (`bound.py`): hits and speech alike from where "
        f"the detector announces them, over the same hiss, {' / '.join(moments)} ms: {today[0]} of "
        f"speech accepted, {today[1]} without file edges; where the refusing network is taught "
        f"real speech {taught[0]}, {taught[1]} without edges ({found['hits']} hits of "
        f"{found['performers']} performers, {found['onsets']} onsets of {found['speakers']} "
        "speakers, all held out in turn, two deals)."]


def write_card() -> None:
    """Put the figures between their marks in README.md, and draw the picture."""
    write_figures(HERE / "README.md", figures())
    draw_scores(json.loads((HERE / "scores.json").read_text()))


def _row(head: str, cells: list[str]) -> str:
    return f"| {head} | " + " | ".join(cells) + " |"


def _at(found: dict[str, Any], key: str) -> str:
    """.77 at 32 ms (.71–.82), .80 at 64 ms (.75–.85)."""
    return ", ".join(f"{short(value)} at {ms} ms ({_span(found[f'{key}_ci'][ms])})"
                     for ms, value in found[key].items())


def _span(interval: list[float]) -> str:
    return "–".join(map(short, interval))
