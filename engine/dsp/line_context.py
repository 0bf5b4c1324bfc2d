"""What a melody model is told before each step, and the contexts by which a line is counted.

Everything is relative: intervals count from the last note, pitch classes and the chord are turned
by it. A line and the same line in another key look alike by construction.

`rhythm_view` is what the choice between hold, rest and a new note sees, `pitch_view` what the
choice of the note sees; `rhythm_contexts` and `pitch_contexts` name the situation for the n-grams,
from the general to the particular.
"""

import numpy as np
from numba import njit

from engine.dsp.line_memory import (
    BAR,
    CHORD,
    FULL_MATCH,
    HERE,
    HIGHEST,
    INTERVAL,
    KIND,
    LAG_RUNS,
    LAGS,
    LOWEST,
    NOTES,
    ONSET,
    PITCH,
    REST,
    RHYTHM_MATCH,
    SOUNDING,
    SPACING,
    START,
    STEP,
    SUM,
    is_sounding,
    lag_of,
    last_pitch,
    since_onset,
)

PLACES, BARS, PHRASE = 24, 5, 8            # places in a bar, kinds of bars, bars of a phrase
SPACINGS, LEAPS = 8, 25                    # how far apart notes begin; intervals of an octave
WHERE = PLACES + BARS + PHRASE
RUNS = 3
WINDOW_BEFORE, WINDOW_AFTER, RECENT = 2, 4, 32
WINDOW = 2 * (WINDOW_BEFORE + 1 + WINDOW_AFTER)

RHYTHM_VIEW = (18 + 5 * SPACINGS + WHERE + LAGS * (WINDOW + 2 * RUNS) + 2 * RECENT
               + 2 * (3 + RUNS) + 2 + 3 * 5 + 1)
PITCH_VIEW = (6 * LEAPS + 6 * SPACINGS + WHERE + 24 + 11 + 26 + LAGS * (3 * LEAPS + 1 + 2 * RUNS)
              + 2 * (LEAPS + RUNS))


@njit(cache=True, nogil=True)
def _mix(seed, value):
    """One number from two; the same on every machine."""
    mixed = (seed ^ (value + 0x9E3779B9)) * 0x2545F4914F6CDD1D
    return mixed ^ (mixed >> 29)


@njit(cache=True, nogil=True)
def place_in_bar(heads):
    """Which step of the bar comes now."""
    return (heads[START] + heads[HERE]) % heads[BAR]


@njit(cache=True, nogil=True)
def _back(of_notes, count, row, ago, otherwise):
    """A property of the note `ago` notes ago (0: the last)."""
    return of_notes[row, count - 1 - ago] if count > ago else otherwise


@njit(cache=True, nogil=True)
def _kind_at(heads, of_steps, step):
    return of_steps[KIND, step] if 0 <= step < heads[HERE] else -1


@njit(cache=True, nogil=True)
def rhythm_contexts(heads, of_steps, of_notes, found):
    """Where in the bar, how long since, what stood a bar ago, how it went lately.

    found : int64 (KIND_CONTEXTS,)   filled; 0 where a context needs more past than there is
    """
    here, bar, count = heads[HERE], heads[BAR], heads[NOTES]
    since = min(since_onset(heads, of_notes), 24)
    sounding = 1 if is_sounding(heads, of_steps) else 0
    place = _mix(_mix(_mix(_mix(1, bar), place_in_bar(heads)), since), sounding)
    first, second = (_back(of_notes, count, SPACING, 0, 0), _back(of_notes, count, SPACING, 1, 0))
    then = here - bar
    found[0] = place
    found[1] = _mix(_mix(place, 11), first)
    found[2] = _mix(_mix(found[1], 12), second)
    found[3] = found[4] = 0
    if then >= 0:
        ago = _mix(place, 13)
        for step in range(then - 1, then + 3):
            ago = _mix(ago, _kind_at(heads, of_steps, step))
        found[3] = ago
        found[4] = _mix(_mix(ago, first), _kind_at(heads, of_steps, here - 2 * bar))
    beat = place_in_bar(heads) % 4
    lately, at = _mix(7, beat), 0
    for which, length in ((5, 8), (6, 16), (7, 32)):
        while at < length:
            at += 1
            lately = _mix(lately, _kind_at(heads, of_steps, here - at))
        found[which] = lately if here >= length else 0
    notes, at = _mix(_mix(8, since), sounding), 0
    for which, length in ((8, 2), (9, 4), (10, 8)):
        while at < length:
            notes = _mix(_mix(notes, _back(of_notes, count, INTERVAL, at, 99)),
                         _back(of_notes, count, SPACING, at, 0))
            at += 1
        found[which] = notes if count > length else 0


@njit(cache=True, nogil=True)
def pitch_contexts(heads, of_steps, of_notes, chord, found):
    """The last intervals, what stood a bar ago, the chord; then the same by absolute pitch.

    found : int64 (PITCH_CONTEXTS,)   filled; 0 where a context needs more than there is
    """
    count, then = heads[NOTES], heads[HERE] - heads[BAR]
    last = last_pitch(heads, of_notes)
    place = place_in_bar(heads)
    found[0] = 1
    first = _back(of_notes, count, INTERVAL, 0, 99)
    found[1] = _mix(21, first)
    found[2] = _mix(_mix(22, chord_turned(chord, last)), place % 4) if chord else 0
    found[3] = _mix(_mix(23, first), _back(of_notes, count, INTERVAL, 1, 99)) if count > 1 else 0
    found[4] = found[5] = 0
    if then > 0 and of_steps[SOUNDING, then] >= 0:
        ago = of_steps[SOUNDING, then]
        starts = 1 if of_steps[KIND, then] == ONSET else 0
        found[4] = _mix(_mix(_mix(24, ago - last), starts), first)
        came = of_steps[SOUNDING, then - 1]
        found[5] = _mix(_mix(found[4], ago - came if came >= 0 else 99),
                        _back(of_notes, count, INTERVAL, 1, 99))
    notes, at = 25, 0
    for which, length in ((6, 3), (7, 5), (8, 8)):
        while at < length:
            notes = _mix(notes, _back(of_notes, count, INTERVAL, at, 99))
            at += 1
        found[which] = notes if count > length else 0
    found[9] = 2
    found[10] = _mix(31, chord) if chord else 0
    found[11] = _mix(32, last)
    found[12] = _mix(_mix(33, last), _back(of_notes, count, PITCH, 1, 0)) if count > 1 else 0
    notes = 34
    for at in range(4):
        notes = _mix(notes, _back(of_notes, count, PITCH, at, 0))
    found[13] = notes if count > 3 else 0
    found[14] = _mix(_mix(35, place), last)
    found[15] = _mix(_mix(36, place), of_steps[SOUNDING, then] if then >= 0 else -1)


@njit(cache=True, nogil=True)
def chord_turned(chord, last):
    """A chord as seen from the last note: root and members turned, in one number."""
    turn, members = last % 12, chord & 0xFFF
    turned = (members >> turn | members << (12 - turn)) & 0xFFF
    return (((chord >> 12) - 1 - last) % 12 + 1) << 12 | turned


@njit(cache=True, nogil=True)
def _spacing_class(spacing):
    """0: 1 step, 1: 2, 2: 3, 3: 4, 4: 5-6, 5: 7-8, 6: 9-15, 7: more."""
    if spacing <= 4:
        return max(spacing, 1) - 1
    if spacing <= 6:
        return 4
    if spacing <= 8:
        return 5
    return 6 if spacing < 16 else 7


@njit(cache=True, nogil=True)
def _leap(interval):
    """An interval as one of LEAPS: within an octave, larger ones as an octave."""
    return min(max(interval, -12), 12) + 12


@njit(cache=True, nogil=True)
def _where(heads, view, at):
    bar = heads[BAR]
    step = heads[START] + heads[HERE]
    view[at + min(step % bar, PLACES - 1)] = 1.0
    kind = 0 if bar == 8 else 1 if bar == 12 else 2 if bar == 16 else 3 if bar == 18 else 4
    view[at + PLACES + kind] = 1.0
    view[at + PLACES + BARS + step // bar % PHRASE] = 1.0
    return at + WHERE


@njit(cache=True, nogil=True)
def _run(length, view, at):
    """How long a run is: at least 4, 8, 16 steps."""
    view[at] = 1.0 if length >= 4 else 0.0
    view[at + 1] = 1.0 if length >= 8 else 0.0
    view[at + 2] = 1.0 if length >= 16 else 0.0
    return at + RUNS


@njit(cache=True, nogil=True)
def _longest(heads, of_steps, row):
    """The earlier step after which it went as it did up to here for longest; the latest of equals.

    Returns the step that followed then, and the length of the run; -1 where there is none.
    """
    best, length = -1, 1
    for then in range(heads[HERE] - 2, -1, -1):
        if of_steps[row, then] > length:
            best, length = then + 1, of_steps[row, then]
    return best, length


@njit(cache=True, nogil=True)
def rhythm_view(heads, of_steps, of_notes, chord, view):
    """What is known where a step may hold, rest or start a note; `view` float32 (RHYTHM_VIEW,)."""
    view[:] = 0.0
    here, bar, count = heads[HERE], heads[BAR], heads[NOTES]
    view[min(since_onset(heads, of_notes), 17) - 1] = 1.0
    view[17] = 1.0 if is_sounding(heads, of_steps) else 0.0
    at = 18
    for ago in range(5):
        if count > ago + 1:
            view[at + _spacing_class(of_notes[SPACING, count - 1 - ago])] = 1.0
        at += SPACINGS
    at = _where(heads, view, at)
    for which in range(LAGS):
        then = here - lag_of(bar, which)
        for step in range(then - WINDOW_BEFORE, then + WINDOW_AFTER + 1):
            kind = _kind_at(heads, of_steps, step)
            view[at] = 1.0 if kind == ONSET else 0.0
            view[at + 1] = 1.0 if kind == REST else 0.0
            at += 2
        at = _run(heads[LAG_RUNS + which], view, at)
        at = _run(heads[LAG_RUNS + LAGS + which], view, at)
    for ago in range(1, RECENT + 1):
        kind = _kind_at(heads, of_steps, here - ago)
        view[at] = 1.0 if kind == ONSET else 0.0
        view[at + 1] = 1.0 if kind == REST else 0.0
        at += 2
    for row in (RHYTHM_MATCH, FULL_MATCH):
        then, length = _longest(heads, of_steps, row)
        if then >= 0:
            view[at + of_steps[KIND, then]] = 1.0
            _run(length, view, at + 3)
        at += 3 + RUNS
    view[at] = 1.0 if chord else 0.0
    view[at + 1] = 1.0 if here and of_steps[CHORD, here - 1] != chord else 0.0
    at += 2
    for ago in range(3):
        if count > ago + 1:
            interval = of_notes[INTERVAL, count - 1 - ago]
            size = 0 if abs(interval) == 0 else 1 if abs(interval) < 3 else 2
            view[at + 2 + (size if interval > 0 else -size)] = 1.0
        at += 5
    view[at] = _share_of_last(heads, of_notes)


@njit(cache=True, nogil=True)
def _share_of_last(heads, of_notes):
    """How much of the line has the last note's pitch class: the key note is often where it ends."""
    count = heads[NOTES]
    if not count:
        return 0.0
    same = 0
    for note in range(count):
        same += 1 if (of_notes[PITCH, note] - of_notes[PITCH, count - 1]) % 12 == 0 else 0
    return same / count


@njit(cache=True, nogil=True)
def pitch_view(heads, of_steps, of_notes, chord, view):
    """What is known where a note starts; `view` float32 (PITCH_VIEW,)."""
    view[:] = 0.0
    here, bar, count = heads[HERE], heads[BAR], heads[NOTES]
    last = last_pitch(heads, of_notes)
    at = 0
    for ago in range(6):
        if count > ago + 1:
            view[at + _leap(of_notes[INTERVAL, count - 1 - ago])] = 1.0
        at += LEAPS
    view[at + _spacing_class(since_onset(heads, of_notes))] = 1.0
    at += SPACINGS
    for ago in range(5):
        if count > ago + 1:
            view[at + _spacing_class(of_notes[SPACING, count - 1 - ago])] = 1.0
        at += SPACINGS
    at = _where(heads, view, at)
    at = _classes(heads, of_notes, last, view, at)
    at = _register(heads, last, view, at)
    at = _chord(heads, of_steps, chord, last, view, at)
    for which in range(LAGS):
        at = _as_then(heads, of_steps, here - lag_of(bar, which), last, view, at)
        at = _run(heads[LAG_RUNS + which], view, at)
        at = _run(heads[LAG_RUNS + LAGS + which], view, at)
    at = _as_notes_went(heads, of_notes, INTERVAL, SPACING, view, at)
    _as_notes_went(heads, of_notes, PITCH, PITCH, view, at)


@njit(cache=True, nogil=True)
def _classes(heads, of_notes, last, view, at):
    """Pitch classes so far and in the last four bars, turned by the last note; the most is 1."""
    for note in range(heads[NOTES] - 1, -1, -1):
        place = (of_notes[PITCH, note] - last) % 12
        view[at + place] += 1.0
        if heads[HERE] - of_notes[STEP, note] <= 4 * heads[BAR]:
            view[at + 12 + place] += 1.0
    for begin in (at, at + 12):
        most = max(view[begin:begin + 12].max(), 1.0)
        view[begin:begin + 12] /= most
    return at + 24


@njit(cache=True, nogil=True)
def _register(heads, last, view, at):
    """How the last note lies in the line's range."""
    if heads[NOTES]:
        mean = heads[SUM] / heads[NOTES]
        view[at + min(max(int(np.floor((last - mean) / 3.0)) + 4, 0), 8)] = 1.0
        view[at + 9] = min((last - heads[LOWEST]) / 24.0, 1.0)
        view[at + 10] = min((heads[HIGHEST] - last) / 24.0, 1.0)
    return at + 11


@njit(cache=True, nogil=True)
def _chord(heads, of_steps, chord, last, view, at):
    if chord:
        turned = chord_turned(chord, last)
        view[at + (turned >> 12)] = 1.0
        for place in range(12):
            view[at + 13 + place] = 1.0 if turned >> place & 1 else 0.0
        here = heads[HERE]
        view[at + 25] = 1.0 if here and of_steps[CHORD, here - 1] != chord else 0.0
    else:
        view[at] = 1.0
    return at + 26


@njit(cache=True, nogil=True)
def _as_then(heads, of_steps, then, last, view, at):
    """Where the same place of an earlier bar would take us: its pitch, its step, its next note."""
    if then > 0:
        pitch, before = of_steps[SOUNDING, then], of_steps[SOUNDING, then - 1]
        if pitch >= 0:
            view[at + _leap(pitch - last)] = 1.0
            if before >= 0:
                view[at + LEAPS + _leap(pitch - before)] = 1.0
            view[at + 3 * LEAPS] = 1.0 if of_steps[KIND, then] == ONSET else 0.0
        for step in range(then + 1, min(then + 17, heads[HERE])):
            if of_steps[KIND, step] == ONSET:
                view[at + 2 * LEAPS + _leap(of_steps[SOUNDING, step] - last)] = 1.0
                break
    return at + 3 * LEAPS + 1


@njit(cache=True, nogil=True)
def _as_notes_went(heads, of_notes, row, other, view, at):
    """The interval after the longest earlier run of notes that ends as the line ends now.

    Notes are the same where both rows agree: intervals with spacings, or pitches alone.
    """
    count = heads[NOTES]
    best, length = -1, 1
    for then in range(count - 2, 0, -1):
        run = 0
        while (run < min(then, 12) and of_notes[row, then - run] == of_notes[row, count - 1 - run]
               and of_notes[other, then - run] == of_notes[other, count - 1 - run]):
            run += 1
        if run > length:
            best, length = then + 1, run
    if best >= 0:
        view[at + _leap(of_notes[PITCH, best] - of_notes[PITCH, best - 1])] = 1.0
        view[at + LEAPS] = 1.0 if length >= 3 else 0.0
        view[at + LEAPS + 1] = 1.0 if length >= 5 else 0.0
        view[at + LEAPS + 2] = 1.0 if length >= 8 else 0.0
    return at + LEAPS + RUNS
