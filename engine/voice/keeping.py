"""What a performer corrected on stage, written where it is found again at the next start.

A corrected strike becomes a take of what it was: in the profile, or, where a soundcheck speaks for
this evening's microphone and room, in the soundcheck's file. The worker writes, in a pause; a file
that isn't the one that was read, or isn't whole, stays as it is.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from engine.clock import Clock
from engine.errors import UsageError
from engine.jobs import Done, Jobs
from engine.node import OnStage
from engine.ports import AudioBlock
from engine.units import HOP, frames
from engine.voice.profile import AFTER_S, BEFORE_S, Profile, Take
from engine.voice.profile_file import change_profile
from engine.voice.strike import Strike

KEEPING_S = 0.5                 # an answer is due this long after it was asked for
SOURCE = "corrected on stage"


class Corrected(msgspec.Struct, frozen=True):
    """One strike, and the sound that it was.

    samples : float32 (frames,) at 48 kHz, around the attack
    """

    sound: str
    attack: int
    samples: np.ndarray


class Page(msgspec.Struct, frozen=True):
    """What goes into a file, and what was taken back and comes out again."""

    path: str
    given: list[Corrected]
    taken_back: list[Corrected]


def take_of(strike: Strike, audio: AudioBlock) -> Take | None:
    """A strike as a take, until the next one or until now; None where it is too long ago."""
    first, end = strike.attack - frames(BEFORE_S), audio.start + HOP
    last = min(strike.attack + frames(AFTER_S), strike.until, end)
    if end - first > audio.reach or last <= strike.attack:
        return None
    samples = np.zeros(last - first, np.float32)
    audio.history(first, samples)
    return Take(samples, strike.attack - first, SOURCE)


def keep(page: Page) -> int:
    """Write it; done in the worker. How many takes the file has gained. It stays the same edition,
    since the stage knows them already.

    Raises FileError where the file can't be read or written, UsageError where it no longer holds
    one of the sounds; it is then as it was.
    """
    before, after = change_profile(Path(page.path), partial(_with, page), goes_on=True)
    return len(after.page.given) - len(before.page.given)


def _with(page: Page, before: Profile) -> Profile:
    profile = before
    for each in page.taken_back:
        profile = _without(profile, each)
    for each in page.given:
        if each.sound not in profile.names:
            raise UsageError(f'{page.path}: holds no "{each.sound}" any more; what was corrected '
                             "on stage isn't kept")
        profile = profile.with_takes(each.sound, [_take(each)])
    return replace(profile, waits=before.waits)


def _take(each: Corrected) -> Take:
    return Take(each.samples, each.attack, SOURCE)


def _without(profile: Profile, each: Corrected) -> Profile:
    """Without this very take; a sound's last one stays, and so does what an edit has moved."""
    samples, numbers = _take(each).as_kept().samples, []
    if each.sound in profile.names:
        numbers = profile.numbers(each.sound)
    for place, number in enumerate(numbers, 1):
        take = profile.takes[number]
        if len(numbers) > 1 and take.source == SOURCE and np.array_equal(take.samples, samples):
            return profile.without(each.sound, place)
    return profile


class Keeper:
    """What waits to be written, and the way to the worker.

    path : of the file that is written
    """

    def __init__(self, path: Path, clock: Clock, jobs: Jobs, stage: OnStage) -> None:
        self._path, self._clock, self._jobs, self._stage = path, clock, jobs, stage
        self._given: list[Corrected] = []
        self._taken_back: list[Corrected] = []
        self._ticket = 0                                # of what is being written; 0: nothing

    @property
    def open(self) -> bool:
        """Is there anything to be written?"""
        return bool(self._ticket or self._given or self._taken_back)

    def give(self, sound: str, take: Take) -> Corrected:
        """To be written at the next pause."""
        each = Corrected(sound, take.attack, take.samples)
        self._given.append(each)
        return each

    def take_back(self, each: Corrected) -> None:
        """As if it had never been given, whether it is written already or not."""
        waiting = [other for other in self._given if other is not each]
        if len(waiting) == len(self._given):
            self._taken_back.append(each)
        self._given = waiting

    def pause(self) -> None:
        """Have it written now."""
        if not self._ticket and (self._given or self._taken_back):
            page = Page(str(self._path), self._given, self._taken_back)
            self._given, self._taken_back = [], []
            self._ticket = self._jobs.ask(keep, page, self._clock.now + KEEPING_S)

    def answered(self, done: Done) -> None:
        """What came of a job, if it was this one."""
        if done.ticket == self._ticket:
            self._ticket = 0
            if done.error:
                self._stage.say(done.error, "NOT KEPT")
