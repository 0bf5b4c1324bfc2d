"""What a line has been so far: every step and note of it, and how well it repeats itself.

Melody models ask three things of a line: what stood at the same place some bars ago, when the
last notes came, and where in its past it went as it goes now. All of that is kept here, a step
at a time, in three arrays made once by `memory`.
"""

import numpy as np
from numba import njit

HOLD, REST, ONSET = 0, 1, 2        # the kinds of a step
EVENT, KIND, SOUNDING, CHORD, RHYTHM_MATCH, FULL_MATCH, KIND_CONTEXT = 0, 1, 2, 3, 4, 5, 6
KIND_CONTEXTS = 11
STEP_ROWS = KIND_CONTEXT + KIND_CONTEXTS

STEP, PITCH, INTERVAL, SPACING, PITCH_CONTEXT = 0, 1, 2, 3, 4
PITCH_CONTEXTS = 16
NOTE_ROWS = PITCH_CONTEXT + PITCH_CONTEXTS

HERE, NOTES, BAR, START, LOWEST, HIGHEST, SUM = 0, 1, 2, 3, 4, 5, 6
LAG_RUNS = 7                       # for each lag how many steps agree, in rhythm and in full
LAGS = 5                           # half a bar, 1, 2, 4, 8 bars
HEADS = LAG_RUNS + 2 * LAGS

FIRST = 66                         # the note before the first: the middle of 48-83
NOTHING = -1
LONGEST = 64                       # runs are counted no further


def memory(steps, bar, start):
    """Empty memory of a line of at most `steps` steps: heads, of_steps, of_notes."""
    heads = np.zeros(HEADS, np.int64)
    heads[BAR], heads[START] = bar, start
    heads[LOWEST], heads[HIGHEST] = 127, 0
    return (heads, np.zeros((STEP_ROWS, steps), np.int64), np.zeros((NOTE_ROWS, steps), np.int64))


@njit(cache=True, nogil=True)
def lag_of(bar, which):
    """How many steps back the lag number `which` looks."""
    return bar // 2 if which == 0 else bar << (which - 1)


@njit(cache=True, nogil=True)
def last_pitch(heads, of_notes):
    """The last note, or the one supposed before the first."""
    count = heads[NOTES]
    return of_notes[PITCH, count - 1] if count else FIRST


@njit(cache=True, nogil=True)
def since_onset(heads, of_notes):
    """Steps since the last note began, counted from the line's start before its first."""
    count = heads[NOTES]
    return heads[HERE] - of_notes[STEP, count - 1] if count else heads[HERE] + 1


@njit(cache=True, nogil=True)
def is_sounding(heads, of_steps):
    """Does a note go on into this step?"""
    return heads[HERE] > 0 and of_steps[SOUNDING, heads[HERE] - 1] >= 0


@njit(cache=True, nogil=True)
def remember(heads, of_steps, of_notes, event, chord):
    """Hear one step: a note number, -1 for hold, -2 for rest; moves on to the next."""
    here = heads[HERE]
    kind = ONSET if event >= 0 else (HOLD if event == -1 else REST)
    before = of_steps[SOUNDING, here - 1] if here else NOTHING
    if kind == REST and before < 0:
        kind = HOLD
    of_steps[KIND, here] = kind
    of_steps[CHORD, here] = chord
    of_steps[SOUNDING, here] = event if kind == ONSET else (before if kind == HOLD else NOTHING)
    last = last_pitch(heads, of_notes)
    of_steps[EVENT, here] = kind if kind != ONSET else 100 + event - last
    if kind == ONSET:
        _remember_note(heads, of_notes, event, last)
    _match(heads, of_steps)
    heads[HERE] = here + 1


@njit(cache=True, nogil=True)
def _remember_note(heads, of_notes, pitch, last):
    count, here = heads[NOTES], heads[HERE]
    of_notes[STEP, count] = here
    of_notes[PITCH, count] = pitch
    of_notes[INTERVAL, count] = pitch - last
    of_notes[SPACING, count] = here - of_notes[STEP, count - 1] if count else 0
    heads[NOTES] = count + 1
    heads[LOWEST] = min(heads[LOWEST], pitch)
    heads[HIGHEST] = max(heads[HIGHEST], pitch)
    heads[SUM] += pitch


@njit(cache=True, nogil=True)
def _match(heads, of_steps):
    """For every earlier step: how many steps up to it agree with those up to here."""
    here = heads[HERE]
    kind, event = of_steps[KIND, here], of_steps[EVENT, here]
    for then in range(here - 1, -1, -1):
        rhythm = of_steps[RHYTHM_MATCH, then - 1] if then else 0
        full = of_steps[FULL_MATCH, then - 1] if then else 0
        of_steps[RHYTHM_MATCH, then] = (min(rhythm + 1, LONGEST)
                                        if of_steps[KIND, then] == kind else 0)
        of_steps[FULL_MATCH, then] = (min(full + 1, LONGEST)
                                      if of_steps[EVENT, then] == event else 0)
    of_steps[RHYTHM_MATCH, here] = 0
    of_steps[FULL_MATCH, here] = 0
    for which in range(LAGS):
        then = here - lag_of(heads[BAR], which)
        heads[LAG_RUNS + which] = of_steps[RHYTHM_MATCH, then] if then >= 0 else 0
        heads[LAG_RUNS + LAGS + which] = of_steps[FULL_MATCH, then] if then >= 0 else 0
