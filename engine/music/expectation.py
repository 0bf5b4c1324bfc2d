"""The groove prior: what this performer's groove makes due, for ears that aren't sure.

While the tempo is frozen, the rhythm model hears the performer's own hits and says which drum is
likely on this sixteenth. Where the sound alone is ambiguous, that may decide; where the sound is
clear, it can't. `STRENGTH` is what its card could show to be no loss.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.drums import DRUMS
from engine.events import Beat
from engine.music.drum_maps import NINE, nine_of
from engine.music.grid import Count
from engine.music.memory import MEAN_BPM
from engine.music.rhythm import Rhythm
from engine.units import Samples

STRENGTH: Final = 0.25
_DOUBT = 0.1                    # of each drum, whatever the groove says
_AT_ONCE = 4                    # silent steps caught up with in one call, a third of a millisecond
_NINE_OF = [nine_of(drum) for drum in DRUMS]


class Expectation:
    """One performer's groove, followed hit by hit.

        expectation.follow(beat)                      # each hop: time passes
        due = expectation.due()                       # at a hit: what is likely now
        expectation.struck("snare", 0.8)              # it was a snare after all
    """

    def __init__(self, bpm: float = MEAN_BPM, beats_per_bar: float = 4.0, *,
                 model: str = "model") -> None:
        self._rhythm = Rhythm(steps_per_bar=round(4 * beats_per_bar), bpm=bpm, model=model)
        self._hits = np.zeros(len(NINE), np.float32)
        self._late = np.zeros(len(NINE), np.float32)
        self._step, self._beat = 0, 0.0
        self._due: Samples | None = None

    def follow(self, beat: float) -> None:
        """It is now this beat since the one (never earlier than before): steps gone by are heard.

        After a long silence it catches up over several calls.
        """
        self._beat = beat
        for _ in range(_AT_ONCE):
            if self._step >= self._now():
                return
            self._rhythm.hear(self._hits, self._late)
            self._hits[:] = self._late[:] = 0.0
            self._step += 1
            self._due = None

    def due(self) -> Samples:
        """How likely each of the sixteen drums is for a hit now: float32 (16,), their mean 1."""
        if self._due is None:
            chances = self._rhythm.chances() + _DOUBT
            usual = float(chances.mean())
            found = [usual if place is None else float(chances[place]) for place in _NINE_OF]
            self._due = np.array(found, np.float32)
            self._due /= self._due.mean()
        return self._due

    def struck(self, drum: str, velocity: float) -> None:
        """What the hit at the beat last followed turned out to be."""
        place = nine_of(drum)
        if place is not None:
            self._hits[place] = max(self._hits[place], velocity, 1.0 / 127.0)
            self._late[place] = np.clip(4.0 * self._beat - self._step, -0.5, 0.5)

    def _now(self) -> int:
        return int(np.floor(4.0 * self._beat + 0.5))


class Due:
    """What is due by a clock's beats. It weighs in only while the tempo is held.

        due.follow(beats, moment)                     # each hop
        due.weigh(time, drums, chances, STRENGTH)     # a strike, and what it may be
        due.struck(time, "snare", 0.8)                # what it was held for
    """

    def __init__(self) -> None:
        Expectation().due()                     # loaded and warm
        self.reset()

    def reset(self) -> None:
        """Forget the groove, and the beats."""
        self._count, self._frozen = Count(), False
        self._groove: Expectation | None = None
        self._in_bar, self._begins = 0, 0       # of the groove, counted beats

    def follow(self, beats: Sequence[Beat], moment: float) -> None:
        """These beats were said, and no strike before `moment` will be asked about."""
        if beats:
            self._count.hear(beats)
            self._frozen = beats[-1].frozen
        grid = self._count.grid
        if grid is None:
            return
        if not self._count.runs(moment):
            self._groove = None
            return
        if self._groove is None or grid.in_bar != self._in_bar:
            self._in_bar = grid.in_bar
            self._begins = grid.in_bar * math.floor(grid.beat_at(moment) / grid.in_bar)
            self._groove = Expectation(grid.bpm, grid.in_bar)
        self._groove.follow(self._beat(moment))

    def weigh(self, time: float, drums: Sequence[str], chances: Samples, strength: float) -> None:
        """Let the groove weigh in on a strike, in place.

        drums    : what each sound it may be plays; one that is no drum is as due as most
        chances  : float32, one a sound, in that order; what follows them is left alone
        strength : see `weighed`
        """
        if self._groove is None or not self._frozen or strength <= 0.0:
            return
        self._groove.follow(self._beat(time))
        due = dict(zip(DRUMS, self._groove.due().tolist(), strict=True))
        of_sounds = np.array([due.get(drum, 1.0) for drum in drums], np.float32)
        chances[:] = weighed(chances, of_sounds, strength)

    def struck(self, time: float, drum: str, velocity: float) -> None:
        """The last word on a strike."""
        if self._groove is not None:
            self._groove.follow(self._beat(time))
            self._groove.struck(drum, velocity)

    def _beat(self, time: float) -> float:
        assert self._count.grid is not None
        return self._count.grid.beat_at(time) - self._begins


def weighed(probabilities: Samples, due: Samples, strength: float = STRENGTH) -> Samples:
    """What the ear heard and what is due, together; float32 (n,) and (m,), m at most n.

    strength : 0 the ear alone, 1 as if both were equally sure

    What has no due is untouched. The sum stays, so confidence in "a drum at all" stays.
    """
    drums = len(due)
    both = probabilities.copy()
    both[:drums] *= due ** np.float32(strength)
    both[:drums] *= probabilities[:drums].sum() / max(float(both[:drums].sum()), 1e-12)
    return both
