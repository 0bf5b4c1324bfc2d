"""Free time: play, and when you pause a pianist goes on as you played."""

from collections.abc import Sequence

from engine.events import Note, NoteOn
from engine.music.call import Call
from engine.music.composing import FreelyAsked, go_on
from engine.music.grid import Grid
from engine.music.keys import read_span
from engine.music.performance import Freely, Played
from engine.music.playing import Playing, Tone
from engine.node import Context, Node, action
from engine.param import Param

_SHORTEST_S = 1.0


class PerformanceContinuation(Node):
    """Answer in free time, with the density and the register of what was played.

    There are no bars here: after a pause it goes on for as long as you played, `seconds` at
    most. Every note has an end of its own; one that the model forgets is ended after four
    seconds, or with the phrase. Your pedal never holds it.
    """

    pause_s = Param(1.2, low=0.2, high=5.0, help="so long a silence ends a call")
    seconds = Param(8.0, low=1.0, high=30.0, help="the longest answer")
    listen = Param("A0-C8", reads=read_span, help="the keys that are a call; C4 is middle C (60)")
    interrupt = Param("now", choices=("now", "never"), help="when an answer gives way to you")
    temperature = Param(1.0, low=0.1, high=2.0, help="less is plainer, more is wilder")
    density = Param(1.0, low=0.25, high=4.0, help="notes a second, as a multiple of yours")
    register = Param(0, low=-36, high=36, help="semitones above what you played")
    channel = Param(1, low=1, high=16, help="the channel of the answers")
    seed = Param(0, low=0, high=9999, help="another seed, other answers")

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._awake = True

    def prepare(self, context: Context) -> None:
        self._clock, self._jobs, self._seed = context.clock, context.jobs, context.seed
        self.reset()

    def reset(self) -> None:
        self._playing, self._call = Playing(), Call()
        self._time = Grid(0.0, 60.0)            # a beat is a second, from the answer's beginning
        self._ticket: int | None = None
        self._begins = 0.0
        self._turn = 0
        self._parting: list[Note] = []

    @action(help="listen and answer again")
    def start(self) -> None:
        self._awake = True

    @action(help="end the answer, and answer no more until started")
    def stop(self) -> None:
        self._awake, self._ticket, self._call = False, None, Call()
        self._parting += self._playing.stop(self._clock.now)

    @action(help="the call is over: answer now")
    def reply(self) -> None:
        if self._call.notes:
            self._ask(self._clock.now + 0.1)

    def process(self, notes: Sequence[Note]) -> Sequence[Note]:
        said, self._parting = self._parting, []
        for note in notes:
            self._touch(note, said)
        now = self._clock.now
        for done in self._jobs.take():
            if done.ticket == self._ticket:
                self._begin(done.answer or ())
        if self._call.notes and self._ticket is None and not self._playing.busy:
            end = self._call.silent_since(Grid(0.0, 30.0), now)
            if end is not None and now >= end + 0.5 * self.pause_s:
                self._ask(max(end + self.pause_s, now))
        self._playing.channel = self.channel
        return said + self._playing.say(self._time, now, self._clock.next)

    def _touch(self, note: Note, said: list[Note]) -> None:
        low, high = read_span(self.listen)
        if not self._awake or not low <= note.note <= high:
            return
        if not isinstance(note, NoteOn):
            self._call.lift(note.time, note.note)
            return
        if self._playing.busy:
            if self.interrupt == "never":
                return
            said += self._playing.stop(self._clock.now)
        self._ticket = None
        self._call.press(note.time, note.note, note.velocity)

    def _ask(self, begins: float) -> None:
        """Have the continuation made that begins then."""
        first, end = self._call.notes[0].time, self._call.changed
        heard = tuple(Played(sung.time - first, min(max(sung.end, sung.time), end) - sung.time,
                             sung.note, sung.velocity) for sung in self._call.notes)
        self._turn += 1
        length = min(max(end - first, _SHORTEST_S), self.seconds)
        asked = FreelyAsked(heard, length, Freely(self.temperature, self.density,
                                                  register=self.register),
                            10_007 * self.seed + 101 * self._seed + self._turn)
        self._begins = begins
        self._ticket = self._jobs.ask(go_on, asked, begins - 0.01)

    def _begin(self, played: Sequence[Played]) -> None:
        self._ticket, self._call = None, Call()
        self._time = Grid(max(self._begins, self._clock.now), 60.0)
        self._playing.add(Tone(each.time, each.seconds, each.note, min(max(each.velocity, 1), 127))
                          for each in played if 0 <= each.note <= 127)

    def release(self) -> Sequence[Note]:
        self._ticket, self._call = None, Call()
        return self._playing.stop(self._clock.now)
