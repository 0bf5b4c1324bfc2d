"""What the command process has others do: slow work, in a process that is thrown away after it.

So it stays small itself, and nothing that needs a second of loading holds up the supervision.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engine.jobs import Done, answer_of, do, encode, name_of
from engine.live.children import launch
from engine.live.messages import Answer, Job, ignore_interrupts, offer, read, send
from engine.live.shared import SharedBlock

Request = TypeVar("Request")

_NICE = 5                   # what computes for seconds gives way to what plays, as the worker does


class Errand:
    """Have `work(request)` done, as `engine.jobs` has it."""

    def __init__(self, work: Callable[[Request], Any], request: Request) -> None:
        self._job = Job(1, name_of(work), encode(request))
        self._process, self._pipe = launch(name_of(run), (), "kuchi-errand")
        offer(self._pipe, self._job)

    def news(self) -> Done | None:
        """What came of it, once it is over."""
        if not self._pipe.poll():
            return None
        try:
            answer = read(self._pipe)
        except EOFError:
            answer = None
        self.give_up()
        if not isinstance(answer, Answer):
            return Done(1, None, "what was to do it has fallen")
        if answer.error:
            return Done(1, None, answer.error)
        return Done(1, answer_of(self._job.work, answer.answer))

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def run(command: Any) -> None:
    """The whole life of a process that is thrown away: one job."""
    ignore_interrupts()
    job = read(command)
    if isinstance(job, Job):
        done = do(job.ticket, job.work, job.request or b"")
        send(command, Answer(done.ticket, b"" if done.error else encode(done.answer), done.error))
    os._exit(0)


# -- what there is to do -------------------------------------------------------------------------

class Heard(msgspec.Struct, frozen=True):
    """What was just done: the last minute before `frame`, in the shared block of this name."""

    block: str
    frame: int


class NewKit(msgspec.Struct, frozen=True):
    """A kit that was made: in words, and its folder."""

    words: str
    folder: str


def keep(heard: Heard) -> NewKit:
    """Keep what I just did: a kit of it, in the next free folder."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    from engine import capture
    block = SharedBlock(heard.block)
    recent = block.last_heard(60.0, heard.frame)
    block.close()
    found = capture.capture(recent)
    folder = free_folder()
    capture.keep(found, folder, "Captured on stage")
    return NewKit(f"Kept: {', '.join(found.kit)} of {len(found.sounds)} sounds, in {folder}.",
                  str(folder))


def free_folder() -> Path:
    """The next folder for a kit, among those of earlier evenings."""
    import platformdirs
    kits = Path(platformdirs.user_data_dir("kuchi", appauthor=False)) / "kits"
    number = 1
    while (folder := kits / f"take-{number}").exists():
        number += 1
    return folder


class Moved(msgspec.Struct, frozen=True):
    """Settings that were moved by hand, and the patch they shall be saved in."""

    path: str
    settings: dict[str, Any]


def save(moved: Moved) -> dict[str, Any]:
    """Write what was moved into the patch's file, which has been checked with it."""
    # It gives way to nobody: a second of work that the performer waits for, and who gives way to
    # busy programs starves. What plays in real time, above all of them, does not feel it.
    from engine.save import save_settings
    save_settings(Path(moved.path), moved.settings)
    return moved.settings
