"""A stream's life as seen from outside: noticed when it ends, closed within its deadline."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from engine.audio.callback import FRAME_NS
from engine.audio.deck import Deck
from engine.devices import portaudio
from engine.devices.portaudio import Stream, open_stream
from engine.devices.sound_cards import Device
from engine.errors import DeviceError
from engine.units import SAMPLE_RATE

MS = 1_000_000


@pytest.fixture
def deck() -> Deck:
    return Deck(1, 2, np.zeros(64, np.int64), np.zeros(1024, np.float32),
                np.zeros((1024, 2), np.float32))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A monotonic clock that a test turns by hand."""
    hand = SimpleNamespace(ns=1_000 * MS)
    monkeypatch.setattr(portaudio, "time", SimpleNamespace(monotonic_ns=lambda: hand.ns))
    return hand


def test_a_card_that_has_not_called_for_250_ms_is_lost(deck: Deck, clock: SimpleNamespace):
    stream = Stream(deck, None, "")
    assert stream.alive()
    clock.ns += 249 * MS
    assert stream.alive()                   # it may take its time to begin
    deck.words[FRAME_NS] = clock.ns
    clock.ns += 249 * MS
    assert stream.alive()
    clock.ns += 2 * MS
    assert not stream.alive()


def test_a_card_with_long_blocks_is_given_8_of_them(deck: Deck, clock: SimpleNamespace):
    stream = Stream(deck, None, "")
    deck.pretend(MS * 500)
    deck.pretend(MS * 600)                  # one block of a tenth of a second
    deck.words[FRAME_NS] = clock.ns
    clock.ns += round(7.9e9 * deck.period_s)
    assert stream.alive()
    clock.ns += round(0.2e9 * deck.period_s)
    assert not stream.alive()


def test_closing_a_stream_that_hangs_returns_within_its_deadline(deck: Deck):
    let_go = threading.Event()
    stream = Stream(deck, SimpleNamespace(close=lambda: let_go.wait(60)), "")
    assert not stream.close(0.05)
    let_go.set()
    assert stream.close(20.0)


def test_closing_twice_closes_once(deck: Deck):
    closed: list[bool] = []
    stream = Stream(deck, SimpleNamespace(close=lambda: closed.append(True)), "")
    assert stream.close()
    assert stream.close()
    assert closed == [True]


def test_a_card_at_another_rate_or_not_there_is_told_before_anything_is_opened(
        deck: Deck, monkeypatch: pytest.MonkeyPatch):
    card = Device(0, "system", "JACK Audio Connection Kit", 2, 2, 44_100, 0.001, 0.001, True, True)
    monkeypatch.setattr(portaudio, "portaudio", lambda: None)
    monkeypatch.setattr(portaudio, "scan", lambda: [card])
    with pytest.raises(DeviceError, match="44100 Hz; Kuchi needs 48000"):
        open_stream(deck)
    with pytest.raises(DeviceError, match='no sound card contains "Scarlett"'):
        open_stream(deck, "Scarlett")
    monkeypatch.setattr(portaudio, "scan", list)
    with pytest.raises(DeviceError, match="no sound card"):
        open_stream(deck)


@pytest.mark.parametrize(("number", "said"), [
    (-9985, "another program, such as a DAW, may hold it"),
    (-9997, f"doesn't run at {SAMPLE_RATE} Hz"),
    (-9998, "can't be opened: what PortAudio said")])
def test_a_card_that_refuses_is_told_with_its_reason(number, said):
    card = Device(0, "Scarlett", "ALSA", 2, 2, 44_100, 0.001, 0.001)
    refusal = OSError("what PortAudio said", number)
    assert said in portaudio._explain(card, refusal)


def test_what_was_opened_is_said_in_a_sentence():
    card = Device(0, "Scarlett", "ALSA", 2, 4, 48_000, 0.008, 0.008)
    assert portaudio._words([card, card], 1, 2, (0.0027, 0.009)) == (
        "Scarlett, ALSA: 1 in, 2 out, 48000 Hz; latency 8.0 ms in, 9.0 ms out.")
    assert portaudio._words([card], 0, 2, 0.01) == (
        "Scarlett, ALSA: 2 out, 48000 Hz; latency 10.0 ms out.")
    other = Device(1, "Yeti", "ALSA", 2, 0, 48_000, 0.01, 0.0)
    assert portaudio._words([other, card], 1, 2, (0.01, 0.01)) == (
        "Yeti, ALSA and Scarlett, ALSA: 1 in, 2 out, 48000 Hz; latency 10.0 ms in, 10.0 ms out; "
        "two devices, whose clocks may drift apart.")
