"""The bar composer: bar after bar from the last one, its chords, and a finger on a pad."""

from collections.abc import Sequence

import numpy as np

from engine.events import Beat, Chord, Note, NoteOn
from engine.music.bars import Bar
from engine.music.call import Call
from engine.music.chords import read_chord
from engine.music.composing import BarAsked, next_bar
from engine.music.grid import Count, Grid
from engine.music.keys import read_span
from engine.music.line import HOLD, STEPS_A_BEAT, Line
from engine.music.phrase import Harmonies, tones_of
from engine.music.playing import Playing
from engine.music.scales import read_scale
from engine.node import Context, Node, action
from engine.param import Param

_READY_S = 0.03


class BarComposer(Node):
    """Offer the next bar, again and again.

    Each bar is made a beat before it begins: from the bar before it, which is yours where you
    played in it, and the chords. `busy` and `high` are a pad for one finger: few or many notes,
    low or high. *on* plays while it is started; *answer* plays a bar only after one of yours.
    `vary` makes the next bar a variation of this one, `again` repeats it. Needs a clock.
    """

    mode = Param("on", choices=("on", "answer"), help="every bar, or only after one of yours")
    busy = Param(0.5, low=0.0, high=1.0, help="the pad's x: few or many notes")
    high = Param(0.5, low=0.0, high=1.0, help="the pad's y: low or high")
    pad = Param(True, help="the finger decides; false leaves both to the model")
    listen = Param("C3-C8", reads=read_span, help="the keys that make a bar yours")
    range = Param("C3-C6", reads=read_span, help="the keys it plays on; C4 is middle C (60)")
    scale = Param("off", reads=read_scale, help="such as C, F# minor, A blues; off allows all")
    temperature = Param(1.0, low=0.1, high=2.0, help="less is plainer, more is wilder")
    kept = Param(0.6, low=0.0, high=1.0, help="how much of a bar stays in its variation")
    swing = Param(0.5, low=0.5, high=0.75, help="where the half of a beat falls")
    velocity = Param(80, low=1, high=127, help="how loud the bars are")
    channel = Param(1, low=1, high=16, help="the channel of the bars")
    seed = Param(0, low=0, high=9999, help="another seed, other bars")

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._awake = True

    def prepare(self, context: Context) -> None:
        self._clock, self._jobs, self._seed = context.clock, context.jobs, context.seed
        self.reset()

    def reset(self) -> None:
        self._count, self._harmonies, self._playing = Count(), Harmonies(), Playing()
        self._call = Call()
        self._ticket: int | None = None
        self._next: tuple[int, Line | None] | None = None       # the number of a bar, and the bar
        self._last: Line | None = None
        self._repeats = self._varies = False
        self._parting: list[Note] = []

    @action(help="play from the next bar on")
    def start(self) -> None:
        self._awake = True

    @action(help="fall silent at once")
    def stop(self) -> None:
        self._awake, self._next, self._ticket = False, None, None
        self._parting += self._playing.stop(self._clock.now)

    @action(help="the next bar is a variation of this one")
    def vary(self) -> None:
        self._varies = True

    @action(help="the next bar is this one again")
    def again(self) -> None:
        self._repeats = True

    def process(self, notes: Sequence[Note], chords: Sequence[Chord], beats: Sequence[Beat]
                ) -> Sequence[Note]:
        self._count.hear(beats)
        said, self._parting = self._parting, []
        low, high = read_span(self.listen) if notes else (0, 0)
        for note in notes:
            if isinstance(note, NoteOn) and low <= note.note <= high:
                self._call.press(note.time, note.note, note.velocity)
            else:
                self._call.lift(note.time, note.note)
        grid = self._count.grid
        if grid is None:
            return said
        for chord in chords:
            self._harmonies.hear(grid.beat_at(chord.due or chord.time), read_chord(chord.name),
                                 [(ahead, read_chord(name)) for ahead, name in chord.coming])
        for done in self._jobs.take():
            if done.ticket == self._ticket and self._next:
                self._next = self._next[0], done.answer or self._last
        self._playing.channel = self.channel
        if self._awake and self._count.runs(self._clock.now):
            self._think(grid)
        if self._next and grid.time_of(self._next[0] * grid.in_bar) < self._clock.next:
            self._begin(grid)
        return said + self._playing.say(grid, self._clock.now, self._clock.next)

    def _think(self, grid: Grid) -> None:
        """A beat before a bar begins, have it made."""
        bar = self._count.bar_of(self._clock.now + grid.beat_s)
        if self._next is not None or bar <= self._count.bar_of(self._clock.now):
            return
        yours = self._yours(grid, bar - 1)
        if yours is None and self.mode == "answer":
            return
        length = grid.in_bar * STEPS_A_BEAT
        before = yours or self._last or Line(np.full(length, HOLD, np.int64), length)
        if self._repeats and self._last:
            self._next, self._ticket, self._repeats = (bar, self._last), None, False
            return
        (low, high), pad = read_span(self.range), self.pad
        settings = Bar(self.busy if pad else -1.0, self.high if pad else -1.0, self.temperature,
                       low, high, sum(1 << pitch for pitch in read_scale(self.scale)))
        asked = BarAsked(before, self._harmonies.over(bar * grid.in_bar, length), settings,
                         10_007 * self.seed + 101 * self._seed + bar,
                         self._last if self._varies else None, self.kept)
        self._varies = False
        due = grid.time_of(bar * grid.in_bar) - _READY_S
        self._next, self._ticket = (bar, None), self._jobs.ask(next_bar, asked, due)

    def _yours(self, grid: Grid, bar: int) -> Line | None:
        """The bar that the performer is playing, where they are."""
        beat = bar * grid.in_bar
        own = Call()
        for sung in self._call.notes:
            if grid.beat_at(sung.time) > beat - 0.15:
                own.press(sung.time, sung.note, sung.velocity)
                own.lift(sung.end, sung.note)
        return own.line(grid, grid.time_of(beat + grid.in_bar) - 1e-3) if own.notes else None

    def _begin(self, grid: Grid) -> None:
        assert self._next is not None
        bar, line = self._next
        self._next = self._ticket = None
        if line is not None:
            self._last = line
            self._playing.add(tones_of(line, bar * grid.in_bar, velocity=self.velocity,
                                       swing=self.swing, seed=bar))

    def release(self) -> Sequence[Note]:
        self._next = self._ticket = None
        return self._playing.stop(self._clock.now)
