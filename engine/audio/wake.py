"""One wake-up of the engine thread for every block of sound.

The audio thread writes eight bytes to a descriptor that never makes it wait: an eventfd on
Linux, a pipe on other systems of its kind. Windows has neither, so there the engine thread looks
each millisecond whether a block has come, and notes the time itself.
"""

import ctypes
import os
import select
import time

from engine.audio.callback import BLOCKS, FRAME_NS
from engine.audio.unit import Integers


def address_of(function: str) -> int:
    """Where a function of the C library lies; 0 where the system has none of that name."""
    if os.name != "posix":
        return 0
    found = getattr(ctypes.CDLL(None), function, None)
    return 0 if found is None else ctypes.cast(found, ctypes.c_void_p).value or 0


class Wake:
    """Where the engine thread sleeps until sound has come.

    words    : int64 (64,)   where blocks are counted
    write_at : int           the address of `write`; 0: there is no wake-up
    write_to : int           the descriptor it shall write to
    """

    def __init__(self, words: Integers) -> None:
        self.write_at = address_of("write")
        self.write_to = self._read_from = -1
        self._words = words
        self._seen = int(words[BLOCKS])
        if not self.write_at:
            return
        if hasattr(os, "eventfd"):
            self.write_to = self._read_from = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._read_from, self.write_to = os.pipe()
            os.set_blocking(self._read_from, False)
            os.set_blocking(self.write_to, False)
        self._poll = select.poll()
        self._poll.register(self._read_from, select.POLLIN)

    def fileno(self) -> int:
        """What a selector waits for, beside other things; -1 where there is no wake-up."""
        return self._read_from

    def wait(self, timeout_s: float) -> bool:
        """Sleep until a block has come since the last call; False where none came in time."""
        if not self.write_at:
            return self._look(time.monotonic() + timeout_s)
        return bool(self._poll.poll(timeout_s * 1000.0)) and self.take()

    def take(self) -> bool:
        """Note that blocks have come, where a selector says so; False if that was noted already."""
        try:
            os.read(self._read_from, 4096)
        except BlockingIOError:             # somebody else has read it
            return False
        return True

    def _look(self, until: float) -> bool:
        while self._words[BLOCKS] == self._seen:
            if time.monotonic() >= until:
                return False
            time.sleep(0.001)
        self._seen = int(self._words[BLOCKS])
        self._words[FRAME_NS] = time.monotonic_ns()
        return True

    def close(self) -> None:
        """Let go of the descriptors; nothing may write to them any more."""
        for descriptor in {self._read_from, self.write_to} - {-1}:
            os.close(descriptor)
        self.write_to = self._read_from = -1
