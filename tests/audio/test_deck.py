"""What the sound card calls: the same samples as offline, nothing lost, no Python in it."""

import ctypes
import sys
import threading
import time

import numpy as np
import pytest
from numba import cfunc, types
from simulated_card import KIT, SECOND, Card, kit, through

from engine.audio import AudioList
from engine.audio.callback import (
    BLOCKS,
    CLIPPED,
    FRAME,
    FRAME_NS,
    LATE_BLOCKS,
    MAIL,
    PEAK_MICRO,
    callback,
    is_late,
)
from engine.audio.deck import Deck
from engine.audio.intrinsics import pointer
from engine.audio.mix import Mix
from engine.audio.output import Output
from engine.audio.sampler import PLAY, Sampler
from engine.audio.source import MEAN, Source
from engine.live import shared
from engine.units import HOP, SAMPLE_RATE

# -- a block -------------------------------------------------------------------------------------

@pytest.mark.parametrize("blocks", [[64], [32], [128], [480], [441], [1024], [1, 63, 500, 7]])
def test_the_card_hears_what_the_list_makes_offline_whatever_its_blocks(drive, blocks):
    def stage() -> AudioList:
        audio = AudioList()
        source, sampler = Source(audio, 0), Sampler(audio, KIT, 0.8)
        Output(audio, Mix(audio, [source.buffer, sampler.buffer], [0.5, 1.0]).buffer, 0, 1.0)
        audio.compile()
        for n in range(20):
            sampler.commands.send(37 * n, PLAY, n % 16, 0.5, n)
        return audio

    song = np.random.default_rng(1).normal(0.0, 0.2, (5000, 1)).astype(np.float32)
    card = Card()
    card.deck.put(stage())
    played = card.run(song, blocks)
    np.testing.assert_array_equal(played, drive(stage(), song))
    np.testing.assert_array_equal(card.heard[:5000], song[:, 0])
    np.testing.assert_array_equal(card.played[:5000], played)
    assert card.words[FRAME] == 5000


def test_the_rings_keep_the_last_minute_each_frame_at_its_place():
    card = Card(kept=1024)
    card.deck.put(through())
    song = np.random.default_rng(2).normal(0.0, 0.1, (5000, 1)).astype(np.float32)
    played = card.run(song, [480])
    last = np.arange(5000 - 1024, 5000)
    np.testing.assert_array_equal(card.heard[last % 1024], song[last, 0])
    np.testing.assert_array_equal(card.played[last % 1024], played[last])


def test_each_block_notes_the_clock_pair_and_is_a_beat_of_the_heart():
    card = Card()
    for block in range(1, 5):
        before = time.monotonic_ns()
        card.run(100, [100])
        assert card.words[[BLOCKS, FRAME]].tolist() == [block, 100 * block]
        assert before <= card.words[FRAME_NS] <= time.monotonic_ns()
    assert card.deck.mark == (400, card.words[FRAME_NS])
    assert card.deck.period_s == pytest.approx(100 / SAMPLE_RATE)


def test_each_block_wakes_the_engine_thread_once():
    card = Card()
    assert not card.deck.wake.wait(0.0)
    card.run(64)
    assert card.deck.wake.wait(0.0)
    assert not card.deck.wake.wait(0.0)
    card.run(640)                           # ten blocks while the engine thread was away
    assert card.deck.wake.wait(0.0)
    assert not card.deck.wake.wait(0.0)


def test_a_sleeping_engine_thread_is_woken_by_a_block():
    card = Card()
    woken: list[bool] = []
    sleeper = threading.Thread(target=lambda: woken.append(card.deck.wake.wait(20.0)))
    sleeper.start()
    card.run(64)
    sleeper.join(20.0)
    assert woken == [True]


@pytest.mark.parametrize(("gap_ms", "status", "late"), [
    (10.0, 0, False), (14.9, 0, False), (15.1, 0, True), (0.1, 0, False),   # early is not late
    (10.0, 1, True), (10.0, 2, True), (10.0, 4, True), (10.0, 16, False)])  # priming is no gap
def test_a_block_is_late_by_more_than_half_a_block_or_where_the_driver_says_so(gap_ms, status,
                                                                               late):
    mail = np.zeros(MAIL, np.int64)
    assert not is_late(1_000_000, 480, 0, mail)         # the first one
    assert is_late(1_000_000 + int(gap_ms * 1e6), 480, status, mail) == late


def test_gaps_that_the_driver_tells_of_are_counted():
    card = Card()
    card.run(640, status=2)
    assert card.words[LATE_BLOCKS] == 10


def test_a_card_opened_again_is_not_late_by_the_time_it_was_away():
    card = Card()
    card.run(64)
    card.deck.fit(1, 2)
    away_until = time.monotonic() + 0.005
    while time.monotonic() < away_until:
        continue
    card.run(64)
    assert card.words[LATE_BLOCKS] == 0


def test_the_inputs_peak_rises_at_once_and_falls_20_db_a_second():
    card = Card()
    loud = np.zeros((64, 1), np.float32)
    loud[5] = -0.8
    card.run(loud)
    assert card.words[PEAK_MICRO] == pytest.approx(800_000, rel=1e-5)
    card.run(SAMPLE_RATE)
    assert card.words[PEAK_MICRO] == pytest.approx(80_000, rel=0.05)


def test_clipped_samples_are_counted():
    card = Card()
    card.run(np.float32([[0.5], [1.0], [-1.0], [0.99], [np.inf], [np.nan]]))
    assert card.words[CLIPPED] == 3


def test_what_is_no_number_is_kept_as_silence():
    card = Card()
    card.run(np.float32([[np.nan], [0.5], [np.inf]]))
    assert card.heard[:3].tolist() == [0.0, 0.5, 0.0]


@pytest.mark.parametrize(("channel", "expected"), [(0, 0.25), (1, 0.75), (MEAN, 0.5)])
def test_the_chosen_channel_of_the_input_is_kept(channel, expected):
    card = Card(2, lists=(2, 2))
    card.deck.channel = channel
    card.run(np.float32([[0.25, 0.75]] * 10))
    np.testing.assert_allclose(card.heard[:10], expected)


# -- cards of all kinds --------------------------------------------------------------------------

def test_a_card_without_inputs_is_heard_as_silence():
    card = Card(inputs=0)
    card.deck.put(through())
    assert not card.run(640).any()
    assert card.words[FRAME] == 640


def test_a_card_without_outputs_still_hears():
    card = Card(outputs=0)
    card.deck.put(through())
    card.run(SECOND[:640])
    np.testing.assert_array_equal(card.heard[:640], SECOND[:640, 0])
    assert card.played[:640].any()


def test_a_card_with_a_single_input_serves_patches_that_want_two():
    card = Card(1, lists=(2, 2))
    card.deck.put(through(2, 2, channel=1))
    played = card.run(0.5 * SECOND[:1000])
    np.testing.assert_allclose(played[400:, 0], 0.5 * SECOND[400:1000, 0], rtol=1e-6)


def test_a_card_with_a_single_output_gets_both_sides():
    card = Card(1, 1)
    audio, sampler = kit()
    sampler.commands.send(0, PLAY, 0, 1.0, 1)
    card.deck.put(audio)
    played = card.run(1000)
    np.testing.assert_allclose(played[:, 0], card.played[:1000].mean(axis=1), rtol=1e-6)
    assert played.any()


def test_a_card_with_more_outputs_is_silent_on_the_others():
    card = Card(1, 6)
    card.deck.put(through())
    played = card.run(0.5 * SECOND[:640])
    assert played[:, :2].any()
    assert not played[:, 2:].any()


def test_where_no_card_calls_a_timer_lets_silence_pass_at_the_same_pace():
    card = Card()
    card.deck.put(through())
    now = 5_000_000_000
    for _ in range(3000):                   # a timer that is never exactly on time
        card.deck.pretend(now)
        now += 1_100_000
    assert card.words[FRAME] == pytest.approx(3.3 * SAMPLE_RATE, rel=1e-3)
    assert card.words[FRAME] % HOP == 0
    assert card.words[LATE_BLOCKS] == 0
    before = card.words[FRAME]
    card.deck.pretend(now + 3600_000_000_000)       # the laptop had been asleep
    assert card.words[FRAME] == before


def test_a_deck_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="power of two"):
        Deck(1, 2, np.zeros(64, np.int64), np.zeros(1000, np.float32),
             np.zeros((1000, 2), np.float32))
    with pytest.raises(ValueError, match=r"\(2, 2\).*\(1, 2\)"):
        Card().deck.put(through(2, 2))


# -- Python stays out ----------------------------------------------------------------------------

@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="joins with a deadline")
def test_no_python_runs_in_the_callback():
    """A thread that Python knows nothing of plays on while the interpreter lock is held."""
    call = callback.ctypes

    @cfunc(types.voidptr(types.voidptr))
    def driver(deck_at):
        for _ in range(1000):
            call(pointer(0), pointer(0), 64, pointer(0), 0, deck_at)
        return deck_at

    card = Card()
    card.deck.put(through())
    thread = ctypes.c_ulong()
    assert ctypes.CDLL(None).pthread_create(ctypes.byref(thread), None,
                                            ctypes.c_void_p(driver.address),
                                            ctypes.c_void_p(card.deck.address)) == 0
    deadline = (ctypes.c_long * 2)(int(time.time()) + 20, 0)
    holding_the_lock = ctypes.PyDLL(None)
    assert holding_the_lock.pthread_timedjoin_np(thread, None, deadline) == 0
    assert card.words[FRAME] == 64_000


def test_both_sides_name_the_words_alike():
    names = ("FRAME", "FRAME_NS", "BLOCKS", "LATE_BLOCKS", "PEAK_MICRO", "CLIPPED")
    here = sys.modules["engine.audio.callback"]
    assert [getattr(here, name) for name in names] == [getattr(shared, name) for name in names]
