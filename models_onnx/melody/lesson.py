"""Walk a tune as the stage hears it, and write down what each moment knew and what came.

The walk is the stage's own code, step for step, so that what is learned is what will be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.dsp.line_chances import (
    INTERVALS,
    KINDS,
    PITCH_OPINIONS,
    PITCH_TABLED,
    RHYTHM_OPINIONS,
    RHYTHM_TABLED,
)
from engine.dsp.line_context import PITCH_VIEW, RHYTHM_VIEW
from engine.dsp.line_memory import memory
from engine.dsp.line_walk import walk, walk_contexts
from engine.music.melody import Table
from models_onnx.melody.data import HIGH, LOW, Tune

RARE = 3                           # a context met less often in the books is not kept


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was known at each step and at each note of some tunes, and what came.

    rhythm_views : uint8 (steps, RHYTHM_VIEW), 255 is 1     pitch_views : uint8 (notes, PITCH_VIEW)
    kinds        : uint8 (steps,)                           intervals   : uint8 (notes,)
    *_said       : float32 (…, opinions)   each opinion's chance of what came
    *_sure       : float32 (…, 2 * opinions)
    sounding     : bool (steps,)           where a rest was possible
    tune_*       : int32 (…,)              which of the tunes
    last         : uint8 (notes,)          the note before
    """

    rhythm_views: NDArray[np.uint8]
    rhythm_said: NDArray[np.float32]
    rhythm_sure: NDArray[np.float32]
    kinds: NDArray[np.uint8]
    sounding: NDArray[np.bool_]
    tune_of_step: NDArray[np.int32]
    pitch_views: NDArray[np.uint8]
    pitch_said: NDArray[np.float32]
    pitch_sure: NDArray[np.float32]
    intervals: NDArray[np.uint8]
    last: NDArray[np.uint8]
    tune_of_note: NDArray[np.int32]


def lesson(tunes: Sequence[Tune], tables: Sequence[Table]) -> Lesson:
    """The lesson of some tunes, each with the table whose books don't hold it."""
    steps = sum(len(tune.line.steps) for tune in tunes)
    notes = sum(int((tune.line.steps >= 0).sum()) for tune in tunes)
    made = Lesson(
        np.zeros((steps, RHYTHM_VIEW), np.uint8), np.zeros((steps, RHYTHM_OPINIONS), np.float32),
        np.zeros((steps, 2 * RHYTHM_OPINIONS), np.float32), np.zeros(steps, np.uint8),
        np.zeros(steps, np.bool_), np.zeros(steps, np.int32),
        np.zeros((notes, PITCH_VIEW), np.uint8), np.zeros((notes, PITCH_OPINIONS), np.float32),
        np.zeros((notes, 2 * PITCH_OPINIONS), np.float32), np.zeros(notes, np.uint8),
        np.zeros(notes, np.uint8), np.zeros(notes, np.int32))
    step = note = 0
    for number, (tune, table) in enumerate(zip(tunes, tables, strict=True)):
        line = tune.line
        till, to = step + len(line.steps), note + int((line.steps >= 0).sum())
        made.tune_of_step[step:till], made.tune_of_note[note:to] = number, number
        walk(*memory(len(line.steps), line.bar, line.start), line.steps, tune.chords, LOW, HIGH,
             table.rhythm_keys, table.rhythm_counts, table.pitch_keys, table.pitch_begins,
              table.pitch_symbols, table.pitch_counts,
              made.rhythm_views[step:till], made.rhythm_said[step:till],
              made.rhythm_sure[step:till], made.kinds[step:till], made.sounding[step:till],
              made.pitch_views[note:to], made.pitch_said[note:to], made.pitch_sure[note:to],
              made.intervals[note:to], made.last[note:to])
        step, note = till, to
    return made


def table_of(tunes: Sequence[Tune]) -> Table:
    """Count what followed every tabled context in some tunes; rare contexts are left out."""
    steps = sum(len(tune.line.steps) for tune in tunes)
    notes = sum(int((tune.line.steps >= 0).sum()) for tune in tunes)
    rhythm = np.zeros((steps, RHYTHM_TABLED), np.int64)
    pitch = np.zeros((notes, PITCH_TABLED), np.int64)
    kinds, intervals = np.zeros(steps, np.int64), np.zeros(notes, np.int64)
    step = note = 0
    for tune in tunes:
        line = tune.line
        till, to = step + len(line.steps), note + int((line.steps >= 0).sum())
        walk_contexts(*memory(len(line.steps), line.bar, line.start), line.steps, tune.chords,
                  rhythm[step:till], kinds[step:till], pitch[note:to], intervals[note:to])
        step, note = till, to
    rhythm_keys, counts = _tally(rhythm, kinds, KINDS)
    pitch_keys, dense = _tally(pitch, intervals, INTERVALS)
    rows, symbols = np.nonzero(dense)
    begins = np.searchsorted(rows, np.arange(len(pitch_keys) + 1))
    return Table(rhythm_keys, counts, pitch_keys, begins.astype(np.int64),
                 symbols.astype(np.uint8), dense[rows, symbols])


def _tally(contexts: NDArray[np.int64], symbols: NDArray[np.int64], kinds: int
           ) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """Sorted keys, and for each how often which symbol followed: uint16 (keys, kinds)."""
    flat = contexts.ravel()
    used = flat != 0
    followed = np.repeat(symbols, contexts.shape[1])[used]
    keys, rows, met = np.unique(flat[used], return_inverse=True, return_counts=True)
    often = met >= RARE
    place = np.cumsum(often) - 1
    kept = often[rows]
    tally = np.zeros((int(often.sum()), kinds), np.int64)
    np.add.at(tally, (place[rows[kept]], followed[kept]), 1)
    return keys[often], np.minimum(tally, 65535).astype(np.uint16)
