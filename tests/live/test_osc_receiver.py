"""A receiver that isn't ours reads what leaves: liblo's `oscdump`, headless."""

import re
import select
import subprocess
import threading
import time
from contextlib import closing

import numpy as np
import pytest

from engine.devices.osc import HERE, Inlet, Target
from engine.drums import DRUMS
from engine.events import Beat, Hit
from engine.nodes.osc_out import OscOut
from engine.osc import build
from engine.rendering import play

pytestmark = pytest.mark.live

SECOND = np.zeros(48_000, np.float32)


@pytest.fixture
def oscdump():
    """A running `oscdump`, and a target that reaches it."""
    probe = Inlet(0)
    probe.close()                                      # free again, and nobody else asks for it
    process = subprocess.Popen(["oscdump", "-L", str(probe.port)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ended = threading.Timer(30.0, process.kill)        # then what is read ends, and is too short
    ended.start()
    with closing(Target(HERE, probe.port)) as target:
        while not select.select([process.stdout], [], [], 0.05)[0]:
            assert process.poll() is None, "oscdump never opened its port"
            target.send(build("/ready"))
        target.lost = 0                                # those before it listened
        yield process, target
    ended.cancel()
    process.kill()
    process.communicate()


def lines_until(process, last):
    """What was received, as (address, types, values), up to the first line with `last` in it."""
    for line in iter(process.stdout.readline, ""):
        found = re.match(r"\S+ (/\S+) ?(\S*) ?(.*)", line)
        assert found, line
        yield found.groups()
        if last in line:
            return


@pytest.mark.parametrize("own", ["kuchi", "supercollider"])
def test_oscdump_reads_every_hit_beat_and_correction_as_it_was_meant(oscdump, own):
    process, target = oscdump
    hits = [Hit(0.02 * n, drum, drum, (n + 1) / 16, 1.0, 0.02 * n + 0.024)
            for n, drum in enumerate(DRUMS)]
    hits.append(Hit(0.0, "kick", "snare", 0.25, 1.0, 0.1, corrects=0.024))
    beats = [Beat(0.1 + 0.5 * n, 120.0, n / 4, 0.1 + 0.5 * n) for n in range(2)]
    told = play(OscOut(name="drums", map=own), SECOND, hits=hits, beats=beats)
    assert len(told) > 60
    for number, message in enumerate(told):
        target.tell(message)
        if number % 32 == 31:
            time.sleep(0.01)                           # as in a second: it keeps few at a time
    target.send(build("/end"))
    received = [line for line in lines_until(process, "/end")
                if line[0] not in ("/ready", "/end")]
    assert [address for address, _, _ in received] == [m.address for m in told]
    for (_, types, values), message in zip(received, told, strict=True):
        assert types == "".join({int: "i", float: "f", str: "s"}[type(v)]
                                for v in message.arguments)
        for word, value in zip(values.split(), message.arguments, strict=True):
            assert word.strip('"') == value if isinstance(value, str) else (
                float(word) == pytest.approx(value, abs=1e-6))
    assert target.lost == 0
