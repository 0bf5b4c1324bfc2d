"""A performer's habits: an answer from what they played alone, learned on the spot, no model."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from engine.music.ending import ended
from engine.music.frame import Settings, frame_of
from engine.music.line import HOLD, STEPS_A_BEAT, Line, Steps, notes_of


def markov(heard: Sequence[Line], call: Line, chords: Steps | None = None,
           settings: Settings | None = None, seed: int = 0) -> Line:
    """An answer from what this performer played alone: the last notes, wherever they came before.

    Learns on the spot from the lines heard and the call; a run of up to three notes that came
    before says what follows.
    """
    frame = frame_of(call, chords, settings or Settings())
    rng = np.random.default_rng(seed)
    played = [_moves(line) for line in (*heard, call)]
    last = next((n.note for n in reversed(notes_of(call))), 66)
    past, steps, at = list(played[-1]), np.full(frame.length, HOLD, np.int64), 0
    while at < frame.length:
        interval, spacing = _follow(played, past, rng)
        note = last + interval
        if not frame.low <= note <= frame.high:
            note = last - interval
        weights = frame.weights(at)
        notes = np.arange(frame.low, frame.high + 1)
        nearest = np.where(weights > 0, np.abs(notes - note), 99)
        last = int(notes[int(np.argmin(nearest))])
        steps[at] = last
        past.append((interval, spacing))
        at += spacing
    return ended(frame, steps)


def _moves(line: Line) -> list[tuple[int, int]]:
    """A line as (interval to the note, steps to the next)."""
    notes = notes_of(line)
    return [(b.note - a.note, max(1, min(c.step - b.step, line.bar)))
            for (a, b), c in zip(pairwise(notes), notes[2:], strict=False)]


def _follow(played: Sequence[list[tuple[int, int]]], past: list[tuple[int, int]],
            rng: np.random.Generator) -> tuple[int, int]:
    for order in range(int(rng.choice((3, 3, 2, 1))), -1, -1):
        end = past[len(past) - order:] if order else []
        found = [moves[i + order] for moves in played for i in range(len(moves) - order)
                 if moves[i:i + order] == end]
        if found and len(end) == order:
            return found[rng.integers(len(found))]
    return (int(rng.integers(-2, 3)), STEPS_A_BEAT)
