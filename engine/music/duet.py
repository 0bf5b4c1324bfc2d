"""A duet's work: what the worker is asked for when a phrase shall be answered.

One request holds all that is needed; the same request gives the same line on every machine.
"""

import msgspec
import numpy as np

from engine.errors import ModelError
from engine.music.answer import answer, mutate
from engine.music.frame import Settings
from engine.music.habits import markov
from engine.music.line import Line
from engine.music.melody import continue_line

_TRIES = 5

ANSWER, MUTATE, MORE, ALONE = "answer", "mutate", "more", "alone"


class Asked(msgspec.Struct, frozen=True):
    """What shall be played.

    kind     : ANSWER the call, MUTATE the last answer to it, play MORE of the line, or answer
               from the performer's habits ALONE, without the model
    call     : whole bars that were heard, or that go on
    last     : the last answer, for MUTATE
    heard    : earlier lines of this performer
    chords   : int64, one a step over call and answer, or empty
    settings : see `engine.music.frame`; `bars` is how long the line shall be
    """

    kind: str
    call: Line
    last: Line | None
    heard: tuple[Line, ...]
    chords: np.ndarray
    settings: Settings
    seed: int


def reply(asked: Asked) -> Line:
    """The line that was asked for, from the first step after the call."""
    chords = asked.chords if len(asked.chords) else None
    settings, seed = asked.settings, asked.seed
    if asked.kind == ALONE:
        return markov(asked.heard, asked.call, chords, settings, seed)
    try:
        if asked.kind == MUTATE and asked.last is not None:
            return _changed(asked, asked.last, chords)
        if asked.kind == MORE:
            return _more(asked)
        return answer(asked.call, chords, settings, seed)
    except ModelError:                      # without its model a duet goes on, plainer
        return markov(asked.heard, asked.call, chords, settings, seed)


def _changed(asked: Asked, last: Line, chords: np.ndarray | None) -> Line:
    """The last answer with some bars new; what comes out the same is drawn once more."""
    line = last
    for turn in range(_TRIES):
        line = mutate(asked.call, last, chords, asked.settings, asked.seed + 7919 * turn)
        if not np.array_equal(line.steps, last.steps):
            break
    return line


def _more(asked: Asked) -> Line:
    """The line goes on as it likes, without a close."""
    settings, call = asked.settings, asked.call
    played = [int(step) for step in call.steps if step >= 0] or [60, 72]
    low = min(played) - 5 if settings.low < 0 else settings.low
    high = max(played) + 5 if settings.high < 0 else settings.high
    steps = settings.bars * call.bar
    return continue_line(
        call, steps, chords=asked.chords if len(asked.chords) else None, seed=asked.seed,
        temperature=settings.temperature, low=max(low, 0), high=min(max(high, low + 12), 127),
        scale=settings.scale or 0xFFF, density=settings.density, novelty=settings.novelty)
