"""The other players' work, for the worker: the next bar, and what follows in free time."""

import msgspec
import numpy as np

from engine.errors import ModelError
from engine.music.bars import Bar, compose, vary
from engine.music.frame import Settings
from engine.music.habits import markov
from engine.music.line import Line
from engine.music.performance import Freely, Played, follow


class BarAsked(msgspec.Struct, frozen=True):
    """A bar is wanted: after `before`, over chords; where `again` is given, a variation of it."""

    before: Line
    chords: np.ndarray
    settings: Bar
    seed: int
    again: Line | None = None
    kept: float = 0.6


def next_bar(asked: BarAsked) -> Line:
    """The bar that was asked for; without its model, one from the habits of the bar before."""
    chords = asked.chords if len(asked.chords) else None
    try:
        if asked.again is not None:
            return vary(asked.again, asked.before, chords, asked.settings, asked.seed, asked.kept)
        return compose(asked.before, chords, asked.settings, asked.seed)
    except ModelError:
        own = asked.settings
        return markov((), asked.before, None,
                      Settings(bars=1, low=own.low, high=own.top, scale=own.scale), asked.seed)


class FreelyAsked(msgspec.Struct, frozen=True):
    """A phrase in free time is wanted, as long as so many seconds."""

    heard: tuple[Played, ...]
    seconds: float
    settings: Freely
    seed: int


def go_on(asked: FreelyAsked) -> tuple[Played, ...]:
    """What follows; times count from the end of what was heard."""
    return tuple(follow(asked.heard, asked.seconds, asked.settings, asked.seed))
