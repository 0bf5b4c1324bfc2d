"""Slow work is asked for, done elsewhere, and handed out when it is due."""

import msgspec
import numpy as np
import pytest

from engine.clock import Clock
from engine.errors import KuchiError
from engine.jobs import Inline, decode, encode
from engine.units import SAMPLE_RATE, Samples


class Bars(msgspec.Struct, frozen=True):
    """A request with everything that occurs in one."""

    hits: Samples
    places: np.ndarray
    names: tuple[str, ...] = ()


def louder(bars: Bars) -> Bars:
    return Bars(bars.hits * 2, bars.places, bars.names)


def refused(bars: Bars) -> Bars:
    raise KuchiError("there is nothing to play")


def broken(bars: Bars) -> Bars:
    raise ZeroDivisionError("1/0")


BARS = Bars(np.ones((2, 3), np.float32), np.arange(4), ("kick",))


def test_an_answer_waits_until_it_is_due_and_comes_once():
    clock = Clock()
    jobs = Inline(clock)
    ticket = jobs.ask(louder, BARS, due=0.5)
    clock.move_to(int(0.499 * SAMPLE_RATE))
    assert jobs.take() == ()
    clock.move_to(int(0.5 * SAMPLE_RATE))
    (done,) = jobs.take()
    assert done.ticket == ticket
    assert done.answer.hits.tolist() == [[2, 2, 2], [2, 2, 2]]
    assert jobs.take() == ()


def test_answers_come_in_the_order_of_their_dues():
    clock = Clock()
    jobs = Inline(clock)
    late, soon = jobs.ask(louder, BARS, due=0.4), jobs.ask(louder, BARS, due=0.2)
    clock.move_to(SAMPLE_RATE)
    assert [done.ticket for done in jobs.take()] == [soon, late]


@pytest.mark.parametrize(("work", "words"), [
    (refused, "there is nothing to play"),
    (broken, "test_jobs:broken failed: ZeroDivisionError: 1/0"),
])
def test_work_that_fails_is_told_and_raises_nothing(work, words):
    jobs = Inline(Clock())
    jobs.ask(work, BARS, due=0.0)
    (done,) = jobs.take()
    assert done.answer is None
    assert words in done.error


def test_arrays_and_structs_come_through_as_they_were():
    again = decode(encode(BARS), Bars)
    assert again.hits.dtype == np.float32
    assert again.hits.flags.writeable
    assert again.places.tolist() == [0, 1, 2, 3]
    assert again.names == ("kick",)


def test_what_can_not_be_sent_is_refused_when_it_is_asked_for():
    with pytest.raises(NotImplementedError, match="can't take Clock"):
        encode(BARS.__class__(BARS.hits, BARS.places, (Clock(),)))
