"""The processes that the command process starts: how they begin, how it shows that they hang."""

import importlib
import multiprocessing
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from engine.live.messages import Stop, offer

_spawn = multiprocessing.get_context("spawn")

_LINES = 8                  # processes of one kind in the life of one engine
_LEAVE_S = 2.5              # how long a process may take to leave
_HUNG_S = 0.75              # a loop that has stood so long is ended and started again


@dataclass(slots=True)
class Child:
    """A process, the pipe to it, and the place in shared memory where its heart beats."""

    process: SpawnProcess
    pipe: Connection
    beat: int
    started_ns: int
    hung_s: float = _HUNG_S

    def hangs(self, beat_ns: int) -> bool:
        """Has it begun to beat, and stopped?"""
        return beat_ns > self.started_ns and (
            time.monotonic_ns() - beat_ns > self.hung_s * 1e9)

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


class Lines:
    """Pipes from one engine to the processes beside it: to each that falls comes another, and the
    engine, which plays on, was given the pipes to all of them at its birth.

    near : the engine's ends, until it has them
    """

    def __init__(self) -> None:
        pairs = [pair() for _ in range(_LINES)]
        self.near, self._far = [near for _, near in pairs], [far for far, _ in pairs]
        self._next = 0

    def born(self) -> None:
        """The engine has its ends."""
        for pipe in self.near:
            pipe.close()

    @property
    def next(self) -> Connection | None:
        """The other end of the pipe that is given next: what the engine has said to nobody yet."""
        return self._far[self._next] if self._next < len(self._far) else None

    def give(self, mouth: Connection) -> int | None:
        """Hand the next pipe to the process that listens there; its number, None when all are
        used up."""
        if self._next == len(self._far):
            return None
        mouth.send(self._far[self._next])
        self._far[self._next].close()
        self._next += 1
        return self._next - 1

    def close(self) -> None:
        """The engine is gone, and with it the use of what is left."""
        for pipe in self._far[self._next:]:
            pipe.close()


def pair() -> tuple[Connection, Connection]:
    """Both ends of a pipe, for processes to come."""
    return _spawn.Pipe()


def start(life: str, more: tuple[Any, ...], name: str, beat: int,
          hung_s: float = _HUNG_S) -> Child:
    """A process that is watched; see `launch`.

    beat   : the place in `words` at which it notes that it is alive
    hung_s : without a beat for so long it hangs
    """
    started_ns = time.monotonic_ns()
    process, pipe = launch(life, more, name)
    return Child(process, pipe, beat, started_ns, hung_s)


def launch(life: str, more: tuple[Any, ...], name: str) -> tuple[SpawnProcess, Connection]:
    """A process, and our end of a pipe to it; its own end is the first argument of its life.

    life : "module:function", which that process alone imports
    """
    near, far = pair()
    process = _spawn.Process(target=_live, args=(life, name, far, *more), name=name, daemon=True)
    process.start()
    far.close()
    return process, near


def _live(life: str, name: str, *arguments: Any) -> None:
    if sys.platform == "linux":             # what `top` shows
        Path("/proc/self/comm").write_text(name, encoding="utf-8")
    module, _, function = life.partition(":")
    getattr(importlib.import_module(module), function)(*arguments)
