"""`kuchi osc`: what arrives is printed, what is sent arrives, mistakes are explained."""

import json
import signal
import subprocess
import sys

import pytest

from engine.devices.osc import HERE, Inlet, Target
from engine.osc import build

KUCHI = [sys.executable, "-m", "engine", "osc"]


def kuchi(*words):
    return subprocess.run([*KUCHI, *words], capture_output=True, text=True, timeout=60)


@pytest.fixture
def monitor():
    """Starts `kuchi osc monitor` on a free port; gives the process and a target that reaches it."""
    started = []

    def start(*words):
        probe = Inlet(0)
        probe.close()                                  # free again, and nobody else asks for it
        process = subprocess.Popen([*KUCHI, "monitor", str(probe.port), *words], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        assert f"listening on port {probe.port}" in process.stderr.readline()
        return process, Target(HERE, probe.port)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_monitor_prints_a_line_a_message_and_ends_after_the_count(monitor):
    process, target = monitor("--count", "3")
    target.send(build("/kuchi/drums/kick", [0.25]))
    target.send(b"noise!!!")
    target.send(build("/kuchi/corrected", ["kick", "snare", 1.0]))
    target.send(build("/kuchi/beat", [3]))
    said, beside = process.communicate(timeout=30)
    assert said.splitlines() == ["/kuchi/drums/kick 0.25", '/kuchi/corrected "kick" "snare" 1',
                                 "/kuchi/beat 3"]
    assert process.returncode == 0, beside


def test_the_monitor_speaks_json_and_ctrl_c_ends_it_well(monitor):
    process, target = monitor("--json")
    target.send(build("/a", [0.5, 2, "x"]))
    assert json.loads(process.stdout.readline()) == {"address": "/a", "arguments": [0.5, 2, "x"]}
    process.send_signal(signal.SIGINT)
    _, beside = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in beside


def test_what_is_sent_by_hand_arrives_with_its_kinds():
    inlet = Inlet(0)
    done = kuchi("send", f"127.0.0.1:{inlet.port}", "/a", "-2", "0.5", "-1e-3", "soft hit")
    assert done.returncode == 0, done.stderr
    (address, values), = inlet.receive()
    inlet.close()
    assert (address, values[0], values[1], values[3]) == ("/a", -2, 0.5, "soft hit")
    assert values[2] == pytest.approx(-1e-3)
    assert isinstance(values[0], int)


def test_a_port_that_is_taken_is_explained():
    inlet = Inlet(0)
    done = kuchi("monitor", str(inlet.port))
    inlet.close()
    assert done.returncode == 3
    assert "is taken by another program: close it there, or choose another port" in done.stderr


@pytest.mark.parametrize(("words", "code", "said"), [
    (["send", "127.0.0.1:9", "/a", "1"], 3, "no one listens at 127.0.0.1:9"),
    (["send", "no-such-host.invalid:7000", "/a"], 3, "no computer called"),
    (["send", "127.0.0.1", "/a"], 2, "must name a port too"),
    (["send", "127.0.0.1:x", "/a"], 2, "must be an address and a port"),
    (["send", "127.0.0.1:7000", "a"], 2, "no OSC address"),
    (["send", "127.0.0.1:7000", "/a*"], 2, "a pattern"),
    (["send", "127.0.0.1:7000", "/a", "nan"], 2, "nan is no number"),
    (["monitor", "70000"], 2, "1<=x<=65535"),
    (["monitor", "7999", "--allow", "stage"], 3, "no address that can be allowed"),
])
def test_a_wrong_command_is_explained_with_its_exit_code(words, code, said):
    done = kuchi(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
