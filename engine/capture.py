"""Keep what I just did: a performance becomes a kit of its own sounds.

What was played since the last pause of two seconds is cut into strikes, each is named by the
drum model after as long a listen as it gives, and every drum of the kit gets the sound that suits
it best: all drums at once, so that no sound is taken twice and none is wasted. What no sound fits
is left to the built-in kit. The same audio gives the same kit, to the byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from engine.audio.kit import peak_db_of
from engine.audio.kit_folder import write_folder
from engine.drums import DRUMS
from engine.errors import UsageError
from engine.segments import JUDGE, Strike, strikes
from engine.units import SAMPLE_RATE, Samples, frames, gain, level_db
from engine.voice.drum_model import BUILT_IN, drum_model
from engine.voice.learning import listen

PAUSE_S = 2.0                       # what lies before so long a pause is another take
LONGEST_S = 60.0
FITS = 0.3                          # a sound less likely than this doesn't fit a drum

_LEAD_S, _CUT_S = 0.003, 0.008      # before the attack, and before the next one
_LONGEST_SOUND_S = 1.5
_GONE_DB = -42.0                    # so far below its peak a sound has died away,
_GONE_S = 0.060                     # and stays there for so long
_FADE_IN_S, _FADE_S = 0.001, 0.015
_HARD = 0.985                       # of full scale: a sample there is clipped,
_CLIPPED = 3                        # and so many of them make a clipped sound
_QUIET_DB = -50.0                   # peaks below are no sounds
_CLEAN_DB, _NOISY_DB = 40.0, 12.0   # over the room: nothing to be wished for, not to be used
_FREE_S = 0.20                      # until the next strike: enough for any drum
_WORTH = 0.5                        # how much quality counts against likelihood
_OPEN, _CLOSED = DRUMS.index("hihat_open"), DRUMS.index("hihat_closed")


@dataclass(frozen=True, slots=True)
class Sound:
    """One strike, heard out.

    time        : when it was struck, seconds into the recording
    samples     : float32 (frames,), trimmed and faded, as loud as it was
    chances     : float32 (16,)   how likely it is each of DRUMS
    quality     : 0..1            level, clipping, noise and overlap together
    flaws       : what is wrong with it, in words
    """

    time: float
    samples: Samples
    chances: Samples
    quality: float
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Captured:
    """What came of a recording: every sound in it, and the one that each drum got."""

    sounds: tuple[Sound, ...]
    kit: dict[str, Sound]

    @property
    def borrowed(self) -> tuple[str, ...]:
        """The drums that the built-in kit lends."""
        return tuple(drum for drum in DRUMS if drum not in self.kit)


def capture(audio: Samples, *, judge: Path = JUDGE, model: Path = BUILT_IN) -> Captured:
    """The kit in a recording.

    audio : float32 (frames,) at 48 kHz; its last minute counts

    Raises UsageError, with what to do instead, where it holds no sounds to make a kit of.
    """
    audio = np.ascontiguousarray(audio[-frames(LONGEST_S):], np.float32)
    if not len(audio) or float(np.abs(audio).max()) < gain(_QUIET_DB):
        raise UsageError("nothing was heard: play some sounds first, or look at the microphone")
    heard = since_pause(strikes(audio, judge))
    sounds = tuple(sound for strike in heard
                   if (sound := hear_out(audio, strike, model)) is not None)
    if not sounds:
        raise UsageError("no sound was struck, only noise was heard: play kick, snare and hat, "
                         "each a few times")
    kit = assign(sounds)
    if not kit:
        raise UsageError(f"none of the {len(sounds)} sounds is like a drum: play them harder, "
                         "nearer to the microphone, a moment apart")
    return Captured(sounds, kit)


def since_pause(heard: Sequence[Strike]) -> list[Strike]:
    """The strikes since the last pause of two seconds."""
    first = 0
    for number in range(1, len(heard)):
        if heard[number].time - heard[number - 1].time >= PAUSE_S:
            first = number
    return list(heard[first:])


def hear_out(audio: Samples, strike: Strike, model: Path = BUILT_IN) -> Sound | None:
    """A strike by itself, named; None where there is hardly anything."""
    first = max(0, strike.attack - frames(_LEAD_S))
    last = max(first + 1, min(strike.until - frames(_CUT_S) if strike.until < len(audio)
                              else strike.until, first + frames(_LONGEST_SOUND_S)))
    samples = audio[first:last].copy()
    peak = float(np.abs(samples).max())
    if peak < gain(_QUIET_DB):
        return None
    samples = _faded(_until_gone(samples, peak))
    padded = np.concatenate([np.zeros(frames(0.05), np.float32), audio,
                             np.zeros(frames(0.25), np.float32)])
    attack, until = strike.attack + frames(0.05), strike.until + frames(0.05)
    _, general = listen(drum_model(model), padded, attack, until)
    room = audio[max(0, strike.attack - frames(0.06)):max(1, strike.attack - frames(0.01))]
    quality, flaws = _judged(audio[first:last], peak, room, (strike.until - strike.attack))
    return Sound(strike.time, samples, general[-1, :len(DRUMS)].copy(), quality, flaws)


def assign(sounds: Sequence[Sound]) -> dict[str, Sound]:
    """Each drum its sound: the choice, of all together, that is worth most (H. W. Kuhn, 1955)."""
    chances = np.array([sound.chances for sound in sounds])
    quality = np.array([sound.quality for sound in sounds])
    worth = chances * (1.0 - _WORTH + _WORTH * quality[:, None])
    fits = (chances >= FITS) | _surest_hat(chances)
    worth[~fits] = 0.0
    rows, columns = linear_sum_assignment(-worth)
    found = {DRUMS[drum]: sounds[number] for number, drum in zip(rows, columns, strict=True)
             if worth[number, drum] > 0.0}
    return {drum: found[drum] for drum in DRUMS if drum in found}


def _surest_hat(chances: Samples) -> NDArray[np.bool_]:
    """A hat that may be open or closed is closed: neither alone need be likely."""
    fits = np.zeros(chances.shape, bool)
    hats = chances[:, _OPEN] + chances[:, _CLOSED]
    fits[:, _CLOSED] = (hats >= FITS) & (chances[:, _CLOSED] >= chances[:, _OPEN])
    return fits


# -- one sound ---------------------------------------------------------------------------------

def _until_gone(samples: Samples, peak: float) -> Samples:
    """As far as it is heard."""
    step = frames(0.005)
    count = len(samples) // step
    if count < 2:
        return samples
    levels = np.abs(samples[:count * step]).reshape(count, step).max(axis=1)
    still = levels < peak * gain(_GONE_DB)
    run = round(_GONE_S / 0.005)
    for start in range(int(np.argmax(levels)), count - run + 1):
        if still[start:start + run].all():
            return samples[:(start + 2) * step]
    return samples


def _faded(samples: Samples) -> Samples:
    rise, fall = min(frames(_FADE_IN_S), len(samples)), min(frames(_FADE_S), len(samples))
    samples[:rise] *= np.linspace(0.0, 1.0, rise, dtype=np.float32)
    samples[-fall:] *= np.linspace(1.0, 0.0, fall + 1, dtype=np.float32)[1:]
    return samples


def _judged(body: Samples, peak: float, room: Samples, free: int) -> tuple[float, tuple[str, ...]]:
    """How good a sample it would be, 0..1, and its flaws in words."""
    flaws = []
    level = float(np.clip((level_db(peak) + 40.0) / 25.0, 0.1, 1.0))
    if level < 0.4:
        flaws.append("quiet")
    clean = 1.0
    if np.count_nonzero(np.abs(body) >= _HARD) >= _CLIPPED:
        clean = 0.3
        flaws.append("clipped")
    before = float(np.sqrt(np.mean(np.square(room)))) if len(room) else 0.0
    over_db = level_db(peak) - max(level_db(before), -100.0)
    still = float(np.clip((over_db - _NOISY_DB) / (_CLEAN_DB - _NOISY_DB), 0.1, 1.0))
    if still < 0.3:
        flaws.append("noisy")
    alone = float(np.clip(free / SAMPLE_RATE / _FREE_S, 0.2, 1.0))
    if alone < 0.6:
        flaws.append("cut off by the next one")
    return level * clean * still * alone, tuple(flaws)


def normalised(drum: str, samples: Samples) -> Samples:
    """As loud as the built-in kit's drum of that name."""
    peak = float(np.abs(samples).max())
    return samples * np.float32(gain(peak_db_of(drum)) / max(peak, 1e-9))


def keep(found: Captured, folder: Path, title: str) -> None:
    """Write the kit's folder. FileError where it is there already or can't be written."""
    write_folder(folder, title, {
        drum: (normalised(drum, sound.samples), ", ".join(
            [f"struck at {sound.time:.2f} s, "
             f"{sound.chances[DRUMS.index(drum)]:.0%} sure", *sound.flaws]))
        for drum, sound in found.kit.items()})
