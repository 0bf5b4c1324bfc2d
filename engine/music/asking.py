"""One question at a time: a line is asked for, and is there when its moment comes, or made up.

It holds what a duet remembers for its questions: the chords, the performer's last phrases, and
the number of the turn, from which every answer has a seed of its own.
"""

from collections import deque
from dataclasses import dataclass

import msgspec

from engine.jobs import Jobs
from engine.music.duet import ALONE, Asked, reply
from engine.music.frame import Settings
from engine.music.grid import Grid
from engine.music.line import STEPS_A_BEAT, Line
from engine.music.phrase import Harmonies

_READY_S = 0.03             # an answer is wanted so long before it begins
_REMEMBERED = 6             # phrases


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be played: from which beat, and the job that thinks of it."""

    asked: Asked
    start: float
    ticket: int


class Asking:
    """The question that is out, if there is one.

    plan      : what was asked for and from which beat on it is wanted
    harmonies : the chords as they are known
    """

    def __init__(self, jobs: Jobs, seed: int) -> None:
        self.plan: Plan | None = None
        self.harmonies = Harmonies()
        self._jobs, self._seed = jobs, seed
        self._heard: deque[Line] = deque(maxlen=_REMEMBERED)
        self._answer: Line | None = None
        self._turn = 0

    def ask(self, kind: str, grid: Grid, call: Line, start: float, settings: Settings, seed: int,
            last: Line | None = None) -> None:
        """Have a line made that begins on beat `start`; whatever was asked for before is void."""
        if not (call.steps >= 0).any():
            return
        self._turn += 1
        before = len(call.steps) / STEPS_A_BEAT
        chords = self.harmonies.over(start - before, len(call.steps) + settings.bars * call.bar)
        asked = Asked(kind, call, last, tuple(self._heard), chords, settings,
                      self.seed_of_turn(seed))
        ticket = self._jobs.ask(reply, asked, grid.time_of(start) - _READY_S)
        self.plan, self._answer = Plan(asked, start, ticket), None

    def seed_of_turn(self, seed: int) -> int:
        """A seed for this turn, from the performer's and the take's."""
        return 10_007 * seed + 101 * self._seed + self._turn

    def listen(self) -> None:
        """Take what the worker has done."""
        for done in self._jobs.take():
            if self.plan and done.ticket == self.plan.ticket:
                self._answer = done.answer

    def remember(self, call: Line) -> None:
        """A phrase of the performer's, for when the model isn't there."""
        self._heard.append(call)

    def take(self, plan: Plan) -> Line:
        """The answer, or one by heart where it isn't there yet; nothing is asked for any more."""
        line, self.plan, self._answer = self._answer, None, None
        return line or reply(msgspec.structs.replace(plan.asked, kind=ALONE))

    def forget(self) -> None:
        """The answer isn't wanted any more."""
        self.plan = None
