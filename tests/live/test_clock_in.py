"""A sequencer's clock comes in on a real port: its jitter, its stops, its floods."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from port_rig import Rig

from bench.players import Player
from engine.events import Beat, Control, Hit
from engine.graph import Graph
from engine.live.hands import Hands
from engine.live.messages import Heard, Ports
from engine.music.grid import LOOK_AHEAD_S
from engine.music.midi_clock import CONTINUE, POSITION, START, STOP, TICK, TICKS
from engine.patch import parse_patch
from engine.units import HOP

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64, "synchronous": True}],
                                      indirect=True)]

Wait = Callable[..., None]

PORT = "Kuchi sequencer"
BPM = 126.0
BEAT_S = 60.0 / BPM
BAR = 4 * TICKS
JITTER_S = 0.003
PHASE_S = 0.005
STILL_NS = 300_000_000

PATCH = f"""
cables = ["clock -> friend -> kit -> speakers"]

[nodes.clock]
follow  = "midi"
port_in = "{PORT}"

[nodes.friend]
type = "pattern-generator"
mode = "continue"
"""


class Sequencer:
    """A master at the other end of a JACK cable, sending to a port of ours."""

    def __init__(self, server: str) -> None:
        self.player = Player("sequencer", server, ["hand"])
        self._next = 0.0

    def plug(self) -> bool:
        """Be cabled to Kuchi's input."""
        client = self.player.client
        for there in client.get_ports(f":{PORT}", is_midi=True, is_input=True):
            if not client.get_all_connections(there):
                client.connect("sequencer:hand", there)
            return True
        return False

    def wait(self, seconds: float) -> None:
        """Send nothing for a while."""
        self._next = max(self._next, time.monotonic()) + seconds

    def send(self, *message: int) -> None:
        """A message, 5 ms after the last."""
        self._next += 0.005
        self.player.plan([(self._next, bytes(message))])

    def tick(self, ticks: int, bpm: float = BPM, jitter_s: float = 0.0) -> float:
        """Ticks, each early or late by as much; returns when the first is due, monotonic."""
        begin = self._next + 0.02
        off = np.random.default_rng(ticks).uniform(-jitter_s, jitter_s, ticks)
        apart = 2.5 / bpm
        self.player.plan((begin + number * apart + late, bytes((TICK,)))
                         for number, late in enumerate(off))
        self._next = begin + (ticks - 1) * apart
        return begin


class Stage:
    """A port process that hears the sequencer, and a graph that hears the port process."""

    def __init__(self, rig: Rig, sequencer: Sequencer) -> None:
        self.rig, self.sequencer = rig, sequencer
        self.heard: list[Heard] = []

    def listen(self, eventually: Wait) -> "Stage":
        """Until the sequencer has sent all, and nothing more comes."""
        def quiet() -> bool:
            came = [each for each in self.rig.arrived() if isinstance(each, Heard)]
            self.heard += came
            return bool(self.sequencer.player.played and not came and self.heard
                        and time.monotonic_ns() - self.heard[-1].heard_ns > STILL_NS)
        eventually(quiet, "all that was sent", 90)
        return self

    def played(self, seconds: float = 0.0) -> list[Beat | Hit]:
        """What a graph says to it, and so long after; monotonic, as what was sent."""
        graph, hands, waiting = Graph(parse_patch(PATCH)), Hands(), list(self.heard)
        hands.bind(graph, (PORT,), 0)
        graph.control(Control(0.0, "friend.start", True))
        zero = waiting[0].heard_ns / 1e9 - 0.1
        end = waiting[-1].heard_ns / 1e9 - zero + seconds
        silence, out = np.zeros((HOP, 1), np.float32), np.zeros((HOP, 2), np.float32)
        said: list[Beat | Hit] = []
        while graph.clock.now < end:
            while waiting and waiting[0].heard_ns / 1e9 - zero < graph.clock.now:
                message = waiting.pop(0)
                list(hands.touch(message, message.heard_ns / 1e9 - zero))
            graph.hear(silence, out)
            said += [replace(sent.event, time=sent.event.time + zero)
                     for sent in graph.take() if isinstance(sent.event, Beat | Hit)]
        return said


@pytest.fixture
def stage(jack_server: str, eventually: Wait) -> Iterator[Stage]:
    rig, sequencer = Rig(), Sequencer(jack_server)
    rig.ask(Ports((), (PORT,)))
    eventually(sequencer.plug, "a port to send to", 30)
    sequencer.wait(0.2)
    yield Stage(rig, sequencer)
    sequencer.player.close()
    rig.close()


def beats_of(said: list[Beat | Hit], since: float, until: float = float("inf")) -> list[Beat]:
    return [each for each in said if isinstance(each, Beat) and since <= each.time < until]


def assert_in_time(beats: list[Beat], begin: float, first: float = 0.0,
                   within_s: float = PHASE_S) -> None:
    """Tempo, phase and place in the bar, where beat `first` fell at `begin`."""
    assert len(beats) > 2
    for beat in beats:
        place = first + (beat.time - begin) / BEAT_S
        assert abs(place - round(place)) * BEAT_S < within_s, beat
        assert beat.phase == round(place) % 4 / 4
        assert beat.bpm == pytest.approx(BPM, abs=0.3)


def test_four_bars_of_a_jittering_clock_give_its_tempo_and_its_phase(stage, eventually):
    stage.sequencer.send(START)
    begin = stage.sequencer.tick(6 * BAR, jitter_s=JITTER_S)
    said = stage.listen(eventually).played()
    assert len(stage.heard) == 6 * BAR + 1
    assert_in_time(beats_of(said, begin + 15.5 * BEAT_S), begin)


def test_stop_in_the_middle_of_a_bar_then_position_and_continue(stage, eventually):
    sequencer = stage.sequencer
    sequencer.send(START)
    first = sequencer.tick(2 * BAR + 30)
    sequencer.send(STOP)
    sequencer.wait(2.0)
    sequencer.send(POSITION, 6, 1)                      # 134 sixteenths: beat 33.5
    sequencer.send(CONTINUE)
    begin = sequencer.tick(2 * BAR)
    said = stage.listen(eventually).played()
    stopped = first + (2 * BAR + 30) / TICKS * BEAT_S
    assert_in_time(beats_of(said, first + 3.5 * BEAT_S, stopped), first)
    assert not beats_of(said, stopped + 2 * LOOK_AHEAD_S, begin)
    assert_in_time(beats_of(said, begin + 0.2 * BEAT_S), begin, first=33.5)


def test_a_clock_that_falls_silent_in_a_bar_leaves_the_music_going(stage, eventually):
    stage.sequencer.send(START)
    begin = stage.sequencer.tick(4 * BAR + 41, jitter_s=JITTER_S)
    silent = begin + (4 * BAR + 41) / TICKS * BEAT_S
    said = stage.listen(eventually).played(12 * BEAT_S)
    assert_in_time(beats_of(said, silent), begin, within_s=2 * PHASE_S)
    assert sum(isinstance(each, Hit) and each.time > silent + 4 * BEAT_S for each in said) > 8


def test_a_flood_is_no_tempo_and_the_clock_after_it_is_followed(stage, eventually):
    sequencer = stage.sequencer
    sequencer.send(START)
    sequencer.tick(2 * BAR)
    sequencer.tick(10_000, bpm=30_000.0)
    sequencer.send(STOP)
    sequencer.wait(0.5)
    sequencer.send(START)
    begin = sequencer.tick(6 * BAR, jitter_s=JITTER_S)
    said = stage.listen(eventually).played()
    eventually(lambda: stage.rig.has_said("too many"), "word of it", 10)
    assert {each.bpm <= 400.0 for each in said if isinstance(each, Beat)} == {True}
    assert_in_time(beats_of(said, begin + 15.5 * BEAT_S), begin)
