"""A concert for tests: the whole stage on JACK's dummy card, a singer, and someone who listens.

Cables are plugged by a patient stage hand, again and again, as on a real stage.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.players import Note, Player
from engine.live.command import Stage

GM_KICK, GM_SNARE, GM_HAT = 36, 38, 42


class Concert:
    """A stage that plays, a singer, and a listener a MIDI port.

    told : all that a performer could read
    """

    def __init__(self, server: Any, patches: Sequence[str | Path],
                 ports: Sequence[str] = ("Kuchi drums",), hand_to: str = "Kuchi control",
                 **more: Any) -> None:
        self.told: list[str] = []
        self._server, self._ports, self._hand_to = server, ports, hand_to
        self._before: list[Note] = []
        self._come()
        self._over, self._cables_lock = threading.Event(), threading.Lock()
        self.stage = Stage(patches, tell=self.told.append, **more)
        self._actions: list[Callable[[], object]] = []
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Concert":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, eventually: Callable[..., None]) -> "Concert":
        """Wait until all is ready and plugged."""
        eventually(lambda: self.stage.ready and self.plugged(), "a stage that is ready", 60)
        return self

    def _come(self) -> None:
        self.singer = Player("singer", self._server, ["mouth"])
        self.listener = Player("listener", self._server, ["midi", "hand"])
        self.ear = Player("ear", self._server, ["ear"])     # deaf while a dead engine is cabled in
        self._jack = True
        self.others = [Player(name, self._server, ["midi"]) for name in self._ports[1:]]

    def _leave(self) -> None:
        for player in (self.singer, self.ear, self.listener, *self.others):
            player.close()

    def _live(self) -> None:
        while not self._over.is_set():
            self.stage.step(0.01)
            while self._actions:
                self._actions.pop(0)()
            with self._cables_lock:
                self._plug()
        self.stage.close()

    def do(self, action: Callable[[], object]) -> None:
        """Let the thread of the stage do something: the stage has one thread."""
        self._actions.append(action)

    # -- cables --------------------------------------------------------------------------------

    def _plug(self) -> None:
        import jack
        if not self._jack:
            return
        client = self.listener.client
        try:
            for source, target in self._cables(client):
                held = [port.name for port in client.get_all_connections(target)]
                if source not in held:
                    client.connect(source, target)
                for other in held:
                    if other.startswith("system:"):
                        client.disconnect(other, target)
        except jack.JackError:
            return                                  # one of them has just gone; look again

    def _cables(self, client: Any) -> Iterator[tuple[str, str]]:
        """Mouth to microphone, speakers to ear, hand to controller, ports to listeners."""
        for port in client.get_ports("PortAudio:in_0", is_audio=True):
            yield "singer:mouth", port.name
        for port in client.get_ports("PortAudio:out_0", is_audio=True):
            yield port.name, "ear:ear"
        for name, ear in zip(self._ports, self._ears(), strict=True):
            for port in client.get_ports(f":{name}", is_midi=True, is_output=True):
                yield port.name, ear
        for port in client.get_ports(f":{self._hand_to}", is_midi=True, is_input=True):
            yield "listener:hand", port.name

    def _ears(self) -> list[str]:
        return [f"{player.name}:midi" for player in (self.listener, *self.others)]

    def plugged(self) -> bool:
        """Do the microphone and every port lead where they should?"""
        client = self.listener.client
        wanted = {target for _, target in self._cables(client)}
        microphone = any(target.startswith("PortAudio") for target in wanted)
        return microphone and wanted.issuperset(self._ears()) and all(
            client.get_all_connections(target) for target in wanted)

    @contextmanager
    def without_jack(self) -> Iterator[None]:
        """The server dies; at the end of the block it is back, and so are the listeners.

        They leave a moment before, since a JACK client of a dead server is a danger to its process.
        """
        with self._cables_lock:
            self._before += self.listener.messages()
            self._jack = False
            self._leave()
            self._server.kill()
        yield
        self._server.start()
        self._come()

    def listener_comes_again(self) -> None:
        """The listener is closed and opened again, while nobody plugs its cables."""
        with self._cables_lock:
            self._before += self.listener.messages()
            self.listener.close()
            self.listener = Player("listener", self._server, ["midi", "hand"])

    # -- what was heard ------------------------------------------------------------------------

    def messages(self) -> list[Note]:
        """All that came through the first port, also to a listener that has gone since."""
        return [*self._before, *self.listener.messages()]

    def notes(self, after: float = 0.0) -> list[Note]:
        """The notes that began since a monotonic moment."""
        return [note for note in self.messages() if note.is_on and note.ns > after * 1e9]

    def sounding(self) -> set[tuple[int, int]]:
        """What has begun and has not ended: channel, note."""
        held: set[tuple[int, int]] = set()
        for message in self.messages():
            key = (message.status & 0x0F, message.note)
            if message.is_on:
                held.add(key)
            elif message.is_off:
                held.discard(key)
        return held

    def silent_since(self) -> float:
        """When the last note ended; infinity while one sounds."""
        if self.sounding():
            return float("inf")
        return max((note.ns for note in self.messages() if note.is_off), default=0) / 1e9

    @property
    def engine(self) -> int | None:
        """The engine's process id."""
        return process("kuchi-engine")

    def said(self, words: str, since: int = 0) -> bool:
        return any(words in line for line in self.told[since:])

    def close(self) -> None:
        if self._over.is_set():
            return
        self._over.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "the stage doesn't end"
        self._leave()


def process(name: str) -> int | None:
    """The id of a child that lives."""
    found = [child.pid for child in multiprocessing.active_children() if child.name == name]
    return found[0] if found else None


def kill(pid: int | None, how: signal.Signals = signal.SIGKILL) -> float:
    """Send it; the moment at which it was sent."""
    assert pid is not None
    now = time.monotonic()
    os.kill(pid, how)
    return now
