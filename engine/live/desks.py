"""The engine's way to the worker: nodes hand in jobs and take answers, and never wait.

One thread carries them, a job at a time. It sleeps but for the moments in which it sends one and
unpacks an answer. Should the worker fall, the job in hand is told as failed, and what waits goes
to the next one.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from engine.clock import Clock
from engine.jobs import Done, Due, answer_of, encode, name_of
from engine.live.messages import Answer, Job, read, send

_FELL = "the worker fell while it was at it"


class Desk:
    """Where one node hands in and takes: what `engine.jobs.Jobs` is live."""

    def __init__(self, clock: Clock, carry: Callable[["Desk", Job, float], None]) -> None:
        self._due, self._carry = Due(clock), carry
        self._come: deque[tuple[float, Done]] = deque()
        self._count = 0

    def ask(self, work: Callable[[Any], Any], request: Any, due: float) -> int:
        self._count += 1
        self._carry(self, Job(self._count, name_of(work), encode(request)), due)
        return self._count

    def take(self) -> Sequence[Done]:
        while self._come:
            self._due.put(*self._come.popleft())
        return self._due.take()

    def warm(self, work: Callable[[Any], Any]) -> None:
        self._carry(self, Job(0, name_of(work)), 0.0)

    def bring(self, due: float, done: Done) -> None:
        """An answer has come; from any thread."""
        self._come.append((due, done))


class Desks:
    """All desks of an engine, and the thread that carries between them and the worker.

    pipes : one to each worker that may come; the first is there now
    """

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes, self._pipe = pipes, pipes[0]
        self._wanted: SimpleQueue[tuple[Desk, Job, float]] = SimpleQueue()
        self._there = threading.Event()
        self._there.set()
        threading.Thread(target=self._work, daemon=True).start()

    def desk(self, clock: Clock) -> Desk:
        """A way to the worker for one node."""
        return Desk(clock, lambda desk, job, due: self._wanted.put((desk, job, due)))

    def use(self, number: int) -> None:
        """Another worker is there."""
        self._pipe = self._pipes[number]
        self._there.set()

    def _work(self) -> None:
        while True:
            desk, job, due = self._wanted.get()
            self._there.wait()
            done = self._have_done(job)
            if job.request is not None:
                desk.bring(due, done)

    def _have_done(self, job: Job) -> Done:
        pipe = self._pipe
        if send(pipe, job):
            if job.request is None:
                return Done(job.ticket, None)
            try:
                answer = read(pipe)
            except EOFError:
                answer = None
            if isinstance(answer, Answer):
                return _unpacked(job, answer)
        if self._pipe is pipe:
            self._there.clear()
        pipe.close()
        return Done(job.ticket, None, _FELL)


def _unpacked(job: Job, answer: Answer) -> Done:
    if answer.error:
        return Done(job.ticket, None, answer.error)
    try:
        return Done(job.ticket, answer_of(job.work, answer.answer))
    except Exception as error:              # its type isn't what its author says
        return Done(job.ticket, None, f"{job.work}: its answer can't be read: {error}")
