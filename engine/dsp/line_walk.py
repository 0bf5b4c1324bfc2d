"""Walk a whole line at once, as the stage hears it step by step: for lessons and for scores."""

import numpy as np
from numba import njit

from engine.dsp.line_chances import (
    INTERVALS,
    KINDS,
    PITCH_OPINIONS,
    PITCH_TABLED,
    RHYTHM_OPINIONS,
    RHYTHM_TABLED,
    UNISON,
    keep_contexts,
    pitch_opinions,
    rhythm_opinions,
)
from engine.dsp.line_context import (
    PITCH_VIEW,
    RHYTHM_VIEW,
    pitch_contexts,
    pitch_view,
    rhythm_contexts,
    rhythm_view,
)
from engine.dsp.line_memory import (
    HERE,
    HOLD,
    KIND,
    KIND_CONTEXTS,
    ONSET,
    PITCH_CONTEXTS,
    REST,
    is_sounding,
    last_pitch,
    remember,
)


@njit(cache=True, nogil=True)
def walk(heads, of_steps, of_notes, events, chords, low, high, rhythm_keys, rhythm_counts,
          pitch_keys, begins, symbols, pitch_counts, rhythm_views, rhythm_said, rhythm_sure, kinds,
          sounding, pitch_views, pitch_said, pitch_sure, intervals, lasts):
    """Hear `events` from an empty memory; before each, what is seen, what each opinion says of it.

    events, chords : int64 (steps,)    the line; then the table; then what is filled, a row a step
    (rhythm_*, kinds, sounding) or a row a note (pitch_*, intervals, lasts); 255 in a view is 1
    """
    rhythm, pitch = np.zeros(KIND_CONTEXTS, np.int64), np.zeros(PITCH_CONTEXTS, np.int64)
    opinions = np.zeros((RHYTHM_OPINIONS, KINDS), np.float32)
    heights = np.zeros((PITCH_OPINIONS, INTERVALS), np.float32)
    sure = np.zeros((RHYTHM_OPINIONS, 2), np.float32)
    high_sure = np.zeros((PITCH_OPINIONS, 2), np.float32)
    view = np.zeros(RHYTHM_VIEW, np.float32)
    wide = np.zeros(PITCH_VIEW, np.float32)
    note = 0
    for step in range(len(events)):
        event, chord = events[step], chords[step]
        rhythm_contexts(heads, of_steps, of_notes, rhythm)
        pitch_contexts(heads, of_steps, of_notes, chord, pitch)
        rhythm_opinions(heads, of_steps, rhythm, rhythm_keys, rhythm_counts, opinions, sure)
        rhythm_view(heads, of_steps, of_notes, chord, view)
        sounding[step] = is_sounding(heads, of_steps)
        kind = ONSET if event >= 0 else HOLD
        if event == -2 and sounding[step]:
            kind = REST
        kinds[step] = kind
        for place in range(RHYTHM_VIEW):
            rhythm_views[step, place] = np.uint8(view[place] * 255.0 + 0.5)
        rhythm_said[step] = opinions[:, kind]
        rhythm_sure[step] = sure.reshape(-1)
        if event >= 0:
            pitch_opinions(heads, of_notes, pitch, low, high, pitch_keys, begins, symbols,
                           pitch_counts, heights, high_sure)
            pitch_view(heads, of_steps, of_notes, chord, wide)
            for place in range(PITCH_VIEW):
                pitch_views[note, place] = np.uint8(wide[place] * 255.0 + 0.5)
            lasts[note] = last_pitch(heads, of_notes)
            intervals[note] = event - lasts[note] + UNISON
            pitch_said[note] = heights[:, intervals[note]]
            pitch_sure[note] = high_sure.reshape(-1)
            note += 1
        keep_contexts(heads, of_steps, of_notes, rhythm, pitch, event >= 0)
        remember(heads, of_steps, of_notes, event, chord)


@njit(cache=True, nogil=True)
def walk_contexts(heads, of_steps, of_notes, events, chords, rhythms, kinds, pitches, intervals):
    """Hear `events`; before each, the contexts that have tables, and after it what came."""
    rhythm, pitch = np.zeros(KIND_CONTEXTS, np.int64), np.zeros(PITCH_CONTEXTS, np.int64)
    note = 0
    for step in range(len(events)):
        event = events[step]
        rhythm_contexts(heads, of_steps, of_notes, rhythm)
        rhythms[step] = rhythm[:RHYTHM_TABLED]
        if event >= 0:
            pitch_contexts(heads, of_steps, of_notes, chords[step], pitch)
            pitches[note] = pitch[:PITCH_TABLED]
            intervals[note] = event - last_pitch(heads, of_notes) + UNISON
            note += 1
        remember(heads, of_steps, of_notes, event, chords[step])
        kinds[step] = of_steps[KIND, heads[HERE] - 1]
