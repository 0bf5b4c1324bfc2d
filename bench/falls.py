"""What does a fall of the engine cost?  Killed at 200 random moments of a performance.

The stage plays on JACK's dummy card; a singer sings kicks, and a MIDI client listens. In turn the
engine is killed, stopped, made to raise an exception, and its pipes are closed, each time after it
has played for two seconds: one that falls sooner is given up after a few tries. Told are the time
until the last note has ended at the listener, until the engine is ready again, and whether the
next hit is the right one. The null control is how late a sleeping process wakes meanwhile.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from bench.concert import Concert, kill
from bench.dummy_card import dummy_card
from bench.table import Gate, Report, Row
from engine.errors import KuchiError
from engine.jobs import name_of
from engine.live import crew, engine
from engine.live.supervisor import SOON_S
from engine.mouth import beat, perform
from engine.nodes.drum_classifier import DrumClassifier
from engine.units import SAMPLE_RATE

KICK = 36
HOWS = {"killed": signal.SIGKILL, "stopped": signal.SIGSTOP, "an exception": signal.SIGHUP,
        "pipes closed": signal.SIGUSR2}
PATCH = """
cables = ["mic -> onsets -> drums -> daw", "mic -> drums"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
[nodes.daw]
type = "midi-out"
gate_ms = 2000
[controls]
ch16.cc80 = "listen"
"""
FALLS = 200
MOST_OFF_MS, MOST_BACK_S, MOST_MB = 300.0, 1.0, 600.0
_STILL_MS = 30.0                # a sleeper that wakes so late on the median fall: void


def engine_with_flaws(command: Connection, links: list[Connection], workers: list[Connection],
                      block_name: str) -> None:
    """The engine. At SIGUSR1 its classifier fails, at SIGHUP its loop, at SIGUSR2 its pipes."""
    listen = DrumClassifier._listen

    def fail(*_: object) -> None:
        setattr(DrumClassifier, "_listen", listen)      # noqa: B010
        raise ZeroDivisionError("no such luck")

    def flaw(*_: object) -> None:
        setattr(DrumClassifier, "_listen", fail)        # noqa: B010

    def burst(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    def deafen(*_: object) -> None:
        for pipe in (command, *links):
            with suppress(OSError):
                pipe.close()

    signal.signal(signal.SIGUSR1, flaw)
    signal.signal(signal.SIGHUP, burst)
    signal.signal(signal.SIGUSR2, deafen)
    engine.run(command, links, workers, block_name)


@contextmanager
def flawed() -> Iterator[None]:
    """Every engine that is started meanwhile can be made to fail."""
    before, crew.ENGINE = crew.ENGINE, name_of(engine_with_flaws)
    try:
        yield
    finally:
        crew.ENGINE = before


def song() -> np.ndarray:
    """Two bars of kicks at 120 bpm, to be sung again and again."""
    return perform(beat({"b": "X...X...X...X..."}, 120, 2, start=0.1), "aki")[0][:4 * SAMPLE_RATE]


class Fall(NamedTuple):
    """off_ms: the last note ended so long after; back_s: ready again; right: the next hit."""

    off_ms: float
    back_s: float
    ready_s: float
    right: bool


def wait(condition: Callable[[], object], hope: str, within_s: float = 20.0) -> None:
    """Until something holds, or KuchiError."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise KuchiError(f"falls: {hope}: not within {within_s:g} s")
        time.sleep(0.001)


def fall(concert: Concert, how: signal.Signals, after_s: float) -> Fall:
    """Let the engine fall `after_s` from now, or as soon as a note sounds, and wait for it."""
    wait(concert.plugged, "cables")
    moment = time.monotonic() + after_s
    wait(lambda: time.monotonic() > moment and concert.sounding(), "a note that sounds")
    fell = kill(concert.engine, how)
    wait(lambda: concert.silent_since() < time.monotonic() - 0.05, "the end of every note")
    off_ms = 1000.0 * (concert.silent_since() - fell)
    wait(lambda: concert.stage.ready and concert.said("Back after"), "an engine")
    back_s = time.monotonic() - fell
    wait(lambda: concert.notes(after=fell + 0.4), "a hit")
    right = concert.notes(after=fell + 0.4)[0].note == KICK
    ready = concert.stage.ready
    return Fall(off_ms, back_s, ready.seconds if ready else 0.0, right)


def run(quick: bool) -> Report:
    """Let it fall; without JACK nothing can be said."""
    falls, late_ms = _measure(4 if quick else FALLS)
    rows: list[Row] = []
    for how, those in falls.items():
        off = np.array([each.off_ms for each in those])
        more = np.array([each.back_s - each.ready_s for each in those])
        rows.append({"the engine": how, "falls": len(those),
                     "notes off, ms p50": float(np.median(off)), "max": float(off.max()),
                     "back, s p50": float(np.median([each.back_s for each in those])),
                     "beyond its ready time, max": float(more.max()),
                     "next hit right": f"{sum(each.right for each in those)}/{len(those)}"})
    every = [each for those in falls.values() for each in those]
    gates = [Gate("every note off within, ms", max(each.off_ms for each in every), MOST_OFF_MS),
             Gate("back beyond its ready time, s", max(each.back_s - each.ready_s
                                                       for each in every), MOST_BACK_S),
             Gate("next hits right, share", float(np.mean([each.right for each in every])), 1.0,
                  at_least=True)]
    return Report("What does a fall of the engine cost?", rows,
                  f"a sleeping process woke {_STILL_MS:g} ms late in half of the falls",
                  void=late_ms > _STILL_MS, gates=[] if quick else gates,
                  notes=[f"null control: a sleeper's worst lateness in a fall, median: "
                         f"{late_ms:.1f} ms"])


def _measure(count: int) -> tuple[dict[str, list[Fall]], float]:
    fate, falls = random.Random(7), {how: list[Fall]() for how in HOWS}
    late: list[float] = []
    with (dummy_card(64) as environment, TemporaryDirectory() as folder, flawed()):
        os.environ.update(environment)
        patch = Path(folder) / "held.toml"
        patch.write_text(PATCH, encoding="utf-8")
        with Concert(environment["JACK_DEFAULT_SERVER"], [patch]) as concert:
            concert.begin(wait).singer.sing(song(), again=True)
            for number in range(count):
                how = list(HOWS)[number % len(HOWS)]
                concert.told.clear()
                falls[how].append(fall(concert, HOWS[how], SOON_S + fate.uniform(0.0, 0.5)))
                begun = time.monotonic()
                time.sleep(0.05)
                late.append(1000.0 * (time.monotonic() - begun - 0.05))
    return {how: those for how, those in falls.items() if those}, float(np.median(late))
