"""A performer's own sounds: their takes, their names, what each plays, and what was learned.

A profile never changes; an edit gives a new one, which remembers the page before, so that every
edit can be undone. Learning follows at once from what the drum model remembers of each take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.errors import UsageError
from engine.model import Model
from engine.units import SAMPLE_RATE, Samples, frames, level_db
from engine.voice.drum_model import BUILT_IN, drum_model, fingerprint, spread_of
from engine.voice.learning import (
    FEWEST_SOUNDS,
    MOMENTS_MS,
    MOST_SOUNDS,
    NONE,
    SHIFTS_MS,
    Heads,
    Takes,
    learn,
    listen,
)

OPEN_AT = 0.8                   # of a hat's probability must say open: closed is the safer word

BEFORE_S, AFTER_S = 0.1, 0.3    # of a take that are kept, around its attack
PAGES = 50                      # edits that can be undone
LONGEST_NAME = 40
FULL_SCALE = 1 << 23            # takes are kept in 24 bits

SILENT = "nothing"              # what a breath plays, or talk: it is known, and refused
HAT = "hihat"                   # open or closed unknown: closed unless the open one is sure
_PEAK_FROM = frames(0.006)      # before the attack, as on stage

SOFT, LOUD = 10, 95             # percentiles of one's own takes
LEAST_RANGE_DB = 24.0           # between soft and loud: takes are often given all alike
MIDDLE = 0.7                    # where takes that were all alike lie between soft and loud

Halves = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Take:
    """One example of a sound.

    samples : float32 (frames,) at 48 kHz, which ends where the next sound begins
    attack  : the sample at which it begins
    source  : where it comes from: a file's name, or "microphone"
    """

    samples: Samples
    attack: int
    source: str = ""

    def as_kept(self) -> "Take":
        """The very samples that a file gives back: 24 bits."""
        steps = np.clip(np.rint(self.samples.astype(np.float64) * FULL_SCALE),
                        -FULL_SCALE, FULL_SCALE - 1)
        return replace(self, samples=(steps / FULL_SCALE).astype(np.float32))

    def peak_db(self, heard_ms: float) -> float:
        """The highest peak by so many milliseconds after the attack, dBFS."""
        first = max(0, self.attack - _PEAK_FROM)
        last = self.attack + frames(heard_ms / 1000.0)
        return level_db(float(np.abs(self.samples[first:last]).max(initial=1e-6)))


@dataclass(frozen=True, slots=True)
class Sound:
    """What the performer calls it, and the drum it plays; `asked` where the performer chose."""

    name: str
    drum: str
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What is taught at one time.

    sounds : in the order in which they were taught
    given  : (take's number, sound's name) in the order in which they were given
    words  : the edit that led here
    played : the same for strikes of a pattern, which are never learned from, only asked about
    """

    sounds: tuple[Sound, ...] = ()
    given: tuple[tuple[int, str], ...] = ()
    words: str = ""
    played: tuple[tuple[int, str], ...] = ()

    def numbers(self) -> set[int]:
        """The takes that this page needs."""
        return {number for number, _ in (*self.given, *self.played)}


@dataclass(frozen=True, slots=True)
class Heard:
    """What the drum model made of one take, announced on time, early and late.

    features : float16 (shifts, moments, units)
    general  : float16 (shifts, moments, classes)
    """

    features: Halves
    general: Halves


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything a performer has taught.

    takes  : by number; also those that only an undo would bring back
    page   : what is taught now; `past` are the pages before, the oldest first
    model  : the fingerprint of the drum model that heard the takes
    heard  : by the takes' numbers
    spread : how that model's state varies within one sound, where it tells it
    heads  : what was learned; None while there is too little to learn from
    waits  : sound -> the milliseconds after which its takes are named right, where they are
    """

    takes: Mapping[int, Take] = field(default_factory=dict)
    page: Page = Page()
    past: tuple[Page, ...] = ()
    model: str = ""
    heard: Mapping[int, Heard] = field(default_factory=dict)
    spread: Samples | None = None
    heads: Heads | None = None
    waits: Mapping[str, float] = field(default_factory=dict)

    # -- reading -------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """The sounds, in the order in which they were taught."""
        return tuple(sound.name for sound in self.page.sounds)

    def drum_of(self, name: str) -> str:
        """The drum that a sound plays."""
        return next(sound.drum for sound in self.page.sounds if sound.name == name)

    def numbers(self, name: str) -> list[int]:
        """The numbers of a sound's takes, in the order in which they were given."""
        self._known(name)
        return [number for number, of in self.page.given if of == name]

    def _known(self, name: str) -> None:
        if name not in self.names:
            known = ", ".join(self.names) or "none yet"
            raise UsageError(f'no sound is called "{name}"; taught are: {known}')

    def range_db(self, name: str, heard_ms: float) -> tuple[float, float]:
        """The performer's own soft and loud of this sound, dBFS."""
        peaks = [self.takes[number].peak_db(heard_ms) for number in self.numbers(name)]
        soft, loud = (float(db) for db in np.percentile(peaks, (SOFT, LOUD)))
        missing = max(0.0, LEAST_RANGE_DB - (loud - soft))
        return soft - MIDDLE * missing, loud + (1.0 - MIDDLE) * missing

    # -- editing -------------------------------------------------------------------------------

    def with_takes(self, name: str, takes: Sequence[Take], drum: str = "") -> "Profile":
        """With more takes of a sound, which is new or known. What it plays is guessed later."""
        name = _checked(name)
        sounds = self.page.sounds
        if name not in self.names:
            if len(sounds) >= MOST_SOUNDS:
                raise UsageError(f'"{name}" would be sound {MOST_SOUNDS + 1}; {MOST_SOUNDS} are '
                                 "the most that can be told apart: remove one first")
            sounds = (*sounds, Sound(name, drum or _own_drum(name), asked=bool(drum)))
        added = self._numbered(takes)
        page = replace(self.page, sounds=sounds, words=f"{len(takes)} takes of {name}",
                       given=(*self.page.given, *((number, name) for number in added)))
        return replace(self._turn(page), takes={**self.takes, **added})

    def with_played(self, strikes: Sequence[tuple[str, Take]]) -> "Profile":
        """With a played pattern, sound by sound, instead of the one before."""
        for name, _ in strikes:
            self._known(name)
        added = self._numbered([take for _, take in strikes])
        page = replace(self.page, words=f"a pattern of {len(strikes)} strikes",
                       played=tuple(zip(added, (name for name, _ in strikes), strict=True)))
        return replace(self._turn(page), takes={**self.takes, **added})

    def with_gained(self, before: "Profile", after: "Profile") -> "Profile":
        """With the takes and the pattern that another profile has gained, from before to after."""
        profile = self
        gained = [each for each in after.page.given if each[0] not in before.takes]
        for name, pairs in groupby(gained, key=itemgetter(1)):
            profile = profile.with_takes(name, [after.takes[number] for number, _ in pairs])
        if after.page.played == before.page.played:
            return profile
        return profile.with_played([(name, after.takes[number]) for number, name
                                    in after.page.played if name in profile.names])

    def without(self, name: str, place: int | None = None) -> "Profile":
        """Without a sound and its takes, or without one take; places count from 1."""
        number = self._place(name, place) if place is not None else None
        self._known(name)
        if number is None or len(self.numbers(name)) == 1:
            sounds = tuple(sound for sound in self.page.sounds if sound.name != name)
            given, played = (tuple(each for each in pairs if each[1] != name)
                             for pairs in (self.page.given, self.page.played))
            return self._turn(Page(sounds, given, f"without {name}", played))
        given = tuple(each for each in self.page.given if each[0] != number)
        return self._turn(replace(self.page, given=given, words=f"without take {place} of {name}"))

    def relabelled(self, name: str, place: int, to: str) -> "Profile":
        """One take is another sound's."""
        number = self._place(name, place)
        self._known(to)
        given = tuple((n, to if n == number else of) for n, of in self.page.given)
        left = {of for _, of in given}
        sounds = tuple(sound for sound in self.page.sounds if sound.name in left)
        played = tuple(each for each in self.page.played if each[1] in left)
        return self._turn(Page(sounds, given, f"take {place} of {name} is {to}", played))

    def renamed(self, name: str, to: str) -> "Profile":
        """A sound by another name; a known name takes its takes in."""
        self._known(name)
        to = _checked(to)
        given, played = (tuple((n, to if of == name else of) for n, of in pairs)
                         for pairs in (self.page.given, self.page.played))
        sounds = tuple(replace(sound, name=to) if sound.name == name else sound
                       for sound in self.page.sounds if sound.name == name or sound.name != to)
        return self._turn(Page(sounds, given, f"{name} is called {to}", played))

    def playing(self, name: str, drum: str) -> "Profile":
        """A sound plays this drum."""
        self._known(name)
        if drum not in (*DRUMS, SILENT):
            raise UsageError(f'no drum is called "{drum}"; drums: {", ".join(DRUMS)}; {SILENT} '
                             "is for what shall be refused, such as a breath")
        sounds = tuple(Sound(name, drum, asked=True) if sound.name == name else sound
                       for sound in self.page.sounds)
        return self._turn(replace(self.page, sounds=sounds, words=f"{name} plays {drum}"))

    def undone(self) -> "Profile":
        """As it was before the last edit."""
        if not self.past:
            raise UsageError("there is nothing to undo")
        return replace(self, page=self.past[-1], past=self.past[:-1], heads=None, waits={})

    def _turn(self, page: Page) -> "Profile":
        """Turn to a new page; takes that no page needs any more are let go."""
        past = (*self.past, self.page)[-PAGES:]
        needed = set[int]().union(*(each.numbers() for each in (*past, page)))
        return replace(self, page=page, past=past, heads=None, waits={},
                       takes={n: t for n, t in self.takes.items() if n in needed},
                       heard={n: h for n, h in self.heard.items() if n in needed})

    def _numbered(self, takes: Sequence[Take]) -> dict[int, Take]:
        return {number: take.as_kept()
                for number, take in enumerate(takes, max(self.takes, default=0) + 1)}

    def _place(self, name: str, place: int) -> int:
        numbers = self.numbers(name)
        if not 1 <= place <= len(numbers):
            raise UsageError(f'"{name}" has {len(numbers)} takes, no take {place}')
        return numbers[place - 1]


# -- learning ----------------------------------------------------------------------------------

def taught(profile: Profile, model: Model | None = None) -> Profile:
    """The profile with its heads, learned from all its takes by this drum model.

    Raises UsageError where there are fewer than two sounds.
    """
    model = model or drum_model()
    known = fingerprint(model.path)
    heard = dict(profile.heard) if profile.model == known else {}
    for number in sorted(profile.page.numbers()):
        if number not in heard:
            heard[number] = hear_take(model, profile.takes[number])
    profile = replace(profile, model=known, heard=heard, spread=spread_of(model))
    if len(profile.names) < FEWEST_SOUNDS:
        words = f"only {profile.names[0]}" if profile.names else "no sound"
        raise UsageError(f"{words} is taught: at least {FEWEST_SOUNDS} sounds are needed to tell "
                         "one from the other")
    profile = replace(profile, page=replace(profile.page, sounds=_with_drums(profile)))
    drums = [sound.drum for sound in profile.page.sounds]
    return replace(profile, heads=learn(takes_of(profile, profile.page.given), profile.names,
                                        drums))


def known_by(profile: Profile, path: Path = BUILT_IN) -> Profile:
    """The profile as this drum model knows it: learned anew where that hasn't been done."""
    if profile.heads is None or profile.model != fingerprint(path):
        return taught(profile, drum_model(path))
    return profile


def takes_of(profile: Profile, given: Sequence[tuple[int, str]]) -> Takes:
    """What the drum model made of some takes or strikes; labels count into `names`."""
    shifts = len(SHIFTS_MS)
    features = np.concatenate([profile.heard[number].features for number, _ in given])
    general = np.concatenate([profile.heard[number].general for number, _ in given])
    labels = np.array([profile.names.index(of) for _, of in given], np.int64)
    places = np.array([number for number, _ in given], np.int64)
    return Takes(features.astype(np.float32), general.astype(np.float32),
                 np.repeat(labels, shifts), np.repeat(places, shifts), profile.spread)


def hear_take(model: Model, take: Take) -> Heard:
    """What the drum model makes of a take, announced on time, a little early and a little late."""
    every = [listen(model, take.samples, take.attack + round(ms * SAMPLE_RATE / 1000),
                    until=len(take.samples)) for ms in SHIFTS_MS]
    features, general = zip(*every, strict=True)
    return Heard(np.stack(features).astype(np.float16), np.stack(general).astype(np.float16))


def _with_drums(profile: Profile) -> tuple[Sound, ...]:
    """The sounds, each with a drum: its name's, the performer's choice, or the likeliest free one.

    The surest are served first, so "boots" becomes the kick unless a kick is taught as well.
    """
    sounds = list(profile.page.sounds)
    free = [drum for drum in DRUMS if drum not in {sound.drum for sound in sounds}]
    chances = {place: _usual(profile, sound.name) for place, sound in enumerate(sounds)
               if not sound.drum}
    while chances:
        place, drum = max(((place, drum) for place in chances for drum in free or DRUMS),
                          key=lambda pair: chances[pair[0]][DRUMS.index(pair[1])])
        sounds[place] = replace(sounds[place], drum=drum)
        del chances[place]
        free = [other for other in free if other != drum]
    return tuple(sounds)


def _usual(profile: Profile, name: str) -> list[float]:
    """How probably everybody would mean each drum by this sound, log, after 64 ms."""
    moment = MOMENTS_MS.index(64)
    said = np.stack([profile.heard[n].general[0, moment] for n in profile.numbers(name)])
    mean = np.log(said[:, :NONE].astype(np.float64) + 1e-4).mean(axis=0)
    mean[DRUMS.index("hihat_open")] -= np.log(OPEN_AT / (1.0 - OPEN_AT))
    usual: list[float] = mean.tolist()
    return usual


def _own_drum(name: str) -> str:
    """The drum of a name that is a drum's; "" where it is none and must be guessed."""
    return "hihat_closed" if name == HAT else name if name in (*DRUMS, SILENT) else ""


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f'"{name[:60]}" is no name for a sound: 1 to {LONGEST_NAME} letters')
    return name
