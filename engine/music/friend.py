"""The friend's mind: ideas that last, small changes in their place, and how a song ends.

The node plays; what it plays is decided here, a bar at a time and a bar ahead. `Friend` keeps the
conversation: whether it plays, which idea, since when, what a hand has asked for. It writes a
`BarRequest`; `next_bar` answers it, in the worker, from the request alone.
"""

from dataclasses import dataclass, replace

import msgspec
import numpy as np

from engine.music import groove, ideas, rhythm
from engine.music.drum_maps import NINE
from engine.music.pattern import Pattern, empty

PHRASE = 8                              # bars; an idea lasts one phrase
BREATH = 4                              # bars; breathing, it changes this often
_THIN_AFTER, _END_AFTER = 2, 8          # bars of the performer's silence
_ATTEMPTS = 3                           # at an idea that is new and doesn't fall silent
_BETWEEN = 0.5                          # fuller: what you play it leaves out, and plays between
_MORE = 0.2                             # a press of `more` or `less`


class Sheet(msgspec.Struct, frozen=True):
    """A pattern on its way: see `Pattern`."""

    steps_per_bar: int
    steps_per_beat: int
    hits: np.ndarray
    offsets: np.ndarray


def written(pattern: Pattern) -> Sheet:
    """A pattern as a sheet."""
    return Sheet(pattern.steps_per_bar, pattern.steps_per_beat, pattern.hits, pattern.offsets)


def read(sheet: Sheet) -> Pattern:
    """A sheet as a pattern."""
    return Pattern(sheet.steps_per_bar, np.asarray(sheet.hits, np.float32),
                   np.asarray(sheet.offsets, np.float32), sheet.steps_per_beat)


class Taste(msgspec.Struct, frozen=True):
    """The settings that shape what is played; see the node's."""

    bars: int = 2
    temperature: float = 0.8
    density: float = 0.5
    novelty: float = 0.5
    swing: float = 0.5
    humanise: float = 1.0
    drums: tuple[int, ...] = tuple(range(9))


class BarRequest(msgspec.Struct, frozen=True):
    """All that a bar to come depends on.

    heard   : what the performer played lately; the new idea goes on from it
    idea    : the idea that holds, without steps where there is none
    change  : "" keeps it, "new" wants another, "breathe" a mutation of it
    place   : which bar of the idea this is
    phrase  : which bar of the phrase of eight, 0..7
    fill    : so many of its last beats are a fill
    thin    : hats only
    fuller  : more strokes or fewer, -1..1
    level   : how loud, against what the idea says
    seed    : where its die begins
    """

    heard: Sheet
    idea: Sheet
    change: str
    place: int
    phrase: int
    fill: int
    thin: bool
    fuller: float
    level: float
    beats: int
    bpm: float
    taste: Taste
    seed: tuple[int, ...]


class BarAnswer(msgspec.Struct, frozen=True):
    """The idea that holds from this bar on, and the bar itself."""

    idea: Sheet
    bar: Sheet


def next_bar(request: BarRequest) -> BarAnswer:
    """Make a bar."""
    dice = np.random.Generator(np.random.PCG64(list(request.seed)))
    idea, taste = read(request.idea), request.taste
    if request.change or not idea.steps:
        idea = _another(request, idea, dice)
    bar = ideas.only(ideas.bar_of(idea, request.place), taste.drums)
    bar = ideas.fuller(bar, request.fuller, dice)
    if request.thin:
        bar = ideas.hats_only(bar)
    elif request.fill:
        bar = ideas.with_fill(bar, request.fill, dice)
    elif request.phrase % 4 == 3:
        bar = (ideas.with_fill(bar, 1, dice) if request.phrase == PHRASE - 1
               else ideas.small_change(bar, dice))
    bar = ideas.swung(ideas.felt(_with_feel(bar, request), taste.humanise), taste.swing)
    bar = ideas.at_level(ideas.only(bar, taste.drums), request.level)
    return BarAnswer(written(idea), written(bar))


def _with_feel(bar: Pattern, request: BarRequest) -> Pattern:
    """What was put in by hand, fills and hats between, with the performer's own timing."""
    flat = (bar.hits > 0.0) & (bar.offsets == 0.0)
    heard = read(request.heard)
    if request.taste.humanise == 0.0 or not flat.any() or not bar.steps:
        return bar
    like = heard if heard.hits.any() and heard.steps_per_bar == bar.steps_per_bar else None
    made = groove.humanise(bar, like, bpm=request.bpm)
    return replace(bar, offsets=np.where(flat, made.offsets, bar.offsets))


def _another(request: BarRequest, idea: Pattern, die: np.random.Generator) -> Pattern:
    """Another idea: what comes after what was heard, or a mutation of the one before."""
    taste, heard = request.taste, read(request.heard)
    if request.change == "breathe" and idea.hits.any():
        heard = ideas.mutated(idea, taste.drums, die)
    elif not heard.hits.any():
        heard = idea if idea.hits.any() else ideas.seed_groove(request.beats)
    heard = ideas.fitted(heard, request.beats)
    while heard.bars < 2:                       # a groove is known by its return
        heard = Pattern(heard.steps_per_bar, np.concatenate([heard.hits] * 2),
                        np.concatenate([heard.offsets] * 2), heard.steps_per_beat)
    for attempt in range(_ATTEMPTS):
        made = _generated(heard, request, die, min(1.0, taste.novelty + 0.25 * attempt))
        if ideas.plays_on(made) and not ideas.alike(made, idea):
            return ideas.fitted(made, request.beats)
    return ideas.mutated(heard, taste.drums, die)


def _generated(heard: Pattern, request: BarRequest, die: np.random.Generator, novelty: float
               ) -> Pattern:
    """Bars that go on from what was heard, as the rhythm model would."""
    taste, allowed = request.taste, np.zeros(len(NINE), bool)
    allowed[list(taste.drums)] = True
    return rhythm.generate(heard, taste.bars, int(die.integers(2**31)),
                           temperature=taste.temperature, density=taste.density,
                           novelty=novelty, allowed=allowed, bpm=request.bpm)


def warm() -> None:
    """Have the model there before it is needed."""
    rhythm.trained()


@dataclass(slots=True)
class Heard:
    """What is known of the performer when a bar is asked for.

    bars     : what was played in the last bars
    silent   : how many bars ago something was heard
    loudness : the mean velocity of the last two bars, 0 where nothing was played
    strokes  : strokes a bar, in the last two
    """

    bars: Pattern
    silent: float = 0.0
    loudness: float = 0.0
    strokes: float = 0.0


class Friend:
    """The conversation, bar by bar. Bars are numbered as a `Count` does.

    begins : the bar in which it starts to play; None where it doesn't
    ends   : the bar on whose one it ends; None where it goes on
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._ideas = 0                     # how many there have been
        self.begins: int | None = None
        self.ends: int | None = None
        self.kept = False                   # this idea is held
        self.fuller = 0.0
        self._idea = written(empty(0))
        self._since = 0                     # the bar in which this idea began
        self._phrase = 0                    # the bar in which the phrase began
        self._wanted = ""                   # a change that a hand asked for
        self._fill = False
        self._filled = -1                   # the bar that has it
        self._settled = (-1, "")            # the bar asked for last, and its change
        self._alone = False                 # it ends since nobody else plays

    @property
    def plays(self) -> bool:
        """Does it, or will it?"""
        return self.begins is not None

    # -- what hands ask for --------------------------------------------------------------------

    def start(self, bar: int) -> None:
        """Play from this bar on, with an idea of its own."""
        self.begins, self.ends, self._alone = bar, None, False
        self._since = self._phrase = bar
        self._wanted = "new"

    def stop(self) -> None:
        """Nothing any more."""
        self.begins = self.ends = None

    def end_on(self, bar: int) -> None:
        """The one of this bar is the last stroke."""
        self.ends, self._alone = bar, False

    def fill_next(self) -> None:
        """The next bar ends with a fill."""
        self._fill = True

    def again(self, bar: int) -> None:
        """The same idea once more, from its beginning."""
        self._since = self._phrase = bar
        self._wanted = ""

    def different(self) -> None:
        """Another idea."""
        self._wanted, self.kept = "new", False

    def keep(self) -> None:
        """Hold this idea, or let it change again."""
        self.kept = not self.kept

    def more(self, by: int) -> None:
        """Fuller, or with -1 less."""
        self.fuller = max(-1.0, min(1.0, self.fuller + _MORE * by))

    def one(self, bar: int) -> None:
        """A phrase begins here."""
        self._phrase = bar

    # -- bars ----------------------------------------------------------------------------------

    def rests(self, bar: int, mode: str, bars: int) -> bool:
        """Is this bar the performer's?"""
        if self.begins is None or bar < self.begins:
            return True
        return mode == "answer" and (bar - self.begins) // bars % 2 == 0

    def ask(self, bar: int, mode: str, when_silent: str, follow: float, taste: Taste,
            heard: Heard, beats: int, bpm: float) -> BarRequest:
        """What this bar shall be; settles too whether it is the last one."""
        self._watch_silence(bar, when_silent, heard.silent)
        ends = self.ends == bar + 1
        change = self._settle(bar, mode, taste)
        return BarRequest(
            heard=written(heard.bars), idea=self._idea, change=change, place=bar - self._since,
            phrase=(bar - self._phrase) % PHRASE, fill=2 if ends or bar == self._filled else 0,
            thin=when_silent == "thin" and heard.silent >= _THIN_AFTER and not ends,
            fuller=self._fullness(mode, follow, heard), level=_level(mode, follow, heard),
            beats=beats, bpm=bpm, taste=taste,
            seed=(self._seed, self._ideas, bar - (self.begins or 0)))

    def _watch_silence(self, bar: int, when_silent: str, silent: float) -> None:
        """After a long silence of the performer's it ends; should he play again, it doesn't."""
        patience = {"stop": _THIN_AFTER, "thin": _END_AFTER}.get(when_silent)
        if patience is not None and silent >= patience and self.ends is None:
            self.ends, self._alone = bar + 1, True
        elif self._alone and silent < _THIN_AFTER:
            self.ends, self._alone = None, False

    def take(self, answer: BarAnswer) -> Pattern:
        """An answer has come: the idea is the one that holds."""
        self._idea = answer.idea
        return read(answer.bar)

    def _settle(self, bar: int, mode: str, taste: Taste) -> str:
        """The change that comes in with this bar; the same where it is asked for again."""
        if self._fill:
            self._fill, self._filled = False, bar
        if bar != self._settled[0] or self._wanted:
            self._settled = bar, self._change(bar, mode, taste)
            if self._settled[1]:
                self._ideas += 1
                self._since = bar
            self._wanted = ""
        return self._settled[1]

    def _change(self, bar: int, mode: str, taste: Taste) -> str:
        """Never before an idea was heard twice, unless a hand wants it."""
        if self._wanted or not len(self._idea.hits):
            return self._wanted or "new"
        age = bar - self._since
        if mode == "answer":
            begins = (bar - (self.begins or 0)) % (2 * _turn(taste)) == _turn(taste)
            return "new" if begins and not self.kept else ""
        if self.kept:
            return ""
        lasts = max(BREATH if mode == "breathe" else PHRASE, 2 * taste.bars)
        return ("breathe" if mode == "breathe" else "new") if age >= lasts else ""

    def _fullness(self, mode: str, follow: float, heard: Heard) -> float:
        if mode != "accompany" or not heard.strokes:
            return self.fuller
        follows = max(-1.0, min(1.0, (heard.strokes - 10.0) / 10.0))
        return max(-1.0, min(1.0, self.fuller + _BETWEEN + follow * follows))


def _turn(taste: Taste) -> int:
    """How many bars a side plays before the other one answers."""
    return 2 * taste.bars


def _level(mode: str, follow: float, heard: Heard) -> float:
    if mode != "accompany" or not heard.loudness:
        return 1.0
    return 1.0 + follow * (heard.loudness / 0.7 - 1.0)
