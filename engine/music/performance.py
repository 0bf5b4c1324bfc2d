"""Free time: what a pianist would do next, off the grid, every note with its own end.

    given = follow(heard, seconds=6.0, settings=Freely(), seed=3)    # list of Played
    performance = Performance(); performance.hear(event); performance.chances()   # float32 (388,)

A performance is a list of notes `Played(time, seconds, note, velocity)`. `follow` keeps to the
register of what it heard and to its number of notes a second, and ends every note itself: none
lasts longer than four seconds or beyond the phrase. Deterministic by its seed.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.dsp import performance_memory as memory
from engine.model import MODELS, Model

FOLDER = MODELS / "performance"
UNITS = 256
LONGEST_NOTE = 4.0                 # seconds
HEARD_NOTES = 400                  # of what was heard, so many are read; older ones say little
MOST_EVENTS = 4000                 # of an answer
HUNDREDTHS = 100                   # of a second, the grain of time

Chances = NDArray[np.float32]

_LENGTHS = np.arange(1, memory.WAITS + 1) / 12.0        # of waits, for how density pulls at them


class Played(msgspec.Struct, frozen=True):
    """A note: when it begins and how long it lasts in seconds, its number, velocity 1-127."""

    time: float
    seconds: float
    note: int
    velocity: int


class Freely(msgspec.Struct, frozen=True):
    """What the performer may turn: density is a multiple of what was heard, -1 its range."""

    temperature: float = 1.0
    density: float = 1.0
    low: int = -1
    high: int = -1
    register: int = 0


@cache
def load_model(path: Path = FOLDER / "model.onnx") -> Model:
    """The network that comes with Kuchi. Not for two threads at once."""
    return Model(path, {"view": (1, memory.VIEW), "state": (1, UNITS)},
                 {"event": (1, memory.EVENTS), "next_state": (1, UNITS)})


class Performance:
    """One performance, as it is heard."""

    def __init__(self, notes: int = 4096) -> None:
        self._model = load_model()
        self.heads, self.notes, self.sounding = memory.memory(notes)
        self._state: Chances = np.zeros((1, UNITS), np.float32)
        self._event: Chances | None = None

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return float(self.heads[memory.NOW]) / HUNDREDTHS

    def hear(self, event: int) -> None:
        """What happened, 0-387."""
        self.chances()
        self._event = None
        memory.happen(self.heads, self.notes, self.sounding, event)

    def chances(self) -> Chances:
        """float32 (388,): what happens next."""
        if self._event is None:
            given, out = self._model.inputs, self._model.outputs
            memory.look(self.heads, self.notes, self.sounding, given["view"][0])
            given["state"][:] = self._state
            self._model.run()
            self._state = out["next_state"].copy()
            self._event = out["event"][0].copy()
        return self._event


def events_of(notes: Iterable[Played]) -> list[int]:
    """A performance as events; at one moment ends come first, then loudness, then beginnings.

    >>> events_of([Played(0.0, 0.5, 60, 64)])
    [372, 60, 305, 188]
    """
    happenings: list[tuple[int, int, int, int]] = []
    for played in sorted(notes, key=lambda n: (n.time, n.note)):
        begin = round(played.time * HUNDREDTHS)
        end = max(begin + 1, round((played.time + played.seconds) * HUNDREDTHS))
        loud = min(max(played.velocity, 0), 127) * memory.LOUDNESSES // 128
        happenings += [(begin, 1, played.note, loud), (end, 0, played.note, 0)]
    return _as_events(sorted(happenings))


def _as_events(happenings: Sequence[tuple[int, int, int, int]]) -> list[int]:
    """In order of time; a note struck again while it sounds ends once, where it is struck."""
    events: list[int] = []
    now, loud = (happenings[0][0] if happenings else 0), -1
    ends: dict[int, int] = {}                      # how many ends of a note are still to come
    for at, begins, note, how_loud in happenings:
        if not begins:
            ends[note] -= 1
            if ends[note]:
                continue
        while at > now:
            wait = min(at - now, memory.WAITS)
            events.append(memory.WAIT + wait - 1)
            now += wait
        if not begins:
            events.append(memory.OFF + note)
            continue
        if ends.get(note):
            events.append(memory.OFF + note)
        if how_loud != loud:
            loud = how_loud
            events.append(memory.LOUDNESS + loud)
        events.append(memory.ON + note)
        ends[note] = ends.get(note, 0) + 1
    return events


def follow(heard: Sequence[Played], seconds: float, settings: Freely | None = None, seed: int = 0
           ) -> list[Played]:
    """What may follow for so many seconds after the last note heard; times count from there."""
    settings = settings or Freely()
    recent = sorted(heard, key=lambda n: n.time)[-HEARD_NOTES:]
    performance = Performance()
    for event in events_of(recent):
        performance.hear(event)
    first, begin = int(performance.heads[memory.COUNT]), performance.now
    welcome, rate = _welcome(recent, settings), _rate(recent) * settings.density
    rng = np.random.default_rng(seed)
    for _ in range(MOST_EVENTS):
        if performance.now - begin >= seconds:
            break
        overdue = _ended_first(performance)
        if overdue is not None:
            event = overdue
        else:
            began = int(performance.heads[memory.COUNT]) - first
            event = _drawn(performance, settings, welcome, rate, began, performance.now - begin,
                           rng)
        performance.hear(event)
    return _played(performance, first, begin, seconds)


def _rate(heard: Sequence[Played]) -> float:
    """Notes a second of what was heard."""
    if len(heard) < 2:
        return 4.0
    return (len(heard) - 1) / max(heard[-1].time - heard[0].time, 0.25)


def _welcome(heard: Sequence[Played], settings: Freely) -> NDArray[np.float64]:
    """How welcome each event is: notes within the range, no end for what doesn't sound."""
    notes = [n.note for n in heard] or [48, 84]
    low = (min(notes) - 2 if settings.low < 0 else settings.low) + settings.register
    high = (max(notes) + 2 if settings.high < 0 else settings.high) + settings.register
    low = max(memory.LOWEST, min(low, memory.LOWEST + memory.KEYS - 12))
    high = min(memory.LOWEST + memory.KEYS - 1, max(high, low + 11))
    welcome = np.ones(memory.EVENTS)
    welcome[memory.ON:memory.OFF] = 0.0
    welcome[memory.ON + low:memory.ON + high + 1] = 1.0
    return welcome


def _ended_first(performance: Performance) -> int | None:
    """The end of a note that has lasted too long, if there is one."""
    for key in np.flatnonzero(performance.sounding >= 0).tolist():
        began = int(performance.notes[memory.BEGAN, performance.sounding[key]])
        if int(performance.heads[memory.NOW]) - began >= LONGEST_NOTE * HUNDREDTHS:
            return memory.OFF + key
    return None


def _drawn(performance: Performance, settings: Freely, welcome: NDArray[np.float64], rate: float,
           began: int, passed: float, rng: np.random.Generator) -> int:
    """One event drawn; where notes are fewer than wanted they are likelier and waits shorter."""
    chances = performance.chances().astype(np.float64) * welcome
    sounds = performance.sounding >= 0
    chances[memory.OFF:memory.WAIT] *= sounds
    chances[memory.ON:memory.OFF] *= ~sounds
    chances = np.maximum(chances, 1e-12 * (chances > 0)) ** (1 / max(settings.temperature, 0.05))
    behind = np.clip((rate * (passed + 1.0) + 1.0) / (began + rate + 1.0), 0.2, 5.0)
    chances[memory.ON:memory.OFF] *= behind ** 2
    chances[memory.WAIT:memory.LOUDNESS] *= behind ** -_LENGTHS
    total = chances.sum()
    if total <= 0.0:
        return memory.WAIT + 9
    place = np.searchsorted(np.cumsum(chances), rng.random() * total, side="right")
    return min(int(place), memory.EVENTS - 1)


def _played(performance: Performance, first: int, begin: float, seconds: float) -> list[Played]:
    """The notes from `first` on; what has not ended ends with the phrase."""
    found = []
    for note in range(first, int(performance.heads[memory.COUNT])):
        pitch, began, loud, ended, _ = (int(x) for x in performance.notes[:, note])
        time = began / HUNDREDTHS - begin
        until = ended / HUNDREDTHS - begin if ended != memory.SOUNDS else seconds
        until = min(until, seconds, time + LONGEST_NOTE)
        if time < seconds:
            found.append(Played(round(time, 2), round(max(until - time, 0.01), 2), pitch,
                                min(127, loud * 128 // memory.LOUDNESSES + 2)))
    return found
