"""Bytes become messages, names find ports; nothing here needs MIDI to be there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.devices.midi import Arrival, Input, Output, Parser, find


class Wire:
    """RtMidi's end of a port, as bytes that lie ready and bytes that were sent."""

    def __init__(self, *arriving: bytes) -> None:
        self.arriving = [list(data) for data in arriving]
        self.sent: list[list[int]] = []
        self.broken = False

    def ignore_types(self, sysex: bool, timing: bool, active_sense: bool) -> None:
        assert (sysex, timing, active_sense) == (True, False, True)

    def get_message(self) -> tuple[list[int], float] | None:
        return (self.arriving.pop(0), 0.0) if self.arriving else None

    def send_message(self, message: list[int]) -> None:
        if self.broken:
            raise RuntimeError("the cable is out")
        self.sent.append(message)

    def delete(self) -> None:
        self.sent.append([])


def read(data: bytes) -> list[tuple[int, int, int]]:
    return Parser().feed(data)


@pytest.mark.parametrize(("data", "messages"), [
    ("90 3c 64", [(0x90, 60, 100)]),
    ("90 3c 64 3e 64 3c 00", [(0x90, 60, 100), (0x90, 62, 100), (0x90, 60, 0)]),
    ("c5 07 08", [(0xC5, 7, 0), (0xC5, 8, 0)]),
    ("d0 40 e0 00 40", [(0xD0, 64, 0), (0xE0, 0, 64)]),
    ("f8 fa fb fc", [(0xF8, 0, 0), (0xFA, 0, 0), (0xFB, 0, 0), (0xFC, 0, 0)]),
    ("f2 10 02", [(0xF2, 16, 2)]),
], ids=["a note", "running status", "programs", "pressure and bend", "clock", "song position"])
def test_messages_are_read(data, messages):
    assert read(bytes.fromhex(data)) == messages


@pytest.mark.parametrize("data", [
    "3c 64", "90 3c", "90", "f4 3c 64", "fe", "ff", "fd", "f1 20", "f3 05 3c 64", "f2 10 02 3c 64"])
def test_what_is_no_message_is_let_go_by(data):
    assert [m for m in read(bytes.fromhex(data)) if m[0] < 0xF0] == []


def test_the_clock_ticks_within_a_message():
    assert read(bytes.fromhex("90 f8 3c f8 64")) == [(0xF8, 0, 0), (0xF8, 0, 0), (0x90, 60, 100)]


def test_a_note_follows_a_sysex_that_never_ended():
    assert read(b"\xf0" + bytes(100_000) + bytes.fromhex("90 3c 64")) == [(0x90, 60, 100)]


def test_sysex_ends_running_status():
    assert read(bytes.fromhex("90 3c 64 f0 01 02 f7 3e 64")) == [(0x90, 60, 100)]


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_in_any_pieces_give_the_same_whole_messages(data, cut):
    parser = Parser()
    pieces = parser.feed(data[:cut]) + parser.feed(data[cut:])
    assert pieces == read(data)
    for status, data1, data2 in pieces:
        assert status >= 0x80
        assert 0 <= data1 <= 127
        assert 0 <= data2 <= 127


def test_an_input_gives_its_messages_one_by_one():
    heard = Input(Wire(b"\x90\x3c\x64\x3e\x64", b"\x00", b"\xfe", b"\xf8"), "keys", own=False)
    assert [heard.receive()[:3] for _ in range(3)] == [
        (0x90, 60, 100), (0x90, 62, 100), (0xF8, 0, 0)]
    assert heard.receive() is None


def test_an_input_full_of_nothing_gives_the_others_their_turn():
    wire = Wire(*[b"\xfe"] * 1000)
    assert Input(wire, "keys", own=False).receive() is None
    assert wire.arriving


def test_messages_are_sent_at_their_own_length():
    wire = Wire()
    output = Output(wire, "synth", False, (RuntimeError,))
    for message in [(0x90, 60, 100), (0xC0, 5, 0), (0xF8, 0, 0), (0xF2, 1, 2)]:
        assert output.send(*message)
    assert wire.sent == [[0x90, 60, 100], [0xC0, 5], [0xF8], [0xF2, 1, 2]]


def test_the_channels_used_are_quiet_before_a_port_is_given_back():
    wire = Wire()
    output = Output(wire, "synth", False, (RuntimeError,))
    output.send(0x99, 36, 100)
    output.close()
    assert wire.sent[1:] == [[0xB9, 123, 0], [0xB9, 120, 0], []]


def test_sending_into_a_port_that_has_gone_is_told_not_raised():
    wire = Wire()
    wire.broken = True
    assert not Output(wire, "synth", False, (RuntimeError,)).send(0x90, 60, 100)


ALSA = ["Midi Through:Midi Through Port-0 14:0", "TR-8:TR-8 MIDI 1 20:0", "TR-8S:TR-8S MIDI 24:0",
        "Kuchi:Kuchi drums 2 128:0", "Kuchi:Kuchi drums 129:0"]


@pytest.mark.parametrize(("name", "found"), [
    ("tr-8", ALSA[1]), ("TR-8S", ALSA[2]), ("through", ALSA[0]), ("Kuchi drums", ALSA[4]),
    ("Juno", None)])
def test_a_port_is_found_by_part_of_its_name(name, found):
    assert find(name, ALSA) == found


def test_when_a_message_came_is_known_though_it_was_found_late():
    rng, arrival = np.random.default_rng(0), Arrival()
    came = np.cumsum(rng.integers(15_000_000, 25_000_000, 500)) + 10**12
    found = np.maximum.accumulate(came + rng.integers(20_000, 1_000_000, 500)
                                  + 30_000_000 * (rng.random(500) < 0.05))
    told = np.array([arrival.of(after, at) for after, at in zip(
        np.diff(came, prepend=came[0]).tolist(), found.tolist(), strict=True)])
    late = (told - came)[50:]
    assert late.min() >= 0
    assert late.max() < 200_000                     # ns; they were found up to 31 ms late
    assert (np.diff(told) >= 0).all()


def test_where_the_system_leaves_a_message_out_the_next_ones_are_right_again():
    arrival, now = Arrival(), 10**12
    for _ in range(50):
        now += 20_000_000
        assert arrival.of(20_000_000, now + 100_000) == pytest.approx(now + 100_000, abs=10_000)
    now += 320_000_000                              # 300 of them before one that we never see
    assert arrival.of(20_000_000, now + 100_000) == now + 100_000
    now += 20_000_000
    assert arrival.of(20_000_000, now + 100_000) == pytest.approx(now + 100_000, abs=10_000)
