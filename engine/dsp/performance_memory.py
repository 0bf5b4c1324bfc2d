"""What a free performance has been so far: what sounds, since when, and where it went before.

Time runs in hundredths of a second, and everything that happens is one of 388 events: 128 notes
on, 128 notes off, 100 waits of 1 to 100, 32 loudnesses. `happen` hears one, `look` writes down
what the model sees. When the last notes came before in the same order, the model is shown what
followed then: which note, when, how loud, and how long the notes that sound now were held.

Source of the vocabulary: I. Simon and S. Oore, "Performance RNN", Magenta, 2017.
"""

import numpy as np
from numba import njit

ON, OFF, WAIT, LOUDNESS = 0, 128, 256, 356
EVENTS = 388
WAITS, LOUDNESSES = 100, 32
LOWEST, KEYS = 21, 88

NOW, COUNT, LAST_EVENT, LOUD, THEN, RUN = 0, 1, 2, 3, 4, 5      # of the heads
HEADS = 6
PITCH, BEGAN, HOW_LOUD, ENDED, TWIN = 0, 1, 2, 3, 4             # of each note
ROWS = 5
SOUNDS = -1                          # a note that has not ended
NO_NOTE = -1

WHENS = 12                           # how soon the note that followed then is due
RUNS = 4                             # how long it has gone as it went then
LONGEST = 12
VIEW = EVENTS + KEYS + KEYS + WHENS + LOUDNESSES + RUNS + KEYS + WHENS


def memory(notes):
    """Nothing heard yet: heads, notes (at most so many), which note each key sounds."""
    heads = np.zeros(HEADS, np.int64)
    heads[LAST_EVENT], heads[LOUD], heads[THEN] = -1, 16, NO_NOTE
    return heads, np.zeros((ROWS, notes), np.int64), np.full(128, NO_NOTE, np.int64)


@njit(cache=True, nogil=True)
def happen(heads, notes, sounding, event):
    """Hear one event; a note on where that note sounds ends it first, strange offs do nothing."""
    heads[LAST_EVENT] = event
    if event >= LOUDNESS:
        heads[LOUD] = event - LOUDNESS
    elif event >= WAIT:
        heads[NOW] += event - WAIT + 1
    elif event >= OFF:
        _end(heads, notes, sounding, event - OFF)
    else:
        _end(heads, notes, sounding, event)
        _begin(heads, notes, sounding, event)


@njit(cache=True, nogil=True)
def _end(heads, notes, sounding, pitch):
    if sounding[pitch] >= 0:
        notes[ENDED, sounding[pitch]] = heads[NOW]
        sounding[pitch] = NO_NOTE


@njit(cache=True, nogil=True)
def _begin(heads, notes, sounding, pitch):
    count = heads[COUNT]
    notes[PITCH, count], notes[BEGAN, count] = pitch, heads[NOW]
    notes[HOW_LOUD, count], notes[ENDED, count] = heads[LOUD], SOUNDS
    sounding[pitch] = count
    heads[COUNT] = count + 1
    heads[THEN], heads[RUN] = _longest(notes, count)
    notes[TWIN, count] = heads[THEN] - 1 if heads[THEN] >= 0 else NO_NOTE


@njit(cache=True, nogil=True)
def _longest(notes, last):
    """The note after the longest earlier run of notes that ends as the run up to `last` does."""
    best, length = NO_NOTE, 1
    for then in range(last - 1, 0, -1):
        run = 0
        while (run < LONGEST and run < then
               and notes[PITCH, then - run] == notes[PITCH, last - run]):
            run += 1
        if run > length:
            best, length = then + 1, run
            if run == LONGEST:
                break
    return best, length


@njit(cache=True, nogil=True)
def when(wait):
    """A wait as one of WHENS: over, now, 1, 2, 3-4, 5-8, then by quarters of a second."""
    if wait < 0:
        return 0
    if wait <= 2:
        return wait + 1
    if wait <= 4:
        return 4
    if wait <= 8:
        return 5
    if wait <= 12:
        return 6
    if wait <= 18:
        return 7
    if wait <= 26:
        return 8
    if wait <= 40:
        return 9
    return 10 if wait <= 60 else 11


@njit(cache=True, nogil=True)
def look(heads, notes, sounding, view):
    """What is known before the next event; `view` float32 (VIEW,), filled."""
    view[:] = 0.0
    if heads[LAST_EVENT] >= 0:
        view[heads[LAST_EVENT]] = 1.0
    at = EVENTS
    for key in range(KEYS):
        note = sounding[LOWEST + key]
        if note >= 0:
            view[at + key] = 0.3 + 0.7 * min((heads[NOW] - notes[BEGAN, note]) / 200.0, 1.0)
            twin = notes[TWIN, note]
            if twin >= 0 and notes[ENDED, twin] >= 0:
                held = notes[ENDED, twin] - notes[BEGAN, twin]
                left = notes[BEGAN, note] + held - heads[NOW]
                view[at + KEYS + key] = 1.0 if left <= 0 else 0.5 if left <= 3 else 0.2
    at += 2 * KEYS
    then = heads[THEN]
    if then >= 0:
        since_then = heads[NOW] - notes[BEGAN, heads[COUNT] - 1]
        followed = notes[BEGAN, then] - notes[BEGAN, then - 1]
        view[at + when(followed - since_then)] = 1.0
        view[at + WHENS + notes[HOW_LOUD, then]] = 1.0
        run = heads[RUN]
        long = 0 if run < 3 else 1 if run < 5 else 2 if run < 9 else 3
        view[at + WHENS + LOUDNESSES + long] = 1.0
        if LOWEST <= notes[PITCH, then] < LOWEST + KEYS:
            view[at + WHENS + LOUDNESSES + RUNS + notes[PITCH, then] - LOWEST] = 1.0
    at += WHENS + LOUDNESSES + RUNS + KEYS
    if heads[COUNT]:
        view[at + when(heads[NOW] - notes[BEGAN, heads[COUNT] - 1])] = 1.0


@njit(cache=True, nogil=True)
def walk(events, heads, notes, sounding, views):
    """Hear all events; before each, what the model sees, as uint8 (events, VIEW), 255 is 1."""
    view = np.zeros(VIEW, np.float32)
    for number in range(len(events)):
        look(heads, notes, sounding, view)
        for place in range(VIEW):
            views[number, place] = np.uint8(view[place] * 255.0 + 0.5)
        happen(heads, notes, sounding, events[number])
