"""What this take has played so far, and what that says about the next step.

Whoever plays along must listen: the same place one bar ago, this drummer's habits at this place in
the bar, how hard and how late each drum is usually struck. Three *recollections* look through the
whole take for moments that were like this one (their last strokes were alike, the older the less
it counts) and say what came next there: at the same place in the bar, by the last few strokes; the
same by the last two bars; and at the same place in any beat.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.dsp import recall
from engine.music.ngram import CONTEXTS, PLACES, contexts
from engine.music.pattern import DRUMS_HERE, SETS, drums_in, sets_of
from engine.units import Samples

KEPT: Final = 1024               # steps that are remembered at least; at most twice as many
RECOLLECTIONS: Final = 3
_FADES = (0.75, 0.95, 0.85)      # of likeness, a step back
_SHARPNESS = (1.5, 0.6, 1.0)     # of each recollection
_UNKNOWN = -4.0                  # likeness of the time before the take began
_APART = (drums_in(np.arange(SETS)) @ np.array(
    [1.0, 1.0, 0.5, 0.7, 0.6, 0.6, 0.6, 0.5, 0.5])).astype(np.float32)
"""How unlike two sets are, by the drums in which they differ (their exclusive or)."""

_LATEST = np.float32(0.9)        # how much of how hard and how late a drum is stays, a stroke
_TRUST = 0.95
_FAITH = 0.3                     # strokes' worth of what is usual for any drum
_MEAN_VELOCITY, MEAN_BPM = 0.45, 110.0

_ROWS: Final = {                 # the network's inputs, in this order: rows of nine
    "recent": 16, "hard": 4, "late": 4, "bar_ago": 6, "two_bars_ago": 2, "four_bars_ago": 1,
    "bar_ago_hard": 1, "odds": RECOLLECTIONS, "recalled": 4, "usual": 2, "last": 2, "often": 2,
}
_WHERE: Final = 40
_UPTO = np.cumsum([0, *_ROWS.values()]).tolist()
_AT = {name: slice(begin, begin + rows)
       for (name, rows), begin in zip(_ROWS.items(), _UPTO, strict=False)}
FEATURES: Final = _UPTO[-1] * DRUMS_HERE + 2 * RECOLLECTIONS + _WHERE
"""How many numbers the network hears."""

INTENT: Final = FEATURES - 2
"""Where the network hears that a beat (first) or a fill (second) is meant; 0 and 0: not told."""

RECALLED: Final = _AT["recalled"].start * DRUMS_HERE
"""Where, among the features, velocity (9) and lateness (9) of the first recollection begin; those
of the second follow."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a take's past says about its next step. Valid until the memory recalls again.

    counts : float32 (4, 512)   how often each set followed each context in this take
    votes  : float32 (3, 512)   of the recollections
    features : float32 (FEATURES,)   what the network hears
    """

    counts: Samples
    votes: Samples
    features: Samples


class Memory:
    """One take's past. `hear` a step, then `recall` what it says about the next."""

    def __init__(self, steps_per_bar: int = 16, steps_per_beat: int = 4,
                 bpm: float = MEAN_BPM) -> None:
        self.steps_per_bar, self.steps_per_beat, self.bpm = steps_per_bar, steps_per_beat, bpm
        self.step = 0                                           # of the take, to be played next
        self.fill: bool | None = None                           # a beat or a fill is meant
        self._now: NDArray[np.int64] | None = None              # the next step's contexts
        self._kept = 0
        self._sets = np.zeros(2 * KEPT, np.int64)
        self._of = np.zeros((CONTEXTS, 2 * KEPT), np.int64)
        self._hits = np.zeros((2 * KEPT, DRUMS_HERE), np.float32)
        self._offsets = np.zeros((2 * KEPT, DRUMS_HERE), np.float32)
        self._every = (steps_per_bar, steps_per_bar, steps_per_beat)
        self._alike = [np.full(KEPT // every, _UNKNOWN, np.float32) for every in self._every]
        self._habit = np.zeros((2, DRUMS_HERE), np.float32)     # sums of velocity and lateness
        self._weight = np.zeros(DRUMS_HERE, np.float32)
        self._last = np.zeros((2, DRUMS_HERE), np.float32)      # velocity, lateness
        self._drift = np.zeros(2, np.float32)                   # harder, later than expected
        self._often = np.zeros((2, DRUMS_HERE), np.float32)     # slowly, quickly
        self._trust = np.zeros(RECOLLECTIONS, np.float32)
        self._counts = np.zeros((CONTEXTS, SETS), np.float32)
        self._votes = np.zeros((RECOLLECTIONS, SETS), np.float32)
        self._total = np.zeros(RECOLLECTIONS, np.float32)
        self.features = np.zeros(FEATURES, np.float32)          # of the last recall
        self._rows = self.features[:_UPTO[-1] * DRUMS_HERE].reshape(-1, DRUMS_HERE)

    @property
    def place(self) -> int:
        """Where in the bar the next step falls, 0..95; 96 more where beats are cut in triplets."""
        part = self.step % self.steps_per_bar * (PLACES // 2) // self.steps_per_bar
        return part + PLACES // 2 * (self.steps_per_beat == 6)

    def contexts(self) -> NDArray[np.int64]:
        """The next step's contexts, (4,)."""
        if self._now is None:
            ago = [int(self._sets[self._kept - steps]) if steps <= self._kept else 0
                   for steps in (self.steps_per_bar, 1, 2)]
            self._now = contexts(self.place, *ago)
        return self._now

    def hear(self, velocities: Samples, offsets: Samples) -> None:
        """Remember the step that was played: velocities and offsets (9,) each."""
        of = self.contexts()
        self._make_room()
        played, now = int(sets_of(velocities)), self._kept
        self._of[:, now], self._now = of, None
        self._sets[now], self._hits[now], self._offsets[now] = played, velocities, offsets
        self._trust *= _TRUST
        self._trust += (1.0 - _TRUST) * self._votes[:, played] / (self._total + 0.1)
        self._kept += 1
        self.step += 1
        recall.remember(velocities, offsets, self._rows[_AT["recalled"]][2:], _LATEST, self._habit,
                        self._weight, self._last, self._often, self._drift)
        for alike, every, fade in zip(self._alike, self._every, _FADES, strict=True):
            recall.liken(alike, self._sets, self._kept, every, fade, _APART)

    def recall(self) -> Recalled:
        """What the past says about the next step; to be asked before each `hear`."""
        recall.count(self._of, self._sets, self._kept, self.contexts(), self._counts)
        rows, usual = self._rows, self._rows[_AT["usual"]]
        recall.usual(self._habit, self._weight, _FAITH, _MEAN_VELOCITY, usual)
        recalled = rows[_AT["recalled"]].reshape(2, 2, DRUMS_HERE)
        for which, (every, alike) in enumerate(zip(self._every, self._alike, strict=True)):
            recall.recollect(alike, _SHARPNESS[which], self._sets, self._hits, self._offsets,
                             self._kept, every, usual, self._votes[which],
                             recalled[min(which, 1)] if which < 2 else np.empty_like(usual))
            self._total[which] = recall.odds(self._votes[which], rows[_AT["odds"]][which])
        rows[_AT["odds"]] *= 0.5
        self._look_back(rows)
        rows[_AT["last"]], rows[_AT["often"]] = self._last, self._often
        rest = self.features[_UPTO[-1] * DRUMS_HERE:]
        rest[:3], rest[3:6] = 0.3 * np.log(self._total + 0.01), self._trust
        self._where(rest[6:])
        return Recalled(self._counts, self._votes, self.features)

    def _look_back(self, rows: Samples) -> None:
        """The last bar's steps, and those around this place one, two and four bars ago."""
        bar = self.steps_per_bar
        for name, ago, of, struck in (
                ("recent", 16, self._hits, True), ("hard", 4, self._hits, False),
                ("late", 4, self._offsets, False), ("bar_ago", bar + 1, self._hits, True),
                ("two_bars_ago", 2 * bar, self._hits, True),
                ("four_bars_ago", 4 * bar, self._hits, True),
                ("bar_ago_hard", bar, self._hits, False)):
            recall.window(of, self._kept, ago, struck, rows[_AT[name]])

    def _where(self, where: Samples) -> None:
        """The place in the bar and the beat, the bar in its phrase, the tempo, the drift."""
        step = self.step % self.steps_per_bar
        beat, part = divmod(step, self.steps_per_beat)
        bars = self.step // self.steps_per_bar
        where[:] = 0.0
        where[min(beat, 7)] = 1.0
        where[8 + 12 * part // self.steps_per_beat] = 1.0
        where[20 + bars % 4] = 1.0
        where[24 + bars % 8 // 4] = 1.0
        where[26:31] = (bars == 0, bars == 1, np.log1p(bars) / 4.0, self.steps_per_beat == 6,
                        np.log(self.bpm / MEAN_BPM))
        phase = 2.0 * np.pi * step / self.steps_per_bar
        where[32:36] = np.sin(phase), np.cos(phase), np.sin(2 * phase), np.cos(2 * phase)
        where[36:38] = self._drift
        where[38:] = self.fill is False, self.fill is True

    def _make_room(self) -> None:
        """Forget the older half once both halves are full."""
        if self._kept < 2 * KEPT:
            return
        for array in (self._sets, self._hits, self._offsets):
            array[:KEPT] = array[KEPT:]
        self._of[:, :KEPT] = self._of[:, KEPT:]
        self._kept = KEPT
