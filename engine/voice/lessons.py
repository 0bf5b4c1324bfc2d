"""What a performer teaches while playing: "that was a snare", and, where it is wished, each hit.

A press corrects what was said at once. It is learned at the next pause of a second, never within a
phrase, and can be taken back whole. Live it is written then as well (see `keeping`).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from engine.clock import Clock
from engine.jobs import Jobs
from engine.units import Samples
from engine.voice.keeping import Corrected, Keeper
from engine.voice.learning import Heads, Takes, learn
from engine.voice.naming import Own
from engine.voice.profile import Profile, Take

PAUSE_S = 1.0                   # of silence, before anything is learned
LEARNING_S = 0.5                # an answer is due this long after it was asked for
ADAPTED = 8                     # confident hits of each sound that are learned from, the newest


@dataclass(slots=True)
class Lesson:
    """One strike and what it was.

    features : float32 (moments, units)
    general  : float32 (moments, classes)
    take     : the same to be heard, where it shall be kept
    """

    sound: int
    features: Samples
    general: Samples
    take: Take | None = None
    learned: bool = False
    kept: Corrected | None = None


class Lessons:
    """What was taught while playing, beside a profile and the takes that its heads know.

    keeper : writes it down; None where nothing shall be written
    """

    def __init__(self, profile: Profile, takes: Takes, own: Own, clock: Clock, jobs: Jobs,
                 keeper: Keeper | None = None) -> None:
        self.open = False                               # is there anything to be learned or kept?
        self._own, self._clock, self._jobs, self._keeper = own, clock, jobs, keeper
        self._drums = [profile.drum_of(name) for name in profile.names]
        self._takes = takes
        self._taught = own.heads                        # by the profile alone
        self._given: list[Lesson] = []
        self._adapted: list[deque[Lesson]] = [deque(maxlen=ADAPTED) for _ in profile.names]
        self._asked: list[Lesson] | None = None         # what is being learned
        self._ticket = 0
        self._before = own.heads                        # the last learning

    def give(self, lesson: Lesson) -> None:
        """To be learned at the next pause."""
        self._given.append(lesson)
        if self._keeper and lesson.take:
            lesson.kept = self._keeper.give(self._own.names[lesson.sound], lesson.take)
        self.open = True

    def take_back(self, lesson: Lesson) -> None:
        """As if it had never been given: what it taught is forgotten at once."""
        self._given = [other for other in self._given if other is not lesson]
        if lesson.learned:
            self._forget(self._before)
        if self._keeper and lesson.kept:
            self._keeper.take_back(lesson.kept)
        self._asked = None                              # an answer on its way knows too much
        self.open = self._waiting

    def follow(self, lesson: Lesson) -> None:
        """A confident hit: the newest few of each sound are learned from."""
        self._adapted[lesson.sound].append(lesson)
        self.open = True

    def unfollow(self) -> None:
        """Forget all that was learned from confident hits."""
        if any(self._adapted):
            for lessons in self._adapted:
                lessons.clear()
            self._asked = None
            self._forget(self._taught)
            self.open = self._waiting

    def take_over(self, before: "Lessons") -> None:
        """Go on with what others were given of these sounds and haven't begun to learn."""
        begun = {id(lesson) for lesson in before._asked or ()}
        for lesson in before._given:
            name = before._own.names[lesson.sound]
            if lesson.learned or id(lesson) in begun or name not in self._own.names:
                continue
            if before._keeper and lesson.kept:
                before._keeper.take_back(lesson.kept)
            self.give(replace(lesson, sound=self._own.names.index(name), kept=None))
        before.keep()

    def pause(self) -> None:
        """It has been quiet for long enough: learn, or go on with what was learned."""
        for done in self._jobs.take():
            if self._asked is not None and done.ticket == self._ticket:
                self._learned(done.answer)
            if self._keeper:
                self._keeper.answered(done)
        if self._asked is None and self._unlearned():
            self._asked = self._all()
            asked = _asked(self._own.names, self._drums, self._takes, self._asked)
            self._ticket = self._jobs.ask(learn_again, asked, self._clock.now + LEARNING_S)
        self.keep()
        self.open = self._asked is not None or self._waiting

    def keep(self) -> None:
        """Have written what was taught by hand."""
        if self._keeper:
            self._keeper.pause()

    @property
    def _waiting(self) -> bool:
        return bool(self._unlearned()) or (self._keeper is not None and self._keeper.open)

    def _learned(self, answer: "Learned | None") -> None:
        lessons, self._asked = self._asked or [], None
        for lesson in lessons:
            lesson.learned = True                       # or can't be: it isn't asked for again
        if answer is not None:
            self._before = self._own.heads
            self._own.learned(Heads(self._own.names, answer.weights, answer.bias, answer.blend,
                                    answer.kin))

    def _forget(self, heads: Heads) -> None:
        """Back to these heads; whatever they don't know is learned again at the next pause."""
        self._own.learned(heads)
        self._before = self._taught
        for lesson in self._all():
            lesson.learned = False

    def _all(self) -> list[Lesson]:
        return [*self._given, *(lesson for lessons in self._adapted for lesson in lessons)]

    def _unlearned(self) -> list[Lesson]:
        return [lesson for lesson in self._all() if not lesson.learned]


class Asked(msgspec.Struct, frozen=True):
    """Takes and lessons to learn from; float16, as a profile keeps them."""

    names: list[str]
    drums: list[str]
    features: np.ndarray
    general: np.ndarray
    labels: np.ndarray
    take: np.ndarray
    spread: np.ndarray | None


class Learned(msgspec.Struct, frozen=True):
    """The heads' arrays."""

    weights: np.ndarray
    bias: np.ndarray
    blend: np.ndarray
    kin: np.ndarray


def learn_again(asked: Asked) -> Learned:
    """Heads from takes and lessons; done in the worker."""
    takes = Takes(asked.features.astype(np.float32), asked.general.astype(np.float32),
                  asked.labels, asked.take, asked.spread)
    heads = learn(takes, asked.names, asked.drums)
    return Learned(heads.weights, heads.bias, heads.blend, heads.kin)


def _asked(names: Sequence[str], drums: Sequence[str], takes: Takes, lessons: Sequence[Lesson]
           ) -> Asked:
    first = int(takes.take.max()) + 1
    features, general = ([lesson.features for lesson in lessons],
                         [lesson.general for lesson in lessons])
    return Asked(list(names), list(drums),
                 np.concatenate([takes.features, features], dtype=np.float16),
                 np.concatenate([takes.general, general], dtype=np.float16),
                 np.concatenate([takes.labels, [lesson.sound for lesson in lessons]]),
                 np.concatenate([takes.take, first + np.arange(len(lessons))]), takes.spread)
