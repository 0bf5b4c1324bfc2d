"""The voice under the drums: hums, vowels, breath and talk, none of which is a strike."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.errors import UsageError
from engine.mouth.performers import Performer, performer
from engine.mouth.tract import cavity_hz, colour, formant, glottis
from engine.units import Samples, frames, gain

VOWELS: Final[dict[str, tuple[float, float, float]]] = {
    "m": (0.50, 0.75, 1.00), "a": (1.45, 0.80, 1.00), "e": (1.00, 1.25, 1.02),
    "i": (0.56, 1.50, 1.20), "o": (0.95, 0.58, 0.98), "u": (0.62, 0.55, 0.92),
}
"""How a vowel bends the neutral throat's first three resonances; "m" is a hum, lips closed."""

_BANDWIDTHS_HZ = (70.0, 100.0, 150.0, 250.0)
_SYLLABLE_S = 0.19        # five a second, as in relaxed talk


def hum(notes: Sequence[tuple[float, float, float]], who: str | int | Performer, *,
        vowel: str = "m", seconds: float | None = None, seed: int = 0) -> Samples:
    """Sing notes: a hummed bass, or any vowel.

    notes   : (time, seconds, MIDI note) each, one at a time
    returns : float32 (frames,), about as loud as a soft kick; UsageError for an unknown vowel
    """
    if vowel not in VOWELS:
        raise UsageError(f'no vowel is called "{vowel}"; known: {", ".join(VOWELS)}')
    if any(time < 0.0 or length <= 0.0 for time, length, _ in notes):
        raise UsageError("a hummed note begins at 0 s or later and lasts longer than 0 s")
    end = max((time + length for time, length, _ in notes), default=0.0)
    total = frames(end + 0.1 if seconds is None else seconds)
    rng = np.random.Generator(np.random.PCG64([seed, 2]))
    hz, loud = np.zeros(total, np.float32), np.zeros(total, np.float32)
    for time, length, note in notes:
        span = slice(frames(time), min(frames(time + length), total))
        hz[span.start:] = 440.0 * 2.0 ** ((note - 69.0) / 12.0)
        loud[span] = 1.0
    sung = throat(performer(who), _smooth(hz, 25.0), _smooth(loud, 50.0), vowel, rng)
    return sung * np.float32(gain(-20.0))


def breath(who: str | int | Performer, *, seconds: float = 0.5, seed: int = 0) -> Samples:
    """Air drawn in: a soft rise and fall of noise, without an edge. float32 (frames,)."""
    total, mouth = frames(seconds), performer(who)
    rng = np.random.Generator(np.random.PCG64([seed, 3]))
    air = rng.standard_normal(total, dtype=np.float32)
    colour(air, 3.0 * cavity_hz(mouth.tract_cm), 0.8, 0.2, 1.0, 0.25)
    swell = np.sin(np.linspace(0.0, np.pi, total, dtype=np.float32)) ** 2
    return np.asarray(air * swell * gain(-38.0), np.float32)


def speech(who: str | int | Performer, *, seconds: float = 2.0, seed: int = 0) -> Samples:
    """Talk without a clear strike: vowels, hums and soft hisses that run into each other.

    returns : float32 (frames,), peak near -12 dBFS
    """
    total, mouth = frames(seconds), performer(who)
    rng = np.random.Generator(np.random.PCG64([seed, 4]))
    hz, loud, hiss = (np.zeros(total, np.float32) for _ in range(3))
    shapes = np.tile(np.array(VOWELS["m"], np.float32)[:, None], (1, total))
    at, in_phrase = 0.05, 0
    while at < seconds:
        length = _SYLLABLE_S * rng.uniform(0.7, 1.4)
        start, middle, end = (min(frames(t), total) for t in (at, at + 0.35 * length, at + length))
        hz[start:] = mouth.voice_hz * rng.uniform(0.9, 1.25) * (1.1 - 0.03 * in_phrase)
        consonant = rng.choice(["m", "u", "i", "s", "h"])
        vowel = rng.choice(["a", "e", "i", "o", "u"])
        shapes[:, start:middle] = np.array(VOWELS.get(consonant, VOWELS["e"]))[:, None]
        shapes[:, middle:end] = np.array(VOWELS[vowel])[:, None]
        loud[start:middle] = 0.15 if consonant in "sh" else 0.6
        hiss[start:middle] = {"s": 0.5, "h": 0.2}.get(consonant, 0.0)
        loud[middle:end] = rng.uniform(0.7, 1.0)
        at, in_phrase = at + length, in_phrase + 1
        if in_phrase > rng.integers(4, 9):
            at, in_phrase = at + rng.uniform(0.2, 0.5), 0
    for row in shapes:
        row[:] = _smooth(row, 35.0)
    voiced = _resonate(mouth, _smooth(hz, 40.0), _smooth(loud, 25.0), shapes, rng)
    air = rng.standard_normal(total, dtype=np.float32)
    colour(air, 0.8 * cavity_hz(mouth.hat_cm), 1.0, 0.05, 1.0, 0.3)
    mixed = voiced + air * _smooth(hiss, 25.0) * 0.15
    return np.asarray(mixed * gain(-12.0), np.float32)


def throat(who: Performer, hz: Samples, loud: Samples, vowel: str,
           rng: np.random.Generator) -> Samples:
    """One vowel held. hz, loud : float32 (frames,); returns the same shape, peak at 1."""
    shapes = np.tile(np.array(VOWELS[vowel], np.float32)[:, None], (1, len(hz)))
    return _resonate(who, hz, loud, shapes, rng)


def _resonate(mouth: Performer, hz: Samples, loud: Samples, shapes: Samples,
              rng: np.random.Generator) -> Samples:
    """Vocal folds through a throat that may move; `shapes` is (3, frames), as in VOWELS."""
    total = len(hz)
    drift = _smooth(rng.standard_normal(total, dtype=np.float32), 30.0)
    out = np.zeros(total, np.float32)
    glottis(np.asarray(hz * (1.0 + 0.25 * drift), np.float32), out)
    out += 0.03 * rng.standard_normal(total, dtype=np.float32)
    out *= loud
    for mode, bandwidth_hz in enumerate(_BANDWIDTHS_HZ, start=1):
        ring = cavity_hz(mouth.tract_cm, mode) * (shapes[mode - 1] if mode < 4 else 1.0)
        formant(out, np.broadcast_to(np.float32(ring), total).copy(), bandwidth_hz)
    return np.asarray(out / max(float(np.abs(out).max()), 1e-9), np.float32)


def _smooth(line: Samples, fall_ms: float) -> Samples:
    """A line without edges: what a muscle makes of an order."""
    smoothed = line.copy()
    colour(smoothed, 350.0 / fall_ms, 0.5, 1.0, 0.0, 0.0)
    return smoothed
