"""How late was what arrived, and which parts make up its lateness?"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.events import Onset
from engine.patch import parse_patch
from engine.rendering import render
from engine.units import HOP, SAMPLE_RATE, Samples, frames

if TYPE_CHECKING:
    from bench.players import Player

_NEAR_MS = (-20.0, 80.0)        # what arrives so long after a strike is its answer


def late_ms(struck_ns: NDArray[np.int64], heard_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each strike's first answer; what is never answered is left out, and counted elsewhere."""
    if not len(heard_ns):
        return np.zeros(0)
    following = np.searchsorted(heard_ns, struck_ns + int(_NEAR_MS[0] * 1e6))
    answered = following < len(heard_ns)
    late = (heard_ns[following[answered]] - struck_ns[answered]) / 1e6
    return late[late < _NEAR_MS[1]]


def notes_ns(player: "Player") -> NDArray[np.int64]:
    """When notes began to arrive."""
    return np.array([note.ns for note in player.messages() if note.is_on], np.int64)


def clicks_ns(player: "Player") -> NDArray[np.int64]:
    """When, after a silence of 20 ms, something sounded again."""
    loud = np.flatnonzero(np.abs(player.heard()) > 1e-4)
    return _ns_of(player, loud[np.r_[True, np.diff(loud) > frames(0.02)]] if len(loud) else loud)


def sounds_late_ms(struck_ns: NDArray[np.int64], player: "Player") -> NDArray[np.float64]:
    """How long after each strike the kit began again: its first steep edge over what still rang."""
    starts = player.cycles()[:, 2]
    period = int(np.median(np.diff(player.cycles()[:, 1])))
    steep = np.abs(np.diff(player.heard()))
    late = []
    for moment in struck_ns:
        first = int(np.searchsorted(starts, moment + int(15e6))) * period
        rang = steep[first - frames(0.01):first]
        edge = steep[first:first + frames(0.05)] > max(3.0 * rang.max(initial=0.0), 3e-3)
        if edge.any():
            begins = _ns_of(player, np.array([first + int(edge.argmax())]))[0]
            late.append((begins - moment) / 1e6)
    return np.array(late)


def since_block_ms(told_ns: NDArray[np.int64], singer: "Player") -> NDArray[np.float64]:
    """How long before each message the block came whose end brought it; less than a block."""
    came = singer.cycles()[:, 2]
    rows = np.searchsorted(came, told_ns, side="right") - 1
    return (told_ns[rows >= 0] - came[rows[rows >= 0]]) / 1e6


def _ns_of(player: "Player", samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """When these samples leave for the card, as its clock has it."""
    cycles = player.cycles()
    period = int(np.median(np.diff(cycles[:, 1])))
    block = np.minimum(samples // period, len(cycles) - 1)
    return cycles[block, 2] + np.round(samples % period * 1e9 / SAMPLE_RATE).astype(np.int64)


# -- what it is made of --------------------------------------------------------------------------

def window_ms(song: Samples, places: NDArray[np.int64]) -> float:
    """How long after the hop it fell into a strike is heard as one, in the mean."""
    patch = parse_patch('cables = ["mic -> onset-detector"]')
    heard = np.array([sent.sent for sent in render(patch, song) if isinstance(sent.event, Onset)])
    first = np.minimum(np.searchsorted(heard, places / SAMPLE_RATE), len(heard) - 1)
    hop_ends = (places // HOP + 1) * HOP / SAMPLE_RATE
    return 1000.0 * float(np.mean(heard[first] - hop_ends))


def parts_ms(period: int, wait: float, window: float, due_ns: NDArray[np.int64],
             cycles_ns: NDArray[np.int64], late: NDArray[np.float64]) -> dict[str, float]:
    """What the way from a strike to its note is made of, means in ms; their sum is the whole way.

    window    : of `window_ms`
    due_ns    : int64 (strikes,)   when each strike's note was due
    cycles_ns : int64 (blocks,)    when the driver called
    late      : float64 (strikes,) how long after that each note arrived, ms
    """
    of_block = 500.0 * period / SAMPLE_RATE
    of_hop = 500.0 * max(0, HOP - period) / SAMPLE_RATE
    calls = np.searchsorted(cycles_ns, due_ns)
    within = calls < len(cycles_ns)
    driver = float(np.mean(cycles_ns[calls[within]] - due_ns[within])) / 1e6
    return {"block": of_block, "hop": of_hop, "window": window,
            "model": wait - of_block - of_hop - window,
            "driver": driver, "engine and port": float(np.mean(late)) - driver}
