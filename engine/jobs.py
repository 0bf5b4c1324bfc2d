"""Work that takes longer than a hop: asked for by a node, done elsewhere, taken when it is due.

Live it is done in the worker process, offline at once; in both the answer is handed out in the
first hop whose end is not before its due, so that a take is the same on stage and in `render`.
Only an answer that isn't ready by then comes later.

The work is a function of a module of `engine`, of one typed argument that holds all it needs
(history, seed, settings) and with a typed answer: plain data, msgspec structs, numpy arrays.
"""

import heapq
import importlib
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar

import msgspec
import numpy as np

from engine.clock import Clock
from engine.errors import KuchiError

Request = TypeVar("Request")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a job: its ticket and the answer, or None and why there is none."""

    ticket: int
    answer: Any
    error: str = ""


class Jobs(Protocol):
    """A node's way to the worker."""

    def ask(self, work: Callable[[Request], Answer], request: Request, due: float) -> int:
        """Have `work(request)` done by `due`, in seconds of the house's clock; its ticket."""

    def take(self) -> Sequence[Done]:
        """What is done and due, in the order in which it was due."""

    def warm(self, work: Callable[[Request], Answer]) -> None:
        """Let the worker load what this work needs, so that the first answer is as quick as any:
        its module, and what a function `warm` of that module loads."""


class Due:
    """What is done and waits for its moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, int, Done]] = []

    def put(self, due: float, done: Done) -> None:
        """Hand it out in the first hop that ends at `due` or later."""
        heapq.heappush(self._waiting, (due, done.ticket, done))

    def take(self) -> Sequence[Done]:
        """What is due now."""
        if not self._waiting or self._waiting[0][0] > self._clock.now:
            return ()
        due = []
        while self._waiting and self._waiting[0][0] <= self._clock.now:
            due.append(heapq.heappop(self._waiting)[2])
        return due


class Inline:
    """Jobs without a worker: done while one waits, as `render` may."""

    def __init__(self, clock: Clock) -> None:
        self._due = Due(clock)
        self._count = 0

    def ask(self, work: Callable[[Request], Answer], request: Request, due: float) -> int:
        self._count += 1
        self._due.put(due, do(self._count, name_of(work), encode(request)))
        return self._count

    def take(self) -> Sequence[Done]:
        return self._due.take()

    def warm(self, work: Callable[[Request], Answer]) -> None:
        """Nobody waits offline."""


def do(ticket: int, name: str, request: bytes) -> Done:
    """Do a job from its name and its encoded request; what it raises is told, never raised."""
    try:
        work, wanted, _ = _work(name)
        return Done(ticket, work(decode(request, wanted)))
    except KuchiError as error:
        return Done(ticket, None, str(error))
    except Exception as error:              # a mistake of the work's author: the show goes on
        return Done(ticket, None, f"{name} failed: {type(error).__name__}: {error}")


def warm(name: str) -> None:
    """Load what a job of this name needs; what can't be loaded is told by the job itself."""
    module = importlib.import_module(name.partition(":")[0])
    getattr(module, "warm", lambda: None)()


def name_of(work: Callable[..., Any]) -> str:
    """`engine.music.friend:continue_pattern`, by which another process finds the work."""
    return f"{work.__module__}:{work.__qualname__}"


def answer_of(name: str, data: bytes) -> Any:
    """A job's answer, from the bytes that `encode` made of it."""
    return decode(data, _work(name)[2])


def encode(value: Any) -> bytes:
    """Plain data, structs and arrays as bytes."""
    return _ENCODER.encode(value)


def decode(data: bytes, kind: Any) -> Any:
    """What `encode` was given, in its type."""
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_array)


@cache
def _work(name: str) -> tuple[Callable[[Any], Any], Any, Any]:
    """The function, and the types of its request and its answer."""
    module, _, function = name.partition(":")
    work = getattr(importlib.import_module(module), function)
    hints = typing.get_type_hints(work)
    answer = hints.pop("return")
    (request,) = hints.values()
    return work, request, answer


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    raise NotImplementedError(f"a job can't take {type(value).__name__}")


def _array(kind: Any, value: Any) -> Any:
    if (typing.get_origin(kind) or kind) is np.ndarray:
        dtype, shape, data = value
        return np.frombuffer(data, dtype).reshape(shape).copy()
    raise NotImplementedError(f"a job can't take {kind}")


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
