"""A plugin's trial, in a process of its own: it may crash, hang or abort here and hurt nobody.

It is loaded, hears silence and noise, plays notes, and has every parameter turned to its ends.
Each step is written down before it begins, so that the last line of a report that breaks off names
what the plugin fell over.
"""

import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.audio.lv2.hosted import NOTE, Hosted
from engine.audio.lv2.instance import Instance
from engine.audio.lv2.plugins import find
from engine.audio.run_list import AudioList
from engine.errors import KuchiError
from engine.units import HOP, SLICE, Samples

_BLOCKS = 375                       # half a second of 64 frames
_EXTREMES = 64                      # parameters turned to their ends, at most
_CLOCK = getattr(time, "CLOCK_THREAD_CPUTIME_ID", None)


def _cpu() -> float:
    """Seconds this thread has worked: another process in its way doesn't count."""
    return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.perf_counter()


class Trial:
    """One plugin on trial.

    spent : seconds each block of 64 frames took
    """

    def __init__(self, wanted: str) -> None:
        self.plugin = find(wanted)
        instance = Instance(self.plugin)
        instance.restore_default()
        audio = AudioList()
        self._feed: Samples = np.zeros((2, SLICE), np.float32)
        self._hosted = Hosted(audio, self._feed, instance)
        audio.compile()
        self._audio, self._instance = audio, instance
        self._in, self._out = np.zeros((HOP, 1), np.float32), np.zeros((HOP, 2), np.float32)
        self._random = np.random.default_rng(1)
        self.spent: list[float] = []
        self.peak = 0.0

    def steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What it is put through, by name."""
        yield "silence", self._run
        if self.plugin.audio(inputs=True):
            yield "noise", lambda: self._run(noise=0.5)
        if self.plugin.midi:
            yield "notes", self._notes
        for port in self.plugin.controls[:_EXTREMES]:
            yield f"{port.symbol} at its ends", lambda port=port: self._turn(port)  # type: ignore

    def _run(self, blocks: int = _BLOCKS, noise: float = 0.0) -> None:
        for _ in range(blocks):
            self._feed[:, :HOP] = (self._random.uniform(-noise, noise, (2, HOP)) if noise else 0.0)
            began = _cpu()
            self._audio.process(self._in, self._out)
            self.spent.append(_cpu() - began)
            if self._hosted.words[0]:
                raise KuchiError("it makes sound that isn't numbers (NaN)")
            self.peak = max(self.peak, float(np.abs(self._hosted.buffer[:, :HOP]).max()))

    def _notes(self) -> None:
        send = self._hosted.commands.send
        for note in (36, 38, 42, 60, 64, 67, 127, 0):
            send(0, NOTE, 0x90, note, 100)
            self._run(_BLOCKS // 8)
            send(0, NOTE, 0x80, note, 64)
        for channel in range(16):
            send(0, NOTE, 0xB0 | channel, 64, 127)
            send(0, NOTE, 0xE0 | channel, 0, 127)
        self._run(_BLOCKS // 4)

    def _turn(self, port: Any) -> None:
        ends = [end for end in (port.low, port.high) if end is not None]
        for value in ends:
            self._instance.controls[port.index] = value
            self._run(8, noise=0.1)
        self._instance.controls[port.index] = port.default

    def figures(self) -> dict[str, Any]:
        """What it costs and says, in µs a block of 64 frames; the first blocks may load things."""
        took = np.array(self.spent[32:]) * 1e6
        return {"block_us": round(float(np.median(took)), 2),
                "slow_us": round(float(np.percentile(took, 99)), 1),
                "latency": self._instance.latency, "peak": round(self.peak, 3)}


def _sockets() -> int:
    """How many sockets this process holds."""
    found = 0
    for own in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            found += stat.S_ISSOCK(own.stat().st_mode)
    return found


def run(wanted: str, report: Path) -> None:
    """Put a plugin through it; `report` becomes one JSON object a line."""
    with report.open("ab", buffering=0) as file:
        def note(**line: Any) -> None:
            file.write(msgspec.json.encode(line) + b"\n")

        before = _sockets()
        try:
            note(step="being loaded")
            trial = Trial(wanted)
            for name, step in trial.steps():
                note(step=name)
                step()
            note(step="being let go", **trial.figures(), sockets=_sockets() - before)
            trial._instance.close()
            note(step="", done=True)
        except KuchiError as error:
            note(fault=str(error))


if __name__ == "__main__":
    os.environ.pop("DISPLAY", None)
    os.environ.pop("WAYLAND_DISPLAY", None)
    run(sys.argv[1], Path(sys.argv[2]))
