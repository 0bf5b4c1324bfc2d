"""The same graph without a stage: audio and notes in, events and audio out.

Deterministic to the byte and as fast as the machine allows. It serves the demo, the tests, the
scores and the making of training features, so what is measured is what is played.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from engine.clock import Clock
from engine.events import Control, Event, Gesture, Message, Note, Sent
from engine.graph import Graph
from engine.node import Context, Node
from engine.patch import Patch
from engine.ports import AudioBlock
from engine.units import HOP, SAMPLE_RATE, Samples

TAIL_S = 2.0
"""How long the graph goes on after its input: pending hits are told, tails ring out."""

_STRETCH = 1 << 14        # frames of output that are handed on at once
_AT_ONCE = 1024           # frames; with nothing to sound, a block: larger ones are done sooner


def render(patch: Patch, audio: Samples | Iterable[Samples] | None = None,
           notes: Iterable[Note | Gesture | Control] = (), *,
           block: int | Sequence[int] | None = None, seed: int = 0,
           write: Callable[[Samples], object] | None = None) -> Iterator[Sent]:
    """Run a patch over a recording and yield what leaves, in the order of `sent`.

    OSC messages are left out: they say again, many times a second, what the events have said.

    audio : float32 (frames,) at 48 kHz, or its stretches one after another; None is silence
    notes : notes, gestures and controls with their times, in order
    block : simulated driver blocks, one size or several in turn; events don't depend on it
    write : is given the output, a stretch at a time, float32 (n, 2), where the patch has sound
    """
    graph = Graph(patch, seed=seed)
    last = 0.0
    for event in notes:
        graph.arrive(event)
        last = event.time
    within = HOP if block is None and graph.sounds else None
    block = block or _AT_ONCE
    sizes = cycle((block,) if isinstance(block, int) else block)
    stretches: Iterable[Samples] = (
        () if audio is None else (audio,) if isinstance(audio, np.ndarray) else audio)
    sound = _Sound(write if graph.sounds else None)
    for source in _blocks(stretches, sizes, last + TAIL_S):
        graph.hear(source, sound.room(len(source)), within)
        if taken := graph.take():
            yield from _events(taken)
    yield from _events(graph.finish())
    sound.write()


def _events(taken: list[Sent]) -> Iterator[Sent]:
    return (sent for sent in taken if not isinstance(sent.event, Message))


class _Sound:
    """What is played, handed on in long stretches: a file is slow to write block by block."""

    def __init__(self, write: Callable[[Samples], object] | None) -> None:
        self._write = write
        self._stretch = np.zeros((_STRETCH, 2), np.float32)
        self._filled = 0

    def room(self, frames: int) -> Samples:
        """Float32 (frames, 2), to be filled before it is asked for again."""
        if self._filled + frames > len(self._stretch):
            self.write()
            if frames > len(self._stretch):
                self._stretch = np.zeros((frames, 2), np.float32)
        self._filled += frames
        return self._stretch[self._filled - frames:self._filled]

    def write(self) -> None:
        """Hand on what there is."""
        if self._write is not None and self._filled:
            self._write(self._stretch[:self._filled])
            self._stretch = np.zeros_like(self._stretch)        # whoever got it may keep it
        self._filled = 0


def _blocks(stretches: Iterable[Samples], sizes: Iterator[int], least_s: float
            ) -> Iterator[Samples]:
    """Cut audio into blocks (n, 1), and let silence follow: TAIL_S, and to `least_s` in all."""
    size, rest = next(sizes), np.zeros(0, np.float32)
    for stretch in _and_tail(stretches, least_s):
        pool = np.concatenate([rest, stretch]) if len(rest) else stretch
        place = 0
        while place + size <= len(pool):
            yield pool[place:place + size, None]
            place, size = place + size, next(sizes)
        rest = pool[place:]
    if len(rest):
        yield np.pad(rest, (0, -len(rest) % HOP))[:, None]


def _and_tail(stretches: Iterable[Samples], least_s: float) -> Iterator[Samples]:
    frames = 0
    for stretch in stretches:
        frames += len(stretch)
        yield np.ascontiguousarray(stretch, np.float32)
    silence = max(int(TAIL_S * SAMPLE_RATE), int(least_s * SAMPLE_RATE) - frames)
    silence += -(frames + silence) % HOP                # end on a whole hop
    yield np.zeros(silence, np.float32)


def hear(node: Node, audio: Samples, *, bleed: Samples | None = None,
         **events: Iterable[Event]) -> Iterator[Sent]:
    """Run one event node over audio, hop by hop, and yield what it sends.

    audio  : float32 (frames,) at 48 kHz; heard by the node's audio inlet
    bleed  : the same for a delayed inlet; silence where it is shorter
    events : for each event inlet, by its name, what arrives there, as the graph would bring it:
             in the hop in which its time falls, or, where it has a due, the last hop before it
    """
    clock = Clock()
    node.prepare(Context(clock, Path()))
    hops = -(-len(audio) // HOP)
    rings = {False: _Ring(audio, hops), True: None if bleed is None else _Ring(bleed, hops)}
    waiting = {name: sorted(arriving, key=_arrival) for name, arriving in events.items()}
    ports = node.ports().inlets
    for hop in range(hops):
        clock.move_to((hop + 1) * HOP)
        arguments: list[Any] = []
        for port in ports:
            if port.flow == "audio":
                ring = rings[port.delayed]
                arguments.append(ring and ring.at(hop))
            else:
                queue = waiting.get(port.name, [])
                count = sum(1 for event in queue if _arrival(event) < clock.now)
                arguments.append(queue[:count])
                del queue[:count]
        for event in node.process(*arguments) or ():
            yield Sent(max(getattr(event, "due", 0.0), clock.now), node.type_name(), event)


def play(node: Node, audio: Samples, *, bleed: Samples | None = None,
         **events: Iterable[Event]) -> list[Any]:
    """What a node says to a piece of audio: `hear`, without when and by whom it was sent."""
    return [sent.event for sent in hear(node, audio, bleed=bleed, **events)]


class _Ring:
    """A recording as the audio thread would leave it in a ring: only the past is there."""

    def __init__(self, audio: Samples, hops: int) -> None:
        self._audio = np.zeros(hops * HOP, np.float32)
        self._audio[:len(audio)] = audio[:hops * HOP]
        self._ring = np.zeros(1 << 17, np.float32)
        self._block = AudioBlock(self._ring)

    def at(self, hop: int) -> AudioBlock:
        place = (hop * HOP) & (len(self._ring) - 1)
        self._ring[place:place + HOP] = self._audio[hop * HOP:(hop + 1) * HOP]
        self._block.move_to(hop * HOP)
        return self._block


def _arrival(event: Any) -> float:
    due = getattr(event, "due", 0.0)
    return due - HOP / SAMPLE_RATE if due else event.time
