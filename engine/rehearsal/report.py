"""What a performer should know before the gig: which of their sounds are told apart, and when.

Every take is named by heads that were learned without it, and a played pattern by heads that never
heard it. The pattern is the harder and the truer question: sounds that follow each other are played
otherwise than takes that stand alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dsp.mel import BANDS
from engine.dsp.strike import STEP, WIDTH, ear, hear_all
from engine.units import Samples
from engine.voice.learning import MOMENTS_MS, SHIFTS_MS, Heads, learn, probabilities
from engine.voice.profile import Profile, takes_of

FOLDS = 5
NEAR_BEST = 0.02                # of one's own best, and a shorter wait is preferred
RIGHT = 0.95                    # of a sound's takes: then it may leave sooner
FEWEST = 8                      # strikes of a pattern that can decide anything
MIXED = 0.1                     # of two sounds' strikes are taken for the other: worth a word
SOON_MS = 24                    # sounds that differ by then cost nobody any wait
FEW_TAKES, MANY_TAKES = 5, 12
EVEN_DB = 6.0                   # takes that are all as loud as each other

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tally:
    """How strikes were named, at every moment.

    confusion : int (moments, sounds, sounds + 1)   truth, then the name given; last is none
    """

    confusion: Counts

    @property
    def strikes(self) -> int:
        """How many were asked about."""
        return int(self.confusion[0].sum())

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """The share named right, at every moment."""
        right = np.trace(self.confusion[:, :, :-1], axis1=1, axis2=2)
        return np.asarray(right / max(1, self.strikes))

    @property
    def by_sound(self) -> NDArray[np.float64]:
        """The same for each sound: (moments, sounds)."""
        right = np.diagonal(self.confusion[:, :, :-1], axis1=1, axis2=2)
        return np.asarray(right / np.maximum(1, self.confusion.sum(axis=2)))

    @property
    def precision(self) -> NDArray[np.float64]:
        """Of the strikes that got a name, the share that were it: (moments, sounds)."""
        named = self.confusion[:, :, :-1]
        return np.asarray(np.diagonal(named, axis1=1, axis2=2)
                          / np.maximum(1, named.sum(axis=1)))

    def mixed(self, a: int, b: int) -> NDArray[np.float64]:
        """The share of two sounds' strikes that were taken for the other, at every moment."""
        both = self.confusion[:, [a, b]].sum(axis=(1, 2))
        return np.asarray((self.confusion[:, a, b] + self.confusion[:, b, a])
                          / np.maximum(1, both))


@dataclass(frozen=True, slots=True)
class Report:
    """The report.

    takes    : each take named by heads that were learned without it
    pattern  : the played pattern; None where none was played
    wait_ms  : the shortest common wait within 2 points of one's own best
    waits    : sound -> from when on it is named right 95 times of 100, where it is
    words    : what is confused, and what to do, a sentence each
    next     : which takes to give next, a sentence each
    """

    names: tuple[str, ...]
    takes: Tally
    pattern: Tally | None
    wait_ms: int
    waits: dict[str, float]
    words: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)

    @property
    def deciding(self) -> Tally:
        """What the wait and the words are read from: the pattern, where it is long enough."""
        return self.pattern if self.pattern and self.pattern.strikes >= FEWEST else self.takes

    def as_data(self) -> dict[str, Any]:
        """As JSON knows it; the page shows the same."""
        tallies = {"takes": self.takes, "pattern": self.pattern}
        return {"sounds": list(self.names), "moments_ms": list(MOMENTS_MS),
                "wait_ms": self.wait_ms, "sooner_ms": self.waits, "words": self.words,
                "next": self.next,
                **{name: _data(tally, self.names) for name, tally in tallies.items() if tally}}


def _data(tally: Tally, names: Sequence[str]) -> dict[str, Any]:
    return {"strikes": tally.strikes, "accuracy": tally.accuracy.round(4).tolist(),
            "by_sound": {name: tally.by_sound[:, place].round(4).tolist()
                         for place, name in enumerate(names)},
            "confusion": {str(ms): tally.confusion[moment].tolist()
                          for moment, ms in enumerate(MOMENTS_MS)}}


def report(profile: Profile) -> Report:
    """Measure a profile that was taught."""
    assert profile.heads is not None
    takes, missed = _cross_validated(profile)
    pattern = None
    if profile.page.played:
        played = takes_of(profile, profile.page.played)
        rows = slice(None, None, len(SHIFTS_MS))        # on time
        pattern = _tally(profile.heads, played.features[rows], played.general[rows],
                         played.labels[rows])
    bare = Report(profile.names, takes, pattern, 0, _waits(takes, profile.names))
    best = bare.deciding.accuracy
    wait = int(np.flatnonzero(best >= best.max() - NEAR_BEST)[0])
    return replace(bare, wait_ms=MOMENTS_MS[wait], words=_words(profile, bare.deciding, wait),
                   next=_next(profile, bare.deciding, wait, missed))


# -- counting ----------------------------------------------------------------------------------

def _cross_validated(profile: Profile) -> tuple[Tally, dict[int, int]]:
    """Each take named without its own help; and, after 64 ms, the numbers of those named wrongly.

    returns : the tally, and take's number -> the sound it was taken for
    """
    sounds = len(profile.names)
    confusion = np.zeros((len(MOMENTS_MS), sounds, sounds + 1), np.int64)
    missed: dict[int, int] = {}
    drums = [sound.drum for sound in profile.page.sounds]
    for fold in range(FOLDS):
        asked = [pair for name in profile.names
                 for place, pair in enumerate(_of(profile, name))
                 if place % FOLDS == fold and len(_of(profile, name)) > 1]
        if not asked:
            continue
        known = [pair for pair in profile.page.given if pair not in asked]
        heads = learn(takes_of(profile, known), profile.names, drums)
        rows = takes_of(profile, asked)
        on_time = slice(None, None, len(SHIFTS_MS))
        tally = _tally(heads, rows.features[on_time], rows.general[on_time], rows.labels[on_time])
        confusion += tally.confusion
        late = MOMENTS_MS.index(64)
        named = probabilities(heads, late, rows.features[on_time, late],
                              rows.general[on_time, late]).argmax(axis=-1)
        missed |= {number: int(sound) for (number, _), sound, truth
                   in zip(asked, named, rows.labels[on_time], strict=True) if sound != truth}
    return Tally(confusion), missed


def _of(profile: Profile, name: str) -> list[tuple[int, str]]:
    return [pair for pair in profile.page.given if pair[1] == name]


def _tally(heads: Heads, features: Samples, general: Samples, labels: Counts) -> Tally:
    """features, general : (n, moments, ...), labels : (n,)."""
    sounds = len(heads.names)
    confusion = np.zeros((len(MOMENTS_MS), sounds, sounds + 1), np.int64)
    for moment in range(len(MOMENTS_MS)):
        named = probabilities(heads, moment, features[:, moment], general[:, moment])
        np.add.at(confusion[moment], (labels, named.argmax(axis=-1)), 1)
    return Tally(confusion)


def _waits(tally: Tally, names: Sequence[str]) -> dict[str, float]:
    """For each sound the first moment from which on it is named right, and nothing else is it."""
    right = (tally.by_sound >= RIGHT) & (tally.precision >= RIGHT)
    found = {}
    for place, name in enumerate(names):
        wrong = np.flatnonzero(~right[:, place])
        first = 0 if not len(wrong) else int(wrong[-1]) + 1
        if first < len(MOMENTS_MS):
            found[name] = float(MOMENTS_MS[first])
    return found


# -- words -------------------------------------------------------------------------------------

def _words(profile: Profile, tally: Tally, wait: int) -> list[str]:
    """What is confused, or keeps the wait long, the worst first, and what would mend it."""
    pairs = [(float(tally.mixed(a, b)[wait]), a, b)
             for a, b in combinations(range(len(profile.names)), 2)]
    said = []
    for share, a, b in sorted(pairs, reverse=True):
        apart = [ms for ms, mixed in zip(MOMENTS_MS, tally.mixed(a, b), strict=True)
                 if mixed <= MIXED]
        one, other = profile.names[a], profile.names[b]
        if not apart:
            said.append(f"Your {one} and {other} are alike at any wait: "
                        + _mend(profile, one, other) + ", or take another sound for one of them.")
        elif share > MIXED or apart[0] > SOON_MS:
            said.append(f"Your {one} and {other} differ only after {apart[0]} ms: "
                        + _mend(profile, one, other) + ".")
    return said or ["All your sounds are told apart at this wait."]


def _mend(profile: Profile, one: str, other: str) -> str:
    """How two sounds could be made to differ sooner: where they differ a little already."""
    (pitch_a, length_a), (pitch_b, length_b) = _shape(profile, one), _shape(profile, other)
    if abs(pitch_a - pitch_b) >= 1.0 or abs(length_a - length_b) < 0.15:
        bright, dark = (one, other) if pitch_a >= pitch_b else (other, one)
        return f"make the {bright} sharper, or the {dark} deeper"
    long, short = (one, other) if length_a > length_b else (other, one)
    return f"make the {long} longer, or the {short} shorter"


def _shape(profile: Profile, name: str) -> tuple[float, float]:
    """How bright a sound is at its attack (mean band), and how much of it is left after 60 ms."""
    heard = np.zeros((45, WIDTH), np.float32)
    shapes = []
    for number in profile.numbers(name):
        take = profile.takes[number]
        hear_all(take.samples, take.attack, *ear(), heard)
        level = np.maximum(heard[:, :BANDS] + 1.0, 0.0)
        first = level[3:3 + 16 * 48 // STEP].mean(axis=0)
        shapes.append((float(first @ np.arange(BANDS) / max(1e-6, first.sum())),
                       float(level[33:40].mean() / max(1e-6, level[3:10].mean()))))
    pitch, length = np.mean(shapes, axis=0)
    return float(pitch), float(length)


def _next(profile: Profile, tally: Tally, wait: int, missed: dict[int, int]) -> list[str]:
    """Which takes to give, to hear again, or to take out."""
    said = []
    for place, name in enumerate(profile.names):
        numbers = profile.numbers(name)
        peaks = [profile.takes[number].peak_db(64.0) for number in numbers]
        right = float(tally.by_sound[wait, place])
        if len(numbers) < FEW_TAKES:
            said.append(f"Give {FEW_TAKES - len(numbers)} more of {name}: {len(numbers)} are few.")
        elif right < RIGHT and len(numbers) < MANY_TAKES:
            said.append(f"Give five more of {name}, as you play it in a beat: {right:.0%} are "
                        "named right.")
        elif max(peaks) - min(peaks) < EVEN_DB:
            said.append(f"Your takes of {name} are all equally loud: give two soft ones and two "
                        "loud ones.")
        odd = [(numbers.index(number) + 1, sound) for number, sound in missed.items()
               if number in numbers and sound < len(profile.names)]
        if odd and len(odd) <= len(numbers) // 3:
            nth, sound = odd[0]
            said.append(f"Take {nth} of {name} sounds like {profile.names[sound]}: if it is one, "
                        f"--relabel \"{name}:{nth}={profile.names[sound]}\"; if it went wrong, "
                        f"--remove \"{name}:{nth}\".")
    return said


