"""`kuchi midi` beside real ports: what there is, what arrives, and silence when all else fails."""

import json
import subprocess
import sys

import pytest
from port_rig import ON

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64, "synchronous": True}],
                                      indirect=True)]

KICK = 36


def kuchi(*words: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "engine", "midi", *words],
                            stdout=subprocess.PIPE, text=True)


def test_the_ports_are_listed_by_what_they_are_good_for(jack_server, receiver):
    said = json.loads(kuchi("list", "--json").communicate(timeout=30)[0])
    assert said == {"api": "Jack", "outputs": ["receiver:ear"], "inputs": ["receiver:voice"]}


def test_the_monitor_prints_what_arrives(jack_server, receiver, eventually):
    monitor = kuchi("monitor", "voice", "--count", "2")
    eventually(lambda: receiver.voice.number_of_connections, "the monitor listens")
    receiver.to_play += [bytes((0x99, 36, 100)), bytes((0xB0, 7, 99))]
    lines = monitor.communicate(timeout=30)[0].splitlines()
    assert "note_on" in lines[0]
    assert "note 36 / C1" in lines[0]
    assert lines[1].endswith("channel 1  number 7  value 99")


def test_panic_from_outside_silences_a_synth_that_hangs(jack_server, receiver, eventually):
    receiver.heard.append((0, bytes((ON, KICK, 100))))          # whoever sent it has gone
    assert "receiver:ear is silent" in kuchi("panic", "receiver").communicate(timeout=30)[0]
    eventually(lambda: not receiver.sounding(), "silence")
    assert {data[0] for data in receiver.messages
            if data[0] >= 0xB0 and data[1] == 120} == set(range(0xB0, 0xC0))
