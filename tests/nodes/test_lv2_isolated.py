"""A plugin in a process of its own: what it does there hurts nobody here."""

import os
import time
from collections.abc import Callable

import numpy as np
import pytest

from engine.errors import KuchiError
from engine.events import NoteOn
from engine.graph import Graph
from engine.node import OnStage
from engine.patch import parse_patch
from engine.rendering import render
from engine.units import Samples

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("flawed", "one_cache")]

PATCH = """
cables = ["{cables} -> apart -> speakers"]
[nodes.apart]
type = "lv2-plugin"
plugin = "urn:kuchi-test:{name}"
isolated = true
wait_ms = 5
"""


def patch(name: str, cables: str = "keys"):
    return parse_patch(PATCH.format(name=name, cables=cables))


class Play:
    """A graph that is played block after block, at about the pace of a sound card."""

    def __init__(self, name: str, cables: str = "keys", level: float = 0.0) -> None:
        self.told: list[str] = []
        stage = OnStage(lambda text, _: self.told.append(text), np.zeros(2, np.int64))
        self.graph = Graph(patch(name, cables), stage=stage)
        self.unit = self.graph.nodes["apart"]._unit
        self._source = np.full((64, 1), level, np.float32)
        self._target = np.zeros((64, 2), np.float32)
        self.longest_s = 0.0

    def block(self) -> Samples:
        began = time.monotonic()
        self.graph.hear(self._source, self._target)
        took = time.monotonic() - began
        self.longest_s = max(self.longest_s, took)
        time.sleep(max(0.0, 64 / 48_000 - took))
        return self._target.copy()

    def until(self, condition: Callable[[], object], hope: str, within_s: float = 15.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"{hope}: not within {within_s:g} s"
            self.block()


def test_notes_and_sound_go_over_and_come_back_one_block_later():
    sound: list[Samples] = []
    list(render(patch("pulse"), None, [NoteOn(0.1, 60, 127, 1)], write=sound.append))
    assert np.flatnonzero(np.concatenate(sound)[:, 0] > 0.5).tolist() == [4800 + 240 + 64]


def test_offline_it_gives_the_same_twice():
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, 24_000).astype(np.float32)
    takes = []
    for _ in range(2):
        sound: list[Samples] = []
        list(render(patch("mono", "mic"), noise, write=sound.append))
        takes.append(np.concatenate(sound))
    assert np.array_equal(*takes)
    assert np.abs(takes[0][1000:20_000]).max() > 0.1


@pytest.mark.parametrize("name", ["crash", "hang"])
def test_a_fall_over_there_is_passed_by_named_and_mended(name):
    play = Play(name)
    play.until(lambda: play.unit.words[3] > 20, "slices that come back")
    first = play.unit.process_id
    play.graph.arrive(NoteOn(play.graph.clock.now, 60, 1, 1))
    play.until(lambda: play.told, "the news")
    assert play.told == ["apart's own process has fallen; it is started again."]
    play.until(lambda: play.unit.process_id not in (0, first) and play.unit.words[1] == 0,
               "another process that answers", 40)
    assert np.isfinite(play.block()).all()
    play.unit.end()


def test_five_milliseconds_a_block_cost_nobody_here_a_block():
    play = Play("slow", "mic", level=0.25)
    play.until(lambda: play.unit.words[3] > 20, "slices that come back")
    play.unit.commands.send(0, 1, 0x90, 60, 1)
    play.until(lambda: play.unit.words[1] > 0, "slices that come too late")
    before = os.times()
    for _ in range(50):
        assert play.block()[-1, 0] == pytest.approx(0.25, abs=0.01)     # what came in passes by
    after = os.times()
    assert after.user + after.system - before.user - before.system < 50 * 64 / 48_000
    play.unit.end()


def test_a_plugin_that_ends_its_process_at_once_is_explained():
    with pytest.raises(KuchiError, match="Kuchi test abort doesn't start, even in a process"):
        Graph(patch("abort"))


def test_the_other_process_ends_with_this_one():
    play = Play("pulse")
    os.close(play.unit._held)                           # as it is when this process is gone
    play.unit._held = os.open(os.devnull, os.O_RDONLY)
    deadline = time.monotonic() + 5
    while play.unit._child.poll() is None:
        assert time.monotonic() < deadline, "the other process lives on"
        time.sleep(0.01)
    assert play.unit._child.returncode == 0
