"""A plugin in a patch: its settings are the node's, and what is wrong with it is explained."""

import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from engine.errors import KuchiError, PatchError
from engine.events import Control, NoteOff, NoteOn
from engine.graph import Graph
from engine.node import OnStage
from engine.patch import load_patch, parse_patch
from engine.rendering import render
from engine.units import Samples

pytestmark = pytest.mark.usefixtures("flawed", "one_cache")

PULSE = """
cables = ["keys -> pulse -> speakers"]
[nodes.pulse]
type = "lv2-plugin"
plugin = "urn:kuchi-test:{name}"
{more}
[scenes.loud]
pulse.release_ = 0.3
[controls]
cc20 = "pulse.mode"
"""


def patch(name: str = "pulse", more: str = "", cables: str = "keys"):
    text = PULSE.format(name=name, more=more).replace("keys ->", f"{cables} ->")
    return parse_patch(text)


def sound(what, audio=None, notes=(), **options) -> Samples:
    made: list[Samples] = []
    list(render(what, audio, notes, write=made.append, **options))
    return np.concatenate(made)


def mistakes(**options: str) -> str:
    with pytest.raises(PatchError) as caught:
        patch(**options)
    return "\n".join(caught.value.mistakes)


def test_its_settings_are_the_plugins_own_by_its_own_names():
    params = patch().nodes["pulse"][0].params()
    assert (params["release_"].high, params["release_"].unit) == (pytest.approx(0.4), "dB")
    assert (params["mode"].default, params["mode"].choices) == ("Warm", ("Soft", "Warm", "Hard"))


def test_settings_out_of_range_and_unknown_ones_are_explained():
    found = mistakes(more='release_ = 7.0\nmode = "Loud"\nmoed = 1')
    assert "nodes.pulse.release_ = 7.0: must lie in 0..0.4 dB" in found
    assert "nodes.pulse.mode = 'Loud': must be Soft, Warm or Hard" in found
    assert 'nodes.pulse.moed: lv2-plugin has no such setting; did you mean "mode"?' in found


@pytest.mark.parametrize(("name", "words"), [
    ("plse", 'did you mean "urn:kuchi-test:pulse"?'), ("silent", "no audio comes out of it"),
    ("wants", "it needs urn:kuchi-test:moon"), ("gone", "gone.so is missing")])
def test_a_plugin_that_can_not_be_is_a_mistake_with_its_place(name, words):
    found = mistakes(name=name)
    assert "nodes.pulse.plugin = " in found
    assert words in found
    assert "\n" not in found                            # and nothing that only follows from it


def test_a_node_without_a_plugin_is_told_what_it_needs():
    with pytest.raises(PatchError, match="must name a plugin, such as"):
        parse_patch('cables = ["mic -> lv2-plugin -> speakers"]')


def test_an_instrument_takes_notes_and_an_effect_takes_audio():
    assert 'pulse takes hits or notes' in mistakes(cables="mic")
    assert "mono takes audio" in mistakes(name="mono", cables="keys").replace("pulse", "mono")


def test_a_played_note_sounds_a_constant_time_after_its_key():
    notes = [NoteOn(0.1 + k * 0.0101, 60, 127, 1) for k in range(20)]
    for block in (32, 64, 37):
        made = sound(patch(), None, notes, block=block)
        starts = np.flatnonzero(made[:, 0] > 0.5)
        assert starts.tolist() == [round((note.time + 0.003) * 48_000) for note in notes]


def test_a_note_with_a_due_time_starts_then():
    made = sound(patch(), None, [NoteOn(0.1, 60, 127, 1, due=0.2), NoteOff(0.1, 60, 0, 1, due=0.3)])
    assert np.flatnonzero(made[:, 0]).tolist() == [9600, 14_400]


def test_scenes_and_knobs_move_it():
    graph = Graph(patch())
    node = graph.nodes["pulse"]
    graph.control(Control(0.0, "scene.loud", 1))
    assert node.release_ == pytest.approx(0.3)
    for place in (64, 127):                             # it meets the value, then moves it
        graph.control(Control(0.0, "cc", (20, 1, place)))
    assert node.mode == "Hard"
    graph.hear(np.zeros((64, 1), np.float32), np.zeros((64, 2), np.float32))
    ports = node.hosted.ports
    where = {port.symbol: port.index for port in ports}
    controls = node._instance.controls
    assert controls[where["release"]] == pytest.approx(0.3)
    assert controls[where["mode"]] == 2.0


def test_hits_play_it_as_drum_notes_that_end():
    node = patch().nodes["pulse"][0]
    assert [port.flow for port in node.ports().inlets] == ["hits", "notes"]


def test_a_refused_plugin_is_not_rendered_and_the_reason_is_told():
    with pytest.raises(KuchiError, match=r"pulse: Kuchi test abort was refused: it crashes "
                                         r"\(SIGABRT\).*kuchi plugins probe"):
        Graph(patch("abort"))


class Stage:
    """Where a node says what the performer should know."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.there = OnStage(lambda text, _: self.told.append(text), np.zeros(2, np.int64))


def test_live_a_refused_plugin_is_passed_by_and_named():
    stage = Stage()
    graph = Graph(patch("abort"), stage=stage.there)
    graph.hear(np.zeros((64, 1), np.float32), np.zeros((64, 2), np.float32))
    assert "pulse is bypassed. Kuchi test abort was refused" in stage.told[0]


def test_after_a_fault_it_is_named_and_back_after_two_seconds_three_times_at_most():
    stage = Stage()
    text = PULSE.format(name="nan", more="").replace('["keys', '["mic -> pulse", "keys')
    graph = Graph(parse_patch(text), stage=stage.there)
    target = np.zeros((480, 2), np.float32)

    def play(seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            graph.hear(np.zeros((480, 1), np.float32), target)
            assert np.isfinite(target).all()

    unit = graph.nodes["pulse"]._unit
    for fault in range(3):
        graph.arrive(NoteOn(graph.clock.now, 60, 1, 1))
        play(0.1)
        assert len(stage.told) == fault + 1
        assert unit.words[0] != 0
        play(1.8)
        assert unit.words[0] != 0
        until = time.monotonic() + 10.0
        while not graph.nodes["pulse"]._fresh and time.monotonic() < until:
            time.sleep(0.001)                           # it starts afresh in a thread of its own
        play(0.3)
        assert (unit.words[0] == 0) == (fault < 2)
    assert stage.told[0] == "pulse made sound that isn't numbers and is bypassed for 2 s."
    assert stage.told[2] == "pulse made sound that isn't numbers and is bypassed for good."


def test_a_preset_sets_what_the_patch_leaves_open(installed_plugin):
    own = installed_plugin("http://drobilla.net/plugins/mda/EPiano")
    read = parse_patch(PULSE.split("[scenes")[0].format(name="x", more='preset = "Tremolo"\n'
                       "hardness = 0.1").replace("urn:kuchi-test:x", own))
    node = Graph(read).nodes["pulse"]
    assert node.modulation == pytest.approx(0.75)
    assert node.hardness == 0.1


def test_a_preset_it_does_not_have_is_explained(installed_plugin):
    with pytest.raises(KuchiError, match='Kuchi test pulse has no preset "Tremlo"; it has none'):
        Graph(patch(more='preset = "Tremlo"'))


STATE = """
@prefix pset: <http://lv2plug.in/ns/ext/presets#> . @prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix state: <http://lv2plug.in/ns/ext/state#> .
<> a pset:Preset ; lv2:appliesTo <urn:kuchi-test:{of}> ;
  lv2:port [ lv2:symbol "{symbol}" ; pset:value 0.25 ] .
"""


@pytest.mark.parametrize(("of", "symbol", "words"), [
    ("pulse", "release", ""),
    ("pulse", "colour", "is of another version of Kuchi test pulse: it sets colour"),
    ("latent", "release", "is a state of urn:kuchi-test:latent, not of Kuchi test pulse")])
def test_a_saved_state_is_taken_or_explained(tmp_path: Path, of, symbol, words):
    (tmp_path / "soft.ttl").write_text(STATE.format(of=of, symbol=symbol), encoding="utf-8")
    read = parse_patch(PULSE.format(name="pulse", more='state = "soft.ttl"'), folder=tmp_path)
    if words:
        with pytest.raises(KuchiError, match=words):
            Graph(read)
    else:
        assert Graph(read).nodes["pulse"].release_ == pytest.approx(0.25)


@pytest.mark.parametrize(("name", "own_chance"), [
    ("beatbox-through-reverb", 0.06),                   # this reverb wanders at random, by .03
    ("keys-through-epiano", 0.0), ("kit-from-lv2", 0.0)])
def test_the_patches_with_plugins_sound_the_same_twice(name, own_chance, installed_plugin):
    document = tomllib.loads(Path(f"patches/{name}.toml").read_text(encoding="utf-8"))
    for table in document["nodes"].values():
        if table["type"] == "lv2-plugin":
            installed_plugin(table["plugin"])
    read = load_patch(name)
    notes = [NoteOn(0.1, 60, 100, 1), NoteOn(0.2, 38, 100, 10), NoteOff(0.3, 60, 0, 1)]
    strike = np.zeros(24_000, np.float32)
    strike[4800:5800] = np.random.default_rng(1).normal(0, 0.3, 1000) * np.exp(
        -np.arange(1000) / 200)
    first, second = sound(read, strike, notes), sound(read, strike, notes)
    assert np.linalg.norm(first - second) <= own_chance * np.linalg.norm(first)
    assert np.abs(first).max() > 0.01
