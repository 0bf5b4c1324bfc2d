"""How late is a drum hit?  From the strike in the microphone to the MIDI bytes, OSC and sound.

A compiled JACK client strikes at random moments of its block, another one listens. What is shown
is received - (struck + wait_ms), with wait_ms = 24: what the performer didn't ask for. A strike is
in the air when its sample is recorded, one block before any program can hear it.

The peers stand in `bench.peers`. At 64 frames all are measured a second time with a busy Python
thread in the process that was started: theirs is the only one, or plays the program that answers;
ours is the command process. The null control is JACK's own way from one client to another.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.company import hits_told, kuchi, plug, strikes, visuals
from bench.dummy_card import dummy_card, real_time_is_allowed
from bench.lateness import (
    clicks_ns,
    late_ms,
    notes_ns,
    parts_ms,
    sounds_late_ms,
    window_ms,
)
from bench.peers import PEERS, WAIT_MS, playing
from bench.players import Player
from bench.table import Gate, Report, Row
from engine.errors import DeviceError

PERIODS = (32, 64, 128, 256)
TIMES_LOWER = 3.0               # under a busy thread: p99 beside the aubio peer
MUST = {"p50": 3.0, "p99": 6.0, "SD": 1.0}
VOID_MS = 1.0                   # JACK's own way may not waver more than this, p99 - p50

_PATCH = """
cables = ["mic -> onsets -> drums -> kit -> speakers", "mic -> drums", "drums -> daw",
          "drums -> visuals"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
wait_ms = 24
[nodes.daw]
type = "midi-out"
gate_ms = 20
[nodes.visuals]
type = "osc-out"
to = "127.0.0.1:{port}"
gate_ms = 20
"""

_OURS = "kuchi"
_NOTE, _AUBIO = "strike to note", "aubio + Python to note"


def run(quick: bool) -> Report:
    """Measure at each block size; without JACK nothing can be said."""
    question = ("How late is a drum hit?  ms from the strike in the microphone, beyond "
                f"wait_ms = {WAIT_MS:g}.")
    count = 12 if quick else 1000
    rows: list[Row] = []
    parts: dict[int, dict[str, float]] = {}
    p99: dict[str, float] = {}
    gates: list[Gate] = []
    worst_null = 0.0
    there = [name for name, peer in PEERS.items() if peer.installed()]
    try:
        for period in (64,) if quick else PERIODS:
            found = measure(period, count)
            worst_null, parts[period] = max(worst_null, found.null_ms), found.parts
            rows += [row(period, what, ms, count) for what, ms in found.late.items()]
        if real_time_is_allowed() and not quick:
            gates = [*_gates(rows), *_add_up(parts)]
        for busy in (False, True):
            for who in (*([_OURS] if busy else []), *there):
                number = count if who == _OURS else max(12, count * 3 // 10)
                late = measure(64, number, who, busy=busy).late
                rows += [row(64, f"busy: {what}" if busy else what, ms, number)
                         for what, ms in late.items()]
                p99 |= {what: float(np.percentile(ms, 99)) if len(ms) else np.nan
                        for what, ms in late.items()}
        if _AUBIO in p99 and not quick:
            gates.append(Gate("under a busy thread: p99 so many times below aubio + Python's",
                              p99[_AUBIO] / p99[_NOTE], TIMES_LOWER, at_least=True))
    except DeviceError as error:
        return Report(question, [], void=True, rule=str(error))
    priority = "with" if real_time_is_allowed() else "WITHOUT"
    return Report(question, rows, gates=gates, void=worst_null > VOID_MS,
                  rule=f"from client to client JACK itself wavered by more than {VOID_MS:g} ms "
                       f"(p99 - p50, here {worst_null:.2g}): the machine was busy elsewhere",
                  notes=[f"{count} strikes at random moments of the block; {priority} real-time "
                         "priority; the block in which a strike is recorded counts",
                         "to sound: until the first steep edge leaves for the card",
                         "peers answer as soon as they can; our graph in Python waits as we do",
                         *(_told(period, each) for period, each in parts.items()),
                         *(f"not installed: {name.rpartition(' to ')[0]}" for name in PEERS
                           if name not in there)])


def row(period: int, what: str, late_ms: NDArray[np.float64], count: int) -> Row:
    p50, p95, p99, p999 = np.percentile(late_ms, [50, 95, 99, 99.9]) if len(late_ms) else (
        [np.nan] * 4)
    return {"frames": f"{period:>3}  {what}", "p50": float(p50), "p95": float(p95),
            "p99": float(p99), "p99.9": float(p999),
            "SD": float(late_ms.std()) if len(late_ms) else float("nan"),
            "heard %": 100.0 * len(late_ms) / count}


def _told(period: int, parts: dict[str, float]) -> str:
    """The parts of a note's way, which add up; the model hears on for what is left of wait_ms."""
    names = list(parts)
    waited, after = (" + ".join(f"{name} {parts[name]:.2f}" for name in some)
                     for some in (names[:4], names[4:]))
    return (f"{period:>3} frames, means: {waited} = wait_ms {WAIT_MS:g}; then {after} = strike to "
            f"note {sum(parts.values()) - WAIT_MS:.2f}")


def _gates(rows: list[Row]) -> list[Gate]:
    return [Gate(f"{row['frames']}: {figure}, ms", float(row[figure]), limit)  # type: ignore[arg-type]
            for row in rows if " 64  strike" in str(row["frames"])
            for figure, limit in MUST.items()]


def _add_up(parts: dict[int, dict[str, float]]) -> Iterator[Gate]:
    """What the measured parts leave to the other two can't be less than nothing."""
    for period, each in parts.items():
        for part in ("model", "engine and port"):
            yield Gate(f"{period:>3}  what the other parts leave to {part}, ms", each[part], 0.0,
                       at_least=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What one player did, ms.

    late    : what was late by how much beyond its wait, by the name of the row
    null_ms : how JACK itself wavers, p99 - p50
    parts   : of our note's way, means; empty for others
    """

    late: dict[str, NDArray[np.float64]]
    null_ms: float
    parts: dict[str, float]


def measure(period: int, count: int, who: str = _OURS, *, busy: bool = False) -> Found:
    """Let one player answer so many strikes."""
    song, places = strikes(count)
    with ExitStack() as stack:
        environment = stack.enter_context(dummy_card(period))
        server = environment["JACK_DEFAULT_SERVER"]
        begin = Path(stack.enter_context(tempfile.TemporaryDirectory()), "begin")
        players = {name: stack.enter_context(closing(Player(name, server, [does])))
                   for name, does in (("singer", "mouth"), ("midi", "midi"), ("ear", "ear"),
                                      ("null", "ear"))}
        singer = players["singer"]
        there = stack.enter_context(closing(visuals()))
        if who == _OURS:
            patch = _PATCH.format(port=there.getsockname()[1])
            stack.enter_context(kuchi(environment, patch, begin if busy else None))
            plug(singer, "PortAudio.*:in_0", {":Kuchi drums": "midi:midi",
                                              "PortAudio.*:out_0": "ear:ear"})
        else:
            peer = PEERS[who]
            stack.enter_context(playing(who, environment, period, begin, busy))
            plug(singer, peer.hears, {peer.answers: "ear:ear" if peer.sounds else "midi:midi"})
        begin.touch()
        time.sleep(1.0)
        singer.sing(song)
        told = hits_told(there, singer)
        struck_ns, parts = singer.sung_at_ns(places), {}
        if who == _OURS:
            due_ns = struck_ns + int(WAIT_MS * 1e6)
            late = {_NOTE: late_ms(struck_ns, notes_ns(players["midi"])) - WAIT_MS,
                    "strike to OSC": late_ms(struck_ns, told) - WAIT_MS,
                    "strike to sound": sounds_late_ms(struck_ns, players["ear"]) - WAIT_MS}
            parts = parts_ms(period, WAIT_MS, window_ms(song, places), due_ns,
                             singer.cycles()[:, 2], late[_NOTE])
        else:
            answers = clicks_ns(players["ear"]) if peer.sounds else notes_ns(players["midi"])
            late = {who: late_ms(struck_ns, answers) - peer.wait_ms}
        null = late_ms(struck_ns, clicks_ns(players["null"]))
    return Found(late, float(np.percentile(null, 99) - np.percentile(null, 50)), parts)
