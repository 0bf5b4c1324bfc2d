"""Hits, level and beat become messages that pictures can follow."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.clock import Clock
from engine.drums import DRUMS
from engine.errors import PatchError
from engine.events import Beat, Features, Hit, Release
from engine.graph import Graph
from engine.node import Context
from engine.nodes.osc_out import FRAME_S, LevelRange, OscOut
from engine.osc import build
from engine.osc_maps import MAPS
from engine.patch import parse_patch
from engine.rendering import play, render
from engine.units import HOP, SAMPLE_RATE

SECOND = np.zeros(48_000, np.float32)


def hit(time, drum="kick", velocity=0.5, due=0.0, corrects=None):
    return Hit(time, drum, drum, velocity, 1.0, due, corrects)


def at(messages, address):
    """When each message of this address leaves, and its last value."""
    return [(round(m.due, 4), m.arguments[-1]) for m in messages if m.address == address]


# -- hits ------------------------------------------------------------------------------------------


def test_a_hit_is_its_velocity_and_a_nought_after_the_gate():
    messages = play(OscOut(name="drums", gate_ms=100), SECOND,
                    hits=[hit(0.2, "snare", 0.8, due=0.224)])
    assert at(messages, "/kuchi/drums/snare") == [(0.224, 0.8), (0.324, 0.0)]
    assert messages[0].time == 0.2                     # so `sent - time` is the latency


def test_the_envelope_falls_evenly_from_one_to_nought_in_its_decay():
    env = at(play(OscOut(name="d", decay_ms=250), SECOND, hits=[hit(0.2, due=0.2)]),
             "/kuchi/d/kick/env")
    assert env[0] == (0.2, 1.0)
    assert env[-1][1] == 0.0
    assert 0.45 <= env[-1][0] <= 0.45 + FRAME_S + 1e-4
    for when, value in env:
        assert value == pytest.approx(max(0.0, 1 - (when - 0.2) / 0.25), abs=1e-3)


def test_a_drum_struck_again_within_its_gate_goes_to_nought_between_and_is_never_merged():
    messages = play(OscOut(name="d"), SECOND, hits=[
        hit(0.2, due=0.2), hit(0.21, velocity=0.7, due=0.21), hit(0.21, "snare", due=0.21)])
    assert at(messages, "/kuchi/d/kick") == [(0.2, 0.5), (0.21, 0.0), (0.21, 0.7), (0.31, 0.0)]
    assert at(messages, "/kuchi/d/kick/env")[:2] == [(0.2, 1.0), (0.21, 1.0)]
    assert at(messages, "/kuchi/d/snare") == [(0.21, 0.5), (0.31, 0.0)]


def test_a_gate_may_last_as_long_as_the_sound():
    node = OscOut(name="d", gate="while it sounds")
    messages = play(node, SECOND, hits=[hit(0.2, "hihat_open", due=0.2),
                                        Release(0.6, "tss", "hihat_open")])
    (_, lit), (dark, nought) = at(messages, "/kuchi/d/hihat_open")
    assert (lit, nought) == (0.5, 0.0)
    assert dark == pytest.approx(0.6, abs=0.002)


def test_a_hit_corrected_to_another_drum_darkens_the_wrong_one():
    messages = play(OscOut(name="d"), SECOND, hits=[
        hit(0.2, due=0.21), hit(0.2, "snare", 0.6, due=0.23, corrects=0.21)])
    assert at(messages, "/kuchi/d/kick") == [(0.21, 0.5), (0.23, 0.0)]
    assert at(messages, "/kuchi/d/kick/env")[-1] == (0.23, 0.0)
    assert at(messages, "/kuchi/d/snare") == [(0.23, 0.6), (0.33, 0.0)]
    (corrected,) = [m for m in messages if m.address == "/kuchi/corrected"]
    assert corrected.arguments == ("kick", "snare", 0.6)


def test_a_correction_that_keeps_the_drum_lights_it_only_once():
    messages = play(OscOut(name="d"), SECOND, hits=[
        hit(0.2, due=0.21), hit(0.2, "kick", 0.6, due=0.23, corrects=0.21)])
    assert at(messages, "/kuchi/d/kick") == [(0.21, 0.5), (0.31, 0.0)]
    assert at(messages, "/kuchi/corrected") == [(0.23, 0.6)]


def known_early(node, known, *, feeds=None, name=""):
    """A second in which each hit is brought at the time beside it, long before it is due."""
    clock, said = Clock(), []
    node.prepare(Context(clock, Path(), name=name, feeds=feeds or {}))
    for frame in range(HOP, SAMPLE_RATE, HOP):
        clock.move_to(frame)
        brought = [h for when, h in known if clock.now <= when < clock.next]
        said += node.process(brought, (), ())
    return said


@pytest.mark.parametrize(("offset_ms", "due", "leaves"), [
    (-50, 0.4, 0.35), (50, 0.4, 0.45), (-50, 0.22, 0.2), (300, 0.22, 0.52), (300, 0.0, 0.5)])
def test_an_offset_moves_what_is_scheduled_and_nothing_leaves_before_it_is_known(
        offset_ms, due, leaves):
    messages = known_early(OscOut(name="d", offset_ms=offset_ms), [(0.2, hit(0.15, due=due))])
    (start, _), (end, _) = at(messages, "/kuchi/d/kick")
    assert start == pytest.approx(leaves, abs=0.0014)
    assert end == pytest.approx(start + 0.1, abs=1e-3)


def test_a_hit_known_early_doesn_t_darken_the_one_that_sounds_before_it():
    messages = known_early(OscOut(name="d"), [(0.1, hit(0.1, due=0.8)), (0.2, hit(0.2, due=0.2))])
    assert [when for when, _ in at(messages, "/kuchi/d/kick")] == [0.2, 0.3, 0.8, 0.9]


@pytest.mark.parametrize(("feeds", "setting", "word"), [
    (("Mouth Drums",), "", "mouth_drums"), (("left", "right"), "", "visuals"),
    ((), "", "visuals"), (("drums",), "Stage Left", "stage_left")])
def test_addresses_name_the_node_that_hits_come_from(feeds, setting, word):
    messages = known_early(OscOut(name=setting), [(0.2, hit(0.2))], name="visuals",
                           feeds={"hits": feeds, "features": ("meter",)})
    assert messages[0].address == f"/kuchi/{word}/kick"


def test_stopping_lets_go_of_all_that_is_lit():
    clock, node = Clock(), OscOut(name="d")
    node.prepare(Context(clock, Path()))
    node.process([hit(0.0), hit(0.0, "snare")], (), ())
    ended = {(m.address, m.arguments) for m in node.release()}
    assert ended == {(f"/kuchi/d/{drum}{env}", (0.0,)) for drum in ("kick", "snare")
                     for env in ("", "/env")}
    assert node.release() == []


def test_stopping_tells_the_end_also_to_a_program_that_hears_all_inputs_together():
    clock, node = Clock(), OscOut(map="wekinator")
    node.prepare(Context(clock, Path()))
    node.process([hit(0.0)], (), ())
    assert [m.arguments for m in node.release()] == [(0.0, 0.0, 0.0, 0.0)]


times = st.floats(0, 0.9, allow_nan=False)
strikes = st.lists(st.tuples(times, st.sampled_from(DRUMS), st.floats(0, 0.06)), max_size=30)


@settings(max_examples=25)
@example(strikes=[(0.0, "hihat_closed", 0.0), (0.0, "hihat_open", 0.03515625)], gate=5,
         own="resolume")
@given(strikes=strikes, gate=st.sampled_from([5, 100, 400]), own=st.sampled_from(sorted(MAPS)))
def test_whatever_is_played_all_of_it_ends_dark_in_order_and_fits_a_datagram(strikes, gate, own):
    node = OscOut(name="d", gate_ms=gate, decay_ms=60, map=own)
    said = play(node, SECOND, hits=[hit(t, d, due=t + wait) for t, d, wait in strikes])
    last, sent = {}, {}
    for message in [*said, *node.release()]:
        build(message.address, message.arguments)
        key = (message.address, *(a for a in message.arguments if isinstance(a, str)))
        assert message.due >= sent.get(key, 0.0)
        sent[key], last[key] = message.due, message.arguments[-1]
    assert not any(last.values())
    if own == "kuchi":
        struck = sum(m.arguments == (0.5,) for m in said if not m.address.endswith("env"))
        assert struck == len(strikes)                  # never merged


@settings(deadline=None, max_examples=20)
@given(strikes=st.lists(times, min_size=1, max_size=12))
def test_an_envelope_is_told_sixty_times_a_second_at_most_besides_its_strikes(strikes):
    env = at(play(OscOut(name="d"), SECOND, hits=[hit(t, due=t) for t in strikes]),
             "/kuchi/d/kick/env")
    falling = [when for when, value in env if value < 1.0]
    assert all(b - a >= FRAME_S - 2e-4 for a, b in pairwise(falling))


# -- level and beat --------------------------------------------------------------------------------


def metered(levels_db, every_s=0.02):
    return [Features(n * every_s, (db, db - 6)) for n, db in enumerate(levels_db)]


def test_the_level_is_nought_in_the_room_and_one_at_the_loudest_whatever_the_gain():
    for gain_db in (0, -18):
        ranged = LevelRange()
        take = [-60.0 + gain_db] * 500 + [-8.0 + gain_db, -50.0 + gain_db] * 250
        told = [ranged.place(f.values[0], f.time) for f in metered(take)]
        assert told[499] == 0.0
        assert told[-2] > 0.95
        assert told[-1] < 0.1


def test_a_silent_room_stays_dark():
    ranged = LevelRange()
    assert max(ranged.place(f.values[0], f.time) for f in metered([-62.0, -58.0] * 3000)) == 0.0


def test_the_level_is_told_once_a_frame_at_most():
    messages = play(OscOut(), SECOND, features=metered([-20.0] * 500, every_s=0.002))
    told = [when for when, _ in at(messages, "/kuchi/level")]
    assert 50 <= len(told) <= 60


def steady(bpm, count, start=0.1):
    return [Beat(start + n * 60 / bpm, bpm, n % 4 / 4, start + n * 60 / bpm)
            for n in range(count)]


def test_a_beat_is_counted_and_the_place_in_it_and_in_the_bar_run_along():
    messages = play(OscOut(), np.zeros(3 * 48_000, np.float32), beats=steady(120, 5))
    assert [n for _, n in at(messages, "/kuchi/beat")] == [1, 2, 3, 4, 1]
    assert at(messages, "/kuchi/tempo")[0] == (0.1, 120)
    phases = at(messages, "/kuchi/beat/phase")
    for when, phase in phases:
        assert 0.0 <= phase <= 1.0
        if when < 2.6:
            assert abs(phase - (when - 0.1) / 0.5 % 1.0) % 1.0 == pytest.approx(0, abs=0.01) \
                or phase == pytest.approx(1.0, abs=0.01)
    bars = dict(at(messages, "/kuchi/bar/phase"))
    assert bars[min(bars, key=lambda when: abs(when - 1.35))] == pytest.approx(0.625, abs=0.01)
    assert phases[-1] == (pytest.approx(2.6, abs=0.02), 1.0)       # no beat came: it waits there


# -- ready-made maps -------------------------------------------------------------------------------


def told_to(own, **events):
    messages = play(OscOut(map=own, name="d"), SECOND, **events)
    return [(m.address, m.arguments) for m in messages]


def test_resolume_gets_three_envelopes_a_level_and_the_tempo_on_its_own_dials():
    told = told_to("resolume", hits=[hit(0.1), hit(0.1, "hihat_open"), hit(0.1, "crash")],
                   features=[Features(0.2, (0.0, -3.0))], beats=steady(120, 2))
    assert {a for a, _ in told} == {f"/composition/dashboard/link{n}" for n in (1, 3, 4)} | {
        "/composition/tempocontroller/tempo", "/composition/tempocontroller/resync"}
    assert ("/composition/tempocontroller/tempo", (pytest.approx(100 / 480),)) in told
    assert [v for a, v in told if a.endswith("resync")] == [(1,), (0,)]


def test_touchdesigner_gets_numbers_only():
    told = told_to("touchdesigner", hits=[hit(0.1), hit(0.1, "snare", corrects=0.1)],
                   beats=steady(120, 1))
    assert told
    assert not [v for _, values in told for v in values if isinstance(v, str)]


def test_wekinator_gets_all_its_inputs_in_one_message_and_is_told_the_end():
    told = told_to("wekinator", hits=[hit(0.1), hit(0.1, "snare"), hit(0.4, "hihat_pedal")],
                   features=[Features(0.2, (0.0, -3.0))])
    assert {address for address, _ in told} == {"/wek/inputs"}
    assert {len(values) for _, values in told} == {4}
    assert told[0][1] == (1.0, 1.0, 0.0, 0.0)
    assert max(values[2] for _, values in told) == 1.0
    assert told[-1][1] == (0.0, 0.0, 0.0, 1.0)
    assert len(told) <= 62


@pytest.mark.parametrize(("own", "first"), [
    ("supercollider", ("/kuchi/hit", ("d", "kick", 0.5))),
    ("processing", ("/kuchi/hit", ("kick", 0.5)))])
def test_sketches_get_one_address_with_the_drum_s_name_in_it(own, first):
    assert told_to(own, hits=[hit(0.1)])[0] == first


@pytest.mark.parametrize(("settings", "where"), [
    ({}, ("127.0.0.1", 7000)), ({"map": "supercollider"}, ("127.0.0.1", 57120)),
    ({"map": "wekinator", "to": "10.0.0.7"}, ("10.0.0.7", 6448)),
    ({"map": "processing", "to": "localhost:9000"}, ("localhost", 9000))])
def test_the_port_is_the_program_s_own_unless_one_is_named(settings, where):
    assert OscOut(**settings).target == where


# -- in a patch ------------------------------------------------------------------------------------


def test_a_target_that_is_none_is_found_when_the_patch_is_read():
    with pytest.raises(PatchError, match=r"nodes.visuals.to = .*must be an address and a port"):
        parse_patch("""
            cables = ["keys -> kit -> speakers", "mic -> meter -> visuals"]
            [nodes.meter]
            type = "level-meter"
            [nodes.visuals]
            type = "osc-out"
            to = "osc://here:7000"
        """)


def test_a_graph_hands_out_messages_in_order_and_a_render_s_log_leaves_them_out():
    patch = parse_patch("""
        cables = ["mic -> meter -> visuals"]
        [nodes.meter]
        type = "level-meter"
        [nodes.visuals]
        type = "osc-out"
    """)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, SAMPLE_RATE).astype(np.float32)
    graph = Graph(patch)
    graph.hear(noise[:, None], np.zeros((SAMPLE_RATE, 2), np.float32))
    sent = graph.take()
    assert {s.event.address for s in sent} == {"/kuchi/level"}
    assert [s.sent for s in sent] == sorted(s.sent for s in sent)
    assert 25 <= len(sent) <= 31
    assert list(render(patch, noise)) == []
