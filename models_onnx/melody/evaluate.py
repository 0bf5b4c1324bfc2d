"""Score the melody model: `python -m models_onnx.melody.evaluate --data DIR [--sets A] [--json F]`.

On tunes it never learned from: the held-out tenth of a training file, all tunes of any other.
`collections` tells nats a step by the network alone, with the line's own past, and by counting
alone; `answers` the musical checks, with people's beside them; `tempo` how often the tempo of
somebody who plays alone is right. At most 24 tunes and about 12,000 steps of a collection are read,
drawn by a seed. The last line printed is one JSON object. `--card` rewrites the card.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.music.line import STEPS_A_BEAT
from engine.music.melody import FOLDER, LOW, Chances, Melody
from engine.music.pulse import tempo_of
from models_onnx.melody.answers import compare, exchanges, over_a_blues
from models_onnx.melody.card import write_card
from models_onnx.melody.data import Tune, tunes
from models_onnx.scoring import Scores, score_by_command

SEED = 3
MOST_TUNES, MOST_STEPS = 24, 12_000
LEAST = 1e-7                       # no chance is counted smaller
TELLING = 24                       # notes of a tune from which its tempo is guessed
PLAYED_BPM = (75.0, 150.0)
OFF_S = 0.015                      # how exactly it is played
NEAR = 0.04                        # a tempo so near is right


def sampled(found: Sequence[Tune]) -> list[Tune]:
    """Some tunes of one collection, drawn by a seed."""
    rng = np.random.default_rng(SEED)
    chosen: list[Tune] = []
    for place in rng.permutation(len(found))[:MOST_TUNES].tolist():
        if sum(len(tune.line.steps) for tune in chosen) < MOST_STEPS:
            chosen.append(found[place])
    return chosen


def read(tune: Tune, lost: dict[str, list[float]], right: list[bool], spent: list[float]) -> None:
    """Hear a tune: the nats of each step by each way, and whether notes were foreseen."""
    melody = Melody(bar=tune.line.bar, start=tune.line.start)
    for event, chord in zip(tune.line.steps.tolist(), tune.chords.tolist(), strict=True):
        begun = time.thread_time()
        said = melody.all_chances(chord)
        spent.append(time.thread_time() - begun)
        place = -1 - event if event < 0 else 2 + event - LOW
        if place == 1 and not melody.sounds:
            place = 0
        for name, chances in said.items():
            lost.setdefault(name, []).append(-float(np.log(max(chances[place], LEAST))))
        if event >= 0:
            right.append(_best_note(said["with_cache"]) == event)
        melody.hear(event, chord)


def _best_note(chances: Chances) -> int:
    return LOW + int(np.argmax(chances[2:]))


def collections(held: Sequence[Tune]) -> Scores:
    """Every collection's nats a step, and how often the next note is foreseen."""
    found: Scores = {"collections": {}}
    all_right: list[bool] = []
    spent: list[float] = []
    for name in sorted({tune.source for tune in held}):
        lost: dict[str, list[float]] = {}
        right: list[bool] = []
        chosen = sampled([tune for tune in held if tune.source == name])
        for tune in chosen:
            read(tune, lost, right, spent)
        nats = {way: round(float(np.mean(values)), 4) for way, values in lost.items()}
        found["collections"][name] = {
            "nats_per_step": nats.pop("alone"), **nats,
            "pitch_accuracy": round(float(np.mean(right)), 4),
            "tunes": len(chosen), "steps": len(lost["alone"])}
        all_right += right
    if all_right:
        means = {way: float(np.mean([c[way] for c in found["collections"].values()]))
                 for way in ("nats_per_step", "with_cache", "baseline", "long_baseline")}
        found |= {way: round(value, 4) for way, value in means.items()}
        found["lower_alone"] = round(1 - means["nats_per_step"] / means["baseline"], 4)
        found["lower_with_cache"] = round(1 - means["with_cache"] / means["baseline"], 4)
        found["pitch_accuracy"] = round(float(np.mean(
            [c["pitch_accuracy"] for c in found["collections"].values()])), 4)
        found["step_ms_p50"], found["step_ms_p99"] = (
            round(1000 * float(np.percentile(spent, p)), 3) for p in (50, 99))
    return found


def tempi(held: Sequence[Tune]) -> Scores:
    """How often the tempo of the first notes, played by no clock, is right, double or half."""
    rng, ratios = np.random.default_rng(SEED), []
    for name in sorted({tune.source for tune in held}):
        for tune in sampled([tune for tune in held if tune.source == name]):
            begun = np.flatnonzero(tune.line.steps >= 0)[:TELLING]
            bpm = float(np.exp(rng.uniform(*np.log(PLAYED_BPM))))
            times = begun * 60.0 / (STEPS_A_BEAT * bpm) + rng.normal(0.0, OFF_S, len(begun))
            ratios.append(tempo_of(sorted(times.tolist())) / bpm)
    return {name: round(float(np.mean([abs(ratio / times - 1.0) < NEAR for ratio in ratios])), 4)
            for name, times in (("right", 1.0), ("double", 2.0), ("half", 0.5))}


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    held = [tune for tune in tunes(data, sets) if tune.held_out]
    found = collections(held)
    if held:
        found["tempo"] = tempi(held)
    calls = exchanges(held)
    if calls:
        compared = compare(calls)
        found["answers"] = compared["kuchi"]
        found["compared"] = compared
        found["blues_on_chord"] = round(over_a_blues(calls), 4)
    return found


def main() -> None:
    """Print the scores, and write them where asked."""
    score_by_command(scores, FOLDER, write_card, data="melodies/", what=str(__doc__))


if __name__ == "__main__":
    main()
