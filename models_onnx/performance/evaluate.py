"""Score the performance model: `python -m models_onnx.performance.evaluate --data DIR [--json F]`.

On pieces it never learned from: nats an event beside a back-off n-gram that learns from the piece
itself, and answers of six seconds to twelve, beside how people went on. At most 16 pieces of a
set and 2,000 events of a piece, the first ones. The last line printed is one JSON object.
`--card` rewrites the card.
"""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.dsp.performance_memory import EVENTS, LOUDNESS, OFF, WAIT
from engine.music.performance import FOLDER, LONGEST_NOTE, Performance, Played, follow
from models_onnx.performance.card import write_card
from models_onnx.performance.data import Piece, pieces
from models_onnx.scoring import Scores, score_by_command

MOST_PIECES, MOST_EVENTS = 16, 2000
HEARD, ANSWERED = 12.0, 6.0        # seconds
ORDER, TRUST = 3, 4.0              # of the n-gram
LEAST = 1e-7                       # no chance is counted smaller
KINDS = {"on": range(OFF), "off": range(OFF, WAIT), "wait": range(WAIT, LOUDNESS),
         "loudness": range(LOUDNESS, EVENTS)}


def by_counting(piece: Piece) -> float:
    """Nats an event by a back-off n-gram that learns from the piece as it goes."""
    met: dict[tuple[int, ...], Counter[int]] = {}
    events, lost = piece.events[:MOST_EVENTS].tolist(), 0.0
    for place, event in enumerate(events):
        chance = 1.0 / EVENTS
        pasts = [tuple(events[max(0, place - order):place]) for order in range(ORDER + 1)]
        for past in pasts:
            seen = met.setdefault(past, Counter())
            chance = (seen[event] + TRUST * chance) / (seen.total() + TRUST)
            seen[event] += 1
        lost -= float(np.log(chance))
    return lost / len(events)


def heard(piece: Piece, spent: list[float]) -> tuple[list[float], list[int]]:
    """The nats of each event of a piece by the model, and the events."""
    performance, lost = Performance(MOST_EVENTS + 1), []
    events = piece.events[:MOST_EVENTS].tolist()
    for event in events:
        begun = time.thread_time()
        chances = performance.chances()
        spent.append(time.thread_time() - begun)
        lost.append(-float(np.log(max(chances[event], LEAST))))
        performance.hear(event)
    return lost, events


def answers(found: Sequence[Piece]) -> Scores:
    """What answers keep of what was heard: notes a second and register; and people's."""
    rows: list[list[float]] = []
    longest = 0.0
    for seed, piece in enumerate(found):
        begin = piece.notes[0].time + 10.0
        call = [n for n in piece.notes if begin <= n.time < begin + HEARD]
        people = [n for n in piece.notes if begin + HEARD <= n.time < begin + HEARD + ANSWERED]
        if len(call) < 8 or len(people) < 4:
            continue
        made = follow(call, ANSWERED, seed=seed)
        longest = max([longest, *(n.seconds for n in made)])
        rows.append([*_kept(made, call), *_kept(people, call)])
    if not rows:
        return {}
    ours, register, people_s, people_register = np.mean(rows, axis=0)
    return {"density": round(float(ours), 4), "register": round(float(register), 4),
            "people_density": round(float(people_s), 4),
            "people_register": round(float(people_register), 4),
            "longest_note_s": round(longest, 2), "count": len(rows)}


def _kept(answer: Sequence[Played], call: Sequence[Played]) -> tuple[float, float]:
    """Octaves between notes a second, half tones between mean notes; both absolute."""
    rate = max(len(answer), 0.5) / ANSWERED / (len(call) / HEARD)
    apart = np.mean([n.note for n in answer or call]) - np.mean([n.note for n in call])
    return abs(float(np.log2(rate))), abs(float(apart))


def scores(data: Path, sets: Sequence[str] = ()) -> Scores:
    """The card's figures on some data; what the data doesn't have is left out."""
    found = pieces(data, sets, held_out=True)
    found = [piece for name in sorted({p.source for p in found})
             for piece in [p for p in found if p.source == name][:MOST_PIECES]]
    if not found:
        return {}
    lost: list[float] = []
    events: list[int] = []
    spent: list[float] = []
    by_piece = []
    for piece in found:
        nats, came = heard(piece, spent)
        by_piece.append(float(np.mean(nats)))
        lost += nats
        events += came
    array, came_array = np.array(lost), np.array(events)
    return {
        "nats_per_event": round(float(array.mean()), 4),
        "pieces_p10_p90": [round(float(np.percentile(by_piece, p)), 3) for p in (10, 90)],
        "by_kind": {name: round(float(array[np.isin(came_array, list(kind))].mean()), 3)
                    for name, kind in KINDS.items()},
        "n_gram": round(float(np.mean([by_counting(piece) for piece in found])), 4),
        "answers": answers(found), "longest_allowed_s": LONGEST_NOTE,
        "step_ms_p50": round(1000 * float(np.percentile(spent, 50)), 3),
        "step_ms_p99": round(1000 * float(np.percentile(spent, 99)), 3),
        "pieces": len(found), "events": len(lost)}


def main() -> None:
    """Print the scores, and write them where asked."""
    score_by_command(scores, FOLDER, write_card, data="performances/", what=str(__doc__))


if __name__ == "__main__":
    main()
