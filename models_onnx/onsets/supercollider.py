"""SuperCollider's `Onsets` as a peer: when it hears strikes, faster than real time.

`sclang` writes the synths once, `scsynth` plays them over each recording without a sound card; a
synth answers each strike with a decaying click, whose beginning is read from what it played.
Optional: where SuperCollider isn't installed `installed()` is false and nothing else works (Debian
and Ubuntu: supercollider-server and supercollider-language).

D. Stowell, M. Plumbley, "Adaptive whitening for improved real-time audio onset detection", ICMC
2007.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from engine.osc import build
from engine.units import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from models_onnx.onsets.measures import Detector, Times

BLOCK = 64                          # samples: it speaks at the end of one
DEADLINE_S = 120.0
SIZES = (256, 512, 1024)            # of its window
FUNCTIONS = ("rcomplex", "power", "wphase")
DEFAULT = ("rcomplex", 512)
"""What it listens with unless told: its detection function and its window."""

_SYNTHS = """
%s.do { |size|
  %s.do { |function|
    SynthDef("onsets_" ++ function ++ size, { |threshold = 0.5, relax = 1, floor = 0.1, gap = 10|
      var heard = Onsets.kr(FFT(LocalBuf(size), SoundIn.ar(0)), threshold, function, relax, floor,
                            gap);
      Out.ar(0, Decay.ar(T2A.ar(heard), 0.01));
    }).writeDefFile("%s");
  };
};
0.exit;
"""


def installed() -> bool:
    """Whether its language and its server are there."""
    return shutil.which("sclang") is not None and shutil.which("scsynth") is not None


@cache
def synths() -> Path:
    """The folder of the synths, written once a process: `onsets_<function><size>`."""
    folder = Path(mkdtemp(prefix="kuchi-synths-"))
    story = folder / "synths.scd"
    functions = [f"\\{name}" for name in FUNCTIONS]
    story.write_text(_SYNTHS % (list(SIZES), f"[{', '.join(functions)}]", folder))
    quiet = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1",
             "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    subprocess.run(["sclang", str(story)], env=quiet, capture_output=True, check=True,
                   timeout=DEADLINE_S, stdin=subprocess.DEVNULL)
    return folder


def begin(settings: Mapping[str, float], function: str, size: int) -> bytes:
    """The message that starts a synth."""
    words = [word for name, value in settings.items() for word in (name, float(value))]
    return build("/s_new", [f"onsets_{function}{size}", 1000, 0, 0, *words])


def detector(settings: Mapping[str, float], function: str, size: int, late_s: float) -> "Detector":
    """`Onsets` as a detector; `late_s` is how long after an attack it speaks in the middle."""
    def detect(samples: Samples, _judge: Path) -> "tuple[Times, Times]":
        played = play(samples, begin(settings, function, size))
        sent = (np.flatnonzero(np.diff(played, prepend=0.0) > 0.5) + BLOCK) / SAMPLE_RATE
        return np.maximum(sent - late_s, 0.0), sent
    return detect


def play(samples: Samples, message: bytes) -> Samples:
    """What the synth that `message` starts makes of a recording, float32 (frames,)."""
    with TemporaryDirectory() as folder:
        score, heard, played = (Path(folder, name) for name in ("s.osc", "in.wav", "out.wav"))
        soundfile.write(heard, samples, SAMPLE_RATE, subtype="FLOAT")
        score.write_bytes(timed(0.0, message) + timed(len(samples) / SAMPLE_RATE,
                                                  build("/c_set", [0, 0])))
        subprocess.run(["scsynth", "-i", "1", "-o", "1", "-N", str(score), str(heard),
                        str(played), str(SAMPLE_RATE), "WAV", "float"],
                       env={**os.environ, "SC_SYNTHDEF_PATH": str(synths())},
                       capture_output=True, check=True, timeout=DEADLINE_S)
        return np.asarray(soundfile.read(played, dtype="float32")[0])


def timed(time_s: float, message: bytes) -> bytes:
    """A line of a score: its length, then a bundle with the time."""
    tag = struct.pack(">II", int(time_s), int(time_s % 1.0 * 2 ** 32))
    bundle = b"#bundle\0" + tag + struct.pack(">i", len(message)) + message
    return struct.pack(">i", len(bundle)) + bundle
