"""What plays, in the engine process: the deck with its card, and the graph that comes next.

A patch is built and warmed by the builder's thread, a card is opened by another; here they are
taken in, when the engine thread comes by.
"""

import time
from collections.abc import Callable

from engine.audio.deck import Deck
from engine.clock import Clock
from engine.graph import Graph
from engine.live.builder import Builder, Built
from engine.live.card import Card
from engine.live.desks import Desks
from engine.live.messages import CARD_LOST, PLUGIN_HANGS, Carded, Keep, Kept, Load, Loaded, Open
from engine.live.shared import FRAME_NS, IN_PLUGIN, SharedBlock
from engine.node import OnStage

_MOST_LATENCY_S = 0.04                 # of the card: more can't be taken off what is to come
_HANGS_NS = 150_000_000                # a block that takes so long has met a plugin that hangs


class Turntable:
    """A deck on which one graph after the other plays. It comes with the first `Open`.

    say, on_fault : as `OnStage` and `Graph` have them
    """

    def __init__(self, wanted: Open, clock: Clock, block: SharedBlock, desks: Desks,
                 say: Callable[[str, str], None], on_fault: Callable[[str, Exception], None]
                 ) -> None:
        self._clock, self._words = clock, block.words
        channels = wanted.input_channels, wanted.output_channels
        self.deck = Deck(*channels, block.words, block.heard, block.played)
        self._card = Card(self.deck)
        inside = block.words[IN_PLUGIN:IN_PLUGIN + 2]
        suspects = frozenset(inside.tolist()) - {0}     # in whom the engine before this one fell
        inside[:] = 0
        self._builder = Builder(clock, *channels, on_fault, desks, OnStage(say, inside),
                                suspects, wanted.fell)
        self._next: Built | None = None             # put on the deck, not yet taken by it

    # -- the card ------------------------------------------------------------------------------

    @property
    def calls(self) -> bool:
        """Does a card bring the sound?"""
        return self._card.calls

    def open(self, wanted: Open) -> None:
        """Let a card bring it, if one is wanted."""
        if wanted.audio:
            self._card.open(wanted)

    def pretend(self) -> None:
        """Where no card calls: silence at the same pace."""
        if not self._card.calls and not self._card.opening:
            self.deck.pretend(time.monotonic_ns())

    def news(self) -> Carded | None:
        """How the opening of a card went, once."""
        news = self._card.news()
        if news is not None:
            self._clock.latency = min(self._card.latency, _MOST_LATENCY_S)
        return news

    def trouble(self) -> int | None:
        """The exit code of an engine that can't go on, since its driver or a plugin hangs."""
        if self._plugin_hangs():
            return PLUGIN_HANGS
        return CARD_LOST if self._card.lost else None

    def _plugin_hangs(self) -> bool:
        """Has the audio thread been inside a plugin for so long that it won't come back?"""
        inside = int(self._words[IN_PLUGIN])
        if not inside or time.monotonic_ns() - int(self._words[FRAME_NS]) < _HANGS_NS:
            return False
        return inside == int(self._words[IN_PLUGIN])

    def close(self) -> None:
        """End the calls, if the driver lets us."""
        self._card.close()

    # -- graphs --------------------------------------------------------------------------------

    def build(self, load: Load) -> None:
        """Begin to make the next graph."""
        self._builder.build(load)

    def keep(self, order: Keep, graph: Graph) -> None:
        """Have the nodes of a graph write what settings can't tell."""
        self._builder.keep(order, graph)

    def put(self) -> Loaded | Kept | None:
        """Put a graph that is built on the deck, and let go of what has rung out; returns why none
        could be built, or what was kept."""
        if self._card.opening:
            return None
        self.deck.collect()
        if self._next is not None:
            return None
        built = self._builder.take()
        if isinstance(built, Built):
            self._next = built
            self.deck.put(built.graph.audio)
            return None
        return built

    def taken(self) -> tuple[Built, int] | None:
        """A graph that the callback has begun to play, once, and the frame at which it did."""
        if self._next is None or self._card.opening or (frame := self.deck.taken_at()) is None:
            return None
        built, self._next = self._next, None
        return built, frame
