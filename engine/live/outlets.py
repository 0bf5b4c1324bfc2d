"""Where events leave: notes for the port process, OSC for the network, hits for the eye."""

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from engine.clock import Clock
from engine.devices.osc import Target
from engine.events import Gesture, Hit, NoteOff, NoteOn, Sent
from engine.events import Message as OscMessage
from engine.live.link import Link
from engine.live.messages import Logged, Message, Midi
from engine.live.shared import HITS, SharedBlock

_SHOWN = 8                  # hits in the snapshot


class Outlets:
    """What the graph hands out goes where the patch says.

    tell : what is meant for the command process, such as a line of the log
    """

    def __init__(self, clock: Clock, block: SharedBlock, link: Link,
                 tell: Callable[[Message], object]) -> None:
        self._clock, self._block, self._link, self._tell = clock, block, link, tell
        self._ports: dict[str, int] = {}            # midi-out node -> the number of its port
        self._targets: dict[str, Target] = {}
        self._waiting: list[tuple[int, int, str, OscMessage]] = []      # OSC, by when it is due
        self._count = 0
        self._left: list[Sent] = []                 # of which nobody has been told
        self._shown: deque[tuple[float, str, float, float, float]] = deque(maxlen=_SHOWN)
        self.log = False

    def bind(self, ports: dict[str, int], targets: dict[str, Target]) -> None:
        """Another patch plays: where its nodes lead."""
        self.close()
        self._ports, self._targets = ports, targets

    def leave(self, events: Iterable[Sent]) -> None:
        """Let events leave, now or when they are due; `report` tells of them afterwards."""
        for sent in events:
            event = sent.event
            if isinstance(event, NoteOn | NoteOff | Gesture):
                self._play(sent.node, event, self._clock.ns_at(sent.sent))
            elif isinstance(event, OscMessage):
                self._count += 1
                heapq.heappush(self._waiting,
                               (self._clock.ns_at(sent.sent), self._count, sent.node, event))
                continue
            self._left.append(sent)

    def report(self) -> None:
        """Show and log what has left: nobody waits for that."""
        if not self._left:
            return
        left, self._left = self._left, []
        for sent in left:
            if isinstance(sent.event, Hit):
                self._show(sent, sent.event)
            if self.log:
                self._tell(Logged(sent.row()))

    def _play(self, node: str, event: NoteOn | NoteOff | Gesture, due_ns: int) -> None:
        port = self._ports.get(node)
        if port is None:
            return
        if isinstance(event, Gesture):
            self._link.tell(Midi(port, *event.message, due_ns))
        else:
            status = (0x90 if isinstance(event, NoteOn) else 0x80) | (event.channel - 1)
            self._link.tell(Midi(port, status, event.note, event.velocity, due_ns))

    def _show(self, sent: Sent, hit: Hit) -> None:
        self._block.words[HITS] += 1
        self._shown.append((hit.time, hit.drum, hit.velocity, hit.confidence,
                            (sent.sent - hit.time) * 1000.0))
        self._block.write_snapshot(msgspec.msgpack.encode(list(self._shown)))

    # -- OSC -----------------------------------------------------------------------------------

    @property
    def next_ns(self) -> int | None:
        """When `send_due` has something again."""
        return self._waiting[0][0] if self._waiting else None

    def send_due(self, until_ns: int | None = None) -> list[str]:
        """Send what is due, by now or by `until_ns`; returns what went wrong, in words."""
        until_ns, news = until_ns or time.monotonic_ns(), []
        while self._waiting and self._waiting[0][0] <= until_ns:
            _, _, node, message = heapq.heappop(self._waiting)
            target = self._targets.get(node)
            if target is not None:
                target.tell(message)
                news.append(target.news())
        return [text for text in news if text]

    def forget(self) -> None:
        """Drop the OSC that is still to come."""
        self._waiting.clear()

    def close(self) -> None:
        """Send all that waits, now, and give the sockets back."""
        self.send_due(1 << 62)
        for target in self._targets.values():
            target.close()
        self._targets = {}
