"""Count how a line went on before: tables learned from many tunes, and this line's own past.

For every context there is an opinion. The table's opinion is the prior of the line's own counts,
and each context's opinion the prior of the next, more particular one, so that a situation met
twice already speaks louder than all the tunes of the books. Learning is remembering: nothing is
updated but the line's memory.
"""

import numpy as np
from numba import njit

from engine.dsp.line_memory import (
    HERE,
    KIND,
    KIND_CONTEXT,
    KIND_CONTEXTS,
    NOTES,
    ONSET,
    PITCH,
    PITCH_CONTEXT,
    PITCH_CONTEXTS,
    REST,
    is_sounding,
    last_pitch,
)

KINDS = 3
INTERVALS = 71                     # -35..35
UNISON = 35
RHYTHM_OPINIONS = 1 + KIND_CONTEXTS
PITCH_OPINIONS = 1 + PITCH_CONTEXTS
RHYTHM_TABLED, PITCH_TABLED = 5, 6        # so many of the contexts have tables
RHYTHM_PRIORS = (0, 1, 2, 3, 4, 0, 6, 7, 0, 9, 10)     # whose opinion each context starts from:
PITCH_PRIORS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 10, 11, 12, 13, 10, 15)   # 0 is the table's
ABSOLUTE = 9                              # from here on pitches are counted, not intervals

# How many counts a context needs to weigh as much as its prior; tried by factors of two on 53
# tunes of the training files. The general ones know little that the table doesn't.
RHYTHM_TABLE_TRUST = 8.0
PITCH_TABLE_TRUST = (0.125, 2.0, 0.125, 2.0, 2.0, 2.0)                  # for each kind of interval
RHYTHM_TRUST = (15.0, 10.0, 4.0, 16.0, 2.0, 4.0, 1.0, 0.5, 1.0, 1.0, 0.5)
PITCH_TRUST = (2000.0, 240.0, 120.0, 16.0, 12.0, 2.0, 4.0, 1.0, 0.5, 400.0, 40.0, 40.0, 4.0, 0.5,
               1.0, 8.0)


@njit(cache=True, nogil=True)
def row_of(keys, key):
    """Where a key stands in sorted keys, -1 where it doesn't."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(keys) and keys[low] == key else -1


@njit(cache=True, nogil=True)
def _follow(opinion, counts, total, trust):
    """An opinion with counts laid over it."""
    for symbol in range(len(opinion)):
        opinion[symbol] = (counts[symbol] + trust * opinion[symbol]) / (total + trust)


@njit(cache=True, nogil=True)
def rhythm_opinions(heads, of_steps, contexts, keys, counts, opinions, sure):
    """What each context says of the next step.

    keys, counts : int64 (n,) sorted, uint16 (n, KINDS)     the table
    opinions     : float32 (RHYTHM_OPINIONS, KINDS)         filled: the table's, then the line's
    sure         : float32 (RHYTHM_OPINIONS, 2)             filled: how much is known, how clearly
    """
    opinions[0] = 1.0 / KINDS
    known = 0.0
    for which in range(RHYTHM_TABLED):
        row = row_of(keys, contexts[which]) if contexts[which] else -1
        if row >= 0:
            known = float(counts[row].sum())
            _follow(opinions[0], counts[row], known, RHYTHM_TABLE_TRUST)
    if not is_sounding(heads, of_steps):
        opinions[0, REST] = 0.0
        opinions[0] /= opinions[0].sum()
    _how_sure(opinions[0], known, sure[0])
    found = np.zeros(KINDS, np.float32)
    for which in range(KIND_CONTEXTS):
        opinions[1 + which] = opinions[RHYTHM_PRIORS[which]]
        found[:] = 0.0
        if contexts[which]:
            row = of_steps[KIND_CONTEXT + which]
            for then in range(heads[HERE]):
                if row[then] == contexts[which]:
                    found[of_steps[KIND, then]] += 1.0
        total = found.sum()
        if total > 0.0:
            _follow(opinions[1 + which], found, total, RHYTHM_TRUST[which])
        _how_sure(opinions[1 + which], total, sure[1 + which])


@njit(cache=True, nogil=True)
def pitch_opinions(heads, of_notes, contexts, low, high, keys, begins, symbols, counts, opinions,
                   sure):
    """What each context says of the interval to the next note, within notes `low` to `high`.

    keys, begins, symbols, counts : the table: row r has `symbols` and `counts` from begins[r] on
    opinions : float32 (PITCH_OPINIONS, INTERVALS)   filled
    sure     : float32 (PITCH_OPINIONS, 2)           filled
    """
    last = last_pitch(heads, of_notes)
    lowest = min(max(low - last + UNISON, 0), INTERVALS - 1)
    highest = max(min(high - last + UNISON, INTERVALS - 1), lowest)
    opinions[0] = 0.0
    opinions[0, lowest:highest + 1] = 1.0 / (highest - lowest + 1)
    found = np.zeros(INTERVALS, np.float32)
    known = 0.0
    for which in range(PITCH_TABLED):
        row = row_of(keys, contexts[which]) if contexts[which] else -1
        if row < 0:
            continue
        found[:] = 0.0
        known, kinds = 0.0, 0
        for place in range(begins[row], begins[row + 1]):
            if lowest <= symbols[place] <= highest:
                found[symbols[place]] = counts[place]
                known += counts[place]
                kinds += 1
        if known > 0.0:
            _follow(opinions[0], found, known, PITCH_TABLE_TRUST[which] * kinds)
    _how_sure(opinions[0], known, sure[0])
    for which in range(PITCH_CONTEXTS):
        opinions[1 + which] = opinions[PITCH_PRIORS[which]]
        total = _own(heads, of_notes, which, contexts[which], last, lowest, highest, found)
        if total > 0.0:
            _follow(opinions[1 + which], found, total, PITCH_TRUST[which])
        _how_sure(opinions[1 + which], total, sure[1 + which])


@njit(cache=True, nogil=True)
def _own(heads, of_notes, which, context, last, lowest, highest, found):
    """The line's own counts in a context; how many there are."""
    found[:] = 0.0
    total = 0.0
    if not context:
        return total
    row = of_notes[PITCH_CONTEXT + which]
    for note in range(1, heads[NOTES]):
        if row[note] == context:
            origin = last if which >= ABSOLUTE else of_notes[PITCH, note - 1]
            symbol = of_notes[PITCH, note] - origin + UNISON
            if lowest <= symbol <= highest:
                found[symbol] += 1.0
                total += 1.0
    return total


@njit(cache=True, nogil=True)
def _how_sure(opinion, known, sure):
    """How often a context was met, and the chance of what it thinks most likely."""
    sure[0] = min(np.log1p(known) * 0.2, 1.5)
    sure[1] = opinion.max()


@njit(cache=True, nogil=True)
def keep_contexts(heads, of_steps, of_notes, rhythm, pitch, starts):
    """Write the contexts of the step that is about to be heard beside it."""
    of_steps[KIND_CONTEXT:KIND_CONTEXT + KIND_CONTEXTS, heads[HERE]] = rhythm
    if starts:
        of_notes[PITCH_CONTEXT:PITCH_CONTEXT + PITCH_CONTEXTS, heads[NOTES]] = pitch


@njit(cache=True, nogil=True)
def join(rhythm, pitch, last, low, chances):
    """One distribution of the next step: hold, rest, then the notes from `low` on.

    rhythm  : float32 (KINDS,)       pitch : float32 (INTERVALS,), a share of 1
    chances : float32 (2 + notes,)   filled
    """
    chances[0], chances[1] = rhythm[0], rhythm[REST]
    for note in range(len(chances) - 2):
        symbol = low + note - last + UNISON
        inside = 0 <= symbol < INTERVALS
        chances[2 + note] = rhythm[ONSET] * pitch[symbol] if inside else 0.0
