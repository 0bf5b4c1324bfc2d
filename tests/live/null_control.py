"""A null control for live tests: how late two sleepers wake, who have nothing else to do.

One runs in real time, as the audio and engine threads do, one like any program. Where the machine
itself stood still for so long that nobody could have been on time, a test that failed is void and
is repeated; one that failed on a calm machine has failed.
"""

import multiprocessing
import os
import time
from contextlib import suppress
from typing import Any

_SLEEP_S = 0.002
_LOOK_S, _LOOKS = 5.0, 12
REAL_TIME_LATE_S, LATE_S = 0.002, 0.030       # the strictest test asks for 2 ms

_spawn = multiprocessing.get_context("spawn")


def sleeper(worst: Any, priority: int) -> None:
    """Sleep and wake, for ever; keep the worst lateness since it was last set to 0."""
    with suppress(OSError, AttributeError):
        if priority:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    parent = os.getppid()
    while os.getppid() == parent:
        begun = time.monotonic()
        time.sleep(_SLEEP_S)
        worst.value = max(worst.value, time.monotonic() - begun - _SLEEP_S)


class NullControl:
    """Both sleepers."""

    def __init__(self) -> None:
        self._worst = [_spawn.Value("d", 0.0, lock=False) for _ in range(2)]
        self._sleepers = [_spawn.Process(target=sleeper, args=(worst, priority), daemon=True)
                          for worst, priority in zip(self._worst, (50, 0), strict=True)]
        for process in self._sleepers:
            process.start()

    def begin(self) -> None:
        """Forget what was."""
        for worst in self._worst:
            worst.value = 0.0

    @property
    def lateness(self) -> tuple[float, float]:
        """The worst since `begin`, seconds: in real time, and at normal priority."""
        return self._worst[0].value, self._worst[1].value

    @property
    def calm(self) -> bool:
        """Did the machine let everybody be on time?"""
        return self.lateness[0] < REAL_TIME_LATE_S and self.lateness[1] < LATE_S

    def wait_for_calm(self) -> None:
        """Until nobody was late for a while; not for ever."""
        for _ in range(_LOOKS):
            self.begin()
            time.sleep(_LOOK_S)
            if self.calm:
                return

    def close(self) -> None:
        for process in self._sleepers:
            process.kill()
