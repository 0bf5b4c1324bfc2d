"""The processes beside the command process: started, joined by pipes, and started again.

The port process and the worker outlive an engine, and an engine plays on while one of them is
started again: it has pipes to those that may come. The worker comes with the first job: many a
patch has none for it.
"""

from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait

from engine.live.children import Child, Lines, pair, start
from engine.live.messages import Message, Relink, Stop, offer, read
from engine.live.shared import ENGINE_BEAT, PORT_BEAT, WORKER_BEAT, SharedBlock

ENGINE, PORT, WORKER = (f"engine.live.{name}:run" for name in ("engine", "port", "worker"))
"""What each of them lives."""

_LONGEST_JOB_S = 30.0       # a worker that does one for longer is started again


class Crew:
    """At most one engine, a port process, and a worker once there is work.

    Whoever owns it hears them all with `hear`, and mends with the methods below it.
    """

    def __init__(self, block: SharedBlock) -> None:
        self._block = block
        self.engine: Child | None = None
        self.worker: Child | None = None
        self.start_port()

    @property
    def children(self) -> list[Child]:
        """All that should be alive."""
        return [child for child in (self.engine, self.port, self.worker) if child]

    def hear(self, timeout_s: float) -> Iterator[Message | Child]:
        """What they say, each message once, and each of them that has fallen."""
        children = self.children
        heard = [each for c in children for each in (c.pipe, c.process.sentinel)]
        job = self._worker_lines.next if self.engine and not self.worker else None
        ready = wait([*heard, job] if job else heard, timeout_s)
        if job in ready and self.engine and self.engine.process.is_alive():
            self.start_worker()
            self._worker_lines.give(self._to_workers)
        for child in children:
            there = True
            try:
                yield from _said(child.pipe)
            except EOFError:
                there = False
            if not there or child.hangs(int(self._block.words[child.beat])):
                child.kill()
            if not child.process.is_alive() and child in self.children:
                child.pipe.close()
                yield child

    # -- starting and mending ------------------------------------------------------------------

    def start_port(self) -> None:
        """A port process that waits for engines."""
        self._to_ports, links = pair()
        self.port = start(PORT, (links, self._block.name), "kuchi-port", PORT_BEAT)
        links.close()

    def start_worker(self) -> None:
        """A worker that waits for engines; none of them has a way to it yet."""
        self._to_workers, links = pair()
        self.worker = start(WORKER, (links, self._block.name), "kuchi-worker", WORKER_BEAT,
                            _LONGEST_JOB_S)
        links.close()

    def start_engine(self, messages: Sequence[Message]) -> None:
        """An engine, joined to the others, that is told these first."""
        self._port_lines, self._worker_lines = Lines(), Lines()
        self.engine = start(ENGINE, (self._port_lines.near, self._worker_lines.near,
                                     self._block.name), "kuchi-engine", ENGINE_BEAT)
        for lines in (self._port_lines, self._worker_lines):
            lines.born()
        self._port_lines.give(self._to_ports)
        if self.worker:
            self._worker_lines.give(self._to_workers)
        for message in messages:
            offer(self.engine.pipe, message)

    def end_engine(self) -> None:
        """No engine any more, whether it lives or has fallen."""
        engine, self.engine = self.engine, None
        if engine:
            engine.end()
            self._port_lines.close()
            self._worker_lines.close()

    def mend(self, child: Child) -> bool:
        """Start a port process or a worker again, for the engine that plays; False where that has
        no pipe left to it and must be started again too."""
        if child is self.port:
            self._to_ports.close()
            self.start_port()
            return self._relink(self._port_lines, self._to_ports, "port")
        self._to_workers.close()
        self.start_worker()
        return self._relink(self._worker_lines, self._to_workers, "worker")

    def _relink(self, lines: Lines, mouth: Connection, whose: str) -> bool:
        if self.engine is None:
            return True
        number = lines.give(mouth)
        if number is None:
            return False
        offer(self.engine.pipe, Relink(number, whose))
        return True

    def close(self) -> Iterator[Message]:
        """End every one of them; what they say in leaving."""
        children, self.engine = self.children, None
        for child in children:
            offer(child.pipe, Stop())
        for child in children:
            child.end()
            try:
                yield from _said(child.pipe)
            except EOFError:
                continue
        self._to_ports.close()
        if self.worker:
            self._to_workers.close()


def _said(pipe: Connection) -> Iterator[Message]:
    """All that waits to be read. EOFError where nothing more will ever come."""
    try:
        while not pipe.closed and pipe.poll():
            message = read(pipe)
            if message is not None:
                yield message
    except OSError as error:
        raise EOFError from error
