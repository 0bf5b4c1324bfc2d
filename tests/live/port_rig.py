"""The port process alone, as the command process and an engine would have it."""

import multiprocessing
import threading
import time

from engine.live import port
from engine.live.messages import Message, Midi, Said, Stop, read, send
from engine.live.shared import ENGINE_BEAT, SharedBlock

ON = 0x99                                       # a note of channel 10 begins
spawn = multiprocessing.get_context("spawn")


class Rig:
    """What the command process does for the port process, and an engine that beats."""

    def __init__(self) -> None:
        self.block = SharedBlock()
        self.said: list[str] = []
        self.heart: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        self.command, far = spawn.Pipe()
        self.links, links = spawn.Pipe()
        self.process = spawn.Process(target=port.run, args=(far, links, self.block.name))
        self.process.start()
        far.close()
        links.close()
        self.link()

    def link(self) -> None:
        self.engine, far = spawn.Pipe()
        self.links.send(far)
        far.close()
        self.hang()
        self.still = threading.Event()
        self.heart = threading.Thread(target=self._beat, args=(self.still,))
        self.heart.start()

    def _beat(self, still: threading.Event) -> None:
        while not still.wait(0.005):
            self.block.words[ENGINE_BEAT] = time.monotonic_ns()

    def hang(self) -> None:
        if self.heart:
            self.still.set()
            self.heart.join()

    def ask(self, *messages: Message) -> None:
        for message in messages:
            assert send(self.engine, message)

    def strike(self, *notes: int, due_ns: int = 0) -> None:
        self.ask(*(Midi(0, ON, note, 100, due_ns) for note in notes))

    def arrived(self) -> list[Message]:
        found = []
        while self.engine.poll():
            found.append(read(self.engine))
        return [message for message in found if message]

    def has_said(self, words: str) -> bool:
        while self.command.poll():
            message = read(self.command)
            if isinstance(message, Said):
                self.said.append(message.text)
        return any(words in text for text in self.said)

    def close(self) -> None:
        self.hang()
        if self.process.is_alive():
            send(self.command, Stop())
            self.process.join(5)
            self.process.kill()
        self.block.close()
