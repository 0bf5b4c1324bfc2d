"""The same strike on another day: another mouth, microphone, distance, room, level and line.

Everything here happens to strikes and to noises alike, so that no trace of how a recording was
made (its bandwidth, its hiss, its level) gives away whether it is a drum.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.units import SAMPLE_RATE, gain
from models_onnx.drums.data import BEFORE, LENGTH, Strike

EARLY_S, LATE_S = 0.003, 0.004  # how wrong a detector may be about the attack
SPEED = 0.17                    # smaller and larger mouths, faster and slower tongues
TILT_DB, BUMP_DB = 3.0, 7.0     # microphones: a slope an octave, and two hills or valleys
NOISE_DB = (18.0, 65.0)         # the strike's level over the noise
LEVEL_DB = (-36.0, 0.0)         # its peak

ROOM_SHARE = 0.4                # of the variations are heard in a room,
FAR_SHARE = 0.1                 # these from two metres away: the room is as loud as the mouth
CUPPED_SHARE = 0.12             # hands around the microphone, lips on the grille
OVERLOAD_SHARE = 0.12           # more than the microphone or its preamplifier can take
BED_SHARE = 0.2                 # something else sounds: a voice, a fan, a tune, a crowd;
BED_DB = (8.0, 35.0)            # the strike's peak over its peak
LINE_SHARE = 0.25               # a radio link, a telephone, a denoiser: the top is cut off

Wave = NDArray[np.floating]
Rng = np.random.Generator


def varied(strike: Strike, rng: Rng, beds: Sequence[Wave] = ()) -> Strike:
    """The strike on another day; `BEFORE` is still where a detector might say it begins.

    beds : sounds longer than LENGTH that may be heard beside it
    """
    speed = 1.0 + rng.uniform(-SPEED, SPEED)
    shift = rng.uniform(-EARLY_S, LATE_S) * SAMPLE_RATE
    places = BEFORE + shift + (np.arange(LENGTH) - BEFORE) * speed
    samples = np.interp(places, np.arange(LENGTH), strike.samples, left=0.0, right=0.0)
    spectrum = np.fft.rfft(samples, 2 * LENGTH) * microphone(rng)
    if cupped := rng.random() < CUPPED_SHARE:
        spectrum *= _cup(rng)
    if rng.random() < ROOM_SHARE:
        room = _room(rng, far=rng.random() < FAR_SHARE / ROOM_SHARE)
        spectrum *= np.fft.rfft(room, 2 * LENGTH)
    samples = np.fft.irfft(spectrum)[:LENGTH]
    peak = np.abs(samples[BEFORE - 200:BEFORE + 4_800]).max() + 1e-9
    samples = samples / peak
    if cupped and strike.kind == "voice":
        samples += _plosive(rng)
    if cupped or rng.random() < OVERLOAD_SHARE:
        samples = _overload(samples, rng)
    samples *= gain(rng.uniform(*LEVEL_DB))
    if beds and rng.random() < BED_SHARE:
        samples += _bed(beds, rng) * np.abs(samples).max() * gain(-rng.uniform(*BED_DB))
    samples += _hiss(rng) * np.abs(samples).max() * gain(-rng.uniform(*NOISE_DB))
    if rng.random() < LINE_SHARE:
        samples = line(samples, rng)
    alone_s = (strike.alone_s - shift / SAMPLE_RATE) / speed
    return replace(strike, samples=samples.astype(np.float32), alone_s=alone_s)


_HZ = np.fft.rfftfreq(2 * LENGTH, 1.0 / SAMPLE_RATE)
_OCTAVE = np.log2(np.maximum(_HZ, 20.0) / 1_000.0)


def microphone(rng: Rng) -> Wave:
    """A frequency response: slope, two bumps, a low and a high end. (LENGTH + 1,)"""
    db = rng.normal(0.0, 0.5 * TILT_DB) * _OCTAVE
    for _ in range(2):
        db += rng.uniform(-BUMP_DB, BUMP_DB) * _hill(rng.uniform(-4.0, 4.0), rng.uniform(0.3, 1.5))
    low, high = 2.0 ** rng.uniform(4.3, 7.6), 2.0 ** rng.uniform(12.5, 14.6)
    if rng.random() < 0.5:
        db -= 10.0 * np.log10(1.0 + (low / np.maximum(_HZ, 1.0)) ** 4)
    if rng.random() < 0.5:
        db -= 10.0 * np.log10(1.0 + (_HZ / high) ** 4)
    return np.asarray(10.0 ** (db / 20.0))


def line(samples: Wave, rng: Rng) -> Wave:
    """What comes through a narrow line: nothing above 3.4 to 14 kHz, less below 50 to 300 Hz."""
    top, bottom = 2.0 ** rng.uniform(11.75, 13.8), 2.0 ** rng.uniform(5.6, 8.2)
    hz = np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE)
    response = 1.0 / np.sqrt((1.0 + (hz / top) ** 24) * (1.0 + (bottom / np.maximum(hz, 1.0)) ** 4))
    return np.asarray(np.fft.irfft(np.fft.rfft(samples) * response, len(samples)))


def _hill(octave: float, width: float) -> Wave:
    return np.asarray(np.exp(-0.5 * ((_OCTAVE - octave) / width) ** 2))


def _cup(rng: Rng) -> Wave:
    """Hands make a bottle: it rings in the low middle, and the top is muffled."""
    db = rng.uniform(4.0, 14.0) * _hill(rng.uniform(-2.0, 0.8), rng.uniform(0.15, 0.5))
    db += rng.uniform(3.0, 12.0) * _hill(-4.0, 1.2)             # so near, the bass swells
    db -= rng.uniform(2.0, 9.0) * np.maximum(_OCTAVE - 1.0, 0.0)
    return np.asarray(10.0 ** (db / 20.0))


def _plosive(rng: Rng) -> Wave:
    """The wind of the lips on the membrane: a slow push that follows the attack."""
    time = np.arange(LENGTH - BEFORE) / SAMPLE_RATE
    late, fall = rng.uniform(0.0, 0.012), rng.uniform(0.01, 0.06)
    push = np.zeros(LENGTH)
    after = np.maximum(time - late, 0.0)
    push[BEFORE:] = (after / 0.004) * np.exp(-after / fall) * np.cos(
        2.0 * np.pi * rng.uniform(8.0, 50.0) * after)
    return push * rng.uniform(0.1, 1.5) / (np.abs(push).max() + 1e-9)


def _overload(samples: Wave, rng: Rng) -> Wave:
    """Softly bent or cut off flat, at some part of the peak."""
    most = rng.uniform(0.15, 0.9) * np.abs(samples).max()
    if rng.random() < 0.5:
        return np.asarray(most * np.tanh(samples / most))
    return np.clip(samples, -most, most * rng.uniform(0.6, 1.0))


def _room(rng: Rng, *, far: bool) -> Wave:
    """The sound itself, then a tail of noise that dies in 0.1 to 0.7 s."""
    decay_s = rng.uniform(0.1, 0.7)
    level_db = rng.uniform(-5.0, 3.0) if far else rng.uniform(-24.0, -6.0)
    time = np.arange(LENGTH) / SAMPLE_RATE
    tail = rng.standard_normal(LENGTH) * np.exp(-6.9 * time / decay_s)
    tail[:int(rng.uniform(0.001, 0.008) * SAMPLE_RATE)] = 0.0
    tail *= gain(level_db) / np.sqrt((tail ** 2).sum() + 1e-12)
    tail[0] = 1.0
    return np.asarray(tail)


def _bed(beds: Sequence[Wave], rng: Rng) -> Wave:
    """A piece of one of them, peak 1."""
    bed = beds[int(rng.integers(len(beds)))]
    first = rng.integers(len(bed) - LENGTH)
    piece = bed[first:first + LENGTH]
    return np.asarray(piece / (np.abs(piece).max() + 1e-3))


def _hiss(rng: Rng) -> Wave:
    """Noise of some colour between white and brown, root mean square 1."""
    spectrum = np.fft.rfft(rng.standard_normal(LENGTH))
    spectrum *= (np.arange(len(spectrum)) + 3.0) ** -rng.uniform(0.0, 1.0)
    noise = np.fft.irfft(spectrum)
    return np.asarray(noise / noise.std())
