"""Whatever is sent, lost or forgotten: no note is left on, and nothing grows without bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.live.ledger import (
    AGAIN_NS,
    ECHO_NS,
    LATE_NS,
    MOST_DUE,
    MOST_HEARD,
    MOST_NOTES,
    PORTS,
    Door,
    Leaving,
    Ledger,
)

MS = 1_000_000
ON, OFF = 0x90, 0x80


def on(note: int, port: int = 0, channel: int = 0, velocity: int = 100) -> Leaving:
    return Leaving(port, ON | channel, note, velocity)


def off(note: int, port: int = 0, channel: int = 0, velocity: int = 64) -> Leaving:
    return Leaving(port, OFF | channel, note, velocity)


def journal() -> np.ndarray:
    return np.zeros((PORTS, 16, 128), np.uint8)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger(journal())
    ledger.opened(0, 0)
    return ledger


class Synth:
    """What a receiver makes of the messages: which notes sound, at which port."""

    def __init__(self) -> None:
        self.notes: set[tuple[int, int, int]] = set()

    def hear(self, messages: list[Leaving]) -> None:
        for port, status, note, velocity in messages:
            key = (port, status & 0x0F, note)
            if status & 0xF0 == ON:
                assert velocity
                assert key not in self.notes, "a note was begun twice"
                self.notes.add(key)
            elif status & 0xF0 == OFF:
                self.notes.discard(key)


# -- one thing at a time ---------------------------------------------------------------------------


def test_messages_leave_when_they_are_due_in_order(ledger):
    ledger.add(off(36), 30)
    ledger.add(on(36), 10)
    assert ledger.next_ns == 10
    assert ledger.leaving(9) == []
    assert ledger.leaving(10) == [on(36)]
    assert ledger.leaving(30) == [off(36)]
    assert ledger.next_ns is None


def test_messages_due_at_one_moment_leave_as_they_were_given(ledger):
    for message in (on(36), off(36), on(36)):
        ledger.add(message, 5)
    assert ledger.leaving(5) == [on(36), off(36), on(36)]


def test_a_note_struck_while_it_sounds_is_ended_first(ledger):
    ledger.add(on(36), 1)
    ledger.add(on(36, velocity=50), 2)
    assert ledger.leaving(2) == [on(36), off(36), on(36, velocity=50)]


def test_an_end_without_a_beginning_does_not_leave(ledger):
    ledger.add(off(36), 1)
    assert ledger.leaving(1) == []


def test_a_note_on_of_velocity_0_is_an_end(ledger):
    ledger.add(on(36), 1)
    ledger.add(on(36, velocity=0), 2)
    assert ledger.leaving(2) == [on(36), off(36)]
    assert ledger.sounding == 0


def test_what_is_no_note_passes_untouched(ledger):
    others = [Leaving(0, status, 7, 99) for status in (0xA3, 0xB3, 0xC3, 0xD3, 0xE3, 0xF8)]
    for message in others:
        ledger.add(message, 1)
    assert ledger.leaving(1) == others


def test_forget_drops_what_is_due_and_ends_what_has_begun(ledger):
    ledger.add(on(36), 1)
    ledger.leaving(1)
    ledger.add(on(38), 100)
    ledger.forget()
    assert ledger.leaving(200) == [off(36)]


def test_panic_ends_each_note_then_quiets_the_channels_used(ledger):
    ledger.add(on(36, channel=9), 1)
    ledger.add(Leaving(0, 0xB2, 1, 64), 1)
    ledger.leaving(1)
    ledger.panic()
    assert ledger.leaving(2) == [off(36, channel=9), Leaving(0, 0xB2, 1, 0), *(
        Leaving(0, status, control, 0) for status in (0xB2, 0xB9) for control in (123, 120, 121))]


PEDAL, PEDAL_UP = Leaving(0, 0xB0, 64, 127), Leaving(0, 0xB0, 64, 0)
BENT, STRAIGHT = Leaving(0, 0xE0, 5, 70), Leaving(0, 0xE0, 0, 64)
PRESSED, LIGHT = Leaving(0, 0xD0, 90, 0), Leaving(0, 0xD0, 0, 0)


@pytest.mark.parametrize("how", [Ledger.forget, Ledger.panic, lambda it: it.closing(0)],
                         ids=["forget", "panic", "closing"])
def test_pedal_bend_and_pressure_come_to_rest_wherever_notes_are_ended(ledger, how):
    for message in (PEDAL, on(60), BENT, PRESSED, off(60)):
        ledger.add(message, 0)
    ledger.leaving(0)
    how(ledger)
    assert [m for m in ledger.leaving(1) if (m.status, m.data1) not in (
        (0xB0, 123), (0xB0, 120), (0xB0, 121))] == [PEDAL_UP, STRAIGHT, LIGHT]
    how(ledger)
    assert not {PEDAL_UP, STRAIGHT, LIGHT} & set(ledger.leaving(2))


def test_a_pedal_that_is_up_and_a_volume_are_left_as_they_are(ledger):
    for message in (PEDAL, PEDAL_UP, Leaving(0, 0xB0, 7, 90)):
        ledger.add(message, 0)
    ledger.leaving(0)
    ledger.forget()
    assert ledger.leaving(1) == []


def test_a_pedal_on_a_lost_port_is_let_go_when_it_is_back(ledger):
    ledger.add(PEDAL, 0)
    ledger.leaving(0)
    ledger.lost(0)
    ledger.forget()
    assert ledger.leaving(1) == []
    ledger.opened(0, 2)
    assert PEDAL_UP in ledger.leaving(2)


def test_a_pedal_is_let_go_once_more_for_a_listener_that_was_deaf_unless_it_is_down_again(ledger):
    for again in ([], [PEDAL]):
        ledger.add(PEDAL, 0)
        ledger.leaving(0)
        ledger.forget([100])
        assert ledger.leaving(1) == [PEDAL_UP]
        for message in again:
            ledger.add(message, 2)
        ledger.leaving(2)
        assert ledger.leaving(100) == ([] if again else [PEDAL_UP])


def test_a_port_that_closes_ends_its_notes_and_no_others(ledger):
    ledger.opened(1, 0)
    for port in (0, 1):
        ledger.add(on(36, port), 1)
        ledger.add(on(38, port), 50)
    ledger.leaving(1)
    ledger.closing(1)
    assert ledger.leaving(2) == [off(36, 1)]
    ledger.closed(1)
    assert ledger.leaving(50) == [on(38, 0)]


def test_a_lost_port_is_sent_its_ends_when_it_is_back(ledger):
    ledger.add(on(36), 1)
    ledger.leaving(1)
    ledger.lost(0)
    ledger.add(on(38), 2)
    assert ledger.leaving(2) == []
    assert ledger.sounding == 0
    ledger.opened(0, 3)
    assert ledger.leaving(3)[0] == off(36)


def test_owed_ends_are_sent_again_for_a_receiver_that_connects_late(ledger):
    for note in (36, 38):
        ledger.add(on(note), 1)
    ledger.leaving(1)
    ledger.lost(0)
    ledger.opened(0, 3)
    ledger.leaving(3)
    ledger.add(on(38), 4)                       # begun again: its end must not come twice
    assert ledger.leaving(4) == [on(38)]
    assert ledger.leaving(3 + AGAIN_NS) == [off(36)]


def test_a_new_ledger_ends_what_the_journal_says_on_every_port_that_opens():
    kept = journal()
    Ledger(kept)
    before = Ledger(kept)
    before.opened(2, 0)
    before.add(on(36, 2, 9), 1)
    before.leaving(1)
    after = Ledger(kept)
    after.opened(0, 5)
    assert after.leaving(5) == [off(36, 0, 9), *(Leaving(0, 0xB9, c, 0) for c in (123, 120, 121))]


def test_the_journal_remembers_an_end_until_it_must_have_been_heard():
    kept = journal()
    ledger = Ledger(kept)
    ledger.opened(0, 0)
    ledger.add(on(36), 1)
    ledger.add(off(36), 2)
    ledger.leaving(2)
    assert kept[0, 0, 36]
    ledger.leaving(100 * MS)
    assert not kept.any()


def test_a_note_whose_moment_has_passed_is_left_out_and_counted(ledger):
    ledger.add(on(36), 1)
    ledger.add(off(36), 2)
    assert ledger.leaving(LATE_NS + 10) == []
    assert ledger.late == 1


def test_a_flood_of_notes_is_capped_at_each_port_and_counted(ledger):
    ledger.opened(1, 0)
    for number in range(2000):
        ledger.add(on(number % 128), 1 + number)
        ledger.add(off(number % 128), 1 + number)
    ledger.add(on(36, 1), 1999)
    left = ledger.leaving(2000)
    assert sum(m.status == ON and m.port == 0 for m in left) == MOST_NOTES
    assert sum(m.status == OFF for m in left) == MOST_NOTES
    assert ledger.flooded == 2000 - MOST_NOTES
    assert on(36, 1) in left


def test_too_much_to_come_is_refused_and_the_ends_still_find_room(ledger):
    for number in range(3 * MOST_DUE):
        ledger.add(on(number % 128), 1000 * MS + number)
    assert ledger.flooded == 2 * MOST_DUE
    ledger.add(off(36), 1)
    ledger.add(on(36), 0)
    assert ledger.next_ns == 1


# -- anything at all -------------------------------------------------------------------------------

PORT, NOTE = st.integers(0, 2), st.integers(60, 63)
STEP = st.one_of(
    st.tuples(st.just("on"), PORT, NOTE, st.integers(0, 400)),
    st.tuples(st.just("off"), PORT, NOTE, st.integers(0, 400)),
    st.tuples(st.sampled_from(["opened", "closing", "lost", "panic"]), PORT),
    st.tuples(st.sampled_from(["forget", "all panic", "another"])),
    st.tuples(st.just("wait"), st.integers(1, 300)))


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=60))
def test_what_the_receiver_hears_is_what_the_ledger_knows(steps):
    kept, now, open_ports = journal(), 0, set()
    ledger, synth = Ledger(kept), Synth()

    def play() -> None:
        synth.hear(ledger.leaving(now))

    for kind, *details in steps:
        match kind, details:
            case "on", (port, note, after):
                ledger.add(on(note, port), now + after * MS)
            case "off", (port, note, after):
                ledger.add(off(note, port), now + after * MS)
            case "opened", (port,):
                if port not in open_ports:
                    ledger.opened(port, now)
                    open_ports.add(port)
            case "closing", (port,):
                ledger.closing(port)
                play()
                if port not in open_ports:              # it had gone; nobody asks for it any more
                    synth.notes = {key for key in synth.notes if key[0] != port}
                assert not [key for key in synth.notes if key[0] == port]
                ledger.closed(port)
                open_ports.discard(port)
            case "lost", (port,):
                ledger.lost(port)
                open_ports.discard(port)
            case "panic", (port,):
                ledger.panic(port)
            case "all panic", _:
                ledger.panic()
            case "forget", _:
                ledger.forget()
                play()
                assert not [key for key in synth.notes if key[0] in open_ports]
            case "another", _:                          # the process fell, and is there again
                ledger, was_open = Ledger(kept), open_ports
                for port in was_open:
                    ledger.opened(port, now)
            case "wait", (ms,):
                now += ms * MS
        play()
        there = {key for key in synth.notes if key[0] in open_ports}
        assert len(there) == ledger.sounding
        assert all(kept[key] for key in there)
    ledger.forget()
    for port in range(3):
        if port not in open_ports:
            ledger.opened(port, now)
    play()
    assert synth.notes == set()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([ON, OFF, 0xB0]), st.integers(0, 3),
                          st.integers(0, 2 * MS)), max_size=400))
def test_no_second_ever_holds_more_notes_than_allowed(rows):
    ledger, now, begun = Ledger(journal()), 0, []
    ledger.opened(0, 0)
    for status, note, wait_ns in rows * 8:
        now += wait_ns
        ledger.add(Leaving(0, status, note, 64), now)
        begun += [now for message in ledger.leaving(now) if message.status == ON]
    assert all(later - first >= 1000 * MS
               for first, later in zip(begun, begun[MOST_NOTES:], strict=False))


# -- the way in ------------------------------------------------------------------------------------


def test_a_note_that_comes_back_at_once_is_our_own():
    door = Door()
    door.sent(on(36), 0)
    assert not door.admits(0, ON, 36, 100, ECHO_NS - 1)
    assert door.admits(0, ON, 36, 100, ECHO_NS - 1)           # one sent, one come back


@pytest.mark.parametrize("played", [(ON, 36, 99), (ON, 37, 100), (ON | 1, 36, 100)])
def test_a_note_that_differs_is_the_players(played):
    door = Door()
    door.sent(on(36), 0)
    assert door.admits(0, *played, 1)


def test_a_note_that_comes_back_late_is_the_players():
    door = Door()
    door.sent(on(36), 0)
    assert door.admits(0, ON, 36, 100, ECHO_NS)


def test_an_end_passes_only_where_its_beginning_did():
    door = Door()
    assert not door.admits(0, OFF, 60, 0, 1)
    assert door.admits(0, ON, 60, 90, 2)
    assert not door.admits(1, OFF, 60, 0, 3)
    assert door.admits(0, ON, 60, 0, 4)
    assert not door.admits(0, OFF, 60, 0, 5)


def test_a_keyboard_that_vanishes_lets_go_of_its_keys():
    door = Door()
    door.admits(0, ON | 3, 60, 90, 1)
    door.admits(1, ON, 61, 90, 1)
    assert door.lost(0) == [off(60, 0, 3)]
    assert door.lost(0) == []


def test_a_flood_of_knobs_leaves_room_for_notes():
    door = Door()
    passed = sum(door.admits(0, 0xB0, 7, n % 128, n) for n in range(5000))
    assert passed == MOST_HEARD
    assert door.flooded == 5000 - MOST_HEARD
    assert door.admits(0, ON, 60, 90, 5000)
    assert door.admits(1, 0xB0, 7, 1, 5000)                   # another input isn't to blame


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([ON, OFF]), st.integers(0, 5), st.integers(0, 127)),
                max_size=300))
def test_no_key_is_left_down_by_what_is_refused(rows):
    door, down = Door(), set()
    for now, (status, note, velocity) in enumerate(rows * 4):
        if door.admits(0, status, note, velocity, now):
            if status == ON and velocity:
                down.add(note)
            else:
                assert note in down
                down.discard(note)
    for note in range(6):
        if door.admits(0, OFF, note, 0, len(rows) * 4):
            down.discard(note)
    assert not down
