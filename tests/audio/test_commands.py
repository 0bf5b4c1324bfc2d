"""The ring between the engine thread and a unit: in order, on time, and honest when full."""

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from engine.audio.commands import KIND, ROWS, SET, START, A, Commands, arrive, due, take, until

STRIKE = 1
FAR = 1 << 40


def obeyed(commands: Commands, frame: int = FAR) -> list[tuple[int, int]]:
    """Everything that is due by `frame`, as (start, a)."""
    rows = []
    while due(commands.mail, frame):
        row = take(commands.mail)
        rows.append((int(row[START]), int(row[A])))
    return rows


@given(st.lists(st.integers(0, 500), max_size=ROWS), st.integers(1, 7))
def test_rows_come_out_by_start_and_those_of_one_frame_as_they_were_sent(starts, every):
    commands = Commands()
    for number, start in enumerate(starts):
        assert commands.send(start, STRIKE, number)
        if number % every == 0:
            arrive(commands.mail)
    arrive(commands.mail)
    assert obeyed(commands) == sorted((start, number) for number, start in enumerate(starts))


def test_a_row_waits_for_its_frame():
    commands = Commands()
    commands.send(100, STRIKE)
    arrive(commands.mail)
    assert not due(commands.mail, 99)
    assert until(commands.mail, 64) == 64
    assert until(commands.mail, 256) == 100
    assert due(commands.mail, 100)


def test_a_full_ring_refuses_and_counts_and_loses_nothing_it_took():
    commands = Commands()
    taken = [number for number in range(ROWS + 5) if commands.send(number, STRIKE, number)]
    assert taken == list(range(ROWS))
    assert commands.refused == 5
    arrive(commands.mail)
    assert [a for _, a in obeyed(commands)] == taken


def test_what_finds_no_room_in_the_table_waits_in_the_ring():
    commands = Commands()
    for number in range(ROWS):
        commands.send(number, STRIKE, number)
    arrive(commands.mail)
    for number in range(ROWS, 2 * ROWS):
        assert commands.send(number, STRIKE, number)
    arrive(commands.mail)
    assert not commands.send(0, STRIKE)
    assert obeyed(commands, 9) == [(n, n) for n in range(10)]
    arrive(commands.mail)
    assert commands.send(3 * ROWS, STRIKE, 3 * ROWS)
    rest = []
    while rows := obeyed(commands):
        rest += rows
        arrive(commands.mail)
    assert rest == [(n, n) for n in [*range(10, 2 * ROWS), 3 * ROWS]]


def test_a_stop_gets_through_a_full_ring_and_spares_settings_and_what_follows():
    commands = Commands()
    for number in range(2 * ROWS):              # table and ring are both full
        commands.send(FAR, SET if number in (3, 300) else STRIKE, number)
        if number == ROWS - 1:
            arrive(commands.mail)
    commands.stop()
    assert arrive(commands.mail)
    assert commands.send(FAR, STRIKE, 1000)
    assert not arrive(commands.mail)
    assert [a for _, a in obeyed(commands)] == [3, 300, 1000]


def test_the_ring_goes_round():
    commands = Commands()
    for number in range(5 * ROWS):
        assert commands.send(number, STRIKE, number)
        arrive(commands.mail)
        assert obeyed(commands) == [(number, number)]


@njit(nogil=True, error_model="numpy")
def consume(ring, ends, pending, given_up, seen):
    """Obey rows as they come, as the audio thread would, until all of `seen` is filled."""
    mail = (ring, ends, pending)
    count = 0
    while count < len(seen) and not given_up[0]:
        arrive(mail)
        while count < len(seen) and due(mail, FAR):
            row = take(mail)
            seen[count] = row[A] if row[A] == row[START] else -1.0
            count += 1


def test_rows_sent_while_another_thread_reads_arrive_whole_and_in_order():
    commands, given_up, seen = Commands(), np.zeros(1, np.bool_), np.zeros(30_000)
    reader = threading.Thread(target=consume, args=(*commands.mail, given_up, seen))
    reader.start()
    try:
        for number in range(len(seen)):
            while not commands.send(number, STRIKE, number):
                assert reader.is_alive()
    except BaseException:
        given_up[0] = True
        raise
    reader.join()
    np.testing.assert_array_equal(seen, np.arange(len(seen)))


def test_both_sides_write_lines_of_their_own():
    commands = Commands()
    commands.send(0, STRIKE)
    written = np.flatnonzero(commands.ends)
    arrive(commands.mail)
    take(commands.mail)
    assert max(written) * 8 < 64 <= min(set(np.flatnonzero(commands.ends)) - set(written)) * 8
    assert commands.pending[0, KIND] == STRIKE
