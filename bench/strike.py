"""How late is a drum hit?  From the strike in the microphone to the MIDI bytes, OSC and sound.

A compiled JACK client strikes at random moments of its block, another one listens. What is shown
is received - (struck + wait_ms), with wait_ms = 24: what the performer didn't ask for. A strike is
in the air when its sample is recorded, one block before any program can hear it.

The peers are what one would write in an hour: aubio in a Python sounddevice callback, which sends
with mido and waits for nothing; and our own graph in such a callback. At 64 frames all are measured
a second time with a busy Python thread in the process that was started: theirs is the only one,
ours is the command process. The null control is JACK's own way from one client to another.
"""

import importlib.util
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.dummy_card import dummy_card, real_time_is_allowed
from bench.players import Player
from bench.table import Gate, Report, Row
from engine.errors import DeviceError
from engine.units import SAMPLE_RATE, Samples, frames

WAIT_MS = 24.0
PERIODS = (32, 64, 128, 256)
TIMES_LOWER = 3.0               # under a busy thread: p99 beside the aubio peer
MUST_SOCKET = {"p50": 0.4, "p99": 1.2}
MUST = {"p50": 3.0, "p99": 6.0, "SD": 1.0}
_VOID_MS = 1.0                  # JACK's own way may not waver more than this, p99 - p50
_APART_S = 0.15
_NEAR_MS = (-20.0, 80.0)        # what arrives so long after a strike is its answer
_READY_S = 60.0

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

_AT_ONCE = """
cables = ["mic -> onsets -> drums -> kit -> speakers", "mic -> drums", "drums -> visuals"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
when = "sure"
sure_at = 0.5
[nodes.visuals]
type = "osc-out"
to = "127.0.0.1:{port}"
gate_ms = 20
"""

_OURS, _SOCKET = "kuchi", "block end to socket"
_NOTE, _AUBIO, _GRAPH = "strike to note", "aubio + Python to note", "our graph in Python to note"

_OUR_PATCHES = {_OURS: _PATCH, _SOCKET: _AT_ONCE}
_PEERS = {_AUBIO: ("Peer drums", """
import aubio, mido, sys
import numpy as np
import sounddevice
out = mido.open_output("Peer drums", virtual=True, api="UNIX_JACK")
period = int(sys.argv[1])
onset = aubio.onset("default", 512, period, 48000)
onset.set_minioi_ms(50)
def heard(source, frames, clock, status):
    if onset(source[:, 0].copy())[0]:
        out.send(mido.Message("note_on", note=36, velocity=100, channel=9))
with sounddevice.InputStream(samplerate=48000, blocksize=0, channels=1, dtype="float32",
                             latency="low", callback=heard):
    print("ready", flush=True)
    sys.stdin.read()
"""), _GRAPH: ("Peer graph", """
import mido, sys
import numpy as np
import sounddevice
from engine.events import NoteOn
from engine.graph import Graph
from engine.patch import parse_patch
out = mido.open_output("Peer graph", virtual=True, api="UNIX_JACK")
graph = Graph(parse_patch('cables = ["mic -> onsets -> drums -> daw", "mic -> drums"]\\n'
    '[nodes.onsets]\\ntype = "onset-detector"\\n[nodes.drums]\\ntype = "drum-classifier"\\n'
    'wait_ms = 24\\n[nodes.daw]\\ntype = "midi-out"\\ngate_ms = 20'))
target = np.zeros((8192, 2), np.float32)
def heard(source, frames, clock, status):
    graph.hear(np.ascontiguousarray(source[:, :1]), target[:frames])
    for sent in graph.take():
        kind = "note_on" if isinstance(sent.event, NoteOn) else "note_off"
        if sent.node == "daw":
            out.send(mido.Message(kind, note=sent.event.note, velocity=100, channel=9))
with sounddevice.InputStream(samplerate=48000, blocksize=0, channels=1, dtype="float32",
                             latency="low", callback=heard):
    print("ready", flush=True)
    sys.stdin.read()
""")}

_BUSY = """
import os, threading, time
def _compute():
    while not os.path.exists({begin!r}):
        time.sleep(0.2)
    while True:
        sum(range(20_000))
threading.Thread(target=_compute, daemon=True).start()
"""


def run(quick: bool) -> Report:
    """Measure at each block size; without JACK nothing can be said."""
    question = ("How late is a drum hit?  ms from the strike in the microphone, beyond "
                f"wait_ms = {WAIT_MS:g}.")
    count = 12 if quick else 1000
    rows: list[Row] = []
    worst_null, gates = 0.0, []
    try:
        for period in (64,) if quick else PERIODS:
            late, null = measure(period, count)
            worst_null = max(worst_null, null)
            rows += [_row(period, what, ms, count) for what, ms in late.items()]
        late, _ = measure(64, count, _SOCKET)
        rows += [_row(64, what, ms, count) for what, ms in late.items()]
        if real_time_is_allowed() and not quick:
            gates = _gates(rows)
        p99: dict[str, float] = {}
        for busy in (False, True):
            for who in (*([_OURS] if busy else []), *(name for name in _PEERS if _there(name))):
                number = count if who == _OURS else max(12, count * 3 // 10)
                late, _ = measure(64, number, who, busy=busy)
                rows += [_row(64, f"busy: {what}" if busy else what, ms, number)
                         for what, ms in late.items()]
                p99 |= {what: float(np.percentile(ms, 99)) if len(ms) else np.nan
                        for what, ms in late.items()}
        if _AUBIO in p99 and not quick:
            gates.append(Gate("under a busy thread: p99 so many times below aubio + Python's",
                              p99[_AUBIO] / p99[_NOTE], TIMES_LOWER, at_least=True))
    except DeviceError as error:
        return Report(question, [], void=True, rule=str(error))
    priority = "with" if real_time_is_allowed() else "WITHOUT"
    return Report(question, rows, gates=gates, void=worst_null > _VOID_MS,
                  rule=f"from client to client JACK itself wavered by more than {_VOID_MS:g} ms "
                       f"(p99 - p50, here {worst_null:.2g}): the machine was busy elsewhere",
                  notes=[f"{count} strikes at random moments of the block; {priority} real-time "
                         "priority; the block in which a strike is recorded counts",
                         "sound: until the kit's first steep edge leaves for the card",
                         *_parts(rows),
                         "aubio + Python: its strike-to-note, without any wait; missing where "
                         "aubio isn't installed"])


def _row(period: int, what: str, late_ms: NDArray[np.float64], count: int) -> Row:
    p50, p95, p99, p999 = np.percentile(late_ms, [50, 95, 99, 99.9]) if len(late_ms) else (
        [np.nan] * 4)
    return {"frames": f"{period:>3}  {what}", "p50": float(p50), "p95": float(p95),
            "p99": float(p99), "p99.9": float(p999),
            "SD": float(late_ms.std()) if len(late_ms) else float("nan"),
            "heard %": 100.0 * len(late_ms) / count}


def _parts(rows: list[Row]) -> Iterator[str]:
    """What a note's lateness is made of; hop, window and model pass within wait_ms."""
    for row in rows:
        period, what = str(row["frames"])[:3], str(row["frames"])[5:]
        if what == _NOTE:
            half, p50 = 500.0 * int(period) / SAMPLE_RATE, float(row["p50"])  # type: ignore
            yield (f"{period} frames: p50 {p50:.2f} ms = half a block of JACK's, until its next "
                   f"cycle takes the note, {half:.2f} + engine and port {p50 - half:.2f}; the "
                   "block it was struck in, hop, window and model lie within wait_ms = "
                   f"{WAIT_MS:g}")


def _gates(rows: list[Row]) -> list[Gate]:
    socket_row = next(row for row in rows if str(row["frames"]) == f" 64  {_SOCKET}")
    of_socket = [Gate(f" 64  {_SOCKET}: {figure}, ms", float(socket_row[figure]),  # type: ignore
                      limit) for figure, limit in MUST_SOCKET.items()]
    return of_socket + [Gate(f"{row['frames']}: {figure}, ms", float(row[figure]), limit)  # type: ignore[arg-type]
            for row in rows if " 64  strike" in str(row["frames"])
            for figure, limit in MUST.items()]


def strikes(count: int, seed: int = 0) -> tuple[Samples, NDArray[np.int64]]:
    """Clicks that are heard at once, at random samples: float32 (frames,), and where they are."""
    rng = np.random.Generator(np.random.PCG64(seed))
    gaps = frames(_APART_S) + rng.integers(0, frames(_APART_S) // 2, count)
    places = frames(1.0) + np.cumsum(gaps)
    song = np.zeros(int(places[-1]) + frames(1.0), np.float32)
    length = frames(0.03)
    fade = np.exp(-np.arange(length) / frames(0.006))
    for place in places:
        noise = rng.uniform(-0.8, 0.8, length) * fade
        noise[0] = 0.8
        song[place:place + length] = noise
    return song, places


def measure(period: int, count: int, who: str = _OURS, *, busy: bool = False
            ) -> tuple[dict[str, NDArray[np.float64]], float]:
    """What was late by how much, ms, and how JACK itself wavers; one player at a time."""
    song, places = strikes(count)
    with ExitStack() as stack:
        environment = stack.enter_context(dummy_card(period))
        server = environment["JACK_DEFAULT_SERVER"]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        begin = folder / "begin"
        thread = _BUSY.format(begin=str(begin)) if busy else ""
        players = {name: stack.enter_context(closing(Player(name, server, [does])))
                   for name, does in (("singer", "mouth"), ("daw", "midi"), ("ear", "ear"),
                                      ("null", "ear"), ("peer", "midi"))}
        singer = players["singer"]
        visuals = stack.enter_context(closing(_visuals()))
        if who in _OUR_PATCHES:
            patch = _OUR_PATCHES[who].format(port=visuals.getsockname()[1])
            stack.enter_context(_kuchi(environment, patch, thread))
            daw = {":Kuchi drums": "daw:midi"} if who == _OURS else {}
            _plug(singer, {**daw, "PortAudio.*:out_0": "ear:ear"})
        else:
            stack.enter_context(_peer(who, environment, period, thread))
            _plug(singer, {_PEERS[who][0]: "peer:midi"})
        begin.touch()
        time.sleep(1.0)
        singer.sing(song)
        told = _listen(visuals, singer)
        struck_ns = singer.sung_at_ns(places)
        if who == _OURS:
            late = {_NOTE: _late_ms(struck_ns, _notes_ns(players["daw"])) - WAIT_MS,
                    "strike to OSC": _late_ms(struck_ns, told) - WAIT_MS,
                    "strike to sound": _sounds_late_ms(struck_ns, players["ear"]) - WAIT_MS}
        elif who == _SOCKET:
            late = {_SOCKET: _since_block_ms(told, singer)}
        else:
            waits = WAIT_MS if who == _GRAPH else 0.0
            late = {who: _late_ms(struck_ns, _notes_ns(players["peer"])) - waits}
        null = _late_ms(struck_ns, _clicks_ns(players["null"]))
    return late, float(np.percentile(null, 99) - np.percentile(null, 50))


def _late_ms(struck_ns: NDArray[np.int64], heard_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each strike's first answer; what is never answered is left out, and counted elsewhere."""
    if not len(heard_ns):
        return np.zeros(0)
    following = np.searchsorted(heard_ns, struck_ns + int(_NEAR_MS[0] * 1e6))
    answered = following < len(heard_ns)
    late = (heard_ns[following[answered]] - struck_ns[answered]) / 1e6
    return late[late < _NEAR_MS[1]]


def _notes_ns(player: Player) -> NDArray[np.int64]:
    return np.array([note.ns for note in player.messages() if note.is_on], np.int64)


def _clicks_ns(player: Player) -> NDArray[np.int64]:
    """When, after a silence of 20 ms, something sounded again."""
    loud = np.flatnonzero(np.abs(player.heard()) > 1e-4)
    return _ns_of(player, loud[np.r_[True, np.diff(loud) > frames(0.02)]] if len(loud) else loud)


def _ns_of(player: Player, samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """When these samples leave for the card, as its clock has it."""
    cycles = player.cycles()
    period = int(np.median(np.diff(cycles[:, 1])))
    block = np.minimum(samples // period, len(cycles) - 1)
    return cycles[block, 2] + np.round(samples % period * 1e9 / SAMPLE_RATE).astype(np.int64)


def _sounds_late_ms(struck_ns: NDArray[np.int64], player: Player) -> NDArray[np.float64]:
    """How long after each strike the kit began again: its first steep edge over what still rang."""
    starts = player.cycles()[:, 2]
    period = int(np.median(np.diff(player.cycles()[:, 1])))
    steep = np.abs(np.diff(player.heard()))
    late = []
    for moment in struck_ns:
        first = int(np.searchsorted(starts, moment + int(15e6))) * period
        rang = steep[first - frames(0.01):first]
        edge = steep[first:first + frames(0.05)] > max(3.0 * rang.max(initial=0.0), 3e-3)
        if edge.any():
            begins = _ns_of(player, np.array([first + int(edge.argmax())]))[0]
            late.append((begins - moment) / 1e6)
    return np.array(late)


# -- those who take part -------------------------------------------------------------------------

def _visuals() -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    return receiver


def _listen(visuals: socket.socket, singer: Player) -> NDArray[np.int64]:
    """When hits arrived as OSC, until the song is over."""
    told: list[int] = []
    while not singer.done:
        if select.select([visuals], [], [], 0.1)[0]:
            datagram, now = visuals.recv(4096), time.monotonic_ns()
            if b"/env" not in datagram and datagram[-4:] != b"\0\0\0\0":
                told.append(now)
    return np.array(told, np.int64)


def _since_block_ms(told_ns: NDArray[np.int64], singer: Player) -> NDArray[np.float64]:
    """How long before each message the block came whose end brought it; less than a block."""
    came = singer.cycles()[:, 2]
    rows = np.searchsorted(came, told_ns, side="right") - 1
    return (told_ns[rows >= 0] - came[rows[rows >= 0]]) / 1e6


@contextmanager
def _kuchi(environment: dict[str, str], text: str, thread: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        patch = Path(folder, "strike.toml")
        patch.write_text(text, encoding="utf-8")
        story = (f"{thread}\nimport sys\nfrom engine.commands import main\n"
                 f"sys.argv = ['kuchi', 'run', {str(patch)!r}]\nmain()")
        process = subprocess.Popen([sys.executable, "-c", story], env=environment,
                                   stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def _there(name: str) -> bool:
    """Is what this peer needs installed?"""
    return name != _AUBIO or importlib.util.find_spec("aubio") is not None


@contextmanager
def _peer(name: str, environment: dict[str, str], period: int, thread: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", thread + _PEERS[name][1], str(period)],
                               env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != "ready":
            raise DeviceError(f"{name} doesn't start")
        yield
    finally:
        process.communicate("")


def _plug(singer: Player, plugs: dict[str, str]) -> None:
    """Mouth to every microphone, drums to their listeners, the singer to the null control."""
    client: Any = singer.client
    wanted = {"singer:mouth": "null:ear"} | plugs
    deadline = time.monotonic() + _READY_S
    for name, ear in wanted.items():
        while not (found := client.get_ports(name, is_output=True)):
            if time.monotonic() > deadline:
                raise DeviceError(f"nothing came to plug into {ear}")
            time.sleep(0.05)
        client.connect(found[0], ear)
    for microphone in client.get_ports("PortAudio.*:in_0"):
        for other in client.get_all_connections(microphone):
            client.disconnect(other, microphone)
        client.connect("singer:mouth", microphone)
    time.sleep(0.5)                                     # the graph settles
