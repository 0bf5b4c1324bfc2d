"""The worker does jobs for the engine; should it fall, the next one takes over."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from engine.clock import Clock
from engine.jobs import Done, encode, name_of
from engine.live.children import Child, Lines, pair, start
from engine.live.crew import WORKER
from engine.live.desks import Desk, Desks
from engine.live.messages import Answer, Job, read, send
from engine.live.shared import WORKER_BEAT, SharedBlock


class Question(msgspec.Struct, frozen=True):
    """A job's request."""

    number: int
    seconds: float = 0.0


def twice(question: Question) -> int:
    time.sleep(question.seconds)
    return 2 * question.number


class Folder(msgspec.Struct, frozen=True):
    """Where a job tells that it has begun, and is told that it may end."""

    path: str


def busy(folder: Folder) -> bool:
    (Path(folder.path) / "begun").touch()
    _until((Path(folder.path) / "over").exists)
    return True


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def fatal(question: Question) -> int:
    os._exit(1)


def strange(question: Question) -> object:
    return twice


class House:
    """A command process in little: one engine's desks, and workers one after another."""

    def __init__(self) -> None:
        self.block, self.lines = SharedBlock(), Lines()
        self.desks = Desks(self.lines.near)
        self.worker = self.come()

    def come(self) -> Child:
        self.mouth, links = pair()
        self.worker = start(WORKER, (links, self.block.name), "kuchi-worker", WORKER_BEAT)
        links.close()
        number = self.lines.give(self.mouth)
        assert number is not None
        self.desks.use(number)
        return self.worker

    def close(self) -> None:
        self.worker.end()
        self.lines.close()
        self.block.close()


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


def answer(desk: Desk, ask: Callable[[], object]) -> Done:
    ask()
    deadline = time.monotonic() + 30
    while not (found := desk.take()):
        assert time.monotonic() < deadline, "no answer"
        time.sleep(0.002)
    return found[0]


def test_a_job_is_done_in_another_process_and_a_fallen_worker_costs_one_answer(house):
    desk = house.desks.desk(Clock())
    desk.warm(twice)
    assert answer(desk, lambda: desk.ask(twice, Question(21), 0.0)) == Done(1, 42)
    assert "fell" in answer(desk, lambda: desk.ask(fatal, Question(1), 0.0)).error
    house.come()
    assert answer(desk, lambda: desk.ask(twice, Question(4), 0.0)) == Done(3, 8)
    assert "can't be sent" in answer(desk, lambda: desk.ask(strange, Question(1), 0.0)).error
    assert int(house.block.words[WORKER_BEAT]) > 0


def test_the_worker_stays_for_the_engine_that_comes_while_the_last_one_falls(house, tmp_path):
    """It is at a job, and finds both when it is done."""
    (old, *_), lines = house.lines.near, Lines()
    assert send(old, Job(1, name_of(busy), encode(Folder(str(tmp_path)))))
    _until((tmp_path / "begun").exists)
    lines.give(house.mouth)
    old.close()
    (tmp_path / "over").touch()
    assert send(lines.near[0], Job(1, name_of(twice), encode(Question(4))))
    assert read(lines.near[0]) == Answer(1, encode(8))
    lines.close()


def test_asking_does_not_wait_for_the_work(house):
    desk = house.desks.desk(Clock())
    answer(desk, lambda: desk.ask(twice, Question(1), 0.0))             # it is there
    begun = time.monotonic()
    done = answer(desk, lambda: [desk.ask(twice, Question(2, 0.5), 0.0),
                                 setattr(house, "asked", time.monotonic())])
    assert house.asked - begun < 0.25
    assert done.answer == 4
