"""Another patch: what sounds goes on or rings out, nothing clicks, and memory is let go in time."""

import gc
import threading
import weakref

import numpy as np
import pytest
from simulated_card import SECOND, Card, kit, silence, through

from engine.audio import AudioList
from engine.audio.callback import FRAME
from engine.audio.output import CEILING, Output
from engine.audio.sampler import PLAY, Sampler
from engine.drums import DRUMS
from engine.units import HOP, SAMPLE_RATE, SLICE, frames


def test_a_voice_rings_out_to_its_last_sample_when_the_patch_changes():
    whole, swapped = Card(), Card()
    for card in (whole, swapped):
        audio, sampler = kit()
        card.deck.put(audio)
        sampler.commands.send(100, PLAY, 3, 1.0, 1)
        sampler.commands.send(2500, PLAY, 5, 1.0, 2)    # decided before the change, due after it
    expected = whole.run(10_000)
    first = swapped.run(1000)
    swapped.deck.put(silence())
    np.testing.assert_array_equal(np.concatenate([first, swapped.run(9000)]), expected)
    assert expected[8000:8400].any()


@pytest.mark.parametrize("blocks", [[64], [480], [333]])
def test_a_voice_heard_dry_goes_on_through_a_change_without_a_click(blocks):
    card = Card()
    card.deck.put(through())
    sine = 0.5 * SECOND
    played = [card.run(sine[:9600], blocks)]
    card.deck.put(through())
    played.append(card.run(sine[9600:], blocks))
    np.testing.assert_allclose(np.concatenate(played)[300:, 0], sine[300:, 0], atol=2e-6)


def test_the_input_of_an_old_list_fades_out_over_5_ms():
    card = Card()
    card.deck.put(through())
    level = np.full((4800, 1), 0.5, np.float32)
    card.run(level)
    card.deck.put(silence())
    played = card.run(level)[:, 0]
    assert np.abs(np.diff(played)).max() <= 0.51 / frames(0.005)
    assert not played[frames(0.005):].any()


@pytest.mark.parametrize("blocks", [[64], [480], [333], [1024]])
def test_a_list_begins_at_a_hop_and_its_clock_goes_on_from_there(blocks):
    card = Card()
    card.deck.put(through())
    card.run(5000, blocks)
    after = through()
    card.deck.put(after)
    assert card.deck.taken_at() is None
    card.run(2 * SLICE)
    began = card.deck.taken_at()
    assert began is not None
    assert began % HOP == 0
    assert 5000 <= began < 5000 + SLICE
    assert after.position == card.words[FRAME]


def test_a_restarted_engine_goes_on_from_the_frame_of_the_old_one():
    words = np.zeros(64, np.int64)
    words[FRAME] = 1_000_001
    card = Card(words=words)
    audio = through()
    card.deck.put(audio)
    card.run(64)
    assert card.deck.taken_at() == audio.position - 64
    assert 1_000_001 <= audio.position - 64 < 1_000_001 + HOP


def test_sound_of_old_and_new_together_stays_beneath_the_ceiling():
    card = Card()
    loud = {drum: np.full((2, 6000), 0.9, np.float32) for drum in DRUMS}
    for _ in range(2):
        audio = AudioList()
        sampler = Sampler(audio, loud, 1.0)
        Output(audio, sampler.buffer, 0, 1.0)
        audio.compile()
        sampler.commands.send(0, PLAY, 0, 1.0, 1)
        card.deck.put(audio)
        played = card.run(1000)
    assert np.abs(played).max() == CEILING


def test_a_second_change_fades_the_oldest_within_5_ms_and_without_a_click():
    level = {drum: np.full((2, 40_000), 0.3, np.float32) for drum in DRUMS}
    card = Card()
    audio = AudioList()
    sampler = Sampler(audio, level, 1.0)
    Output(audio, sampler.buffer, 0, 1.0)
    audio.compile()
    sampler.commands.send(0, PLAY, 0, 1.0, 1)
    card.deck.put(audio)
    card.run(1000)
    card.deck.put(silence())
    np.testing.assert_allclose(card.run(960), 0.3)
    card.deck.put(silence())
    played = card.run(2000)[:, 0]
    assert np.abs(np.diff(played)).max() <= 0.31 / frames(0.005)
    assert not played[SLICE + frames(0.005):].any()


def test_many_changes_at_once_leave_no_click_and_only_the_last_plays():
    card = Card()
    level = np.full((64, 1), 0.5, np.float32)
    played = []
    for n in range(200):
        card.deck.put(through(level=0.5 + 0.5 * (n % 2)))
        played.append(card.run(level))
    last = through(level=0.25)
    card.deck.put(through())
    card.deck.put(last)                                 # the one before it never plays
    played.append(card.run(np.full((4800, 1), 0.5, np.float32)))
    sound = np.concatenate(played)[:, 0]
    assert np.abs(np.diff(sound)).max() <= 2.0 * 0.51 / frames(0.005)
    assert sound[-1] == 0.125
    assert last.position == card.words[FRAME]


def test_a_tail_of_more_than_8_s_is_faded_out():
    endless = {drum: np.full((2, 12 * SAMPLE_RATE), 0.3, np.float32) for drum in DRUMS}
    card = Card()
    audio = AudioList()
    sampler = Sampler(audio, endless, 1.0)
    Output(audio, sampler.buffer, 0, 1.0)
    audio.compile()
    sampler.commands.send(0, PLAY, 0, 1.0, 1)
    card.deck.put(audio)
    card.run(1024)
    card.deck.put(silence())
    played = card.run(8 * SAMPLE_RATE + 4800, [1024])[:, 0]
    assert played[8 * SAMPLE_RATE - 1] == np.float32(0.3)
    assert np.abs(np.diff(played)).max() <= 0.31 / frames(0.005)
    assert not played[-3000:].any()
    assert card.deck.collect() == 1


# -- memory --------------------------------------------------------------------------------------

def test_a_list_is_let_go_only_after_the_callback_has_let_go_of_it():
    card = Card()
    old = through()
    gone = weakref.ref(old)
    card.deck.put(old)
    card.run(SECOND[:4800])
    del old
    card.deck.put(silence())
    assert card.deck.collect() == 2                     # nobody has called: it may still play
    card.run(64)
    assert card.deck.collect() == 2
    card.run(SAMPLE_RATE // 2)
    assert gone() is not None
    assert card.deck.collect() == 1                     # silent for half a second
    gc.collect()
    assert gone() is None


def test_a_list_that_never_played_is_let_go_at_once():
    card = Card()
    card.deck.put(silence())
    card.run(64)
    lists = [silence() for _ in range(5)]
    gone = [weakref.ref(audio) for audio in lists]
    for audio in lists:
        card.deck.put(audio)
    del lists, audio
    gc.collect()
    assert [ref() is None for ref in gone] == [True] * 4 + [False]
    assert card.deck.collect() == 2
    assert card.deck.taken_at() is None
    card.run(64)
    assert card.deck.taken_at() is not None


def test_lists_come_and_go_under_a_running_card():
    """One thread calls, another changes what plays: all are heard or passed over, and freed."""
    card = Card()
    stop = threading.Event()

    def drive() -> None:
        while not stop.is_set():
            card.run(SECOND[:6400])

    driver = threading.Thread(target=drive)
    driver.start()
    try:
        refs = []
        for _ in range(300):
            audio = through()
            refs.append(weakref.ref(audio))
            card.deck.put(audio)
            del audio
            card.deck.collect()
    finally:
        stop.set()
        driver.join()
    card.run(SAMPLE_RATE)
    assert card.deck.collect() == 1
    gc.collect()
    assert sum(ref() is not None for ref in refs) == 1
