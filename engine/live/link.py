"""The engine's way to the port process: what finds no room waits, and the engine never does.

The port process may fall and be started again beside an engine that plays on. So the engine is
given several pipes at its birth, and is told which of them leads to the one that is there.
"""

from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection

from engine.live.messages import Forget, Message, has_room, send

_MOST_UNSENT = 4096


class Link:
    """One pipe at a time, and what couldn't be said yet.

    lost : messages given up, since nobody took them for too long
    """

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes
        self._unsent: deque[Message] = deque()
        self.pipe = pipes[0]
        self.lost = 0

    def use(self, number: int) -> None:
        """Another port process is there, at the end of this pipe; it knows of nothing yet."""
        self.close()
        self._unsent.clear()
        self.pipe = self._pipes[number]

    def tell(self, message: Message) -> None:
        """Send it now, or as soon as there is room."""
        if len(self._unsent) >= _MOST_UNSENT:       # its loop stands: better silence than ruins
            self.lost += len(self._unsent)
            self._unsent.clear()
            self._unsent.append(Forget())
        self._unsent.append(message)
        self.flush()

    def flush(self) -> None:
        """Send what has waited, as far as there is room."""
        while self._unsent and has_room(self.pipe):
            if not send(self.pipe, self._unsent.popleft()):
                self.close()
                self._unsent.clear()

    def close(self) -> None:
        """Nobody is there; what is told waits for the next one."""
        self.pipe.close()
