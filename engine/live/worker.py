"""The worker process: it does what takes longer than a hop, a job at a time, for the engine.

Patterns, phrases and learning come from here, a beat before they are needed. It waits below
everything that plays, and holds nothing that must survive it: a job brings all it needs.
"""

import os
import time
import typing
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from engine.jobs import do, encode, warm
from engine.live.messages import Answer, Job, Stop, ignore_interrupts, read, send
from engine.live.shared import WORKER_BEAT, SharedBlock

_NICE = 5           # what plays comes first
_IDLE_S = 0.25      # woken at least so often, to be seen alive


def run(command: Connection, links: Connection, block_name: str) -> None:
    """The whole life of the worker process.

    command : to and from the command process; its end is the end of this one
    links   : brings a connection to each engine that is started
    """
    ignore_interrupts()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    block, engine = SharedBlock(block_name), None
    while True:
        block.words[WORKER_BEAT] = time.monotonic_ns()
        for pipe in wait([each for each in (command, links, engine) if each], _IDLE_S):
            try:
                if pipe is links:
                    engine = links.recv()
                    continue
                message = read(typing.cast(Connection, pipe))
            except EOFError:
                if pipe is command or pipe is links:
                    os._exit(0)
                if pipe is engine:                  # it has ended; another one will come, if it
                    engine = None                   # hasn't come already
                continue
            if isinstance(message, Stop):
                os._exit(0)
            if isinstance(message, Job):
                block.words[WORKER_BEAT] = time.monotonic_ns()
                _serve(message, typing.cast(Connection, pipe))


def _serve(job: Job, pipe: Connection) -> None:
    if job.request is None:
        _quietly(lambda: warm(job.work))
        return
    done = do(job.ticket, job.work, job.request)
    try:
        data = b"" if done.error else encode(done.answer)
        send(pipe, Answer(job.ticket, data, done.error))
    except Exception as error:          # an answer that can't be sent is its author's mistake
        send(pipe, Answer(job.ticket, b"", f"{job.work}: its answer can't be sent: {error}"))


def _quietly(load: Callable[[], None]) -> None:
    try:
        load()
    except Exception:
        return                          # the job itself will tell why
