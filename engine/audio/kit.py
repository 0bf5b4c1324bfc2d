"""The built-in kit: sixteen drums made by Kuchi itself, or a folder of the performer's own.

Two flavours. `full` is a kit to be heard alone. `under` lies beneath a voice that the audience
hears directly: the same drums without their click, since a second click 24 ms late is heard as a
flam, while a low end that late is not.
"""

from functools import cache
from typing import Final, NamedTuple

import numpy as np

from engine.audio.kit_folder import read_folder
from engine.audio.kit_voices import VOICES, Wave
from engine.drums import DRUMS
from engine.errors import UsageError
from engine.units import SAMPLE_RATE, Samples, frames, gain

__all__ = ["FLAVOURS", "read_folder", "synthesise"]

FLAVOURS: Final = ("full", "under")

_RUMBLE_HZ = 22.0               # below lies nothing but DC
_SOFT_ATTACK_MS = 8.0           # long enough to lose the click, short enough to keep the punch
_SHELF_HZ, _SHELF_DB = 1400.0, -15.0


class _Place(NamedTuple):
    """Where a drum stands in the mix: its peak, left (-1) or right (1), and its peak in `under`."""

    peak_db: float
    pan: float
    under_db: float


_MIX: Final[dict[str, _Place]] = {
    "kick": _Place(-3.0, 0.0, -3.0),
    "snare": _Place(-3.5, 0.0, -7.0),
    "hihat_closed": _Place(-10.0, 0.30, -20.0),
    "hihat_open": _Place(-10.5, 0.30, -18.0),
    "hihat_pedal": _Place(-11.0, 0.30, -22.0),
    "tom_low": _Place(-5.0, 0.35, -5.0),
    "tom_mid": _Place(-5.0, 0.05, -5.5),
    "tom_high": _Place(-5.5, -0.30, -6.0),
    "clap": _Place(-6.0, -0.10, -11.0),
    "rim": _Place(-8.0, -0.10, -14.0),
    "crash": _Place(-7.0, -0.45, -16.0),
    "ride": _Place(-11.0, 0.45, -18.0),
    "cowbell": _Place(-9.0, 0.20, -14.0),
    "shaker": _Place(-13.0, -0.35, -22.0),
    "tambourine": _Place(-11.0, -0.25, -20.0),
    "other": _Place(-9.0, 0.25, -19.0),
}


def synthesise(flavour: str) -> dict[str, Samples]:
    """All sixteen drums, the same each time.

    flavour : "full", or "under" a voice that is heard directly
    returns : drum name -> float32 (2, frames) at 48 kHz, read only; struck at frame 0, ends at
              exact zero

    Raises UsageError for an unknown flavour.
    """
    if flavour not in FLAVOURS:
        raise UsageError(f'there is no kit "{flavour}": use {" or ".join(FLAVOURS)}')
    return {drum: _made(drum, flavour) for drum in DRUMS}


def peak_db_of(drum: str) -> float:
    """Where a drum peaks in the full kit's mix."""
    return _MIX[drum].peak_db


@cache                          # every take begins with a fresh graph, none with a new kit
def _made(drum: str, flavour: str) -> Samples:
    place = _MIX[drum]
    rng = np.random.Generator(np.random.PCG64(DRUMS.index(drum)))
    wave = _placed(VOICES[drum](rng), place.pan)
    if flavour == "under":
        rise = frames(_SOFT_ATTACK_MS / 1000.0)
        wave[:, :rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(1, rise + 1) / rise)
    wave = _filtered(wave, under=flavour == "under")
    fade = wave.shape[1] // 4
    wave[:, -fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)
    peak_db = place.under_db if flavour == "under" else place.peak_db
    wave *= gain(peak_db) / np.abs(wave).max()
    samples = wave.astype(np.float32)
    samples.flags.writeable = False
    return samples


def _placed(wave: Wave, pan: float) -> Wave:
    """Left and right, at equal power wherever it stands: (frames,) or (2, frames) in."""
    angle = (pan + 1.0) * np.pi / 4.0
    return np.array([[np.cos(angle)], [np.sin(angle)]]) * np.atleast_2d(wave)


def _filtered(wave: Wave, under: bool) -> Wave:
    """Without rumble; for `under` also with the high-mids turned down.

    First-order filters, applied as their exact responses to the spectrum of the drum and 0.2 s of
    silence: causal, so the strike stays at frame 0.
    """
    length = wave.shape[1]
    size = -(-(length + 9600) // 4800) * 4800    # a length that transforms quickly
    s = 1j * np.tan(np.pi * np.fft.rfftfreq(size)[:-1]) * SAMPLE_RATE / np.pi    # bilinear, in Hz
    response = s / (s + _RUMBLE_HZ)
    if under:
        response *= ((gain(_SHELF_DB) * s + _SHELF_HZ) / (s + _SHELF_HZ)) ** 2
    spectrum = np.fft.rfft(wave, size)
    spectrum[:, :-1] *= response
    spectrum[:, -1] = 0.0
    return np.fft.irfft(spectrum, size)[:, :length]
