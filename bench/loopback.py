"""How long from the speakers to the microphone, and from MIDI out to MIDI in?

On a rig: let the microphone hear the speakers, or join output 1 to input 1 with a cable. Clicks
leave at known frames, and the deck's own record of what was heard tells when they came back. The
result is kept with the card's name, and `kuchi doctor` shows it.

For MIDI, join the output of a port to its input with a cable: the first port that has both gets
notes of velocity 1. That too is kept with the port's name.

Where there is no card, JACK's own loops are measured, whose answers are known: a cable from a
client's output to its input delays by exactly one block; a note waits for the next one, half a
block in the middle.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bench.callback import _deck
from bench.dummy_card import dummy_card
from bench.table import Gate, Report, Row
from engine.audio import AudioList
from engine.audio.output import Output
from engine.audio.sampler import PLAY, Sampler
from engine.devices.midi import Sequencer
from engine.devices.portaudio import open_stream
from engine.devices.sound_cards import choose, scan
from engine.drums import DRUMS
from engine.errors import DeviceError, KuchiError
from engine.rehearsal.loopback import APART, Loop, delays, keep, midi_name, summary
from engine.units import SAMPLE_RATE

PERIOD = 64
_FIRST_S, _CLICK = 0.5, 48
_OUT, _BACK, _CHANNEL = "Kuchi loop out", "Kuchi loop back", 15
_PRIORITY = 60
_LOST_NS = 200_000_000              # a note that takes longer doesn't come back


def run(quick: bool) -> Report:
    """Measure the default card, or JACK's own loop where there is none."""
    clicks = 20 if quick else 200
    question = "How long from the speakers to the microphone, and from MIDI out to MIDI in?  ms"
    try:
        card = _card()
        if card:
            report = _report(question, card, _measured("sound", clicks, dict(os.environ)), None)
            _add_midi(report, clicks, dict(os.environ), None)
            return report
        with dummy_card(PERIOD) as environment:
            report = _report(question, "JACK's own loop", _measured("sound", clicks, environment),
                             PERIOD)
            _add_midi(report, 5 * clicks, environment, PERIOD)
        return report
    except DeviceError as error:
        return Report(question, [], void=True, rule=str(error))


def _add_midi(report: Report, notes: int, environment: dict[str, str], period: int | None) -> None:
    """The same for notes; on JACK's own loop a note waits for the next block."""
    port, late = _measured("midi", notes, environment)
    if not port:
        report.notes.append("no MIDI port both plays and is heard: join its output to its input")
        return
    if not late:
        report.notes.append(f"{port}: no note came back; join its output to its input")
        return
    loop = summary(midi_name(port), _now(), np.array(late))
    report.rows.append(_row("MIDI, " + (port if period is None else "JACK's own loop"), loop))
    if period is None:
        keep(loop)
        return
    blocks = 1000.0 * period / SAMPLE_RATE
    report.gates += [Gate("MIDI: notes that didn't come back", notes - len(late), 0),
                     Gate("MIDI: p50, blocks", loop.p50_ms / blocks, 1.0),
                     Gate("MIDI: p95, blocks", loop.p95_ms / blocks, 2.0)]


def _card() -> str:
    """The default card's name, "" for none that hears and plays."""
    try:
        source, target = choose(scan(), "")
    except DeviceError:
        return ""
    return source.name if source and target else ""


def _report(question: str, card: str, late: list[int], wanted: int | None) -> Report:
    if not late:
        return Report(question, [], void=True, rule="no click came back: join output 1 and input "
                                                    "1, or turn both up")
    loop = summary(card, _now(), np.array(late) * 1000.0 / SAMPLE_RATE)
    gates = []
    if wanted is None:
        keep(loop)
    else:
        off = int(np.abs(np.array(late) - wanted).max())
        gates = [Gate("frames off the known answer, at most", off, 0)]
    return Report(question, [_row(card, loop)], gates=gates, rule="no click came back",
                  notes=["kept: `kuchi doctor` shows it"] if wanted is None else
                  [f"one block of {PERIOD} frames is {1000 * PERIOD / SAMPLE_RATE:.3f} ms"])


def _row(what: str, loop: Loop) -> Row:
    return {"what": what, "p50": loop.p50_ms, "p95": loop.p95_ms, "p99": loop.p99_ms,
            "jitter (SD)": loop.jitter_ms, "came back": loop.clicks}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _measured(what: str, count: int, environment: dict[str, str]) -> Any:
    done = subprocess.run([sys.executable, "-m", "bench.loopback", what, str(count)],
                          capture_output=True, text=True, env=environment)
    if done.returncode:
        raise KuchiError(f"loopback: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(clicks: int) -> list[int]:
    """Frames from each click's leaving to its coming back."""
    deck, audio = _deck(), AudioList()
    click = np.zeros((2, _CLICK), np.float32)
    click[:, :] = 0.7 * np.exp(-np.arange(_CLICK) / 8.0)
    kit = Sampler(audio, dict.fromkeys(DRUMS, click), 1.0)
    Output(audio, kit.buffer, 0, 1.0)
    audio.compile()
    deck.put(audio)
    stream = open_stream(deck)
    try:
        loop = _cable()
        start = deck.mark[0] + round(_FIRST_S * SAMPLE_RATE)
        for number in range(clicks):
            kit.commands.send(start + number * APART, PLAY, 0, 1.0, number)
        end = start + (clicks + 2) * APART
        while deck.mark[0] < end:
            if not stream.alive():
                raise DeviceError("the card has stopped calling")
            time.sleep(0.05)
        places = np.arange(start, end) & (deck._touched["kept"] - 1)
        heard: Any = deck._touched["heard"]
        played: Any = deck._touched["played"]
        late = delays(played[places, 0], heard[places])
        del loop
    finally:
        stream.close()
    return [int(each) for each in late]


def measure_midi(notes: int) -> tuple[str, list[float]]:
    """The port, and ms from each note's leaving to its coming back; "" where no port does both."""
    try:
        sequencer = Sequencer()
    except DeviceError:
        return "", []
    jack = "JACK_DEFAULT_SERVER" in os.environ
    both = [name for name in sequencer.outputs() if name in sequencer.inputs()]
    if not (both or jack):
        return "", []
    there, back = (_OUT, _BACK) if jack else (both[0], both[0])
    out, ear = sequencer.open_output(there), sequencer.open_input(back)
    held = _midi_cable() if jack else None
    rng, late = np.random.Generator(np.random.PCG64(0)), []
    with suppress(OSError, AttributeError):             # where that is allowed
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    for _ in range(notes):
        time.sleep(rng.uniform(0.005, 0.015))           # anywhere in a block
        while ear.receive() is not None:
            pass
        began = time.monotonic_ns()
        out.send(0x90 | _CHANNEL, 60, 1)
        while time.monotonic_ns() < began + _LOST_NS:
            heard = ear.receive()
            if heard is not None and heard[:2] == (0x90 | _CHANNEL, 60):
                late.append((heard[3] - began) / 1e6)
                break
        out.send(0x80 | _CHANNEL, 60, 64)
    del held
    return there, late


def _midi_cable() -> object:
    """On JACK: join our MIDI output to our MIDI input."""
    from .jack_client import Client
    client = Client("cable", os.environ["JACK_DEFAULT_SERVER"])
    ports = [client.get_ports(name, is_midi=True)[0] for name in (_OUT, _BACK)]
    client.connect(*ports)
    return client


def _cable() -> object:
    """On JACK: join our output to our input; elsewhere the performer has."""
    if "JACK_DEFAULT_SERVER" not in os.environ:
        return None
    from .jack_client import Client
    client = Client("cable", os.environ["JACK_DEFAULT_SERVER"])
    for target in client.get_ports("PortAudio.*:in_0"):
        for other in client.get_all_connections(target):
            client.disconnect(other, target)
        client.connect(client.get_ports("PortAudio.*:out_0")[0], target)
    return client


if __name__ == "__main__":
    measures: dict[str, Any] = {"sound": measure, "midi": measure_midi}
    print(json.dumps(measures[sys.argv[1]](int(sys.argv[2]))))
