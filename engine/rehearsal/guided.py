"""Teaching by ear: five takes of each sound, one after another, then a pattern played twice.

Stretches of sound come in, and what was heard goes out: a take that is good, or why it was none.
Where the sound comes from, and who reads what is said, is not known here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np

from engine.clock import Clock
from engine.errors import UsageError
from engine.events import Onset
from engine.node import Context
from engine.nodes.onset_detector import OnsetDetector
from engine.ports import AudioBlock
from engine.rehearsal.teaching import DOUBLE_S, cut, refusal
from engine.units import HOP, SAMPLE_RATE, Samples, frames
from engine.voice.correction import EACH
from engine.voice.learning import FEWEST_SOUNDS, MOST_SOUNDS
from engine.voice.profile import AFTER_S, Profile, Take

TAKES = 5                       # of each sound
BAR = 8                         # strikes of the pattern in each of its two bars
TURNS = 2                       # the pattern is played so often
PATIENCE_S = 8.0                # without a strike, and it is asked for again
STILL_S = 3.0                   # of silence end it

_KEPT_S = 60.0                  # of sound; a turn looks back no further
_RING = 1 << 17
_STRETCH = 2048                 # frames heard at once
_BREAK = 1.8                    # steps without a strike, at the turn: the second time begins
_EXTRA = 0.5                    # of a step after a strike, another is none of the pattern's

_PATTERNS = {2: (0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0),
             3: (0, 2, 1, 2, 0, 0, 1, 2, 0, 2, 1, 0, 2, 0, 1, 1),
             4: (0, 2, 1, 3, 0, 0, 1, 2, 3, 2, 1, 0, 0, 3, 1, 1)}


def pattern(names: Sequence[str]) -> list[str]:
    """Two bars of eighths in which every sound comes, most of them after several others.

    >>> pattern(["kick", "snare", "hat"])[:4]
    ['kick', 'hat', 'snare', 'hat']
    """
    count = len(names)
    order = _PATTERNS.get(count) or [
        *(k % count for k in range(BAR)),
        *((BAR + (k * 3 if count < BAR else k)) % count for k in range(BAR))]
    return [names[k] for k in order]


def lesson(profile: Profile, names: Sequence[str], ear: "Ear", say: Callable[[str], None],
           show: Callable[[float], None] = lambda peak: None) -> Profile:
    """Take five of each sound, then the pattern; the profile with all of it.

    say  : is given each line that the performer should read
    show : is told the peak of each stretch, many times a second

    Raises UsageError where the names can't be learned, EOFError where the sound ends too soon.
    """
    known = [name for name in profile.names if name not in names]
    if not FEWEST_SOUNDS <= len(known) + len(names) <= MOST_SOUNDS:
        raise UsageError(f"{len(known) + len(names)} sounds can't be learned: teach "
                         f"{FEWEST_SOUNDS} to {MOST_SOUNDS}")
    ear.show = show
    for name in names:
        say(f"{name}: play it {TAKES} times, a second apart, soft and loud as on stage.")
        good: list[Take] = []
        for take in takes(ear):
            if isinstance(take, Take):
                good.append(take)
                say(f"  {len(good)} of {TAKES}")
            else:
                say(f"  once more: {take}.")
        profile = profile.with_takes(name, good)
    return _pattern_lesson(profile, ear, say)


def each_twice(profile: Profile, ear: "Ear", say: Callable[[str], None]
               ) -> list[tuple[str, Take]]:
    """Two of each of a profile's sounds, as they are heard here and now."""
    strikes: list[tuple[str, Take]] = []
    for name in profile.names:
        say(f"{name}: play it twice, a second apart, as on stage.")
        for take in takes(ear, EACH):
            if isinstance(take, Take):
                strikes.append((name, take))
            else:
                say(f"  once more: {take}.")
    return strikes


def _pattern_lesson(profile: Profile, ear: "Ear", say: Callable[[str], None]) -> Profile:
    wanted = pattern(profile.names)
    say("Now play this twice, steadily, at a tempo of your own:")
    for bar in (wanted[:BAR], wanted[BAR:]):
        say("  | " + "  ".join(bar) + " |")
    strikes: list[tuple[str, Take]] = []
    try:
        for heard in played(ear, profile.names):
            strikes = heard if isinstance(heard, list) else strikes
    except UsageError as error:
        say(f"  {error}: the report will go by your takes alone.")
        return profile
    say(f"  {len(strikes)} of {TURNS * len(wanted)} strikes were heard.")
    return profile.with_played(strikes)


class Ear:
    """Hears strikes in sound that goes on and on.

    now  : seconds heard so far
    show : is told the peak of each stretch
    """

    def __init__(self, stretches: Iterable[Samples], sensitivity_db: float | None = None) -> None:
        self._stretches = (stretch[place:place + _STRETCH] for stretch in stretches
                           for place in range(0, len(stretch), _STRETCH))
        settings = {} if sensitivity_db is None else {"sensitivity_db": sensitivity_db}
        self._detector, self._clock = OnsetDetector(**settings), Clock()
        self._detector.prepare(Context(self._clock, Path()))
        self._ring = np.zeros(_RING, np.float32)
        self._block = AudioBlock(self._ring)
        self._rest = np.zeros(0, np.float32)
        self._audio = np.zeros(0, np.float32)           # the last _KEPT_S
        self._first = 0                                 # its first frame
        self.show: Callable[[float], None] = lambda peak: None

    @property
    def now(self) -> float:
        return self._clock.now

    def listen(self) -> list[Onset]:
        """One more stretch. Raises EOFError where there is none."""
        stretch = next(self._stretches, None)
        if stretch is None:
            raise EOFError
        self.show(float(np.abs(stretch).max(initial=0.0)))
        self._audio = np.concatenate([self._audio, stretch])[-frames(_KEPT_S):]
        pool = np.concatenate([self._rest, stretch])
        found: list[Onset] = []
        for place in range(0, len(pool) - HOP + 1, HOP):
            start = self._clock.frame
            self._clock.move_to(start + HOP)
            self._ring[start % _RING:start % _RING + HOP] = pool[place:place + HOP]
            self._block.move_to(start)
            found += self._detector.process(self._block)
        self._rest = pool[len(pool) - len(pool) % HOP:]
        self._first = self._clock.frame + len(self._rest) - len(self._audio)
        return found

    def since(self, time: float) -> tuple[Samples, float]:
        """What was heard from a moment on, and the moment at which it really begins."""
        first = max(0, frames(time) - self._first)
        return self._audio[first:], (first + self._first) / SAMPLE_RATE


def takes(ear: Ear, count: int = TAKES) -> Iterator[Take | str]:
    """Good takes, until there are `count`; between them why a strike was none.

    Raises EOFError where the sound ends before.
    """
    good, strikes, deaf_until = 0, list[Onset](), ear.now
    while good < count:
        strikes += [onset for onset in ear.listen() if onset.time >= deaf_until]
        if not strikes and ear.now - deaf_until > PATIENCE_S:
            deaf_until = ear.now
            yield "nothing was heard, play louder or nearer; is it the right input"
        if not strikes or ear.now - strikes[0].time < max(DOUBLE_S, AFTER_S) + 0.1:
            continue
        first = strikes[0].time
        audio, begin = ear.since(first - 1.0)
        moved = [Onset(onset.time - begin, onset.strength) for onset in strikes]
        reason = refusal(audio, moved, moved[0].time)
        if reason:
            yield reason
        else:
            good += 1
            yield cut(audio, moved[0].time, moved[:1], "microphone")
        strikes, deaf_until = [], ear.now


def played(ear: Ear, names: Sequence[str]) -> Iterator[float | list[tuple[str, Take]]]:
    """The pattern of these sounds, played twice: the share heard yet, and at last its strikes.

    It ends by itself when all was played, or after some silence.
    """
    wanted = pattern(names)
    begin, heard = ear.now, list[Onset]()
    while len(heard) < TURNS * len(wanted) or ear.now - heard[-1].time < AFTER_S + 0.1:
        try:
            heard += ear.listen()
        except EOFError:
            break
        if heard and ear.now - heard[-1].time > STILL_S and len(heard) >= len(wanted):
            break
        yield min(1.0, len(heard) / (TURNS * len(wanted)))
    audio, first = ear.since(begin)
    moved = [Onset(onset.time - first, onset.strength) for onset in heard]
    yield [(wanted[step], cut(audio, onset.time, moved, "pattern"))
           for step, onset in align(moved, len(wanted))]


def align(onsets: Sequence[Onset], steps: int) -> list[tuple[int, Onset]]:
    """Which step of a pattern each strike is, at whatever tempo it was played, and played twice.

    A strike too many is passed over, a missing one leaves its step out. Raises UsageError where
    too little was heard to tell.
    """
    if len(onsets) < steps // 2 + 1:
        raise UsageError(f"only {len(onsets)} strikes were heard of a pattern of {steps}")
    times = [onset.time for onset in onsets]
    step_s = median(b - a for a, b in pairwise(times))
    turn, place, last = 0, 0, times[0]
    found = [(0, onsets[0])]
    for onset in onsets[1:]:
        gap = (onset.time - last) / step_s
        if gap < _EXTRA:
            continue
        nearly = place >= steps - 2
        if turn == 0 and gap > _BREAK and nearly:
            turn, place = 1, steps
        else:
            place += max(1, round(gap))
            turn = int(place >= steps)
        last = onset.time
        if place < TURNS * steps:
            found.append((place % steps, onset))
    return found
