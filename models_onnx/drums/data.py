"""What the drum model learns from: strikes of voices and drums, made rougher, and what is none.

Every example is a strike in a recording, heard through `engine.dsp.strike` as on stage. Each is
heard several times over, each time varied as stages vary: announced a little early or late, a
smaller mouth, another microphone, a room, noise. Noises come from a generator, never from
another performer's recording, so nobody leaks into a fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.dsp.mel import BANDS
from engine.dsp.strike import ear, hear_all
from engine.units import SAMPLE_RATE, Samples, frames
from models_onnx.corpus import Event, Recording, recordings
from models_onnx.drums.noises import NOISES

FRAMES = 103                    # to 200 ms after the attack
NONE = len(DRUMS)               # the class after the drums: not a strike at all
CLASSES = len(DRUMS) + 1

MEANS = {                       # a label of the data -> the drums it may be
    "hihat": ("hihat_closed", "hihat_open"),
    "tom": ("tom_low", "tom_mid", "tom_high"),
    "speech": (),
} | dict.fromkeys(("clave", "woodblock", "snap", "stomp", "handdrum", "bodydrum"), ("other",))

BEFORE, LENGTH = 4_800, 16_384  # samples cut out of a recording: 100 ms before, 241 ms after

EARLY_S, LATE_S = 0.003, 0.004  # how wrong a detector may be about the attack
SPEED = 0.17                    # smaller and larger mouths, faster and slower tongues
TILT_DB, BUMP_DB = 3.0, 7.0     # microphones: a slope an octave, and two hills or valleys
NOISE_DB = (18.0, 65.0)         # the strike's level over the noise
ROOM_SHARE = 0.4                # of the variations are heard in a room
TAIL_S = (0.055, 0.25)          # a "strike" found this long after a real one is a mistake


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


def strikes(data: Path, *, part: str, sets: Sequence[str] = (), permissive: bool = False
            ) -> list[Strike]:
    """All labelled strikes of one part of the data."""
    return [_strike(recording, event, part) for recording in recordings(data, part=part, sets=sets)
            if recording.permissive or not permissive for event in recording.events]


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


def noises(rng: np.random.Generator, count: int) -> list[Strike]:
    """Breath, hum, talk, rustle: what a stage hears that is no drum."""
    found: list[Strike] = []
    for index in range(count):
        samples = np.zeros(LENGTH, np.float32)
        noise = NOISES[index % len(NOISES)](rng, LENGTH - BEFORE)
        samples[BEFORE:BEFORE + len(noise)] = noise
        found.append(Strike(f"noise {index}", "none", samples, may_be("speech"), np.inf))
    return found


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


def varied(strike: Strike, rng: np.random.Generator) -> Strike:
    """The same strike on another day: shift, speed, microphone, room, noise."""
    speed = 1.0 + rng.uniform(-SPEED, SPEED)
    shift = rng.uniform(-EARLY_S, LATE_S) * SAMPLE_RATE
    places = BEFORE + shift + (np.arange(LENGTH) - BEFORE) * speed
    samples = np.interp(places, np.arange(LENGTH), strike.samples, left=0.0, right=0.0)
    spectrum = np.fft.rfft(samples, 2 * LENGTH) * _microphone(rng)
    if rng.random() < ROOM_SHARE:
        spectrum *= np.fft.rfft(_room(rng), 2 * LENGTH)
    samples = np.fft.irfft(spectrum)[:LENGTH]
    peak = np.abs(samples[BEFORE - 200:BEFORE + 4_800]).max()
    if peak > 0.0:
        samples *= 10.0 ** (rng.uniform(-36.0, 0.0) / 20.0) / peak
    samples += _hiss(rng) * np.abs(samples).max() * 10.0 ** (-rng.uniform(*NOISE_DB) / 20.0)
    alone_s = (strike.alone_s - shift / SAMPLE_RATE) / speed
    return replace(strike, samples=samples.astype(np.float32), alone_s=alone_s)


_HZ = np.fft.rfftfreq(2 * LENGTH, 1.0 / SAMPLE_RATE)
_OCTAVE = np.log2(np.maximum(_HZ, 20.0) / 1_000.0)


def _microphone(rng: np.random.Generator) -> NDArray[np.float64]:
    """A frequency response: slope, two bumps, a low and a high end."""
    db = rng.normal(0.0, 0.5 * TILT_DB) * _OCTAVE
    for _ in range(2):
        place, width = rng.uniform(-4.0, 4.0), rng.uniform(0.3, 1.5)
        db += rng.uniform(-BUMP_DB, BUMP_DB) * np.exp(-0.5 * ((_OCTAVE - place) / width) ** 2)
    low, high = 2.0 ** rng.uniform(4.3, 7.6), 2.0 ** rng.uniform(12.5, 14.6)
    if rng.random() < 0.5:
        db -= 10.0 * np.log10(1.0 + (low / np.maximum(_HZ, 1.0)) ** 4)
    if rng.random() < 0.5:
        db -= 10.0 * np.log10(1.0 + (_HZ / high) ** 4)
    return 10.0 ** (db / 20.0)


def _room(rng: np.random.Generator) -> NDArray[np.float64]:
    """The sound itself, then a tail of noise that dies in 0.1 to 0.7 s."""
    decay_s, level_db = rng.uniform(0.1, 0.7), rng.uniform(-24.0, -6.0)
    time = np.arange(LENGTH) / SAMPLE_RATE
    tail = rng.standard_normal(LENGTH) * np.exp(-6.9 * time / decay_s)
    tail[:int(rng.uniform(0.001, 0.008) * SAMPLE_RATE)] = 0.0
    tail *= 10.0 ** (level_db / 20.0) / np.sqrt((tail ** 2).sum() + 1e-12)
    tail[0] = 1.0
    return tail


def _hiss(rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of some colour between white and brown, root mean square 1."""
    spectrum = np.fft.rfft(rng.standard_normal(LENGTH))
    spectrum *= (np.arange(len(spectrum)) + 3.0) ** -rng.uniform(0.0, 1.0)
    noise = np.fft.irfft(spectrum)
    return noise / noise.std()
