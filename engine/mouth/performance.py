"""Performances: a score through one mouth, one room and one microphone.

A mouth plays one sound at a time, so each strike closes on the tail of the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from engine.errors import UsageError
from engine.mouth.performers import Corner, Performer, performer
from engine.mouth.score import Cue
from engine.mouth.sounds import SOUNDS
from engine.mouth.tract import colour, room
from engine.units import SAMPLE_RATE, Samples, frames, gain
from engine.units import seconds as seconds_of

_LOUDEST_DB: Final = -7.0          # a kick at velocity 1, before the room
_CLOSING: Final = frames(0.030)    # how long a mouth takes to leave one sound for the next
_DRUM_SOUND: Final = {"kick": "b", "hihat_closed": "ts", "hihat_open": "tsss", "rim": "tk",
                      "other": "brr"}


@dataclass(frozen=True, slots=True)
class Strike:
    """The truth: at `time` (a whole frame) this sound began."""

    time: float
    sound: str
    drum: str
    velocity: float


def perform(score: Sequence[Cue], who: str | int | Performer, *, seconds: float | None = None,
            under: Samples | None = None, seed: int = 0) -> tuple[Samples, list[Strike]]:
    """Play a score with one mouth, as its microphone hears it.

    score   : (time, sound, velocity) each; the sound may be a drum's name, "snare" is then the
              performer's own
    seconds : how long to listen; one second after the last strike unless given
    under   : float32 (any,), the same mouth's hum, breath or talk, from time 0
    returns : float32 (frames,) within ±1, and the strikes in order of time

    UsageError for a sound that isn't known, a negative time, a velocity outside 0..1.
    """
    mouth = performer(who)
    strikes = sorted((_strike(cue, mouth) for cue in score), key=lambda s: s.time)
    last = max(strikes[-1].time if strikes else 0.0,
               seconds_of(0 if under is None else len(under)) - 1.0)
    total = frames(last + 1.0 if seconds is None else seconds)
    dry = np.zeros(total, np.float32)
    if under is not None:
        dry[:len(under)] += under[:total]
    rng = np.random.Generator(np.random.PCG64([seed, 0]))
    starts = [frames(strike.time) for strike in strikes]
    for strike, (start, following) in zip(strikes, pairwise([*starts, total]), strict=True):
        sound = _sound(strike, mouth, rng)
        _close(sound, following - start)
        length = min(len(sound), total - start)
        if length > 0:
            dry[start:start + length] += sound[:length]
    return _microphone(dry, mouth.corner, seed), [s for s in strikes if frames(s.time) < total]


def _strike(cue: Cue, mouth: Performer) -> Strike:
    time, name, velocity = cue
    sound = mouth.snare if name == "snare" else _DRUM_SOUND.get(name, name)
    if sound not in SOUNDS:
        raise UsageError(f'no mouth sound is called "{name}"; known: {", ".join(SOUNDS)}, '
                         f'and the drums {", ".join(_DRUM_SOUND)}, snare')
    if not 0.0 <= time < float("inf"):
        raise UsageError(f"{sound} at {time:g} s: a strike's time must be 0 or more")
    if not 0.0 <= velocity <= 1.0:
        raise UsageError(f"{sound} at {time:g} s: velocity {velocity:g} must lie in 0..1")
    return Strike(seconds_of(frames(time)), sound, SOUNDS[sound].drum, velocity)


def _sound(strike: Strike, mouth: Performer, rng: np.random.Generator) -> Samples:
    kind = SOUNDS[strike.sound]
    samples = kind.make(mouth, strike.velocity, rng)
    level = (_LOUDEST_DB + kind.level_db - mouth.range_db * (1.0 - strike.velocity)
             + 0.8 * float(np.clip(rng.standard_normal(), -2.0, 2.0)))
    return np.asarray(samples * (gain(level) / np.abs(samples).max()), np.float32)


def _close(sound: Samples, gap: int) -> None:
    """Let the sound give way to one that begins `gap` frames later, in place."""
    closing = min(_CLOSING, gap)
    if closing < 2 or gap - closing // 2 >= len(sound):
        return
    begin = gap - 2 * closing // 3
    fade = np.cos(np.linspace(0.0, np.pi / 2, closing, dtype=np.float32)) ** 2
    part = sound[begin:begin + closing]
    part *= fade[:len(part)]
    sound[begin + closing:] = 0.0


def _microphone(dry: Samples, corner: Corner, seed: int) -> Samples:
    """The mouth in its room, through its microphone, over the room's own noise."""
    rng = np.random.Generator(np.random.PCG64([seed, 5]))
    delays = np.array([1009, 1423, 1867, 2311], np.int64)
    feedback = np.float32(10.0) ** (-3.0 * delays / SAMPLE_RATE / corner.room_s)
    heard = np.zeros_like(dry)
    room(dry, delays, feedback.astype(np.float32), 0.35, gain(corner.room_db), heard)
    noise = rng.standard_normal(len(dry), dtype=np.float32)
    colour(noise, 300.0, 0.5, 2.0, 1.0, 0.6)
    heard += noise * np.float32(gain(corner.noise_db))
    colour(heard, 1500.0, 0.5, gain(-corner.tilt_db), 1.0, gain(corner.tilt_db))
    colour(heard, corner.low_cut_hz, 0.7, 0.0, 0.0, 1.0)
    colour(heard, corner.top_hz, 0.7, 1.0, 0.0, 0.0)
    return np.tanh(heard)
