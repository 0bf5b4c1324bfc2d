"""The friend: it hears what you play and plays along, in time, with ideas that last."""

from collections import deque
from collections.abc import Sequence
from typing import Any, Self

from engine.drums import drum_of
from engine.events import Beat, Hit, NoteOff, NoteOn, Release
from engine.music import ideas
from engine.music.drum_maps import NINE, nine_of
from engine.music.friend import BarAnswer, Friend, Heard, Taste, next_bar
from engine.music.grid import Count
from engine.music.listening import Listener, places
from engine.music.looper import Looper
from engine.music.pattern import Pattern, Stroke, empty
from engine.node import Context, Node, action
from engine.param import Param

AHEAD_S = 0.012                     # a hit is said so long before it sounds
TURN_S = 0.080                      # a bar is turned to so long before it begins
ASK_S = 0.100                       # and must have been made this long before
ROOM_S = 0.150                      # what is asked for later than this comes a bar later
_NEARLY_S = 0.300                   # an answer is asked for when the call is as good as over
_LATE_S = 0.030                     # a stroke this late is not played any more
_STILL_S = 1.0                      # who was still for so long and plays again is back
_SOON_BEATS = 0.5                   # a fill begins at the earliest so soon


class _Drums(Param[str]):
    """A setting that names drums."""

    def check(self, value: Any) -> Any:
        text = super().check(value)
        places(text)
        return text


class PatternGenerator(Node):
    """Play along: hits or notes and beats in, hits out, each on its beat.

    loop       exactly what you played, again and again; one pedal records, plays and overdubs;
               held it takes the last layer back, held longer it clears everything
    continue   goes on from what you played last
    answer     you play, it answers, as long as you did
    accompany  plays along, as loud and as full as you do
    breathe    its pattern changes slowly, a stroke at a time, on the bar line

    An idea is heard at least twice before it changes; small changes come in bars four and eight.
    It never plays the drum that you are playing within 60 ms of your hit. It ends with a fill,
    kick and crash on the one, and silence. Bars are made a bar ahead; one that is late is the
    last one again. Needs a clock cabled in, but for loops.
    """

    mode = Param("accompany", choices=("loop", "continue", "answer", "accompany", "breathe"),
                 help="how it plays along")
    bars = Param(2, low=1, high=8, help="how long an idea is; an answer is two of them")
    temperature = Param(0.8, low=0.1, high=2.0, help="how surprising each stroke may be")
    density = Param(0.5, low=0.0, high=1.0, help="how full its patterns are")
    novelty = Param(0.3, low=0.0, high=1.0, help="how far a new idea is from the last one")
    swing = Param(0.5, low=0.5, high=0.75, help="where every second sixteenth falls: 0.5 is "
                                                "straight, 0.67 a triplet")
    humanise = Param(1.0, low=0.0, high=1.5, help="how much of a drummer's timing and dynamics")
    follow = Param(0.7, low=0.0, high=1.0, help="accompany: how much your loudness and density "
                                                "of the last two bars count")
    drums = _Drums("all", help="the drums it may play, in a row; all of the nine")
    when_silent = Param("thin", choices=("thin", "carry-on", "stop"),
                        help="when you are silent: after two bars only hats, and an end on a one "
                             "after eight; or it carries on; or it ends after two bars")
    seed = Param(0, low=0, high=2**31 - 1, help="the same seed plays the same")

    def prepare(self, context: Context) -> None:
        self._clock, self._jobs = context.clock, context.jobs
        self._friend = Friend(context.seed * 1_000_003 + self.seed)
        self._listens = bool(context.feeds.get("hits") or context.feeds.get("notes"))
        self._listener, self._count, self._loop = Listener(), Count(), Looper()
        self._strokes: deque[Stroke] = deque()      # beats as counted, to come
        self._page = -1                             # the bar turned to
        self._wanted = (-1, 0.0)                    # the bar to ask for, and when
        self._asked = (-1, -1)                      # the bar that was asked for, the ticket
        self._ready: tuple[int, Pattern] | None = None
        self._last: Pattern | None = None
        self._starts = False                        # as soon as there is a tempo
        self._stopping = self._quiet_from = 0.0
        self._jobs.warm(next_bar)
        self.late = 0                               # bars that repeated the last one
        self.errors: list[str] = []

    def rewired(self, fresh: Self) -> None:
        self._listens = fresh._listens

    def process(self, hits: Sequence[Hit | Release], notes: Sequence[NoteOn | NoteOff],
                beats: Sequence[Beat]) -> Sequence[Hit]:
        if hits or notes:
            self._hear(hits, notes)
        if beats:
            self._count.hear(beats)
            if self._starts:
                self._start()
        now = self._clock.now
        if self._loop.state != "empty":
            self._loop.hold(now)
            return self._loop.sounding(now, now + AHEAD_S + self._clock.latency)
        if not self._friend.plays and not self._strokes:
            return ()
        for done in self._jobs.take():
            self._answered(done.ticket, done.answer, done.error)
        self._turn(now)
        if self._wanted[0] >= 0 and now >= self._wanted[1]:
            self._ask(self._wanted[0])
        return self._due(now) if self._strokes else ()

    def release(self) -> Sequence[Hit]:
        """Panic, or the end: silence, and nothing that was still to come."""
        self._silence()
        self._loop.stop(self._clock.now)
        return ()

    def reset(self) -> None:
        self._strokes.clear()

    # -- actions -------------------------------------------------------------------------------

    @action(help="begin on the next bar line; a stopped loop begins again")
    def start(self) -> None:
        if self.mode == "loop":
            self._loop.play(self._clock.now)
        else:
            self._starts = True
            self._start()

    @action(help="end: a fill to the bar line, kick and crash on the one, silence; twice: at once")
    def stop(self) -> None:
        now = self._clock.now
        self._starts = False
        if self._loop.state != "empty":
            self._stop_loop(now)
        elif self._friend.plays and self._friend.ends is None:
            self._end(now)
        else:
            self._silence()

    @action(help="a fill: to the end of this bar, or of the next one where it is late in the bar")
    def fill(self) -> None:
        if not self._friend.plays or (grid := self._count.grid) is None:
            return
        beat = grid.beat_at(self._clock.now) % grid.in_bar
        if beat <= grid.in_bar - 2.0:
            self._replace_rest(max(beat + 0.25, grid.in_bar - 2.0))
        else:
            self._friend.fill_next()
            self._ask_again()

    @action(help="this idea again, from its beginning")
    def again(self) -> None:
        self._friend.again(self._next_bar())
        self._ask_again()

    @action(help="another idea, from the next bar line")
    def different(self) -> None:
        self._friend.different()
        self._ask_again()

    @action(help="hold this idea, or let it change again")
    def keep(self) -> None:
        self._friend.keep()

    @action(help="nothing until the next bar line, then back with a crash")
    def drop(self) -> None:
        if self._friend.plays and (grid := self._count.grid) is not None:
            line = (self._count.bar_of(self._clock.now) + 1) * grid.in_bar
            kept = [stroke for stroke in self._strokes if stroke[0] >= line - 1e-6]
            self._strokes = deque(sorted([*ideas.ending(float(line)), *kept]))

    @action(help="fuller")
    def more(self) -> None:
        self._friend.more(1)
        self._ask_again()

    @action(help="emptier")
    def less(self) -> None:
        self._friend.more(-1)
        self._ask_again()

    @action(help="a phrase begins here")
    def one(self) -> None:
        self._friend.one(self._next_bar())

    @action(help="the loop's pedal: record, play, overdub; hold to undo, longer to clear")
    def loop(self, pressed: bool) -> None:
        if self.mode != "loop":
            return
        if pressed:
            grid = self._count.grid if self._count.runs(self._clock.now) else None
            self._loop.press(self._clock.now, grid)
        else:
            self._loop.release(self._clock.now)

    # -- listening -----------------------------------------------------------------------------

    def _hear(self, hits: Sequence[Hit | Release], notes: Sequence[NoteOn | NoteOff]) -> None:
        played = [hit for hit in hits if isinstance(hit, Hit)]
        for note in notes:
            if isinstance(note, NoteOn):
                drum = drum_of(note.note)
                played.append(Hit(note.time, drum, drum, note.velocity / 127.0, 1.0))
        was_still = self._clock.now - self._listener.last > _STILL_S
        for hit in played:
            if (place := nine_of(hit.drum)) is not None:
                self._listener.hear(hit.time, place, hit.velocity)
            self._loop.hear(hit, self._clock.now)
        if was_still:
            self._ask_again()                   # somebody is back

    def _heard(self, bar: int) -> Heard:
        """What is known of the performer when bar `bar` is asked for."""
        grid = self._count.grid
        assert grid is not None
        begins = self._count.bar_begins(bar)
        now, listener = self._clock.now, self._listener
        silent = (begins - max(listener.last, self._quiet_from)) / grid.bar_s
        played = self._count.bar_of(now + _NEARLY_S)            # bars that are over, or as good as
        first = max(0, played - (2 if self.mode == "answer" else 1) * max(2, self.bars))
        bars = (listener.bars(self._count, first, played - first) if played > first
                else empty(0, grid.in_bar * 4))
        two_bars = now - 2.0 * grid.bar_s
        return Heard(bars, silent if self._listens else 0.0, listener.loudness(two_bars),
                     listener.hits_since(two_bars) / 2.0)

    # -- bars ----------------------------------------------------------------------------------

    def _next_bar(self) -> int:
        """The first bar whose beginning leaves room to make it."""
        now = self._clock.now
        if self._count.grid is None:
            return 0
        bar = self._count.bar_of(now) + 1
        return bar if self._count.bar_begins(bar) - now > ROOM_S else bar + 1

    def _start(self) -> None:
        if self._count.grid is None or not self._count.runs(self._clock.now):
            return
        self._starts = False
        if self._friend.plays and self._friend.ends is None:
            return
        bar = self._next_bar()
        self._quiet_from = self._clock.now
        self._friend.start(bar)
        self._page, self._ready, self._last = bar - 1, None, None
        self._ask(bar)

    def _ask(self, bar: int) -> None:
        """Have a bar made, in time to turn to it."""
        grid, self._wanted = self._count.grid, (-1, 0.0)
        if grid is None or self._friend.rests(bar, self.mode, 2 * self.bars):
            return
        request = self._friend.ask(bar, self.mode, self.when_silent, self.follow,
                                   self._taste(), self._heard(bar), grid.in_bar,
                                   grid.bpm)
        due = max(self._clock.now, self._count.bar_begins(bar) - ASK_S)
        self._asked = bar, self._jobs.ask(next_bar, request, due)

    def _ask_again(self) -> None:
        """A hand wants it otherwise: the bar to come is made anew where there is time."""
        bar = self._asked[0]
        if (self._friend.plays and bar > self._page
                and self._count.bar_begins(bar) - self._clock.now > ROOM_S):
            self._ask(bar)

    def _taste(self) -> Taste:
        return Taste(self.bars, self.temperature, self.density, self.novelty, self.swing,
                     self.humanise, places(self.drums))

    def _answered(self, ticket: int, answer: BarAnswer | None, error: str) -> None:
        bar, wanted = self._asked
        if ticket != wanted:
            return
        if answer is None:
            self.errors.append(error)
        else:
            self._ready = bar, self._friend.take(answer)

    def _turn(self, now: float) -> None:
        """A moment before a bar begins: lay out its strokes, and ask for the next one."""
        friend, grid = self._friend, self._count.grid
        if grid is None or not friend.plays:
            return
        bar = self._count.bar_of(now + TURN_S)
        if bar <= self._page:
            return
        self._page = bar
        if friend.ends is not None and bar >= friend.ends:
            self._strokes.extend(ideas.ending(float(bar * grid.in_bar)))
            friend.stop()
            return
        if not friend.rests(bar, self.mode, 2 * self.bars):
            self._lay_out(bar, grid.in_bar)
        early = self.mode != "answer" or not friend.rests(bar, self.mode, 2 * self.bars)
        self._wanted = bar + 1, (now if early else self._count.bar_begins(bar + 1) - _NEARLY_S)

    def _lay_out(self, bar: int, in_bar: int) -> None:
        if self._ready is not None and self._ready[0] == bar:
            self._last = self._ready[1]
        elif self._last is not None:
            self.late += 1
        if self._last is not None:
            start = bar * in_bar
            rest = [*self._strokes, *((start + beat, drum, velocity) for beat, drum, velocity
                                      in self._last.strokes())]
            self._strokes = deque(sorted(rest))

    # -- ending --------------------------------------------------------------------------------

    def _end(self, now: float) -> None:
        grid = self._count.grid
        if grid is None or self._friend.begins is None:
            self._silence()
            return
        bar = self._count.bar_of(now)
        if bar < self._friend.begins:               # it hasn't begun
            self._silence()
            return
        beat = grid.beat_at(now) % grid.in_bar
        self._replace_rest(min(max(beat + _SOON_BEATS, grid.in_bar - 2.0), float(grid.in_bar)))
        self._friend.end_on(bar + 1)
        if self._page > bar:                        # it was turned to already
            self._strokes.extend(ideas.ending(float((bar + 1) * grid.in_bar)))
            self._friend.stop()

    def _replace_rest(self, begin: float) -> None:
        """From a beat of this bar on, a fill."""
        grid = self._count.grid
        assert grid is not None
        bar = self._count.bar_of(self._clock.now)
        start = bar * grid.in_bar
        dice = ideas.dice(self.seed, bar)
        filled = [(start + beat, drum, velocity)
                  for beat, drum, velocity in ideas.fill(grid.in_bar, begin, dice)]
        kept = [stroke for stroke in self._strokes if stroke[0] < start + begin - 0.1]
        self._strokes = deque(sorted(kept + filled))

    def _silence(self) -> None:
        self._strokes.clear()
        self._friend.stop()

    def _stop_loop(self, now: float) -> None:
        if now < self._stopping:
            self._loop.stop(now)
            return
        grid = self._count.grid if self._count.runs(now) else None
        self._stopping = grid.bar_line(now) if grid else self._loop.next_round(now)
        self._loop.stop(self._stopping)

    # -- playing -------------------------------------------------------------------------------

    def _due(self, now: float) -> Sequence[Hit]:
        """What sounds in a moment, but for what the performer plays."""
        grid, found = self._count.grid, []
        if grid is None:
            return ()
        back = 2 if self._friend.plays else 0           # the last one sounds, whose it ever was
        until = min(grid.beat_at(now + AHEAD_S + self._clock.latency), self._count.last + 1.0)
        while self._strokes and self._strokes[0][0] < until:
            beat, drum, velocity = self._strokes.popleft()
            time = grid.time_of(beat)
            if (time < now - _LATE_S
                    or self._listener.plays(drum, time, grid.bar_s, back=back)):
                continue
            time = max(time, now)
            found.append(Hit(time, NINE[drum], NINE[drum], velocity, 1.0, due=time))
        return found
