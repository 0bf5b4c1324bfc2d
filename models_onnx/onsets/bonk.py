"""Pure Data's `bonk~` as a peer: when it hears strikes, and which, taught the same takes.

A patch is written for each recording and run by `pd` without sound, faster than real time; what
`bonk~` says is read from its printout. Optional: where Pure Data isn't installed `installed()` is
false and nothing else works (Debian and Ubuntu: puredata-core and puredata-extra).

M. Puckette, T. Apel, D. Zicarelli, "Real-time audio analysis tools for Pd and MSP", ICMC 1998.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from engine.units import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from models_onnx.onsets.measures import Detector, Times

EXTERNS = tuple(Path(root, "extra", "bonk~")
                for root in ("/usr/lib/puredata", "/usr/lib/pd", "/usr/local/lib/pd"))
DEADLINE_S = 120.0

DEFAULT = "-npts 256 -hop 128"
TUNED = ("-npts 256 -hop 128", "thresh 4 25", "mask 8 0.8", "minvel 20")
"""Creation arguments and messages; the best of some forty settings on the training voices."""
REFRACTORY_S = 0.1                  # the tuned one says nothing again within this time
LATE_S = 0.010                      # it speaks so long after the attack in the middle
NAMING = ("-npts 1024 -hop 128 -nfilters 40 -halftones 2", "thresh 4 60", "mask 8 0.8",
          "minvel 20", "attack-frames 4")
"""The same for naming: the best of thirty settings on the training voices, each take a template."""
NAMING_LATE_S = 0.014               # and this one speaks so long after the attack
NEAR_S = 0.05                       # a take was heard where it said something so near its attack

_PATCH = """#N canvas 0 0 450 300 12;
#X obj 0 0 loadbang;
#X obj 0 0 t b b b b;
#X msg 0 0 read -resize {sound} heard;
#X obj 0 0 soundfiler;
#X obj 0 0 table heard;
#X msg 0 0 {messages};
#X obj 0 0 bonk~ {arguments};
#X msg 0 0 \\; pd dsp 1;
#X obj 0 0 t b b;
#X obj 0 0 tabplay~ heard;
#X obj 0 0 timer;
#X obj 0 0 t l b;
#X obj 0 0 list prepend;
#X obj 0 0 print said;
#X obj 0 0 print heard;
#X obj 0 0 delay {rest_ms};
#X msg 0 0 \\; pd quit;
#X connect 0 0 1 0;
#X connect 1 3 2 0;
#X connect 2 0 3 0;
#X connect 1 2 5 0;
#X connect 5 0 6 0;
#X connect 1 1 7 0;
#X connect 1 0 8 0;
#X connect 8 1 10 0;
#X connect 8 0 9 0;
#X connect 9 0 6 0;
#X connect 9 1 15 0;
#X connect 6 1 11 0;
#X connect 11 1 10 1;
#X connect 10 0 12 1;
#X connect 11 0 12 0;
#X connect 12 0 13 0;
#X connect 6 0 14 0;
#X connect 15 0 16 0;
"""

Taught = tuple[Samples, float, str]
"""One take: a recording at 48 kHz, where in it the strike begins, seconds, and its label."""


@dataclass(frozen=True, slots=True)
class Said:
    """What `bonk~` said: when, seconds, which template it is most like, and what it had heard."""

    sent: float
    template: int
    powers: tuple[float, ...]


def installed() -> bool:
    """Whether Pure Data and its `bonk~` are there."""
    return shutil.which("pd") is not None and extern() is not None


def detector(settings: Sequence[str] = TUNED, refractory_s: float = REFRACTORY_S,
             late_s: float = LATE_S) -> "Detector":
    """`bonk~` as a detector of onsets."""
    def detect(samples: Samples, _judge: Path) -> "tuple[Times, Times]":
        sent = np.array([s.sent for s in _spaced(hear(samples, settings), refractory_s)])
        return np.maximum(sent - late_s, 0.0), sent
    return detect


class Known:
    """What `bonk~` knows of some takes: each is a template of its own, as after `learn 1`.

    A take at which nothing was heard teaches nothing.
    """

    def __init__(self, takes: Sequence[Taught]) -> None:
        heard: dict[int, list[Said]] = {}
        self._labels: list[str] = []
        templates = []
        for audio, attack, label in takes:
            if id(audio) not in heard:
                heard[id(audio)] = _spaced(hear(audio, NAMING), REFRACTORY_S)
            near = [s for s in heard[id(audio)] if -0.5 * NEAR_S < s.sent - attack < NEAR_S]
            if near:
                closest = min(near, key=lambda s: abs(s.sent - NAMING_LATE_S - attack))
                templates.append(_normal(closest.powers))
                self._labels.append(label)
        self._templates = np.array(templates)

    def named_hits(self, samples: Samples) -> list[tuple[float, str, float]]:
        """(attack, label, when it was named) of each hit in a recording; seconds."""
        if not self._labels:
            return []
        said = _spaced(hear(samples, NAMING, self._templates), REFRACTORY_S)
        return [(max(s.sent - NAMING_LATE_S, 0.0), self._labels[s.template], s.sent)
                for s in said]


def hear(samples: Samples, settings: Sequence[str] = TUNED,
         templates: np.ndarray | None = None) -> list[Said]:
    """All that `bonk~` says about a recording; templates: float (sounds, filters)."""
    lies = extern()
    if lies is None:
        raise FileNotFoundError("Pure Data's bonk~ is not installed: apt install puredata-extra")
    arguments, *messages = settings
    with TemporaryDirectory() as folder:
        sound, patch, known = (Path(folder, name) for name in ("s.wav", "p.pd", "t.txt"))
        soundfile.write(sound, samples, SAMPLE_RATE, subtype="FLOAT")
        if templates is not None:
            np.savetxt(known, templates, fmt="%.4f")
            messages.append(f"read {known}")
        patch.write_text(_PATCH.format(
            sound=sound, arguments=arguments, rest_ms=100,
            messages=" \\, ".join(messages or ["debug 0"])))
        told = subprocess.run(
            ["pd", "-batch", "-nogui", "-noprefs", "-stderr", "-r", str(SAMPLE_RATE),
             "-path", str(lies), str(patch)],
            capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    return _read(told.stderr)


def _read(told: str) -> list[Said]:
    """`said: ms template velocity colour`, then `heard:` the powers of the filters."""
    found: list[Said] = []
    words: list[str] = []
    for line in told.splitlines():
        name, _, values = line.partition(": ")
        if name == "said":
            words = values.split()
        elif name == "heard" and words:
            found.append(Said(float(words[0]) / 1000.0, int(float(words[1])),
                              tuple(float(v) for v in values.split())))
            words = []
    return found


def _spaced(said: Sequence[Said], refractory_s: float) -> list[Said]:
    kept: list[Said] = []
    for s in said:
        if not kept or s.sent - kept[-1].sent >= refractory_s:
            kept.append(s)
    return kept


def _normal(powers: Sequence[float]) -> np.ndarray:
    values = np.array(powers)
    return np.asarray(100.0 * values / max(float(np.linalg.norm(values)), 1e-6))


@cache
def extern() -> Path | None:
    """Where its `bonk~` lies; None for nowhere."""
    return next((folder for folder in EXTERNS if folder.is_dir()), None)
