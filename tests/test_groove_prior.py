"""On the whole graph, the groove decides what the ear can't, and only while the tempo is frozen."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.events import Beat, Hit
from engine.graph import Graph
from engine.mouth import Strike, beat, perform
from engine.patch import load_patch
from engine.units import Samples

BOOTS = {"b": "x.......x.......", "pf": "....x.......x...", "ts": "..x...x...x...x."}
HISS = 0.014                        # of full scale: not every strike is clear in this room
UNSURE, SURE = 0.5, 0.7


def heard(audio: Samples, groove: float) -> tuple[list[Hit], float]:
    """What is named, and from when on the tempo was frozen."""
    graph = Graph(load_patch("beatbox-and-friend").with_setting("groove", groove))
    hits: list[Hit] = []
    frozen: list[float] = []
    for place in range(0, len(audio) - 256, 256):
        graph.hear(audio[place:place + 256, None], np.zeros((256, 2), np.float32))
        for sent in graph.take():
            if isinstance(sent.event, Hit) and sent.node == "drums":
                hits.append(sent.event)
            elif isinstance(sent.event, Beat) and sent.event.frozen:
                frozen.append(sent.sent)
    return hits, frozen[0]


def sung_at(strikes: Sequence[Strike], time: float) -> str:
    return min(strikes, key=lambda strike: abs(strike.time - time)).drum


def test_the_groove_decides_an_unsure_hit_and_leaves_a_sure_one_alone():
    audio, strikes = perform(beat(BOOTS, 100, 12, start=0.5), "fumi", seed=3)
    audio += np.random.default_rng(1).normal(0.0, HISS, len(audio)).astype(np.float32)
    alone, frozen = heard(audio, groove=0.0)
    helped, _ = heard(audio, groove=0.25)
    assert [hit.time for hit in helped] == pytest.approx([hit.time for hit in alone], abs=0.002)
    pairs = list(zip(alone, helped, strict=True))
    changed = [(ear, both) for ear, both in pairs if ear.drum != both.drum]
    assert changed
    for ear, both in changed:
        assert ear.time > frozen
        assert ear.confidence < UNSURE
        assert ear.drum != sung_at(strikes, ear.time) == both.drum
    assert sum(ear.confidence > SURE for ear, _ in pairs) > 10
    assert all(both.drum == ear.drum for ear, both in pairs if ear.confidence > SURE)
    assert all(both == ear for ear, both in pairs if ear.time < frozen - 0.1)


def test_a_cable_of_beats_drawn_and_cut_in_an_edit_counts_from_then_on():
    drawn = load_patch("beatbox-and-friend")
    cut = replace(drawn, cables=tuple(cable for cable in drawn.cables
                                      if (cable.target, cable.port.name) != ("drums", "beats")))
    without, along, again = Graph(cut), Graph(drawn), Graph(cut)
    kept = without.nodes["drums"]
    assert kept._due is None
    along.follow(without, 0)
    assert along.nodes["drums"] is kept
    assert kept._due is not None
    again.follow(along, 0)
    assert kept._due is None
