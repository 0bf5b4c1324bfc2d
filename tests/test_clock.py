"""One clock: frames, seconds and the system's nanoseconds agree."""

import pytest

from engine.clock import Clock


def test_a_hop_ends_now_and_the_next_one_a_hop_later():
    clock = Clock()
    clock.move_to(48_000)
    assert (clock.frame, clock.now) == (48_000, 1.0)
    assert clock.next == pytest.approx(1.0 + 64 / 48_000)


def test_a_mark_ties_frames_to_the_system_s_clock_both_ways():
    clock = Clock()
    clock.mark(96_000, 5_000_000_000)
    assert clock.time_at(5_500_000_000) == pytest.approx(2.5)
    assert clock.ns_at(1.5) == 4_500_000_000
