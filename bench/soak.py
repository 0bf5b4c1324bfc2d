"""Does a long night lose, double or forget anything?

Hours of a performance, rendered faster than they last: a groove that begins at the same place of a
hop each time, so that each turn of it must give the same events. What a turn lacks is lost, what it
has too many is doubled, and a note without its end, or an end without its note, is unbalanced. The
process must not grow: memory, descriptors and threads at the first and at the last sixth.
"""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.memory import _held_mb
from bench.table import Gate, Report, Row
from engine.errors import KuchiError
from engine.events import Hit, NoteOff, NoteOn, Sent
from engine.units import HOP, SAMPLE_RATE, Samples

HOURS = 8.0
MUST_MB_PER_HOUR = 0.2
_PATCHES = ("beatbox-to-daw", "nothing")
_SETTLED = 2                                # turns before the room is known, and left out
_OF_FIRST = 3                               # the usual one is what most of these had
_TURN_S = 12.8                              # a whole number of hops

Turn = Counter[tuple[str, int]]
"""How often each event stands at each hop of a turn."""


def run(quick: bool, flaw: str = "") -> Report:
    """Render the hours in a process of its own; `flaw` drops one note-off on purpose."""
    hours = 0.02 if quick else HOURS
    found = {name: _child(name, hours, flaw if name != "nothing" else "") for name in _PATCHES}
    ours, null = found["beatbox-to-daw"], found["nothing"]
    rows: list[Row] = [{"what": name if name != "nothing" else "nothing (null control)",
                        "hours": hours, **{key: figures[key] for key in (
                            "events", "lost", "doubled", "unbalanced", "MB an hour", "descriptors",
                            "threads")}} for name, figures in found.items()]
    gates = [Gate("events lost", ours["lost"], 0), Gate("events doubled", ours["doubled"], 0),
             Gate("notes unbalanced", ours["unbalanced"], 0),
             Gate("descriptors more than at first", ours["descriptors"], 0),
             Gate("threads more than at first", ours["threads"], 0)]
    if not quick:
        gates.append(Gate("growth, MB an hour", ours["MB an hour"], MUST_MB_PER_HOUR))
    return Report(f"Does a performance of {hours:g} hours lose, double or forget anything?", rows,
                  gates=gates, void=not quick and null["MB an hour"] > MUST_MB_PER_HOUR,
                  rule=f"the empty patch grew by more than {MUST_MB_PER_HOUR:g} MB an hour")


def _child(name: str, hours: float, flaw: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "bench.soak", name, str(hours), flaw],
                          capture_output=True, text=True)
    if done.returncode:
        raise KuchiError(f"soak: {done.stderr.strip()}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


class Listener:
    """Counts what leaves, turn by turn."""

    def __init__(self, turn_s: float) -> None:
        self._turn_s = turn_s
        self._turns: dict[int, Turn] = {}               # those that aren't over
        self._first: list[Turn] = []                    # from which the usual one is told
        self._usual: Turn | None = None
        self._sounding: set[tuple[int, int]] = set()
        self.events = self.unbalanced = self.lost = self.doubled = 0

    def hear(self, sent: Sent) -> None:
        """An event that has left."""
        self.events += 1
        event = sent.event
        if isinstance(event, NoteOn):
            self.unbalanced += (event.channel, event.note) in self._sounding
            self._sounding.add((event.channel, event.note))
        elif isinstance(event, NoteOff):
            self.unbalanced += (event.channel, event.note) not in self._sounding
            self._sounding.discard((event.channel, event.note))
        if isinstance(event, Hit | NoteOn | NoteOff):
            turn = int(event.time / self._turn_s)
            what = event.drum if isinstance(event, Hit) else f"{type(event).__name__}{event.note}"
            place = round((event.time - turn * self._turn_s) * SAMPLE_RATE / HOP)
            self._turns.setdefault(turn, Counter())[what, place] += 1
            if turn - 2 in self._turns:
                self._close(turn - 2, self._turns.pop(turn - 2))

    def _close(self, number: int, turn: Turn) -> None:
        """A turn is over: what does it lack, what has it too many, beside the usual one?"""
        if number < _SETTLED:
            return
        if self._usual is None:
            self._first.append(turn)
            if len(self._first) < _OF_FIRST:
                return
            usual = Counter(frozenset(each.items()) for each in self._first).most_common(1)[0][0]
            self._usual = Counter(dict(usual))
            for each in self._first:
                self._compare(each)
            self._first.clear()
            return
        self._compare(turn)

    def _compare(self, turn: Turn) -> None:
        assert self._usual is not None
        self.lost += sum((self._usual - turn).values())
        self.doubled += sum((turn - self._usual).values())

    def end(self) -> None:
        """Nothing more leaves: what still sounds has no end."""
        self.unbalanced += len(self._sounding)


def soak(name: str, hours: float, flaw: str) -> dict[str, Any]:
    """Render so many hours, and say what became of them and of the process."""
    from bench.throughput import NOTHING, performance
    from engine.patch import load_patch
    from engine.rendering import render

    groove = performance(_TURN_S)[:round(_TURN_S * SAMPLE_RATE) // HOP * HOP]
    turns = max(12, round(hours * 3600 / _TURN_S))
    marks: list[tuple[float, int, int]] = []
    listener, dropped = Listener(len(groove) / SAMPLE_RATE), False
    patch = NOTHING if name == "nothing" else load_patch(name)
    for sent in render(patch, _audio(groove, turns, marks)):
        if flaw and not dropped and listener.events > 200 and isinstance(sent.event, NoteOff):
            dropped = True
            continue
        listener.hear(sent)
    listener.end()
    first, last = marks[0], marks[-1]
    between_h = (len(marks) - 1) / 6 * turns * _TURN_S / 3600
    return {"events": listener.events, "lost": listener.lost, "doubled": listener.doubled,
            "unbalanced": listener.unbalanced, "MB an hour": (last[0] - first[0]) / between_h,
            "descriptors": last[1] - first[1], "threads": last[2] - first[2]}


def _audio(groove: Samples, turns: int, marks: list[tuple[float, int, int]]) -> Iterator[Samples]:
    each = max(1, turns // 6)
    for turn in range(1, turns + 1):
        yield groove
        if turn % each == 0:
            marks.append((_held_mb(peak=False), _descriptors(), threading.active_count()))


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0


if __name__ == "__main__":
    print(json.dumps(soak(sys.argv[1], float(sys.argv[2]),
                          sys.argv[3] if len(sys.argv) > 3 else "")))
