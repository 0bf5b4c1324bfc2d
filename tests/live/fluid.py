"""A synth as a musician would have it beside Kuchi: fluidsynth, headless, on JACK."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOUNDS = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
MIDI_IN, LEFT = "fluid:midi_00", "fluid:left"


@contextmanager
def fluidsynth() -> Iterator[None]:
    """Run it, cabled to nothing; for the JACK server of the environment."""
    synth = subprocess.Popen(
        ["fluidsynth", "-a", "jack", "-m", "jack", "-s", "-i", "-o", "audio.jack.id=fluid",
         "-o", "midi.jack.id=fluid", "-o", "midi.autoconnect=0", str(SOUNDS)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        synth.kill()
        synth.wait()
