"""The engine thread's sleep, on systems of every kind."""

import os
import threading

import numpy as np
import pytest

from engine.audio import wake
from engine.audio.callback import BLOCKS, FRAME_NS, callback
from engine.audio.deck import Deck
from engine.audio.wake import Wake, address_of


@pytest.fixture(params=["as it is here", "by a pipe", "by looking"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "by a pipe":
        monkeypatch.delattr(os, "eventfd", raising=False)
    if request.param == "by looking":
        monkeypatch.setattr(wake, "address_of", lambda name: 0)
    return request.param


def block_comes(words: np.ndarray, sleeper: Wake) -> None:
    words[BLOCKS] += 1
    if sleeper.write_at:
        os.write(sleeper.write_to, np.ones(1, np.int64).tobytes())


def test_a_block_wakes_once_and_what_came_meanwhile_wakes_once(kind: str):
    words = np.zeros(64, np.int64)
    sleeper = Wake(words)
    assert not sleeper.wait(0.0)
    for _ in range(3):
        block_comes(words, sleeper)
    assert sleeper.wait(0.0)
    assert not sleeper.wait(0.0)
    sleeper.close()


def test_a_sleeper_is_woken(kind: str):
    words = np.zeros(64, np.int64)
    sleeper, woken = Wake(words), list[bool]()
    thread = threading.Thread(target=lambda: woken.append(sleeper.wait(20.0)))
    thread.start()
    block_comes(words, sleeper)
    thread.join(20.0)
    assert woken == [True]
    sleeper.close()


def test_the_writer_never_waits_however_long_nobody_listens(kind: str):
    words = np.zeros(64, np.int64)
    sleeper = Wake(words)
    if sleeper.write_at:
        assert not os.get_blocking(sleeper.write_to)
        assert sleeper.fileno() >= 0
    else:
        assert sleeper.fileno() == -1
    sleeper.close()
    assert sleeper.fileno() == -1


def test_a_closed_deck_writes_to_nobodys_file():
    words, ring = np.zeros(64, np.int64), np.zeros(64, np.float32)
    deck = Deck(1, 2, words, ring, np.zeros((64, 2), np.float32))
    deck.close()
    reading, writing = os.pipe()            # takes the freed numbers
    os.set_blocking(reading, False)
    callback.ctypes(None, None, 64, None, 0, deck.address)
    with pytest.raises(BlockingIOError):
        os.read(reading, 8)
    os.close(reading)
    os.close(writing)


def test_where_the_callback_knows_no_clock_the_sleeper_notes_the_time(monkeypatch):
    monkeypatch.setattr(wake, "address_of", lambda name: 0)
    words = np.zeros(64, np.int64)
    sleeper = Wake(words)
    block_comes(words, sleeper)
    assert sleeper.wait(1.0)
    assert words[FRAME_NS] > 0


def test_a_function_that_is_not_there_has_no_address():
    assert address_of("no such function") == 0
