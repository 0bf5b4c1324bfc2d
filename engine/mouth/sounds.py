"""The sounds a beatboxer makes, each built from air, a cavity and a gesture.

A sound begins at frame 0 and rises within two or three milliseconds, as a plosive does: the truth
of a synthetic performance is where its sounds are laid. No two are alike; every length, pitch and
level wanders a little each time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.mouth.performers import Performer
from engine.mouth.tract import cavity_hz, colour
from engine.mouth.voice import throat
from engine.units import SAMPLE_RATE, Samples, gain

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Sound:
    """How a sound is made, the drum it stands for, and how loud it is beside the kick."""

    drum: str
    make: Callable[[Performer, float, Rng], Samples]
    level_db: float


def kick(who: Performer, force: float, rng: Rng) -> Samples:
    """`b`: the lips burst open, and the pressure behind them thumps and sinks in pitch."""
    fall_ms = _near(who.kick_ms, 0.15, rng)
    length = _frames(7.0 * fall_ms + 60.0)
    low_hz = _near(who.kick_hz, 0.05, rng)
    line = low_hz * (1.0 + 1.7 * np.exp(-_ms(length) / _near(22.0, 0.2, rng)))
    thump = _tone(line) * _shape(length, 1.5, fall_ms)
    cheek_hz = _near(0.6 * cavity_hz(who.tract_cm), 0.12, rng)
    cheeks = _tone(_glide(length, cheek_hz, 0.8, 25.0))
    cheeks *= _shape(length, 0.8, _near(12.0, 0.25, rng))
    lips = _air(length, rng)
    colour(lips, _near(700.0 + 500.0 * force, 0.15, rng), 0.7, 1.0, 1.0, 0.1)
    lips *= _shape(length, 0.3, _near(6.0, 0.2, rng))
    sound = _at(thump, -1.0) + _at(cheeks, -3.0) + _at(lips, -4.0)
    if who.close:
        wind = _air(length, rng)
        colour(wind, 160.0, 0.6, 1.0, 0.3, 0.0)
        sound += _at(wind * _shape(length, 6.0, 28.0), -14.0 + 10.0 * who.close)
    if who.voiced:
        sound += _at(_vowel(who, "u", 10.0, 40.0, length, rng), -14.0 + 12.0 * who.voiced)
    return sound


def closed_hat(who: Performer, force: float, rng: Rng) -> Samples:
    """`ts`: the tongue leaves the teeth and a short hiss follows."""
    return _hiss(who, force, _near(who.hat_ms, 0.2, rng), rng)


def open_hat(who: Performer, force: float, rng: Rng) -> Samples:
    """`tsss`: the same, held."""
    return _hiss(who, force, _near(4.0 * who.hat_ms + 60.0, 0.15, rng), rng)


def lip_snare(who: Performer, force: float, rng: Rng) -> Samples:
    """`pf`: a soft puff, then the lips crack open over the teeth: broad, dry, soon gone."""
    fall_ms = _near(16.0, 0.15, rng)
    length = _frames(8.0 * fall_ms + 30.0)
    teeth = _gusts(length, rng)
    colour(teeth, _near(cavity_hz(0.10 * who.tract_cm), 0.12, rng), 0.7, 0.15, 1.0, 0.08)
    _ring(teeth, who, 9.0)
    lips = _gusts(length, rng)
    colour(lips, _near(cavity_hz(0.32 * who.tract_cm), 0.12, rng), 1.5, 0.15, 1.0, 0.06)
    _ring(lips, who, 6.0)
    puff = _air(length, rng)
    colour(puff, 2.5 * who.kick_hz, 0.7, 1.0, 1.0, 0.0)
    sound = _at(teeth * _shape(length, 2.0, fall_ms), -6.0)
    sound += _at(lips * _shape(length, 1.5, fall_ms), 0.0)
    sound += _at(puff * _shape(length, 0.3, 2.5), -15.0)
    if who.voiced:
        sound += _at(_vowel(who, "a", 25.0, 50.0, length, rng), -24.0 + 12.0 * who.voiced)
    return sound


def throat_snare(who: Performer, force: float, rng: Rng) -> Samples:
    """`k`: the back of the tongue lets go, often twice; the mouth in front of it rings."""
    fall_ms = _near(24.0, 0.15, rng)
    length = _frames(6.0 * fall_ms + 30.0)
    ring_hz = _near(cavity_hz(0.32 * who.tract_cm), 0.08, rng)
    air = _gusts(length, rng)
    rasp = air.copy()
    colour(air, ring_hz, 2.0, 0.2, 1.0, 0.08)
    _ring(air, who, 8.0)
    colour(rasp, 3.0 * ring_hz, 1.2, 0.1, 1.0, 0.1)
    shape = _shape(length, 1.0, fall_ms)
    again = _frames(_near(6.0, 0.25, rng))
    shape[again:] += 0.7 * _shape(length - again, 0.5, 6.0)
    body = _air(length, rng)
    colour(body, 0.8 * cavity_hz(who.tract_cm), 1.0, 0.7, 1.0, 0.0)
    sound = _at(air * shape, 0.0) + _at(rasp * shape, -7.0 + 3.0 * force)
    sound += _at(body * _shape(length, 2.0, 50.0), -22.0)
    if who.voiced:
        sound += _at(_vowel(who, "a", 18.0, 50.0, length, rng), -20.0 + 12.0 * who.voiced)
    return sound


def inward_snare(who: Performer, force: float, rng: Rng) -> Samples:
    """`kh`: air drawn in past the side of the tongue: a crack, and a hiss that stops short."""
    length = _frames(_near(90.0, 0.15, rng))
    ring_hz = _near(cavity_hz(0.35 * who.tract_cm), 0.08, rng)
    air = _gusts(length, rng)
    colour(air, ring_hz, 1.5, 0.3, 1.0, 0.25)
    colour(air, 5500.0, 0.7, 1.0, 0.8, 0.1)
    _ring(air, who, 4.0)
    draw = _shape(length, 5.0, 22.0)
    draw *= np.clip((length - np.arange(length, dtype=np.float32)) / _frames(20.0), 0.0, 1.0)
    click = _tone(_glide(length, ring_hz, 0.8, 10.0)) * _shape(length, 0.5, 4.0)
    return _at(air * (_shape(length, 0.5, 5.0) + 0.6 * draw), 0.0) + _at(click, -8.0)


def tongue_click(who: Performer, force: float, rng: Rng) -> Samples:
    """`tk`: the tongue snaps off the palate; two short rings, like a rim."""
    length = _frames(60.0)
    ring_hz = _near(cavity_hz(0.42 * who.tract_cm), 0.1, rng)
    ring = _tone(_glide(length, ring_hz, 1.15, 8.0)) * _shape(length, 0.3, _near(5.0, 0.2, rng))
    edge = _tone(np.full(length, 2.7 * ring_hz)) * _shape(length, 0.15, 2.0)
    air = _air(length, rng)
    colour(air, 3500.0, 0.8, 0.1, 1.0, 0.4)
    air *= _shape(length, 0.1, 3.0)
    return _at(ring, 0.0) + _at(edge, -6.0 + 3.0 * force) + _at(air, -10.0)


def lip_roll(who: Performer, force: float, rng: Rng) -> Samples:
    """`brr`: the lips flap in the breath, 25 to 30 times a second, for up to two seconds."""
    length = _frames(2000.0)
    sound = np.zeros(length, np.float32)
    rate, at = _near(27.5, 0.04, rng), 0.0
    while at < length - 1:
        start = int(at)
        flap = min(_frames(60.0), length - start)
        line = _glide(flap, _near(2.2 * who.kick_hz, 0.04, rng), 0.8, 20.0)
        lips = _air(flap, rng)
        colour(lips, 1500.0, 0.6, 1.0, 0.7, 0.25)
        pulse = _at(_tone(line) * _shape(flap, 1.0, 7.0), 0.0)
        pulse += _at(lips * _shape(flap, 0.4, 5.0), -6.0)
        sound[start:start + flap] += pulse * _near(1.0, 0.1, rng)
        at += SAMPLE_RATE / _near(rate, 0.03, rng)
    return sound * (0.75 + 0.25 * _shape(length, 0.1, 120.0))


SOUNDS: Final[dict[str, Sound]] = {
    "b": Sound("kick", kick, 0.0),
    "ts": Sound("hihat_closed", closed_hat, -6.0),
    "tsss": Sound("hihat_open", open_hat, -6.0),
    "pf": Sound("snare", lip_snare, 1.0),
    "k": Sound("snare", throat_snare, 1.0),
    "kh": Sound("snare", inward_snare, 0.5),
    "tk": Sound("rim", tongue_click, -2.0),
    "brr": Sound("other", lip_roll, -3.0),
}
"""Every sound by the name a beatboxer writes it with."""


def _hiss(who: Performer, force: float, fall_ms: float, rng: Rng) -> Samples:
    """The tongue's release, a little dull, and the hiss behind the teeth that swells after it."""
    length = _frames(3.6 * fall_ms + 20.0)
    ring_hz = _near(cavity_hz(who.hat_cm), 0.04, rng)
    air = _air(length, rng)
    tip = air.copy()
    colour(air, ring_hz, 1.6, 0.1, 1.0, 0.2)
    colour(air, 2500.0, 0.7, 0.3, 0.6, 1.0)
    colour(tip, 0.6 * ring_hz, 0.6, 0.5, 1.0, 0.3)
    hiss = air * _puff(length, min(12.0, 0.4 * fall_ms), fall_ms, fall_ms)
    return (_at(tip * _shape(length, 0.3, _near(5.0, 0.2, rng)), -6.0 + 5.0 * force)
            + _at(hiss, 0.0))


def _ring(air: Samples, who: Performer, boost_db: float) -> None:
    """Let the whole throat ring a little behind the noise, in place."""
    for mode in (1, 2, 3):
        colour(air, cavity_hz(who.tract_cm, mode), 4.0, 1.0, gain(boost_db), 1.0)


def _vowel(who: Performer, vowel: str, late_ms: float, hold_ms: float, length: int,
           rng: Rng) -> Samples:
    """The voice that slips in after a plosive: "bu", "ka"."""
    late = min(_frames(_near(late_ms, 0.2, rng)), length - 2)
    pitch = _glide(length - late, _near(1.2 * who.voice_hz, 0.08, rng), 0.75, 80.0)
    sound = np.zeros(length, np.float32)
    sound[late:] = throat(who, pitch, _puff(length - late, 8.0, hold_ms, hold_ms), vowel, rng)
    return sound


def _near(value: float, spread: float, rng: Rng) -> float:
    """The value as it comes out this time; `spread` is the standard deviation, as a share."""
    return float(value * np.exp(spread * np.clip(rng.standard_normal(), -2.0, 2.0)))


def _frames(length_ms: float) -> int:
    return int(length_ms * SAMPLE_RATE / 1000.0)


def _ms(length: int) -> Samples:
    return np.arange(length, dtype=np.float32) * np.float32(1000.0 / SAMPLE_RATE)


def _air(length: int, rng: Rng) -> Samples:
    return rng.standard_normal(length, dtype=np.float32)


def _gusts(length: int, rng: Rng) -> Samples:
    """Air that is pressed through a narrow gap: it comes in gusts of a few milliseconds."""
    gusts = _air(length, rng)
    colour(gusts, 200.0, 0.6, 1.0, 0.0, 0.0)
    return np.asarray(_air(length, rng) * np.exp(0.6 * gusts / gusts.std()), np.float32)


def _tone(hz: np.ndarray) -> Samples:
    return np.sin(np.cumsum(hz) * (2.0 * np.pi / SAMPLE_RATE)).astype(np.float32)


def _glide(length: int, hz: float, end: float, fall_ms: float) -> Samples:
    """A pitch that glides from `hz` towards `end` times it."""
    return np.asarray(hz * (end + (1.0 - end) * np.exp(-_ms(length) / fall_ms)), np.float32)


def _shape(length: int, rise_ms: float, fall_ms: float) -> Samples:
    """The loudness of a burst: up within `rise_ms`, then falling by 8.7 dB each `fall_ms`."""
    t = _ms(length)
    return np.asarray((1.0 - np.exp(-t / rise_ms)) * np.exp(-t / fall_ms), np.float32)


def _puff(length: int, rise_ms: float, hold_ms: float, fall_ms: float) -> Samples:
    """The loudness of a held breath: it swells, stands for `hold_ms`, and runs out softly."""
    t = _ms(length)
    fall = np.exp(-np.square(np.maximum(t - hold_ms, 0.0) / fall_ms))
    return np.asarray((1.0 - np.exp(-t / rise_ms)) * fall, np.float32)


def _at(samples: Samples, level: float) -> Samples:
    """The same with its peak at `level` dB."""
    return np.asarray(samples * (gain(level) / max(float(np.abs(samples).max()), 1e-9)), np.float32)
