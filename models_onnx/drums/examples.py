"""What the drum model learns from: every strike, varied as days vary, and heard.

Only what weights that ship may learn from. Seeded; the noises and readings that teach what is no
drum are drawn here too.
"""

import multiprocessing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.units import Samples
from engine.units import frames as in_frames
from models_onnx.drums.data import (
    DRAWN,
    FRAMES,
    Strike,
    backwards,
    drawn,
    features,
    refused,
    spoken_over,
    strikes,
    tails,
)
from models_onnx.drums.days import varied
from models_onnx.drums.noises import NOISES
from models_onnx.drums.talk import READING, can_talk

SEED = 1
WORKERS = 2                 # they change nothing but the time it takes

VARIATIONS = {"voice": 14, "drum": 8, DRAWN: 4, READING: 5, "noise": 5, "word": 4, "backwards": 4,
              "tail": 5}    # of each; the first is as it was recorded
STREAMS, READINGS = 100, 2_000      # noises of each kind, words, sentences: their onsets are none
TAILS, SPOKEN_OVER = 600, 900       # of real strikes, and strikes that become words, are none
BACKWARDS = 8               # onsets of each take that is played from its end are none
DRAWN_BEATS = 65            # of synthetic mouths
BEDS, BED_S = 6, 3.0        # noises of each kind that other sounds are heard over

CLEAN = 0.25                # of the examples are heard as they were recorded


@dataclass(frozen=True, slots=True)
class Examples:
    """All n strikes, heard in all m variations.

    heard  : float16 (m, FRAMES, WIDTH)
    until  : int (m,)     the first frame that hears the next strike
    first  : int (n,)     where a strike's variations begin; the first is as it was recorded
    count  : int (n,)     how many there are
    may_be : bool (n, CLASSES)
    who, kind : str (n,)
    """

    heard: NDArray[np.float16]
    until: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    may_be: NDArray[np.bool_]
    who: NDArray[np.str_]
    kind: NDArray[np.str_]


def examples(data: Path) -> Examples:
    """Read, vary and hear everything that weights that ship may learn from."""
    rng = np.random.default_rng(SEED)
    voices = strikes(data, part="beatbox", permissive=True)
    found = [*voices, *strikes(data, part="drums", permissive=True), *tails(data, rng, TAILS),
             *backwards(data, rng, BACKWARDS)]
    for _ in range(DRAWN_BEATS):
        found += drawn(rng)
    jobs: list[str | Strike] = [name for name in NOISES for _ in range(STREAMS)]
    if can_talk():
        jobs += [READING] * READINGS
        jobs += [voices[i] for i in rng.integers(len(voices), size=SPOKEN_OVER)]
    with multiprocessing.Pool(WORKERS) as pool:
        for some in pool.imap(_refused, enumerate(jobs), chunksize=8):
            found += some
        beds = pool.map(_bed, range(BEDS * len(NOISES)))
        each = pool.imap(partial(_hear, beds=beds), enumerate(found), chunksize=64)
        return gathered(found, each)


def gathered(found: Sequence[Strike],
             each: Iterable[tuple[NDArray[np.float16], NDArray[np.int64]]]) -> Examples:
    """Strikes and, of each in turn, what `hear` returns of its variations."""
    heard, until = zip(*each, strict=True)
    count = np.array([len(some) for some in until])
    return Examples(np.concatenate(heard), np.concatenate(until), np.cumsum(count) - count, count,
                    np.stack([s.may_be for s in found]), np.array([s.who for s in found]),
                    np.array([s.kind for s in found]))


def _refused(job: tuple[int, str | Strike]) -> list[Strike]:
    """What is none in a noise or a reading, or of a strike that becomes a word."""
    number, what = job
    rng = np.random.default_rng([SEED, number])
    return refused(rng, what) if isinstance(what, str) else [spoken_over(what, rng)]


def _bed(number: int) -> Samples:
    make = list(NOISES.values())[number % len(NOISES)]
    return np.asarray(make(np.random.default_rng([SEED, number, 1]), in_frames(BED_S)), np.float32)


def _hear(job: tuple[int, Strike], beds: Sequence[Samples]
          ) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    """All variations of one strike."""
    number, strike = job
    rng = np.random.default_rng([SEED, number, 2])
    return hear([strike, *(varied(strike, rng, beds)
                           for _ in range(VARIATIONS[strike.kind] - 1))])


def hear(varying: Sequence[Strike]) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    """One strike's variations: their frames, and the first of each that hears the next strike."""
    return (np.stack([features(each) for each in varying]).astype(np.float16),
            np.array([_until(each) for each in varying]))


def _until(strike: Strike) -> int:
    """A frame may hear 10 ms of the next strike: it is announced no sooner."""
    return int(min(FRAMES, 3 + 500.0 * (strike.alone_s + 0.010)))


def on_some_day(data: Examples, chosen: NDArray[np.int64], rng: np.random.Generator
                ) -> NDArray[np.int64]:
    """One variation of each strike that is chosen: its row."""
    variation = rng.integers(data.count[chosen])
    variation[rng.random(len(chosen)) < CLEAN] = 0
    return data.first[chosen] + variation
