"""The one tempo of the stage: the patch's clock keeps it, or a foot where the patch has none.

It stands in shared memory too, since the engine may come and go: a fresh one goes on from the
same bar lines. MIDI clock leaves from here, each tick dated, a moment before it is due.
"""

from engine.audio.unit import Integers
from engine.clock import Clock as SampleClock
from engine.graph import Graph
from engine.live.link import Link
from engine.live.messages import Midi
from engine.live.shared import ONE_NS, TEMPO_MILLI
from engine.music.grid import Grid
from engine.music.midi_clock import Master
from engine.music.taps import Taps
from engine.nodes.clock import Clock

_AHEAD_S = 0.050            # ticks are handed to the port process so early
_AGAIN_S = 1.0              # the two clocks drift apart: the bar line is told anew so often


class Tempo:
    """Beats and bars on stage.

    words : the shared block's
    clock : samples to nanoseconds
    """

    def __init__(self, words: Integers, clock: SampleClock) -> None:
        self._words, self._clock = words, clock
        self._taps = Taps()
        self._clocks: dict[str, Clock] = {}
        self._masters: list[tuple[int, Clock, Master]] = []     # the number of each one's port
        self._waiting: list[Clock] = []                         # for the tempo that held before
        self._told: Grid | None = None
        self._next = 0.0

    @property
    def bpm(self) -> float:
        """Beats a minute; 0 until it is known."""
        return float(self._words[TEMPO_MILLI]) / 1000.0

    # -- a patch's clocks ----------------------------------------------------------------------

    def bind(self, graph: Graph, outputs: tuple[str, ...], *, back: bool = False) -> None:
        """Another patch plays: its clock goes on from what was, unless it has its own tempo.

        back : the engine has fallen and is there again: what was wins
        """
        before = {id(node): master for _, node, master in self._masters}
        self._clocks = {name: node for name, node in graph.nodes.items()
                        if isinstance(node, Clock)}
        self._masters = [(outputs.index(node.port_out), node, before.pop(id(node), Master()))
                         for node in self._clocks.values() if node.port_out]
        self._waiting = [node for node in self._clocks.values() if back or node.grid is None]
        self._told, self._next = None, 0.0

    def keep(self, link: Link) -> str:
        """Once a turn: tell everybody where the beats are; what a performer should read."""
        if not self._clocks:
            return ""
        if self._waiting and self._clock.mark_ns:
            self._go_on()
        for port, node, master in self._masters:
            grid = node.grid and node.grid.moved(node.offset_ms / 1000.0)
            now = self._clock.now
            for time, status, data1, data2 in master.leaving(grid, now, now + _AHEAD_S):
                link.tell(Midi(port, status, data1, data2, self._clock.ns_at(time)))
        return self._publish()

    def end(self, link: Link) -> None:
        """No ticks any more: tell whoever follows."""
        for port, _, master in self._masters:
            for _, status, data1, data2 in master.stop(self._clock.now):
                link.tell(Midi(port, status, data1, data2))

    def _go_on(self) -> None:
        """Clocks that are new here take the tempo that holds."""
        if self.bpm:
            one = self._clock.time_at(int(self._words[ONE_NS]))
            for node in self._waiting:
                node.take(Grid(one, self.bpm, node.beats_per_bar))
        self._waiting = []

    def _publish(self) -> str:
        grid = next((node.grid for node in self._clocks.values() if node.grid), None)
        if grid is None or (grid is self._told and self._clock.now < self._next):
            return ""
        was, self._told = self.bpm, grid
        self._next = self._clock.now + _AGAIN_S
        self._words[TEMPO_MILLI] = round(grid.bpm * 1000)
        self._words[ONE_NS] = self._clock.ns_at(grid.bar_began(self._clock.now))
        return f"{grid.bpm:.1f} bpm" if abs(was - grid.bpm) > 0.2 else ""

    # -- a foot --------------------------------------------------------------------------------

    def tap(self, now_ns: int) -> float:
        """A tap of the foot; the tempo it leads to, 0 after a first one."""
        if self._clocks:                    # they were tapped themselves
            return 0.0
        grid = self._taps.tap(now_ns / 1e9)
        if grid is None:
            if not self.bpm:
                self._words[ONE_NS] = now_ns
            return 0.0
        self._words[TEMPO_MILLI] = round(grid.bpm * 1000)
        self._words[ONE_NS] = round(grid.one * 1e9)
        return self.bpm

    def one(self, now_ns: int) -> None:
        """This is the first beat of a bar."""
        if not self._clocks:
            self._words[ONE_NS] = now_ns

    def bar_line(self, after_ns: int) -> int:
        """The first bar line at or after a moment; that moment itself where there is no tempo."""
        if not self.bpm:
            return after_ns
        since_s = (after_ns - int(self._words[ONE_NS])) / 1e9
        return int(self._words[ONE_NS]) + round(Grid(0.0, self.bpm).bar_line(since_s) * 1e9)
