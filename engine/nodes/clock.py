"""The time of the song: a foot, a MIDI clock or the hits themselves say where the beats fall."""

from collections.abc import Sequence

from engine.events import Beat, Hit, Release
from engine.music.follower import Follower
from engine.music.grid import LOOK_AHEAD_S, Grid
from engine.music.loop import tempo_of_loop
from engine.music.midi_clock import Slave
from engine.music.taps import Taps
from engine.node import Context, Node, action
from engine.param import Param

_NUDGE_S = 0.010
_SLOWEST, _FASTEST = 2.0, 400.0         # a tempo beyond them is none


class Clock(Node):
    """Say each beat a moment before it falls.

    There is no tempo until it is given: by `bpm`, a foot on `tap`, a MIDI clock, the first loop,
    or the performer's own groove, which is understood within four bars, moves by at most 2 % a
    bar for four more, and is then frozen. `freeze` lets it follow again, and holds it. Only the
    performer is followed: what a friend plays is on the beat because the clock said so.

    Beats are due in time to be on the beat; `offset_ms` moves all of them, for a chain that is
    slow somewhere else.
    """

    begins = True

    bpm = Param(0.0, low=0.0, high=300.0, help="begin at this tempo; 0 waits until it is given")
    beats_per_bar = Param(4, low=1, high=16, help="beats in a bar")
    follow = Param("hits", choices=("hits", "midi", "tap"),
                   help="hits: the performer, or a MIDI clock that arrives; midi: only that; "
                        "tap: neither")
    offset_ms = Param(0.0, low=-500.0, high=500.0, help="beats later, or earlier")
    port_in = Param("", help="a MIDI port to hear a clock on; empty: any that the patch hears")
    port_out = Param("", help="a MIDI port to send a clock to, 24 ticks a quarter; empty: none")

    def __init__(self, **settings: object) -> None:
        self.grid: Grid | None = None
        self.frozen = False
        super().__init__(**settings)

    def prepare(self, context: Context) -> None:
        self._clock = context.clock
        self._taps, self._slave, self._follower = Taps(), Slave(), Follower()
        self._said = -1e9                       # when the last beat said falls
        self._loop_began: float | None = None
        if self.bpm:
            self.take(Grid(self._clock.now, self.bpm, self.beats_per_bar))

    def changed(self, name: str) -> None:
        if not self.grid:
            return
        if name == "bpm" and self.bpm:
            self.grid = self.grid.at_tempo(self.bpm, round(self.grid.beat_at(self._clock.now)))
        elif name == "beats_per_bar":
            self.grid = Grid(self.grid.bar_began(self._clock.now), self.grid.bpm,
                             self.beats_per_bar)

    def process(self, hits: Sequence[Hit | Release]) -> Sequence[Beat]:
        if self.follow == "hits" and not self.frozen:
            self._follow(hits)
        grid = self.grid
        if grid is None or grid.time_of(self._next_beat(grid)) >= self._horizon():
            return ()
        return self._say(grid)

    def take(self, grid: Grid, *, frozen: bool = True) -> None:
        """From now on beats fall here."""
        if _SLOWEST <= grid.bpm <= _FASTEST:
            self.grid, self.frozen = grid, frozen

    def midi(self, status: int, data1: int, data2: int, time: float) -> None:
        """A message of a MIDI clock was heard."""
        if self.follow == "tap":
            return
        grid = self._slave.hear(status, data1, data2, time, self.beats_per_bar)
        if grid is not None:
            self.take(grid)
        elif status == 0xFC:
            self.grid = None

    def reset(self) -> None:
        """After a stretch that wasn't heard: the beats go on, what hits told is forgotten."""
        self._follower = Follower()
        self._taps.forget()

    # -- actions -------------------------------------------------------------------------------

    @action(help="a tap of the foot: two or more give the tempo, their first is the one")
    def tap(self) -> None:
        if grid := self._taps.tap(self._clock.now, self.beats_per_bar):
            self.take(grid)

    @action(help="this is the first beat of a bar")
    def one(self) -> None:
        if self.grid:
            self.grid = Grid(self._clock.now, self.grid.bpm, self.beats_per_bar)
            self._said = self._clock.now - self.grid.beat_s

    @action(help="twice as fast")
    def x2(self) -> None:
        self._times(2.0)

    @action(help="half as fast")
    def half(self) -> None:
        self._times(0.5)

    @action(help="all beats 10 ms earlier")
    def nudge_earlier(self) -> None:
        self._nudge(-_NUDGE_S)

    @action(help="all beats 10 ms later")
    def nudge_later(self) -> None:
        self._nudge(_NUDGE_S)

    @action(help="hold the tempo, or follow the hits again")
    def freeze(self) -> None:
        self.frozen = not self.frozen
        self._follower = Follower(self.grid)

    @action(help="the first loop, from press to press, gives tempo, bar and one")
    def loop(self) -> None:
        if self.grid is not None:
            return
        if self._loop_began is None:
            self._loop_began = self._clock.now
            return
        length = self._clock.now - self._loop_began
        bpm = tempo_of_loop(length, self.beats_per_bar)
        if bpm:
            self.take(Grid(self._loop_began, bpm, self.beats_per_bar))
        self._loop_began = None

    # -- within --------------------------------------------------------------------------------

    def _follow(self, hits: Sequence[Hit | Release]) -> None:
        for hit in hits:
            if isinstance(hit, Hit) and hit.due != hit.time:        # those are generated
                self._follower.hear(hit.time, hit.drum, hit.velocity, hit.corrects is not None)
        grid = self._follower.grid(self._clock.now, self.beats_per_bar)
        if grid is not None:
            self.take(grid, frozen=self._follower.done(self._clock.now))

    def _times(self, factor: float) -> None:
        if self.grid and _SLOWEST <= self.grid.bpm * factor <= _FASTEST:
            self.grid = Grid(self.grid.bar_began(self._clock.now), self.grid.bpm * factor,
                             self.beats_per_bar)

    def _nudge(self, seconds: float) -> None:
        if self.grid:
            self.grid = self.grid.moved(seconds)
            self._said += seconds

    def _horizon(self) -> float:
        """Beats before this moment are said now."""
        return self._clock.now + LOOK_AHEAD_S - self.offset_ms / 1000.0

    def _next_beat(self, grid: Grid) -> int:
        """The first beat that isn't said yet, and isn't the last one again, moved a little."""
        return grid.beat_after(max(self._said + 0.5 * grid.beat_s, self._clock.now - grid.beat_s))

    def _say(self, grid: Grid) -> Sequence[Beat]:
        beats = []
        while (time := grid.time_of(beat := self._next_beat(grid))) < self._horizon():
            self._said = time
            heard = time + self.offset_ms / 1000.0
            if heard > self._clock.now - 0.5 * grid.beat_s:
                beats.append(Beat(heard, grid.bpm, grid.phase(beat),
                                  max(heard, self._clock.now), grid.in_bar, self.frozen))
        return beats
