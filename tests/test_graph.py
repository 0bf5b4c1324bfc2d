"""A patch runs: cables deliver, knobs move, what leaves comes in the order in which it leaves."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from engine.cables import Cable
from engine.clock import Clock
from engine.errors import KuchiError
from engine.events import Beat, Control, Gesture, NoteOff, NoteOn
from engine.graph import Graph
from engine.music.grid import LOOK_AHEAD_S
from engine.node import Context, Node
from engine.nodes.clock import Clock as BeatClock
from engine.patch import Patch, parse_patch
from engine.ports import DELAYED
from engine.rendering import render
from engine.units import HOP

PADS = """
cables = ["keys -> daw", "mic -> meter", "mic -> desk -> speakers"]
[nodes.daw]
type = "midi-out"
[nodes.meter]
type = "level-meter"
[nodes.desk]
type = "mixer"
[scenes.long]
daw.gate_ms = 300
[controls]
cc21 = "daw.floor"
"ch2.cc22" = { to = "daw.gate_ms", low = 100, high = 200 }
note60 = "scene.long"
program = "scene.long"
cc23 = { to = "daw.floor", invert = true }
cc24 = "daw.curve"
"""


def graph() -> Graph:
    return Graph(parse_patch(PADS))


def run(graph: Graph, seconds: float) -> list:
    sent = []
    for _ in range(round(seconds * 48_000 / HOP)):
        graph.hear(np.zeros((HOP, 1), np.float32), np.zeros((HOP, 2), np.float32))
        sent += graph.take()
    return sent


def test_an_arriving_note_leaves_with_its_hop_and_stopping_ends_it():
    it = graph()
    it.arrive(NoteOn(0.01, 62, 90, 3))
    (on,) = run(it, 0.1)
    assert on.event.note == 62
    assert 0.01 <= on.sent <= 0.01 + HOP / 48_000
    (off,) = it.finish()
    assert isinstance(off.event, NoteOff)
    assert off.node == "daw"


@pytest.mark.parametrize(("message", "setting", "value"), [
    (("cc", (21, 5, 127)), "floor", 127),
    (("cc", (22, 2, 127)), "gate_ms", 200.0),
    (("cc", (22, 1, 127)), "gate_ms", 100.0),           # another channel: nothing moves
    (("cc", (23, 1, 127)), "floor", 1),
    (("cc", (24, 1, 127)), "curve", "fixed"),
    (("program", (9, 1, 127)), "gate_ms", 300.0),
])
def test_a_knob_moves_what_it_is_bound_to(message, setting, value):
    it = graph()
    source, (number, channel, _) = message
    for place in (0, 127, message[1][2]):                       # once through its whole travel
        it.arrive(Control(0.0, source, (number, channel, place)))
    run(it, 0.01)
    assert getattr(it.nodes["daw"], setting) == value


def test_a_knob_never_makes_a_value_jump_but_picks_it_up_where_they_meet():
    it = graph()
    floor = [it.nodes["daw"].floor]
    for place in (120, 100, 60, 30, 20):                        # 40 stands at 39/126 of the way
        it.arrive(Control(0.0, "cc", (21, 1, place)))
        run(it, 0.002)
        floor.append(it.nodes["daw"].floor)
    assert floor[:4] == [40, 40, 40, 40]
    assert floor[4:] == [round(1 + 126 * 30 / 127), round(1 + 126 * 20 / 127)]
    it.control(Control(0.0, "daw.floor", 90))                   # moved by someone else
    it.arrive(Control(0.0, "cc", (21, 1, 25)))
    run(it, 0.002)
    assert it.nodes["daw"].floor == 90


def test_a_pad_bound_to_a_scene_fires_on_the_press():
    it = graph()
    it.arrive(NoteOn(0.0, 60, 100, 1))
    run(it, 0.01)
    assert it.nodes["daw"].gate_ms == 300.0


@pytest.mark.parametrize(("name", "value", "words"), [
    ("scene.loud", 1, 'there is no scene "loud"; this patch has: long'),
    ("dwa.floor", 1, 'there is no node "dwa"'),
    ("daw.flor", 1, "no setting"),
    ("daw.floor", 900, "must lie in 1..127"),
])
def test_a_control_that_can_t_be_meant_is_explained(name, value, words):
    with pytest.raises(KuchiError, match=words):
        graph().control(Control(0.0, name, value))


def test_an_empty_patch_runs_and_says_nothing():
    assert list(render(parse_patch(""), np.zeros(4800, np.float32))) == []


def test_cables_that_meet_in_one_inlet_add_up():
    patch = parse_patch("""
        cables = ["mic -> speakers", "mic -> desk -> speakers"]
        [nodes.desk]
        type = "mixer"
        [nodes.speakers]
        type = "audio-out"
    """)
    blocks: list[np.ndarray] = []
    sine = (0.1 * np.sin(np.arange(48_000) * 0.05)).astype(np.float32)
    list(render(patch, sine, write=lambda block: blocks.append(block.copy())))
    out = np.concatenate(blocks)[24_000:48_000]
    assert np.max(np.abs(out[:, 0])) == pytest.approx(0.2, abs=0.01)
    assert np.array_equal(out[:, 0], out[:, 1])


class Ear(Node):
    """Notes when it hears which beat."""

    def prepare(self, context: Context) -> None:
        self.clock: Clock = context.clock
        self.heard: list[tuple[float, float]] = []

    def process(self, beats: Annotated[Sequence[Beat], DELAYED]) -> None:
        self.heard += [(self.clock.now, beat.time) for beat in beats]


def test_a_delayed_inlet_hears_every_event_once_a_hop_later():
    nodes = {"ear": (Ear, {}), "clock": (BeatClock, {"bpm": 120.0})}
    cable = Cable("clock", "ear", Ear.ports().inlets[0])
    it = Graph(Patch("beats", Path(), "", "", nodes, (cable,), {}, ()))
    said = [sent for sent in run(it, 1.5) if isinstance(sent.event, Beat)]
    heard = it.nodes["ear"].heard
    assert [time for _, time in heard] == [sent.event.time for sent in said]
    hop = HOP / 48_000
    assert [now for now, _ in heard] == pytest.approx(
        [max(hop, time - LOOK_AHEAD_S) + hop for _, time in heard], abs=1.01 * hop)


PEDALS = """
cables = ["keys -> synth -> speakers", "keys -> daw"]
[nodes.daw]
type = "midi-out"
[nodes.synth]
type = "tone-player"
[controls]
cc80 = "synth.gain_db"
"""


def test_a_pedal_reaches_the_nodes_that_name_it_and_no_others():
    graph = Graph(parse_patch(PEDALS))
    pedal = Gesture(0.0, "controller", 64, 127, 1)
    for event in (pedal, Gesture(0.0, "controller", 80, 127, 1), NoteOn(0.0, 60, 90, 1)):
        graph.arrive(event)
    graph.hear(np.zeros((64, 1), np.float32), np.zeros((64, 2), np.float32))
    left = [sent.event for sent in graph.take() if sent.node == "daw"]
    assert [replace(event, due=0.0) for event in left] == [pedal, NoteOn(0.0, 60, 90, 1)]
    assert [sent.event.rest for sent in graph.finish() if isinstance(sent.event, Gesture)] == [0]


def test_what_only_nodes_could_hear_isn_t_made_where_none_does():
    heard = 'cables = ["mic -> level-meter -> visuals"]\n[nodes.visuals]\ntype = "osc-out"\n'
    for text, told in ((heard, True), ('cables = ["mic -> level-meter"]', False)):
        graph = Graph(parse_patch(text))
        meter = graph.nodes["level-meter"]
        for _ in range(3):
            graph.hear(np.ones((HOP, 1), np.float32), np.zeros((HOP, 2), np.float32))
        assert (meter._heard > 0) is told


def test_many_blocks_at_once_are_heard_as_one_by_one():
    patch = parse_patch('cables = ["mic -> speakers"]')
    song = np.random.default_rng(0).uniform(-0.5, 0.5, (5 * HOP + 7, 1)).astype(np.float32)
    at_once, by_one = (np.zeros((len(song), 2), np.float32) for _ in range(2))
    graph = Graph(patch)
    graph.hear(song, at_once, HOP)
    assert graph.audio.position == len(song)
    assert graph.clock.frame == 5 * HOP
    other = Graph(patch)
    for first in range(0, len(song), HOP):
        other.hear(song[first:first + HOP], by_one[first:first + HOP])
    assert at_once.tobytes() == by_one.tobytes()
