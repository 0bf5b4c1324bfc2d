"""What wakes the engine thread: sound that has come, and whoever has something to say.

One call of the system waits for all of them: on a quiet stage, such calls are what the engine
costs.
"""

import select
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from engine.audio.wake import Wake

_FINE_S = 0.002             # what is sooner than that is too fine for `poll`, which counts in ms


class Ears:
    """Where the engine thread sleeps; `listen` says to whom it listens meanwhile."""

    def __init__(self) -> None:
        self._pipes: dict[int, Connection] = {}
        self._wake: Wake | None = None
        self._sources: list[int] = []
        self._poll: select.poll | None = None

    def listen(self, pipes: Sequence[Connection], wake: Wake | None) -> None:
        """To these from now on, as far as they are open, and to sound, if there is a wake-up."""
        self._wake = wake
        self._pipes = {pipe.fileno(): pipe for pipe in pipes if not pipe.closed}
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._sources = [*self._pipes, wake.fileno()] if wake else [*self._pipes]
        if self._poll is None or -1 in self._sources:       # a system without one, or the other
            self._poll = None
            return
        for source in self._sources:
            self._poll.register(source, select.POLLIN)

    def wait(self, timeout_s: float) -> Sequence[Connection]:
        """Sleep until there is something to hear, or for so long; returns who has something to
        say, or has gone."""
        if self._poll is None:
            return self._doze(timeout_s)
        try:
            ready = (select.select(self._sources, (), (), max(0.0, timeout_s))[0]
                     if timeout_s < _FINE_S else
                     [source for source, _ in self._poll.poll(int(1000.0 * timeout_s))])
        except OSError:                                     # one of them was closed by us
            return [pipe for pipe in self._pipes.values() if pipe.closed]
        said = []
        for source in ready:
            pipe = self._pipes.get(source)
            if pipe is not None:
                said.append(pipe)
            elif self._wake:
                self._wake.take()
        return said

    def _doze(self, timeout_s: float) -> Sequence[Connection]:
        if self._wake:
            self._wake.wait(timeout_s)
        else:
            time.sleep(timeout_s)
        return [pipe for pipe in self._pipes.values() if pipe.poll()]
