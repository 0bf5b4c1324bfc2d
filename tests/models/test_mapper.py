"""The graph that ships is the one the script writes, and gives what numpy gives."""

from pathlib import Path

import pytest
import soundfile

from engine.mouth import perform
from models_onnx.corpus import recordings
from models_onnx.mapper.card import BEGIN, END, figures
from models_onnx.mapper.evaluate import scores
from models_onnx.mapper.make import CLOSE, HERE, apart, graph
from models_onnx.mapper.measures import profile_of


def test_the_graph_that_ships_is_the_one_that_is_made():
    assert (HERE / "model.onnx").read_bytes() == graph().SerializeToString()


@pytest.mark.parametrize("sounds", [2, 5, 16])
def test_the_graph_gives_what_the_formula_gives(sounds):
    assert apart(HERE / "model.onnx", sounds, seed=1) < CLOSE


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data folder with one synthetic performer of twelve kicks, snares and hats."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "beatbox" / "made").mkdir(parents=True)
    rows = ["path,set,performer_or_kit,label,onset_s,attack_s,duration_s,licence"]
    for label, sound in (("kick", "b"), ("snare", "pf"), ("hihat", "ts")):
        audio, strikes = perform([(0.5 + 0.6 * k, sound, 0.5 + 0.04 * k) for k in range(12)],
                                 "aki", seed=1)
        soundfile.write(folder / "beatbox" / "made" / f"{label}.flac", audio, 48_000)
        rows += [f"beatbox/made/{label}.flac,made,aki,{label},{s.time},{s.time},0.2,CC0"
                 for s in strikes]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_what_another_microphone_costs_and_a_soundcheck_wins_back_is_scored(data):
    found = scores(data)
    assert found["taught"]["64"] >= 0.9
    for way in ("elsewhere", "corrected"):
        assert set(found[way]) == {"16", "32", "64"}
    assert found["corrected"]["64"] >= found["elsewhere"]["64"] - 0.1
    assert 0.0 < found["velocity_2db"]["mean"] <= 10.0
    assert list(found["performers"]) == ["aki"]


def test_a_profile_for_scoring_leaves_its_takes_out_of_what_is_asked(data):
    names = {"kick": "kick", "snare": "snare", "hihat": "hihat"}
    profile, taken = profile_of(recordings(data, part="beatbox"), 5, names)
    assert [len(profile.numbers(name)) for name in names] == [5, 5, 5]
    assert [len(events) for events in taken.values()] == [5, 5, 5]
    half, _ = profile_of(recordings(data, part="beatbox"), 99, names)
    assert [len(half.numbers(name)) for name in names] == [6, 6, 6]


def test_the_cards_figures_are_those_of_the_scores():
    assert BEGIN + figures() + END in (HERE / "README.md").read_text(encoding="utf-8")
