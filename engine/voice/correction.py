"""Another microphone, another room: what two of each sound, given at soundcheck, put right.

What all sounds have in common against how they were given is the microphone and the room, not the
mouth: a curve over the bands, a level, and the room's own noise. The older takes are heard again
through these, and learned from both ways, since the curve is a guess; the sounds as they are heard
here are takes like others. Velocity follows the level. The evening's takes lie in a file of their
own, beside the profile and never in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.dsp.mel import BANDS
from engine.dsp.strike import LEAD, STEP, WIDTH, ear, frames_by, hear_all, level_all, tell_all
from engine.errors import UsageError
from engine.model import Model
from engine.units import SAMPLE_RATE, Samples
from engine.voice.drum_model import drum_model
from engine.voice.learning import MOST_FRAMES, SHIFTS_MS, Takes, learn, remember
from engine.voice.profile import Heard, Profile, Take, hear_take, takes_of

EACH = 2                        # of every sound at soundcheck

HEARD_DB = 2.0                  # of difference that are worth a word

_BODY = frames_by(60 * 48)      # frames that are compared
_LEAD = LEAD // STEP
_ABOVE = 1.5                    # nats over what was there before, or a band says nothing
_SMOOTH, _SMALL = 4.0, 0.05     # neighbouring bands differ little, and most microphones are flat
_NAT_DB = 10.0 / np.log(10.0)

Levels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Correction:
    """How it is heard here, beside how it was when the takes were given.

    tilt_db  : (BANDS,)   a band was heard so much louder then, all being equally loud
    level_db : the highest peaks were so much louder then
    body_db  : so much louder the bands were then, beside the tilt
    room     : (BANDS,)   the power of what is here before a strike
    """

    tilt_db: Samples
    level_db: float
    body_db: float
    room: Levels

    @property
    def words(self) -> str:
        """What is different here, in a sentence."""
        level = self.level_db
        parts = [f"{abs(level):.0f} dB {'softer' if level > 0 else 'louder'}"]
        for name, bands in (("bass", slice(0, 10)), ("middle", slice(10, 25)),
                            ("treble", slice(25, BANDS))):
            made_up = float(self.tilt_db[bands].mean())
            if abs(made_up) >= HEARD_DB:
                parts.append(f"{'less' if made_up > 0 else 'more'} {name} ({-made_up:+.0f} dB)")
        return ("Against your takes, this microphone and room give " + ", ".join(parts)
                + "; it is made up for.")


def correction(profile: Profile, here: Profile) -> Correction:
    """How it is heard here, against how the takes were given; `here` holds the same sounds."""
    names = [name for name in profile.names if name in here.names]
    if not names:
        raise UsageError("none of the profile's sounds was played at this soundcheck; "
                         "play them again")
    differences, weights = zip(*(
        _difference(_levels(profile, name), _levels(here, name)) for name in names), strict=True)
    body, tilt = _solve(np.stack(differences), np.stack(weights))
    level_db = float(np.median([_peak_db(profile, name) - _peak_db(here, name)
                                for name in names]))
    room = np.exp(np.mean([np.log(_power(take)[1]) for take in here.takes.values()], axis=0))
    return Correction((_NAT_DB * tilt).astype(np.float32), level_db, _NAT_DB * body, room)


def corrected(profile: Profile, here: Profile, model: Model | None = None
              ) -> tuple[Profile, Correction, Takes]:
    """The profile, learned again for this microphone and room; and from which takes.

    From when on a sound is named right here is not known: so few takes can't show it.
    """
    found, model = correction(profile, here), model or drum_model()
    given = [(number, name) for number, name in here.page.given if name in profile.names]
    heard = {number: hear_take(model, here.takes[number]) for number, _ in given}
    tonight = takes_of(replace(profile, heard=heard), given)
    older = {number: _as_here(model, profile.takes[number], found)
             for number, _ in profile.page.given}
    as_here = takes_of(replace(profile, heard=older), profile.page.given)
    takes = _both(_both(takes_of(profile, profile.page.given), as_here), tonight)
    drums = [sound.drum for sound in profile.page.sounds]
    return replace(profile, heads=learn(takes, profile.names, drums), waits={}), found, takes


def _as_here(model: Model, take: Take, found: Correction) -> Heard:
    """What the drum model would make of a take, had it been given here."""
    features, general = [], []
    louder = np.exp((found.tilt_db + found.body_db) / _NAT_DB)
    levels = np.zeros((MOST_FRAMES, BANDS), np.float32)
    for ms in SHIFTS_MS:
        attack = take.attack + round(ms * SAMPLE_RATE / 1000)
        level_all(take.samples, attack, *ear(), levels)
        here = np.zeros((MOST_FRAMES, WIDTH), np.float32)
        hear_all(take.samples, attack, *ear(), here)
        here[:, :BANDS] = np.log(np.exp(levels.astype(np.float64)) / louder + found.room)
        tell_all(here)
        of_take = remember(model, here, len(take.samples) - attack)
        features.append(of_take[0])
        general.append(of_take[1])
    return Heard(np.stack(features).astype(np.float16), np.stack(general).astype(np.float16))


def _both(takes: Takes, more: Takes) -> Takes:
    return Takes(np.concatenate([takes.features, more.features]),
                 np.concatenate([takes.general, more.general]),
                 np.concatenate([takes.labels, more.labels]),
                 np.concatenate([takes.take, more.take + int(takes.take.max()) + 1]), takes.spread)


def _peak_db(profile: Profile, name: str) -> float:
    """The usual peak of a sound."""
    return float(np.mean([profile.takes[n].peak_db(64.0) for n in profile.numbers(name)]))


def _levels(profile: Profile, name: str) -> tuple[Levels, Levels]:
    """A sound's power in each band, and what was there before it: the mean over its takes."""
    body, before = zip(*(_power(profile.takes[n]) for n in profile.numbers(name)), strict=True)
    return np.mean(body, axis=0), np.mean(before, axis=0)


def _power(take: Take) -> tuple[Levels, Levels]:
    levels = np.zeros((_LEAD + _BODY, BANDS), np.float32)
    level_all(take.samples, take.attack, *ear(), levels)
    body = np.exp(levels[_LEAD:].astype(np.float64)).mean(axis=0)
    quiet = np.zeros((8, BANDS), np.float32)
    level_all(take.samples, take.attack - 30 * 48, *ear(), quiet)
    return body, np.exp(quiet.astype(np.float64)).mean(axis=0)


def _difference(then: tuple[Levels, Levels], now: tuple[Levels, Levels]) -> tuple[Levels, Levels]:
    """How much louder each band was then, nats; and how far it can be believed, 0..1."""
    clear = np.ones(BANDS)
    for body, before in (then, now):
        clear *= np.clip(np.log(body / before) / _ABOVE - 1.0, 0.0, 1.0)
    louder = (np.log(np.maximum(then[0] - then[1], 1e-3 * then[0]))
              - np.log(np.maximum(now[0] - now[1], 1e-3 * now[0])))
    return np.asarray(louder), clear


def _solve(differences: Levels, weights: Levels) -> tuple[float, Levels]:
    """difference[sound, band] = level[sound] + tilt[band], by weighted least squares.

    returns : the usual level, and tilt (BANDS,), which changes little from band to band
    """
    sounds = len(differences)
    size = sounds + BANDS
    matrix, right = np.zeros((size, size)), np.zeros(size)
    for sound in range(sounds):
        w = weights[sound]
        matrix[sound, sound] += w.sum() + 1e-6
        matrix[sound, sounds:] += w
        matrix[sounds:, sound] += w
        matrix[range(sounds, size), range(sounds, size)] += w
        right[sound] += (w * differences[sound]).sum()
        right[sounds:] += w * differences[sound]
    step = np.diff(np.eye(BANDS), axis=0)
    matrix[sounds:, sounds:] += _SMOOTH * step.T @ step + _SMALL * np.eye(BANDS)
    found = np.asarray(np.linalg.solve(matrix, right), np.float64)
    return float(np.median(found[:sounds])), found[sounds:]


def given_here(strikes: Sequence[tuple[str, Take]]) -> Profile:
    """What was played at soundcheck, as it is kept in a file of its own."""
    here = Profile()
    for name, take in strikes:
        here = here.with_takes(name, [take])
    return replace(here, past=())
