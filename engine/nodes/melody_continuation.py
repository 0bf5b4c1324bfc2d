"""The duet: a phrase played on the keys is answered, in key, in time and in character."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from engine.events import Beat, Chord, Gesture, Note, NoteOn
from engine.music.asking import Asking, Plan
from engine.music.call import Call
from engine.music.chords import chord_of, read_chord
from engine.music.duet import ANSWER, MORE, MUTATE, Asked
from engine.music.ending import LEFT_BEATS
from engine.music.frame import AUTO, Settings
from engine.music.grid import Count, Grid
from engine.music.keys import read_span
from engine.music.line import STEPS_A_BEAT, Line, line_of
from engine.music.phrase import tones_of
from engine.music.pulse import USUAL, tempo_of
from engine.music.scales import read_scale
from engine.music.thru import Thru
from engine.music.turn import Turn
from engine.node import Context, Node, action
from engine.param import Param

_PAUSE_BEATS = 0.125        # a pause this long may be the end: an answer is thought of
_THINK_BEATS = 0.75         # and needs at least so long
_AGAIN_S = 0.2              # between two thoughts about the same call
_TELLING = 24               # notes that tell the tempo, where no clock does


def _read_scale(text: str) -> None:
    if text != "auto":
        read_scale(text)


class MelodyContinuation(Node):
    """Answer phrases.

    *answer*: play a phrase and pause for a beat; from the next bar on it is answered, as many
    bars as yours had, up to `bars`, and the last half beat is yours again. *continue* goes on
    from your phrase until you play. *autocomplete* goes on from the keys you hold, and stops
    when you let go. *loop* repeats its answer until you play.

    Only keys within `listen` are heard as a phrase, and interrupt; lower ones may be chords.
    Notes leave when they are due and not before, so an interrupted answer leaves none behind.
    With `thru` your pedal, wheel and pressure pass as your notes do, but never onto an answer.
    Without a clock the tempo of your phrase is used.
    """

    mode = Param("answer", choices=("answer", "continue", "autocomplete", "loop"),
                 help="what becomes of a phrase")
    bars = Param(4, low=1, high=16, help="the longest answer, in bars")
    listen_bars = Param(0, low=0, high=16,
                        help="a call is over after so many bars; 0: after a rest of a beat")
    listen = Param("C4-C8", reads=read_span, help="the keys that are a call; C4 is middle C (60)")
    interrupt = Param("beat", choices=("beat", "now", "never"),
                      help="when an answer gives way to your playing: at the next beat, now, never")
    thru = Param(False, help="pass on what is played; a DAW hears the keyboard already")
    channel = Param(1, low=1, high=16, help="the channel of the answers")
    temperature = Param(1.0, low=0.1, high=2.0, help="less is plainer, more is wilder")
    motifs = Param(0.5, low=0.0, high=1.0, help="how much of your phrase comes back")
    novelty = Param(0.0, low=0.0, high=1.0, help="keep away from what is likely")
    range = Param("", reads=read_span,
                  help="the keys of answers, such as C3-C6; empty follows yours")
    register = Param(0, low=-36, high=36, help="semitones above your phrase")
    density = Param(1.0, low=0.25, high=4.0, help="notes, as a multiple of yours")
    scale = Param("auto", reads=_read_scale, help="auto (the key of your phrase), off, or such as "
                                                  "C, F# minor, A blues")
    swing = Param(0.5, low=0.5, high=0.75, help="where the half of a beat falls; .66 is a triplet")
    loudness = Param(1.0, low=0.2, high=2.0, help="velocity, as a multiple of yours")
    seed = Param(0, low=0, high=9999, help="another seed, other answers")

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._awake = True
        self._low, self._high = read_span(self.listen)

    def prepare(self, context: Context) -> None:
        self._clock, self._jobs, self._seed = context.clock, context.jobs, context.seed
        self._cabled = bool(context.feeds.get("chords"))
        self.reset()

    def rewired(self, fresh: Self) -> None:
        self._cabled = fresh._cabled

    def reset(self) -> None:
        self._count, self._turn, self._thru = Count(), Turn(), Thru()
        self._asking = Asking(self._jobs, self._seed)
        self._clocked = False                   # does a clock say the beats?
        self._own: Grid | None = None           # the grid of a call without one
        self._call: Call | None = None
        self._thought_s = -1.0                  # when it was last thought about
        self._seeded: tuple[int, ...] = ()      # the held keys that are completed
        self._last: tuple[Asked, Line, int] | None = None   # question, answer and loudness

    def changed(self, name: str) -> None:
        if name == "listen":
            self._low, self._high = read_span(self.listen)

    # -- actions -------------------------------------------------------------------------------

    @action(help="listen and answer again")
    def start(self) -> None:
        self._awake = True

    @action(help="end the answer, and answer no more until started")
    def stop(self) -> None:
        self._awake, self._call = False, None
        self._give_way()

    @action(help="the call is over: answer from the next beat on")
    def reply(self) -> None:
        grid = self._grid()
        if self._call and grid:
            self._think(grid, self._clock.now, soon=True)

    @action(help="play the last answer again, from the next bar on")
    def again(self) -> None:
        self._repeat(changed=False)

    @action(help="play the last answer with some bars of it new")
    def mutate(self) -> None:
        self._repeat(changed=True)

    # -- a hop ---------------------------------------------------------------------------------

    def process(self, notes: Sequence[Note | Gesture], chords: Sequence[Chord],
                beats: Sequence[Beat]) -> Sequence[Note | Gesture]:
        if beats:
            self._count.hear(beats)
        if self._count.runs(self._clock.now) != self._clocked:
            self._change_grid()
        sounded = self._turn.sounds
        said = self._turn.part()
        for chord in chords:
            self._harmonise(chord)
        for note in notes:
            if self._awake and not isinstance(note, Gesture) and (
                    self._low <= note.note <= self._high):
                self._touch(note)
        self._asking.listen()
        grid = self._grid()
        if grid is not None:
            self._advance(grid, said)
        answering = self.channel if sounded or self._turn.sounds else 0
        return [*self._thru.past(notes, self._clock.now, on=self.thru, answering=answering), *said]

    def _change_grid(self) -> None:
        """The clock has come, or gone: what was placed on other beats is over."""
        self._clocked = not self._clocked
        self._own = None
        self._asking.harmonies.forget_places()
        self._give_way()

    def _grid(self) -> Grid | None:
        """The beats that hold now: the clock's, or those of the call itself."""
        if self._clocked:
            return self._count.grid
        if self._own is None and self._call:
            self._own = Grid(self._call.notes[0].time, USUAL)
        return self._own

    def _harmonise(self, chord: Chord) -> None:
        grid = self._grid()
        beat = grid.beat_at(chord.due or chord.time) if grid else 0.0
        self._asking.harmonies.hear(beat, read_chord(chord.name),
                             [(ahead, read_chord(name)) for ahead, name in chord.coming])

    def _touch(self, note: Note) -> None:
        """A key of the call moved."""
        if not isinstance(note, NoteOn):
            if self._call:
                self._call.lift(note.time, note.note)
            return
        playing = self._turn.until is not None
        if playing and self.mode != "autocomplete" and not self._may_interrupt(note):
            return
        if self._call is None:
            self._call = Call()
            if not playing and not self._clocked:
                self._asking.harmonies.forget_places()         # this call's own beats begin with it
        if not playing and self.listen_bars == 0:
            self._asking.forget()               # they play on: it was no end
        self._call.press(note.time, note.note, note.velocity)
        if not playing and not self._clocked and len(self._call.notes) <= _TELLING:
            times = [sung.time for sung in self._call.notes]
            self._own = Grid(times[0], tempo_of(times))

    def _may_interrupt(self, note: Note) -> bool:
        """Is a note, while an answer sounds, the performer's turn?"""
        grid = self._grid()
        if grid is None:
            return True
        next_beat = float(grid.beat_after(max(note.time, self._clock.now)))
        return self._turn.may_interrupt(grid.beat_at(note.time), next_beat, self.interrupt,
                                        to_the_end=self.mode != "answer",
                                        fours=bool(self.listen_bars))

    def _advance(self, grid: Grid, said: list[Note]) -> None:
        now, until = self._clock.now, self._clock.next
        playing = self._turn.until is not None
        said += self._turn.say(grid, now, until, self.channel)
        if self._turn.until is not None:
            self._go_on(grid, now, self._turn.until)
        elif playing:                           # it has just given way
            self._asking.forget()
        if self._call and self._turn.until is None:
            self._listen(grid, now)
        plan = self._asking.plan
        if plan and grid.time_of(plan.start) < until:
            self._begin(plan, grid, said)

    # -- listening -----------------------------------------------------------------------------

    def _listen(self, grid: Grid, now: float) -> None:
        """Is the call over, or about to be?"""
        assert self._call is not None
        if self.mode == "autocomplete":
            if self._call.held and self._asking.plan is None:
                self._complete(grid, float(grid.beat_after(now + 0.5 * grid.beat_s)))
            elif not self._call.held:
                self._call = None
                self._asking.forget()
        elif self.listen_bars:
            end = grid.time_of((self._call.first_bar(grid) + self.listen_bars) * grid.in_bar)
            if self._asking.plan is None and now > end - grid.beat_s:
                self._ask(ANSWER, grid, self._call.line(grid, end - 1e-3), self.listen_bars,
                          float(grid.beat_after(end)))
        elif self._asking.plan is None and now - self._thought_s > _AGAIN_S:
            self._think(grid, now)

    def _think(self, grid: Grid, now: float, *, soon: bool = False) -> None:
        """Ask for an answer, should this pause be the end of the call."""
        assert self._call is not None
        end = now if soon else self._call.silent_since(grid, now)
        if end is None or (not soon and now - end < _PAUSE_BEATS * grid.beat_s):
            return
        self._thought_s = now
        call, bars = self._call.line(grid, end), min(self._call.bars(grid, end), self.bars)
        if soon:                                # the answer begins within the bar
            start = grid.beat_after(now + 0.25 * grid.beat_s)
            length = (start - self._call.first_bar(grid) * grid.in_bar) * STEPS_A_BEAT
            call = Line(call.steps[:length], call.bar)
        else:
            over = max(end + self._call.rest_s(grid), now + _THINK_BEATS * grid.beat_s)
            start = round(grid.beat_at(grid.bar_line(over - 0.1 * grid.beat_s)))
        self._ask(MORE if self.mode == "continue" else ANSWER, grid, call, bars, float(start))

    def _complete(self, grid: Grid, start: float) -> None:
        """The keys that are held are a bar's seed."""
        assert self._call is not None
        bar = grid.in_bar * STEPS_A_BEAT
        held = self._call.held
        seed = line_of([(2 * place, 2, held[place % len(held)]) for place in range(bar // 2)], bar,
                       bar=bar)
        self._seeded = held
        if (harmony := chord_of(held)) and not self._cabled:
            self._asking.harmonies.hear(start - grid.in_bar, harmony, ())
        self._ask(MORE, grid, seed, 1, start)

    def _ask(self, kind: str, grid: Grid, call: Line, bars: int, start: float,
             last: Line | None = None) -> None:
        """Have a line of so many bars made that begins on beat `start`."""
        self._asking.ask(kind, grid, call, start, self._settings(bars), self.seed, last)

    def _settings(self, bars: int) -> Settings:
        scale = AUTO
        if self.scale != "auto":
            scale = sum(1 << pitch for pitch in read_scale(self.scale))
        elif self._asking.harmonies.key():
            scale = self._asking.harmonies.key()
        low, high = read_span(self.range) if self.range else (-1, -1)
        return Settings(bars=bars, temperature=self.temperature, low=low, high=high,
                        register=self.register, density=self.density, scale=scale,
                        motifs=self.motifs, novelty=self.novelty)

    # -- answering -----------------------------------------------------------------------------

    def _begin(self, plan: Plan, grid: Grid, said: list[Note]) -> None:
        """Its moment has come: play the answer, or one by heart where it isn't there yet."""
        line, loud = self._asking.take(plan), 80
        if self._call:
            loud = self._call.velocity
            self._asking.remember(plan.asked.call)
        elif self._last:
            loud = self._last[2]
        self._last = plan.asked, line, loud
        if self.mode != "autocomplete":
            self._call = None
        self._play(line, plan.start, loud)
        said += self._turn.say(grid, self._clock.now, self._clock.next, self.channel)

    def _play(self, line: Line, start: float, loud: int) -> float:
        """Begin a line on a beat; returns the one on which it ends."""
        beats = len(line.steps) / STEPS_A_BEAT
        velocity = min(max(round(loud * self.loudness), 1), 127)
        tones = tones_of(line, start, velocity=velocity, swing=self.swing,
                         seed=self._asking.seed_of_turn(self.seed))
        goes_on = self.mode in ("continue", "autocomplete")
        self._turn.begin(tones, start, beats, 0.0 if goes_on else LEFT_BEATS)
        return start + beats

    def _go_on(self, grid: Grid, now: float, until: float) -> None:
        """Near the end of an answer: what comes after it, if anything does."""
        if self.mode == "autocomplete" and not (self._call and self._call.held):
            self._give_way()
            self._call = None
            return
        near = now > grid.time_of(until - 1.0)
        if near and self._asking.plan is None and self._last and not self._turn.yields:
            asked, line, _ = self._last
            if self.mode in ("continue", "autocomplete"):
                steps = np.concatenate([asked.call.steps, line.steps])[-8 * line.bar:]
                if self._call and self._call.held != self._seeded and self.mode != "continue":
                    self._complete(grid, until)
                else:
                    bars = 1 if self.mode == "autocomplete" else self.bars
                    self._ask(MORE, grid, Line(steps, line.bar), bars, until)
            elif self.mode == "loop":
                until = self._play(line, until, self._last[2])
        if now >= grid.time_of(until) and self._asking.plan is None:
            self._turn.over()

    def _repeat(self, *, changed: bool) -> None:
        grid, now = self._grid(), self._clock.now
        if grid is None or self._last is None:
            return
        asked, line, loud = self._last
        self._give_way()
        start = round(grid.beat_at(grid.bar_line(now + 0.1 * grid.beat_s)))
        if changed:
            self._ask(MUTATE, grid, asked.call, asked.settings.bars, float(start), line)
        else:
            self._play(line, float(start), loud)

    def _give_way(self) -> None:
        """End the answer in this hop."""
        self._turn.give_way(self._clock.now)
        self._asking.forget()

    def release(self) -> Sequence[Note | Gesture]:
        self._call = None
        self._give_way()
        return [*self._turn.part(), *self._thru.let_go(self._clock.now)]
