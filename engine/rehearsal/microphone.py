"""What a microphone gives, and what is wrong with it: too hot, humming, muffled, or not there."""

from dataclasses import dataclass

import numpy as np

from engine.units import SAMPLE_RATE, Samples, level_db

CLIPPED = 3                     # samples at full scale: fewer are no harm

FULL_SCALE = 0.9995            # and what is higher is taken for it
_HEARD_DB = -50.0               # nothing is said about the treble of what is softer
_FRAME = 1024                   # 21 ms: one syllable
_TREBLE_HZ = (7_000.0, 16_000.0)
_DULL_DB = -58.0                # real voices, even one soft syllable: -52; cut at 6 kHz: -65
_HUM_LINES = 5                  # harmonics of the mains that are looked at
_HUM_ABOVE = 100.0              # their power over what is beside them
_HUM_DB = -66.0                 # less doesn't matter


@dataclass(frozen=True, slots=True)
class Sound:
    """What a stretch of input is like.

    peak_db : the highest peak; -inf where every sample is zero
    clipped : samples at full scale
    hum_hz  : 50 or 60 where the mains are heard, else 0; hum_db is their level
    dull    : there is sound, but nothing above 6 kHz in it
    """

    peak_db: float
    clipped: int
    hum_hz: int
    hum_db: float
    dull: bool

    @property
    def silent(self) -> bool:
        """Digital zero: no microphone does that by itself."""
        return self.peak_db == -np.inf

    @property
    def mends(self) -> list[str]:
        """What is wrong, and what to do about it, a sentence each."""
        if self.silent:
            return ["No sound at all, every sample is zero: unmute the microphone, allow it in "
                    "the system's privacy settings (for your terminal), choose its channel."]
        said = []
        if self.clipped >= CLIPPED:
            said.append(f"Too hot, {self.clipped} samples at full scale: turn the input down "
                        "until loud hits reach -6.")
        if self.hum_hz:
            said.append(f"Hum at {self.hum_hz} Hz ({self.hum_db:.0f} dB): lift the ground (DI box "
                        "or balanced cable), or run the laptop without its charger.")
        if self.dull:
            said.append("Nothing above 6 kHz: hats will be missed. Turn noise suppression off "
                        "(system's sound settings, headset's own program); no Bluetooth.")
        return said


def listen(samples: Samples) -> Sound:
    """What a stretch of input is like, and what is wrong with it.

    samples : float32 (frames,), two seconds or more
    """
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak == 0.0:
        return Sound(-np.inf, 0, 0, -np.inf, False)
    hum_hz, hum_db = _hum(samples)
    return Sound(level_db(peak), int(np.count_nonzero(np.abs(samples) >= FULL_SCALE)),
                 hum_hz, hum_db, level_db(peak) > _HEARD_DB and _is_dull(samples))


def _hum(samples: Samples) -> tuple[int, float]:
    """The mains' frequency and level: thin lines at its harmonics, in every second there is."""
    seconds = samples[:len(samples) // SAMPLE_RATE * SAMPLE_RATE].reshape(-1, SAMPLE_RATE)
    power = _spectrum(seconds)                          # a bin is 1 Hz wide
    best = (0, -np.inf)
    for mains in (50, 60):
        lines = []
        for hz in mains * np.arange(1, _HUM_LINES + 1):
            line = power[:, hz - 1:hz + 2].sum(axis=1)
            beside = np.median(power[:, hz - 15:hz + 16], axis=1)
            if np.all(line > _HUM_ABOVE * beside):
                lines.append(line.mean())
        level = level_db(float(np.sqrt(2.0 * sum(lines))))
        if len(lines) >= 2 and level > max(best[1], _HUM_DB):
            best = mains, level
    return best


def _is_dull(samples: Samples) -> bool:
    """Is the most treble of any moment nothing beside the loudest moment?"""
    moments = samples[:len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = _spectrum(moments)
    hz = np.fft.rfftfreq(_FRAME, 1.0 / SAMPLE_RATE)
    low, high = _TREBLE_HZ
    treble = power[:, (hz > low) & (hz < high)].sum(axis=1).max()
    return bool(treble < 10.0 ** (_DULL_DB / 10.0) * power[:, hz > 40.0].sum(axis=1).max())


def _spectrum(moments: Samples) -> Samples:
    """Mean power by frequency, (n, frames) -> (n, bins): a full-scale sine adds up to 0.5."""
    window = np.hanning(moments.shape[1]).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(moments * window)) ** 2
    return (2.0 * spectrum / (moments.shape[1] * np.sum(window ** 2))).astype(np.float32)
