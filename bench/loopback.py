"""How long does sound take from the speakers to the microphone?

On a rig: let the microphone hear the speakers, or join output 1 to input 1 with a cable. Clicks
leave at known frames, and the deck's own record of what was heard tells when they came back. The
result is kept with the card's name, and `kuchi doctor` shows it.

Where there is no card, JACK's own loop is measured, whose answer is known to the frame: a cable
from a client's output to its input delays by exactly one block.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bench.callback import _deck
from bench.dummy_card import dummy_card
from bench.table import Gate, Report
from engine.audio import AudioList
from engine.audio.output import Output
from engine.audio.sampler import PLAY, Sampler
from engine.devices.portaudio import open_stream
from engine.devices.sound_cards import choose, scan
from engine.drums import DRUMS
from engine.errors import DeviceError, KuchiError
from engine.rehearsal.loopback import APART, delays, keep, summary
from engine.units import SAMPLE_RATE

PERIOD = 64
_FIRST_S, _CLICK = 0.5, 48


def run(quick: bool) -> Report:
    """Measure the default card, or JACK's own loop where there is none."""
    clicks = 20 if quick else 200
    question = "How long does sound take from the speakers to the microphone?  ms"
    try:
        card = _card()
        if card:
            return _report(question, card, _measured(clicks, dict(os.environ)), None)
        with dummy_card(PERIOD) as environment:
            found = _measured(clicks, environment)
        return _report(question, "JACK's own loop", found, PERIOD)
    except DeviceError as error:
        return Report(question, [], void=True, rule=str(error))


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
    loop = summary(card, datetime.now(UTC).isoformat(timespec="seconds"),
                   np.array(late, np.int64))
    gates = []
    if wanted is None:
        keep(loop)
    else:
        off = int(np.abs(np.array(late) - wanted).max())
        gates = [Gate("frames off the known answer, at most", off, 0)]
    return Report(question, [{"what": card, "p50": loop.p50_ms, "p95": loop.p95_ms,
                              "p99": loop.p99_ms, "jitter (SD)": loop.jitter_ms,
                              "clicks": loop.clicks}], gates=gates, rule="no click came back",
                  notes=["kept: `kuchi doctor` shows it"] if wanted is None else
                  [f"one block of {PERIOD} frames is {1000 * PERIOD / SAMPLE_RATE:.3f} ms"])


def _measured(clicks: int, environment: dict[str, str]) -> list[int]:
    done = subprocess.run([sys.executable, "-m", "bench.loopback", str(clicks)],
                          capture_output=True, text=True, env=environment)
    if done.returncode:
        raise KuchiError(f"loopback: {done.stderr.strip()}")
    late: list[int] = json.loads(done.stdout.splitlines()[-1])
    return late


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


def _cable() -> object:
    """On JACK: join our output to our input; elsewhere the performer has."""
    if "JACK_DEFAULT_SERVER" not in os.environ:
        return None
    import jack
    client = jack.Client("cable", no_start_server=True,
                         servername=os.environ["JACK_DEFAULT_SERVER"])
    for target in client.get_ports("PortAudio.*:in_0"):
        for other in client.get_all_connections(target):
            client.disconnect(other, target)
        client.connect(client.get_ports("PortAudio.*:out_0")[0], target)
    return client


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
