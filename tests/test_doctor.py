"""The doctor's words: what is well, and what exactly to do where it isn't."""

import subprocess
import sys

import pytest

from engine.rehearsal import doctor

CARD = {"number": 0, "name": "Scarlett 2i2", "host_api": "ALSA", "inputs": 2, "outputs": 2,
        "rate": 48_000, "input_latency": 0.003, "output_latency": 0.003, "default_input": True,
        "default_output": True, "advice": ""}

WELL = [
    doctor.sound_cards([CARD]),
    doctor.midi({"api": "ALSA", "inputs": ["Keys"], "outputs": []}, "linux"),
    doctor.priority("The engine thread runs in real time (FIFO 4).", True, True),
    doctor.priority("The engine thread has the priority that this system gives it.", False, False),
    doctor.wake_ups(0.05, 0.4, 2.0),
    doctor.warm_up(1.0, 0.1, 0.8, 0.1, 1.33),
    *doctor.microphone({"device": "Scarlett", "peak_db": -20.0, "mends": []}),
    doctor.holders(["jackd"], []),
    doctor.holders([], []),
    doctor.power(False, 80, ["performance"]),
    doctor.power(None, None, []),
    doctor.memory(8_000),
    doctor.disk(200, "/home"),
    doctor.rig("rig.toml", []),
]

ILL = [
    (doctor.sound_cards([]), "mend", "No sound card", "kuchi devices"),
    (doctor.sound_cards("PortAudio isn't installed (apt install libportaudio2)"), "mend",
     "apt install libportaudio2", "install it"),
    (doctor.sound_cards("the sound drivers give no answer within 15 s"), "mend",
     "The sound drivers give no answer", "restart the sound server"),
    (doctor.sound_cards([{**CARD, "inputs": 0}]), "mend", "No card has an input", "microphone"),
    (doctor.sound_cards([{**CARD, "advice": "it runs at 44100 Hz; set it in the panel"}]), "mend",
     "It runs at 44100 Hz", "set it there"),
    (doctor.sound_cards([{**CARD, "default_input": False, "default_output": False}]), "look",
     "Scarlett 2i2, ALSA", '[audio] device = "part of its name"'),
    (doctor.midi("this computer has no MIDI", "linux"), "look", ".mid file", "snd-seq"),
    (doctor.midi({"api": "Windows MultiMedia", "inputs": [], "outputs": []}, "win32"), "mend",
     "no virtual ports", "loopMIDI"),
    (doctor.priority("The engine thread runs at normal priority, so others may delay it: allow it",
                     False, True), "look", "at normal priority", "limits.d/95-audio.conf"),
    (doctor.wake_ups(0.2, 2.5, 9.0), "look", "2.50 ms once in a hundred", "real time"),
    (doctor.wake_ups(0.2, 21.0, 60.0), "mend", "21.00 ms", "close browsers"),
    (doctor.warm_up(4.0, 0.1, 30.0, 0.1, 1.33), "look", "Ready in 34.1 s", "NUMBA_CACHE_DIR"),
    (doctor.warm_up(1.0, 0.1, 0.5, 0.9, 1.33), "mend", "takes 0.90 ms", "close other programs"),
    (doctor.microphone("Scarlett is taken")[0], "mend", "Scarlett is taken.", "quit the program"),
    (doctor.microphone({"device": "Scarlett", "peak_db": -75.0, "mends": []})[0], "look",
     "very quiet", "phantom power"),
    (doctor.microphone({"device": "Scarlett", "peak_db": -5.0,
                        "mends": ["Hum at 50 Hz (-44 dB): lift the ground."]})[0], "mend",
     "Hum at 50 Hz (-44 dB).", "lift the ground."),
    (doctor.holders(["pipewire"], [("live", 71, "pcmC1D0c")]), "look",
     "live (process 71) has pcmC1D0c", "quit it"),
    (doctor.holders(["pulseaudio"], []), "look", "adds its own delay", "pasuspender"),
    (doctor.power(True, 61, ["performance"]), "mend", "On battery, 61 % left", "charger"),
    (doctor.power(False, 61, ["powersave"]), "look", "saves power (powersave)", "cpupower"),
    (doctor.memory(300), "mend", "0.3 GB", "close other programs"),
    (doctor.disk(2.0, "/home"), "look", "2.0 GB are free at /home: 2 hours", "make room"),
    (doctor.disk(0.3, "/home"), "mend", "0 hours", "make room"),
    (doctor.rig("rig.toml", None), "look", "There is no rig.toml yet", "kuchi soundcheck"),
    (doctor.rig("rig.toml", ["audio.devise: there is no such setting"]), "mend", "audio.devise",
     "correct them"),
    (doctor.unknown("MIDI", "the MIDI driver gives no answer within 10 s"), "look",
     "The MIDI driver gives no answer within 10 s.", "again"),
]


@pytest.mark.parametrize("finding", WELL, ids=lambda f: f.about)
def test_what_is_well_needs_nothing(finding):
    assert (finding.state, finding.mend) == ("ok", "")


@pytest.mark.parametrize(("finding", "state", "words", "mend"), ILL,
                         ids=lambda value: getattr(value, "about", "")[:20])
def test_what_is_not_well_is_one_sentence_and_the_exact_thing_to_do(finding, state, words, mend):
    assert finding.state == state
    assert words in finding.words
    assert mend in finding.mend


@pytest.mark.parametrize("finding", [*WELL, *(ill[0] for ill in ILL)], ids=lambda f: f.about)
def test_every_finding_is_a_sentence(finding):
    assert finding.words[0] == finding.words[0].upper()
    assert finding.words.endswith(".")


def test_each_thing_wrong_with_a_microphone_is_a_finding_of_its_own():
    found = doctor.microphone({"device": "x", "peak_db": 0.0, "mends": ["Too hot: a.", "Hum: b."]})
    assert [finding.words for finding in found] == ["Too hot.", "Hum."]


def test_the_doctor_is_there_without_any_library():
    done = subprocess.run([sys.executable, "-c", "import sys, engine.rehearsal.doctor;"
                           "sys.exit('numpy' in sys.modules or 'numba' in sys.modules)"])
    assert done.returncode == 0
