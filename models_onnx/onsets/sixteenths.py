"""Sixteenths made of real hits: cut out of recordings and laid close together with their tails.

Takes hold few strikes less than 100 ms apart, so fast playing is learnt from and measured on these.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from engine.units import SAMPLE_RATE, Samples, frames, gain
from models_onnx.corpus import Recording
from models_onnx.onsets import sounds
from models_onnx.onsets.sounds import Rng

PEAK = 0.3                      # of every hit, before its dynamics
LEAD_S, CLOSE_S = 0.005, 0.02   # a hit is cut so long before its attack, and before the next one's

BETWEEN_S = (0.07, 0.2)         # in training: sixteenths at 75 to 210 bpm
USUAL_S = (0.078, 0.09)
DYNAMICS_DB = (3.0, 3.0, 6.0)
UNEVEN_S = (0.0, 0.003, 0.008)
KINDS = (4, 8, 40)              # different hits in one bar

Cut = tuple[Samples, float]
"""A hit, and where in it its attack lies, seconds."""


def cut(recording: Recording, longest_s: float = np.inf) -> Iterator[Cut]:
    """Each hit of a file until the next begins, at one peak."""
    attacks = sorted(event.attack_s for event in recording.events)
    for attack, after in zip(attacks, [*attacks[1:], np.inf], strict=True):
        first, end = max(frames(attack - LEAD_S), 0), min(after - CLOSE_S, attack + longest_s)
        audio = recording.audio[first:None if end == np.inf else frames(end)]
        if len(audio) and (peak := np.abs(audio).max()) > 0.0:
            yield np.float32(PEAK / peak) * audio, attack - first / SAMPLE_RATE


def lay(hit: Cut, time: float, level_db: float, audio: Samples) -> None:
    """Add a hit to `audio` with its attack at `time`, `level_db` louder."""
    samples, attack = hit
    place = max(frames(time - attack), 0)
    samples = samples[:max(len(audio) - place, 0)]
    audio[place:place + len(samples)] += np.float32(gain(level_db)) * samples


def playing(hits: Sequence[Cut], rng: Rng, seconds: float = 5.0) -> tuple[Samples, np.ndarray]:
    """Fast playing to learn from: some of these hits in random order, and their attacks."""
    audio = sounds.steady(rng, frames(seconds), rng.uniform(-90.0, -60.0), 3.0)
    kinds = [hits[i] for i in rng.integers(len(hits), size=rng.choice(KINDS))]
    dynamics_db, uneven = rng.choice(DYNAMICS_DB), rng.choice(UNEVEN_S)
    between = np.exp(rng.uniform(*np.log(BETWEEN_S))) if rng.random() < 0.6 else (
        rng.uniform(*USUAL_S))
    attacks, time = [], 0.3
    while time < seconds - 0.1:
        lay(kinds[rng.integers(len(kinds))], time, rng.uniform(-dynamics_db, dynamics_db), audio)
        attacks.append(time)
        time += between * (1 if rng.random() < 0.9 else 2) + rng.uniform(-uneven, uneven)
    return audio, np.array(attacks)
