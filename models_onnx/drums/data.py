"""What the drum model learns from: strikes of voices and drums, made rougher, and what is none.

Every example is a strike in a recording, heard through `engine.dsp.strike` as on stage. What is
none is what the detector would announce in noises and in speech. Those come from generators, never
from another performer's recording, so nobody leaks into a fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.dsp.mel import BANDS
from engine.dsp.strike import ear, hear_all
from engine.units import Samples, frames
from models_onnx.corpus import Event, Recording, recordings
from models_onnx.drums.noises import NOISES
from models_onnx.drums.talk import READING, can_talk, talk
from models_onnx.onsets.measures import HERE as JUDGES
from models_onnx.onsets.measures import kuchi

FRAMES = 103                    # to 200 ms after the attack
NONE = len(DRUMS)               # the class after the drums: not a strike at all
CLASSES = len(DRUMS) + 1

MEANS = {                       # a label of the data -> the drums it may be
    "hihat": ("hihat_closed", "hihat_open"),
    "tom": ("tom_low", "tom_mid", "tom_high"),
    "speech": (),
} | dict.fromkeys(("clave", "woodblock", "snap", "stomp", "handdrum", "bodydrum"), ("other",))

BEFORE, LENGTH = 4_800, 16_384  # samples cut out of a recording: 100 ms before, 241 ms after

TAIL_S = (0.055, 0.25)          # a "strike" found this long after a real one is a mistake
STREAM_S = 3.0                  # of a noise, of which the detector's
MOST_ONSETS = 4                 # first onsets are learnt


@dataclass(frozen=True, slots=True)
class Strike:
    """One example.

    who      : performer or kit
    kind     : "voice", "drum" or "none"
    samples  : float32 (LENGTH,)   the attack lies at BEFORE
    may_be   : bool (CLASSES,)     the classes that are right
    alone_s  : how long after the attack the next strike begins
    """

    who: str
    kind: str
    samples: Samples
    may_be: NDArray[np.bool_]
    alone_s: float


def strikes(data: Path, *, part: str, sets: Sequence[str] = (), permissive: bool = False,
            marks: bool = False) -> list[Strike]:
    """All labelled strikes of one part of the data, from their attacks or from people's marks."""
    found = [r for r in recordings(data, part=part, sets=sets) if r.permissive or not permissive]
    if marks:
        found = [replace(r, events=tuple(replace(e, attack_s=e.onset_s) for e in r.events))
                 for r in found]
    return [_strike(recording, event, part) for recording in found for event in recording.events]


def may_be(label: str) -> NDArray[np.bool_]:
    """The classes a label of the data allows; speech is none of the drums."""
    right = np.zeros(CLASSES, bool)
    drums = MEANS.get(label, (label,))
    right[[DRUMS.index(drum) for drum in drums] or NONE] = True
    return right


def tails(data: Path, rng: np.random.Generator, count: int) -> list[Strike]:
    """Where voices still sound but nothing is struck: what a detector may fall for."""
    found: list[Strike] = []
    taken = [r for r in recordings(data, part="beatbox") if r.permissive and len(r.events) > 1]
    while len(found) < count:
        recording = taken[rng.integers(len(taken))]
        event = recording.events[rng.integers(len(recording.events))]
        time = event.attack_s + rng.uniform(*TAIL_S)
        apart = [time - other.attack_s for other in recording.events]
        if all(gap < -0.04 or gap > TAIL_S[0] for gap in apart):
            found.append(_strike(recording, Event("speech", time, time), "none"))
    return found


def refused(rng: np.random.Generator, streams: int, readings: int) -> list[Strike]:
    """What the detector takes for strikes in noises and, where a machine can read, in speech.

    streams  : of each kind of noise, STREAM_S long
    readings : words and sentences; none where nothing is installed that reads
    """
    found: list[Strike] = []
    for name, make in NOISES.items():
        for _ in range(streams):
            found += _announced(rng, name, np.asarray(make(rng, frames(STREAM_S)), np.float32))
    if can_talk():
        for _ in range(readings):
            found += _announced(rng, READING, talk(rng))
    return found


def _announced(rng: np.random.Generator, name: str, sound: Samples) -> list[Strike]:
    """The first few onsets that the detector finds in a sound, and one place at random."""
    samples = np.pad(np.float32(0.4) * sound, (BEFORE, LENGTH))
    samples += np.float32(1e-4) * rng.standard_normal(len(samples), dtype=np.float32)
    times, _ = kuchi(samples, JUDGES / "judge.npz")
    places = [*map(frames, times[:MOST_ONSETS]), BEFORE + int(rng.integers(len(sound)))]
    return [Strike(name, "none", samples[place - BEFORE:place - BEFORE + LENGTH],
                   may_be("speech"), np.inf)
            for place in places if BEFORE <= place < len(samples) - LENGTH + BEFORE]


def _strike(recording: Recording, event: Event, part: str) -> Strike:
    attack = frames(event.attack_s)
    samples = np.zeros(LENGTH, np.float32)
    first = attack - BEFORE
    piece = recording.audio[max(0, first):max(0, first + LENGTH)]
    samples[max(0, -first):max(0, -first) + len(piece)] = piece
    later = [e.attack_s - event.attack_s for e in recording.events]
    alone_s = min((gap for gap in later if gap > 0.01), default=np.inf)
    kind = {"beatbox": "voice", "drums": "drum"}.get(part, "none")
    return Strike(recording.performer, kind, samples, may_be(event.label), alone_s)


_EAR = ear()


def features(strike: Strike) -> Samples:
    """A strike as the stage hears it, float32 (FRAMES, BANDS)."""
    out = np.zeros((FRAMES, BANDS), np.float32)
    hear_all(strike.samples, BEFORE, *_EAR, out)
    return out
