"""The processes that the command process starts: how they begin, how it shows that they hang."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from engine.live.messages import Stop, offer

_spawn = multiprocessing.get_context("spawn")

_LEAVE_S = 2.5              # how long a process may take to leave
_HUNG_NS = 1_000_000_000    # a loop that has stood so long is ended and started again


@dataclass(slots=True)
class Child:
    """A process, the pipe to it, and the place in shared memory where its heart beats."""

    process: SpawnProcess
    pipe: Connection
    beat: int
    started_ns: int

    def hangs(self, beat_ns: int) -> bool:
        """Has it begun to beat, and stopped?"""
        return beat_ns > self.started_ns and time.monotonic_ns() - beat_ns > _HUNG_NS

    def end(self) -> None:
        """Let it leave; what doesn't is killed."""
        offer(self.pipe, Stop())
        self.process.join(_LEAVE_S)
        if self.process.is_alive():
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.join(_LEAVE_S)


def pair() -> tuple[Connection, Connection]:
    """Both ends of a pipe, for processes to come."""
    return _spawn.Pipe()


def start(life: Callable[..., None], more: tuple[Any, ...], name: str, beat: int) -> Child:
    """A process that lives `life`, whose first argument is its end of a pipe to us.

    beat : the place in `words` at which it notes that it is alive
    """
    near, far = pair()
    process = _spawn.Process(target=life, args=(far, *more), name=name, daemon=True)
    started_ns = time.monotonic_ns()
    process.start()
    far.close()
    return Child(process, near, beat, started_ns)
