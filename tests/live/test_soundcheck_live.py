"""Before the gig, on a real driver: another JACK client is the microphone and who sings into it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.mouth import beat, perform
from engine.rehearsal.guided import pattern
from engine.rig import load_rig
from engine.units import SAMPLE_RATE, Samples, level_db
from engine.voice.profile_file import load_profile

pytestmark = pytest.mark.live

BEATS = {"b": "x...X...o...x...", "ts": "..o...x...X...x.", "pf": "....x.......X..."}
Wait = Callable[..., None]


def room(seconds: float) -> Samples:
    noise = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE))
    return (10.0 ** (-65 / 20) * noise).astype(np.float32)


def sung() -> Samples:
    """Five seconds and a half of room, then ten of hits, then room again."""
    audio = room(20.0)
    hits, _ = perform([cue for bar in range(3) for cue in beat(BEATS, 90, start=3.0 * bar)], "aki",
                      seconds=9.5)
    start = round(6.2 * SAMPLE_RATE)
    audio[start:start + len(hits)] += hits
    return audio


class Microphone:
    """A JACK client that gives what is sung, once, and then silence."""

    def __init__(self, server: str, audio: Samples) -> None:
        from bench.jack_client import Client
        self.client = Client("mic", server)
        self.port = self.client.outports.register("out")
        self.audio, self.place = audio, -1

        @self.client.set_process_callback
        def process(frames: int) -> None:
            block = self.port.get_array()
            block[:] = 0.0
            if self.place >= 0:
                piece = self.audio[self.place:self.place + frames]
                block[:len(piece)] = piece
                self.place += frames

    def plug_into(self, name: str) -> bool:
        """Into the input of the program called so, instead of the card's; and begin."""
        inputs = [port for port in self.client.get_ports(is_audio=True, is_input=True)
                  if name in port.name]
        for port in inputs[:1]:
            for other in self.client.get_all_connections(port):
                self.client.disconnect(other, port)
            self.client.connect(self.port, port)
            self.place = 0
        return bool(inputs)


@pytest.fixture
def microphone(jack_server: str) -> Iterator[Microphone]:
    mic = Microphone(jack_server, sung())
    with mic.client:
        yield mic


def kuchi(*words: str, home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "engine", *words], text=True,
                            env={**os.environ, "XDG_CONFIG_HOME": str(home), "HOME": str(home)},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_soundcheck_on_stage_sets_the_rig_of_whoever_sings(microphone, tmp_path, eventually):
    rig = tmp_path / "rig.toml"
    rig.write_text("# mine\n[audio]\ndevice = \"system\"      # the stage\n")
    check = kuchi("soundcheck", "--rig", str(rig), home=tmp_path)
    eventually(lambda: microphone.plug_into("PortAudio"), "the soundcheck opened its input")
    said, asked = check.communicate(timeout=60)
    assert check.returncode == 0, asked
    assert asked.index("Be quiet") < asked.index("Now play") < asked.index("Heard on system")
    assert "room to spare" in said
    assert "# the stage" in rig.read_text()
    kept = load_rig(rig).defaults
    loudest = level_db(float(np.abs(microphone.audio).max()))
    assert loudest - 6 < kept["drum-classifier"]["loud_db"] <= loudest + 0.5
    assert kept["drum-classifier"]["soft_db"] < kept["drum-classifier"]["loud_db"] - 6
    assert 3 <= kept["onset-detector"]["sensitivity_db"] <= 20


def test_a_lesson_on_stage_teaches_whoever_sings(microphone, tmp_path, eventually):
    cues = [(2.0 + time, sound, 0.5 + 0.1 * k) for start, sound in ((0.0, "b"), (6.0, "ts"))
            for k in range(5) for time in (start + k,)]
    cues += [(14.0 + 0.25 * k, {"boots": "b", "tss": "ts"}[name], 0.7)
             for k, name in enumerate(2 * pattern(["boots", "tss"]))]
    hits, _ = perform(cues, "aki", seconds=23.0)
    microphone.audio = hits + room(23.0)
    teach = kuchi("teach", str(tmp_path / "mine.kuchi"), "--sounds", "boots, tss", home=tmp_path)
    eventually(lambda: microphone.plug_into("PortAudio"), "the lesson opened its input")
    said, asked = teach.communicate(timeout=90)
    assert teach.returncode == 0, asked
    assert asked.count("5 of 5") == 2
    assert "plays kick" in said
    profile = load_profile(tmp_path / "mine.kuchi")
    assert [len(profile.numbers(name)) for name in ("boots", "tss")] == [5, 5]
    assert len(profile.page.played) >= 28


def test_the_doctor_finds_card_microphone_and_midi_on_jack(microphone, tmp_path, eventually):
    microphone.audio = np.tile(sung()[6 * SAMPLE_RATE:9 * SAMPLE_RATE], 5)
    doctor = kuchi("doctor", "--strict", "--json", home=tmp_path)
    eventually(lambda: microphone.plug_into("PortAudio"), "the doctor opened the input")
    said, asked = doctor.communicate(timeout=240)
    assert doctor.returncode == 0, asked
    findings = {finding["about"]: finding for finding in json.loads(said)["findings"]}
    assert findings["sound cards"]["state"] == "ok"
    assert "JACK" in findings["sound cards"]["words"]
    assert findings["microphone"]["values"]["peak_db"] > -30
    assert findings["MIDI"]["values"]["api"] == "Jack"
    assert "jackd" in findings["who holds it"]["values"]["servers"]


def test_where_no_card_is_the_doctor_says_so_and_strict_leaves_with_3(tmp_path, monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody-here")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    doctor = kuchi("doctor", "--strict", "--json", home=tmp_path)
    said, asked = doctor.communicate(timeout=240)
    cards = json.loads(said)["findings"][0]
    if cards["values"].get("cards"):
        pytest.skip("this computer has a sound card of its own")
    assert cards["state"] == "mend"
    assert doctor.returncode == 3, asked
