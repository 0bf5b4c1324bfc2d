"""Answer a phrase: motifs of the call come back, new ones follow from it, and it ends on time.

    answer(call, chords, Settings(bars=4), seed=7) -> Line     # starts where the call ends
    mutate(call, last_answer, chords, settings, seed) -> Line  # the same answer with new bars

Each bar of an answer is planned first: a bar of the call comes back as it was, moved, or with
new notes on its rhythm, or the bar is free and the model plays it (`engine.music.motifs`). A few
answers are drawn and the one that suits the call best is given. The same arguments give the same
answer. Chords are one number a step over call and answer together (`engine.music.line`), or None.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.music.books import longest_copy
from engine.music.ending import ended
from engine.music.frame import Frame, Settings, frame_of
from engine.music.likeness import bars_of, density_ratio, overlap, returns, rhythm_overlap
from engine.music.line import HOLD, Line, Steps
from engine.music.melody import Melody, draw
from engine.music.motifs import Plan, brought_back, plans_of, same_chords

HEARD_BARS = 64                    # of a call; what is older says little
DRAWN = 4                          # answers, of which the best is given
QUOTED = 12                        # notes in a row that may stand in a book as they are
ENOUGH = {"overlap": 0.75, "rhythm": 0.92, "density": 0.1}    # people are not more like their call


def answer(call: Line, chords: Steps | None = None, settings: Settings | None = None,
           seed: int = 0) -> Line:
    """The answer to a call: starts on the call's grid, ends with its last bar."""
    frame = frame_of(call, chords, settings or Settings())
    heard = _heard(frame)
    drawn = []
    for number in range(DRAWN):
        rng = np.random.default_rng((seed, number))
        drawn.append(_fill(frame, heard.copy(), plans_of(frame, rng), rng))
    return max(drawn, key=lambda line: (-max(longest_copy(line), QUOTED), _suits(frame, line)))


def mutate(call: Line, last: Line, chords: Steps | None = None, settings: Settings | None = None,
           seed: int = 0) -> Line:
    """The last answer again with a third of its bars new, never none."""
    frame = frame_of(call, chords, settings or Settings())
    rng = np.random.default_rng((seed, 99))
    plans = plans_of(frame, rng)
    fresh = rng.random(len(plans)) < 1 / 3
    fresh[rng.integers(max(1, len(plans) - 1))] = True
    kept = [None if new else _bar_steps(frame, last, number) for number, new in enumerate(fresh)]
    return _fill(frame, _heard(frame), plans, rng, kept)


def _heard(frame: Frame) -> Melody:
    """The model after the call."""
    melody = Melody(bar=frame.call.bar, start=frame.call.start, low=frame.low, high=frame.high)
    old = max(0, len(frame.call.steps) // frame.call.bar - HEARD_BARS) * frame.call.bar
    for event, chord in zip(frame.call.steps[old:].tolist(), frame.chords[old:].tolist(),
                            strict=False):
        melody.hear(event, chord)
    return melody


def _fill(frame: Frame, melody: Melody, plans: Sequence[Plan], rng: np.random.Generator,
          kept: Sequence[NDArray[np.int64] | None] = ()) -> Line:
    """Play the plans in order, the model hearing all of it."""
    steps = np.full(frame.length, HOLD, np.int64)
    bars, rate = bars_of(frame.call), _rate(frame)
    for number, plan in enumerate(plans):
        begin = max(0, number * frame.call.bar - frame.start)
        end = min(frame.length, (number + 1) * frame.call.bar - frame.start)
        given = kept[number] if number < len(kept) else None
        if given is None and plan.kind in ("exact", "moved"):
            skipped = begin - (number * frame.call.bar - frame.start)
            kind = plan.kind if same_chords(frame, plan.source, begin) else "moved"
            given = brought_back(frame, bars[plan.source][skipped:], begin, kind, melody.last)
        rhythm = bars[plan.source] if plan.kind == "rhythm" else None
        for step in range(begin, end):
            chord = frame.chord(step)
            if given is not None:
                steps[step] = given[step - begin]
            elif rhythm is not None:
                steps[step] = _on_rhythm(frame, melody, rhythm, step, rng)
            else:
                steps[step] = draw(melody, chord, rng, frame.settings.temperature,
                                   frame.weights(step), rate, frame.settings.novelty)
            melody.hear(int(steps[step]), chord)
    return ended(frame, steps)


def _rate(frame: Frame) -> float:
    """By how much more a note is wanted than the model would play."""
    return max(frame.settings.density, 0.05) ** 2


def _on_rhythm(frame: Frame, melody: Melody, rhythm: NDArray[np.int64], step: int,
               rng: np.random.Generator) -> int:
    """A step of a bar that keeps a rhythm and takes its notes from the model."""
    event = int(rhythm[(frame.start + step) % frame.call.bar])
    if event < 0:
        return event if event == HOLD or melody.sounds else HOLD
    chances = melody.played(frame.chord(step)).astype(np.float64)[2:]
    return int(frame.low + _drawn(chances, frame, step, rng))


def _drawn(chances: NDArray[np.float64], frame: Frame, step: int, rng: np.random.Generator
           ) -> int:
    chances = np.maximum(chances, 1e-9) ** (1.0 / max(frame.settings.temperature, 0.05))
    chances = chances * frame.weights(step) + 1e-12
    place = np.searchsorted(np.cumsum(chances), rng.random() * chances.sum(), side="right")
    return min(int(place), len(chances) - 1)


def _bar_steps(frame: Frame, line: Line, number: int) -> NDArray[np.int64] | None:
    """The steps of one bar of an earlier answer, None where it has none there."""
    begin = max(0, number * frame.call.bar - frame.start)
    end = min(frame.length, (number + 1) * frame.call.bar - frame.start)
    return line.steps[begin:end] if end <= len(line.steps) else None


def _suits(frame: Frame, line: Line) -> float:
    """How well an answer suits its call: notes and rhythm shared, as many notes; no more bars of
    the call than wanted."""
    wanted = np.log2(max(frame.settings.density, 0.05))
    apart = density_ratio(line, frame.call) if wanted == 0.0 else abs(
        float(np.log2(max((line.steps >= 0).mean(), 1e-3)
                      / max((frame.call.steps >= 0).mean(), 1e-3)) - wanted))
    unwanted = max(0.0, 1.0 - 2.0 * frame.settings.motifs)
    came_back = sum(returns(line, frame.call).values()) if unwanted else 0.0
    return (min(overlap(line, frame.call), ENOUGH["overlap"]) - unwanted * came_back
            + min(rhythm_overlap(line, frame.call), ENOUGH["rhythm"])
            - 0.7 * max(apart, ENOUGH["density"]))
