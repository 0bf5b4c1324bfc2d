"""The friend at full level in the performer's own microphone: the tempo is the performer's."""

from dataclasses import replace

import numpy as np
import pytest

from engine.events import Control, Hit
from engine.graph import Graph
from engine.mouth import beat, perform
from engine.patch import Patch, load_patch
from engine.units import HOP, SAMPLE_RATE

BOOTS = {"b": "x.......x.......", "pf": "....x.......x...", "ts": "..x...x...x...x."}
BPM, SUNG_BARS, BARS = 120.0, 5, 14
START_S, FOLLOW_S = 8.6, 19.0       # the friend begins; a frozen tempo is let follow again
BACK = 1440                         # frames from the speakers into the microphone


def heard(patch: Patch) -> tuple[list[float], list[float], list[tuple[float, float]]]:
    """From the singer's last stroke on, a friend alone: its strokes, those named, tempo and one."""
    voice, _ = perform(beat(BOOTS, BPM, SUNG_BARS, start=0.5), "dov", seed=3)
    frames = round((0.5 + BARS * 240.0 / BPM) * SAMPLE_RATE) // HOP * HOP
    mic = np.zeros(frames + BACK, np.float32)
    mic[:len(voice)] = voice
    graph, played = Graph(patch.with_setting("when_silent", "carry-on")), np.zeros((HOP, 2), "f4")
    presses = [Control(START_S, "friend.start", True), Control(FOLLOW_S, "clock.freeze", True)]
    friend, named, grids = [], [], []
    for place in range(0, frames, HOP):
        if presses and place >= presses[0].time * SAMPLE_RATE:
            graph.control(presses.pop(0))
        graph.hear(mic[place:place + HOP, None], played)
        mic[place + BACK:place + BACK + HOP] += played.mean(axis=1)
        for sent in graph.take():
            if isinstance(sent.event, Hit) and sent.event.time > len(voice) / SAMPLE_RATE:
                {"friend": friend, "drums": named}[sent.node].append(sent.event.time)
        if (grid := graph.nodes["clock"].grid) and place > len(voice):
            grids.append((grid.bpm, grid.one % grid.beat_s))
    return friend, named, grids


@pytest.mark.parametrize("name", ["beatbox-and-friend", "neural-beatbox"])
def test_a_friend_at_full_level_in_the_microphone_does_not_move_the_tempo(name):
    friend, named, grids = heard(load_patch(name))
    assert len(friend) > 60
    assert len(named) < 0.1 * len(friend)
    assert np.ptp([bpm for bpm, _ in grids]) < 0.1
    assert np.ptp([one for _, one in grids]) < 0.002
    assert grids[-1][0] == pytest.approx(BPM, abs=0.3)


def test_it_is_the_bleed_that_keeps_it_out():
    patch = load_patch("beatbox-and-friend")
    friend, named, _ = heard(replace(patch, cables=tuple(
        cable for cable in patch.cables if cable.port.name != "bleed")))
    assert len(named) > 0.3 * len(friend)
