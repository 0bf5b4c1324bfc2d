"""Hummed melodies whose notes are known: vibrato, breath, glides, and the gaps people leave."""

from typing import NamedTuple

import numpy as np

from engine.mouth.performers import Performer, performer
from engine.mouth.voice import VOWELS, throat
from engine.units import SAMPLE_RATE, Samples, frames, gain

_SCALE = (0, 2, 4, 5, 7, 9, 11)


class Sung(NamedTuple):
    """A note as it was meant: seconds, seconds, and the note 0-127."""

    time: float
    length: float
    note: int


def tune(seed: int, *, notes: int = 16, low: int = 45, high: int = 69, key: int = 0
         ) -> list[Sung]:
    """A melody that steps and leaps in a key, with rests: what somebody may hum."""
    rng = np.random.Generator(np.random.PCG64([seed, 5]))
    ladder = [note for note in range(low, high + 1) if (note - key) % 12 in _SCALE]
    place, time, found = len(ladder) // 2, 0.2, list[Sung]()
    for _ in range(notes):
        length = float(rng.choice([0.18, 0.25, 0.35, 0.5, 0.8]))
        found.append(Sung(time, length, ladder[place]))
        rest = float(rng.choice([0.03, 0.06, 0.12, 0.3]))
        step = int(rng.choice([-4, -2, -1, -1, 0, 1, 1, 2, 4]))
        if step and rng.uniform() < 0.4:
            rest = 0.0                          # a slur; the same note again needs a gap
        place = min(max(place + step, 0), len(ladder) - 1)
        if ladder[place] == found[-1].note:
            rest = max(rest, 0.06)
        time += length + rest
    return found


def hum_tune(notes: list[Sung], who: str | int | Performer, *, vowel: str = "m",
             vibrato_cents: float = 35.0, breath_db: float = -24.0, loose_cents: float = 12.0,
             seed: int = 0) -> Samples:
    """Sing a tune as people hum: not quite in tune, with vibrato that comes late, and breath.

    breath_db : the noise of air, below the voice
    returns   : float32 (frames,), about as loud as a soft kick, half a second longer than the tune
    """
    total = frames(notes[-1].time + notes[-1].length + 0.5)
    rng = np.random.Generator(np.random.PCG64([seed, 6]))
    pitch, loud = np.zeros(total), np.zeros(total)
    time = np.arange(total) / SAMPLE_RATE
    for sung in notes:
        span = slice(frames(sung.time), min(frames(sung.time + sung.length), total))
        since = time[span] - sung.time
        late = np.clip((since - 0.12) / 0.25, 0.0, 1.0)
        wave = np.sin(2.0 * np.pi * (rng.uniform(4.8, 6.2) * since + rng.uniform()))
        cents = rng.normal(0.0, loose_cents) + vibrato_cents * late * wave
        pitch[span.start:] = sung.note
        pitch[span] += cents / 100.0
        loud[span] = rng.uniform(0.6, 1.0)
    hz = 440.0 * 2.0 ** ((_smoothed(pitch, 0.03) - 69.0) / 12.0)
    level = np.maximum(_smoothed(loud, 0.02), 0.0).astype(np.float32)
    mouth = performer(who)
    sung_line = throat(mouth, hz.astype(np.float32), level, vowel if vowel in VOWELS else "m", rng)
    air = rng.standard_normal(total).astype(np.float32) * (0.3 + level) * np.float32(
        gain(breath_db) * float(np.sqrt(np.mean(np.square(sung_line)))))
    room = rng.standard_normal(total).astype(np.float32) * np.float32(gain(-58.0))
    return np.asarray((sung_line + air) * gain(-18.0) + room * 0.1, np.float32)


def _smoothed(line: np.ndarray, seconds: float) -> np.ndarray:
    """A line without edges: a raised cosine as wide as that slides over it, the past only."""
    width = frames(seconds)
    window = np.hanning(width + 2)[1:-1]
    padded = np.concatenate([np.full(width - 1, line[0]), line])
    size = 1 << (len(padded) + width).bit_length()
    smooth = np.fft.irfft(np.fft.rfft(padded, size) * np.fft.rfft(window / window.sum(), size),
                          size)
    return smooth[width - 1:width - 1 + len(line)]
