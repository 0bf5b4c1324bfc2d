"""The other end of `apart`: one plugin, and nothing else, fed from shared memory."""

import gc
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.audio.commands import SET
from engine.audio.intrinsics import store_release
from engine.audio.lv2.apart import DONE, KEPT, READY, SAVED, SLOTS, WRITTEN, Shared
from engine.audio.lv2.hosted import NOTE, Hosted
from engine.audio.lv2.instance import Instance
from engine.audio.lv2.plugins import find
from engine.audio.run_list import AudioList
from engine.audio.unit import kernel
from engine.audio.vst3 import Loaded as Vst3Loaded
from engine.errors import KuchiError
from engine.units import HOP, SLICE, Samples

_PRIORITY = 60


class Lv2Loaded:
    """An LV2 plugin in a list of its own."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._instance = Instance(find(order["uri"]))
        self._instance.restore_default()
        for what in order["restore"]:
            self._instance.restore(what, Path(order["folder"]))
        for index, value in order["controls"].items():
            self._instance.controls[int(index)] = value
        self._instance.go_live()
        self._audio = AudioList()
        self._feed: Samples = np.zeros((2, SLICE), np.float32)
        self._hosted = Hosted(self._audio, self._feed, self._instance)
        self._audio.compile()

    def set(self, index: int, value: float) -> None:
        """Move a control, by its port."""
        self._hosted.commands.send(0, SET, index, value)

    def play(self, offset: int, status: int, data1: int, data2: int) -> None:
        """A message of three bytes, so many frames into the next slice."""
        self._hosted.commands.send(self._audio.position + offset, NOTE, status, data1, data2)

    def stop(self) -> None:
        """End what sounds, and forget what was still to come."""
        self._hosted.commands.stop()

    def save(self, path: Path) -> bool:
        """Write its state there; False where there is nothing to write."""
        return self._instance.save(path)

    def run(self, heard: Samples) -> Samples:
        """A slice: float32 (2, frames) in and out."""
        frames = heard.shape[1]
        self._feed[:, :frames] = heard
        self._audio.process(np.zeros((frames, 1), np.float32), np.zeros((frames, 2), np.float32))
        if self._hosted.words[0]:                       # what isn't a number: afresh
            self._instance.restart()
            self._hosted.let_in()
        return self._hosted.buffer[:, :frames]


def _vst3_loaded(order: dict[str, Any]) -> Vst3Loaded:
    plugin = Vst3Loaded(order["uri"])
    for what in order["restore"]:
        plugin.restore(Path(order["folder"], what))
    for index, value in order["controls"].items():
        plugin.set(int(index), value)
    return plugin


LOADERS: dict[str, Callable[[dict[str, Any]], Lv2Loaded | Vst3Loaded]] = {
    "lv2": Lv2Loaded, "vst3": _vst3_loaded}


class Host:
    """The plugin, and the memory it is fed from."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._plugin = LOADERS[order["loader"]](order)
        self._plugin.run(np.zeros((2, HOP), np.float32))    # warm
        self._shared = Shared(order["memory"])
        _publish(self._shared.head, DONE, 0)
        self._next = int(self._shared.head[WRITTEN])
        _publish(self._shared.head, READY, 1)

    def serve(self) -> None:
        """Every slice that waits; one who is far behind begins with the newest."""
        written = int(self._shared.head[WRITTEN])
        if written - self._next > SLOTS // 2:
            self._next = written - 1
        while self._next < int(self._shared.head[WRITTEN]):
            self._slice(self._shared.slots[self._next % SLOTS])
            self._next += 1

    def save(self, path: Path) -> None:
        """Write the plugin's state there, and tell what came of it."""
        try:
            told = 1 if self._plugin.save(path) else 2
        except (KuchiError, OSError):
            told = 3
        _publish(self._shared.head, SAVED, told)

    def _slice(self, slot: Any) -> None:
        frame, frames = int(slot["frame"]), int(slot["frames"])
        for offset, kind, a, b, c in slot["events"][:int(slot["count"])].tolist():
            if kind == SET:
                self._plugin.set(a, b / 1e6)
            elif kind == NOTE:
                self._plugin.play(offset, a, round(b / 1e6), c)
            else:
                self._plugin.stop()
        made = self._plugin.run(slot["sound"][:, :frames])
        self._shared.back[:, np.arange(frame, frame + frames) & (KEPT - 1)] = made
        _publish(self._shared.head, DONE, frame + frames)


@kernel
def _publish(head, place, value):
    store_release(head.ctypes.data + 8 * place, value)


def run(order: dict[str, Any]) -> None:
    """Until the one who asked for it is gone."""
    host = Host(order)
    gc.freeze()
    gc.disable()
    with suppress(OSError, AttributeError):             # where that is allowed
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    poll = select.poll()
    poll.register(order["wake"], select.POLLIN)
    poll.register(order["alive"], select.POLLHUP)
    poll.register(sys.stdin, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == order["alive"]:
                os._exit(0)
            if descriptor == sys.stdin.fileno():
                if line := sys.stdin.readline():
                    host.save(Path(line.rstrip("\n")))
                else:
                    poll.unregister(sys.stdin)
                continue
            with suppress(BlockingIOError):
                os.read(descriptor, 8)
        host.serve()


if __name__ == "__main__":
    run(msgspec.json.decode(sys.argv[1]))
