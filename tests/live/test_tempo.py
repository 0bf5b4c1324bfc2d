"""Tap tempo, and the bar line that an engine comes back on."""

import numpy as np
import pytest

from engine.clock import Clock
from engine.live.tempo import Tempo

BEAT = 500_000_000


def test_two_taps_give_the_tempo_and_more_steady_it():
    tempo = Tempo(np.zeros(64, np.int64), Clock())
    assert tempo.tap(10 * BEAT) == 0.0
    assert tempo.tap(11 * BEAT) == pytest.approx(120.0)
    for tap in (12.02, 13.0, 13.98, 15.0):
        tempo.tap(int(tap * BEAT))
    assert tempo.bpm == pytest.approx(120.0, rel=0.03)


def test_a_tap_after_a_pause_begins_anew_and_keeps_the_tempo_until_it_is_known():
    tempo = Tempo(np.zeros(64, np.int64), Clock())
    tempo.tap(0)
    tempo.tap(BEAT)
    tempo.tap(100 * BEAT)
    assert tempo.bpm == pytest.approx(120.0)
    assert tempo.tap(102 * BEAT) == pytest.approx(60.0)


def test_nobody_taps_at_a_thousand():
    tempo = Tempo(np.zeros(64, np.int64), Clock())
    tempo.tap(0)
    assert tempo.tap(60_000_000) == 0.0


def test_the_bar_line_outlives_the_engine():
    words = np.zeros(64, np.int64)
    first = Tempo(words, Clock())
    first.tap(1_000 * BEAT)
    first.tap(1_001 * BEAT)
    second = Tempo(words, Clock())          # a fresh engine, the same memory
    assert second.bar_line(1_000 * BEAT) == 1_000 * BEAT
    assert second.bar_line(1_001 * BEAT) == 1_004 * BEAT
    assert second.bar_line(1_008 * BEAT - 5) == 1_008 * BEAT
    second.one(1_009 * BEAT)
    assert second.bar_line(1_009 * BEAT + 100_000) == 1_013 * BEAT


def test_without_a_tempo_there_is_nothing_to_wait_for():
    assert Tempo(np.zeros(64, np.int64), Clock()).bar_line(123) == 123
