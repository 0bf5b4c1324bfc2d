"""A line's memory knows how long it has gone as it went before, and forgets nothing it counts."""

import numpy as np
import pytest

from engine.dsp.line_chances import PITCH_OPINIONS, join, row_of
from engine.dsp.line_context import (
    PITCH_VIEW,
    RHYTHM_VIEW,
    chord_turned,
    pitch_contexts,
    pitch_view,
    place_in_bar,
    rhythm_contexts,
    rhythm_view,
)
from engine.dsp.line_memory import (
    FULL_MATCH,
    HERE,
    INTERVAL,
    KIND_CONTEXTS,
    LAG_RUNS,
    LAGS,
    NOTES,
    PITCH_CONTEXTS,
    RHYTHM_MATCH,
    SPACING,
    is_sounding,
    lag_of,
    memory,
    remember,
    since_onset,
)

BAR = [60, -1, 62, -1, 64, -1, -1, -1, 67, -1, -2, -1, 65, 64, 62, -1]


def heard(events, bar=16, start=0):
    state = memory(256, bar, start)
    for event in events:
        remember(*state, event, 0)
    return state


def test_a_bar_played_twice_agrees_with_itself_for_a_bar():
    heads, steps, _ = heard(BAR + BAR)
    one_bar = 1
    assert lag_of(16, one_bar) == 16
    assert heads[LAG_RUNS + one_bar] == 16                      # the rhythm
    assert heads[LAG_RUNS + LAGS + one_bar] == 15               # its first interval was another
    assert steps[RHYTHM_MATCH, 15] == 16
    assert steps[FULL_MATCH, 15] == 15


def test_a_bar_played_higher_still_agrees_in_its_intervals():
    higher = [event + 5 if event >= 0 else event for event in BAR]
    heads, _, _ = heard(BAR + higher)
    assert heads[LAG_RUNS + LAGS + 1] == 15


def test_one_other_note_ends_a_run():
    other = [*BAR[:12], 71, *BAR[13:]]
    heads, _, _ = heard(BAR + other)
    assert heads[LAG_RUNS + LAGS + 1] == 2                      # 64 to 62 and its hold


def test_notes_are_kept_with_their_intervals_and_spacings():
    heads, _, notes = heard([60, -1, 64, -1, -1, 59])
    assert heads[NOTES] == 3
    assert notes[INTERVAL, 1:3].tolist() == [4, -5]
    assert notes[SPACING, 1:3].tolist() == [2, 3]
    assert since_onset(heads, notes) == 1


def test_a_rest_silences_and_a_rest_in_silence_is_none():
    heads, steps, _ = heard([-2, 60, -2])
    assert not is_sounding(heads, steps)
    assert steps[1, :3].tolist() == [0, 2, 1]                   # hold, onset, rest


@pytest.mark.parametrize("start", [0, 4, 12])
def test_the_place_in_the_bar_counts_from_where_the_line_starts(start):
    heads, _, _ = heard(BAR[:6], start=start)
    assert heads[HERE] == 6
    assert place_in_bar(heads) == (start + 6) % 16


@pytest.mark.parametrize("up", [-12, -5, 1, 7, 12])
def test_what_is_seen_and_how_it_is_named_do_not_depend_on_the_key(up):
    def seen(shift):
        state = heard([event + shift if event >= 0 else event for event in BAR * 3])
        chord = (1 + shift % 12) << 12 | 0b10010001
        turned = (0b10010001 << shift % 12 | 0b10010001 >> 12 - shift % 12) & 0xFFF
        chord = (1 + shift % 12) << 12 | turned
        rhythm, pitch = np.zeros(RHYTHM_VIEW, np.float32), np.zeros(PITCH_VIEW, np.float32)
        rhythm_view(*state, chord, rhythm)
        pitch_view(*state, chord, pitch)
        names, notes = np.zeros(KIND_CONTEXTS, np.int64), np.zeros(PITCH_CONTEXTS, np.int64)
        rhythm_contexts(*state, names)
        pitch_contexts(*state, chord, notes)
        return rhythm, pitch, names, notes[:9]                  # the rest are absolute

    # the first interval counts from the note supposed before the line: only it may differ
    for one, other in zip(seen(0), seen(up), strict=True):
        assert np.array_equal(one, other)


def test_a_chord_is_turned_by_the_last_note():
    c_major = 1 << 12 | 0b10010001
    assert chord_turned(c_major, 60) == c_major
    assert chord_turned(c_major, 64) & 0xFFF == 0b100001001     # E: unison, third, sixth


def test_a_key_is_found_in_sorted_keys_or_not_at_all():
    keys = np.array([-5, 2, 9], np.int64)
    assert [row_of(keys, key) for key in (-5, 2, 9, 3, 99)] == [0, 1, 2, -1, -1]
    assert row_of(keys[:0], 1) == -1


def test_rhythm_and_notes_join_to_one_share():
    rhythm = np.array([0.5, 0.1, 0.4], np.float32)
    pitch = np.zeros(71, np.float32)
    pitch[35 + 2] = 1.0
    chances = np.zeros(38, np.float32)
    join(rhythm, pitch, 60, 48, chances)
    assert chances[:2].tolist() == pytest.approx([0.5, 0.1])
    assert chances[2 + 62 - 48] == pytest.approx(0.4)
    assert PITCH_OPINIONS == 1 + PITCH_CONTEXTS
