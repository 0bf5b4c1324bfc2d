"""Score the bar model: `python -m models_onnx.bars.evaluate --data DIR [--sets A] [--json F]`.

On bars of tunes it never learned from: how surprising they are after the bar before, and what the
bars it composes in their place are like. At most 400 bars of a collection, drawn by a seed. The
last line printed is one JSON object. `--card` rewrites the card.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.music.bars import BUSIEST, FOLDER, Bar, compose, nats
from engine.music.likeness import Key, in_key, key_of
from engine.music.line import Line
from engine.music.melody import HIGH, LOW, Melody
from models_onnx.bars.card import write_card
from models_onnx.bars.data import Pair, notes_a_bar, pairs
from models_onnx.melody.data import tunes
from models_onnx.scoring import Scores, score_by_command

SEED = 3
MOST = 400
LEAST = 1e-7                       # no chance is counted smaller
PADS = (0.2, 0.4, 0.6)             # how busy a finger asks for


def by_counting(pair: Pair) -> float:
    """Nats of a bar by the melody model's back-off n-gram, which heard the bar before."""
    melody, lost = Melody(bar=pair.bar.bar), 0.0
    for event in pair.before.steps.tolist():
        melody.hear(event, int(pair.chords[0]))
    for event, chord in zip(pair.bar.steps.tolist(), pair.chords.tolist(), strict=True):
        place = -1 - event if event < 0 else 2 + min(max(event, LOW), HIGH) - LOW
        lost -= float(np.log(max(melody.counted(chord)[place], LEAST)))
        melody.hear(event, chord)
    return lost


def chosen(found: Sequence[Pair]) -> list[Pair]:
    """Some bars of each collection, drawn by a seed."""
    rng, picked = np.random.default_rng(SEED), []
    for name in sorted({pair.source for pair in found}):
        of_it = [pair for pair in found if pair.source == name]
        picked += [of_it[i] for i in sorted(rng.permutation(len(of_it))[:MOST].tolist())]
    return picked


def composed(found: Sequence[Pair]) -> tuple[list[Line], list[float]]:
    """A bar in the place of each, and how many seconds each took."""
    bars, spent = [], []
    for number, pair in enumerate(found):
        begun = time.thread_time()
        bars.append(compose(pair.before, pair.chords, Bar(), seed=number))
        spent.append(time.thread_time() - begun)
    return bars, spent


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    found = chosen(pairs(tune for tune in tunes(data, sets) if tune.held_out))
    if not found:
        return {}
    lost = np.array([nats(pair.bar, pair.before, pair.chords) for pair in found])
    source = np.array([pair.source for pair in found])
    bars, spent = composed(found)
    every = found[::5]
    return {
        "nats_per_bar": round(float(lost.mean()), 3),
        "collections": {name: round(float(lost[source == name].mean()), 3)
                        for name in sorted(set(source.tolist()))},
        "n_gram": round(float(np.mean([by_counting(pair) for pair in every])), 3),
        "notes_per_bar": round(notes_a_bar(bars), 3),
        "people_notes_per_bar": round(notes_a_bar([pair.bar for pair in found]), 3),
        "in_key": round(_in_key(bars, found), 4),
        "people_in_key": round(_in_key([pair.bar for pair in found], found), 4),
        "pad": {f"{busy:g}": [round(busy * BUSIEST, 2), round(notes_a_bar(
            compose(p.before, p.chords, Bar(busy=busy, high=0.5), seed=i)
            for i, p in enumerate(every)), 2)] for busy in PADS},
        "pass_ms_p50": round(1000 * float(np.percentile(spent, 50)), 3),
        "pass_ms_p99": round(1000 * float(np.percentile(spent, 99)), 3),
        "bars": len(found)}


def _in_key(bars: Sequence[Line], found: Sequence[Pair]) -> float:
    """The share of notes in the key of the bar before, mean over bars."""
    keys: list[Key] = [key_of(pair.before) for pair in found]
    return float(np.mean([in_key(bar, key) for bar, key in zip(bars, keys, strict=True)]))


def main() -> None:
    """Print the scores, and write them where asked."""
    score_by_command(scores, FOLDER, write_card, data="melodies/", what=str(__doc__))


if __name__ == "__main__":
    main()
