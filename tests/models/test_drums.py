"""The drum model's card tells the truth, and its scoring can be trusted."""

import json

import numpy as np
import pytest
import soundfile

from engine.dsp.mel import BANDS
from engine.model import Model
from models_onnx.drums import card
from models_onnx.drums.data import BEFORE, CLASSES, LENGTH, Strike, features, may_be, varied
from models_onnx.drums.evaluate import scores
from models_onnx.drums.hearing import EMBEDDING, HERE, UNITS, opinions
from models_onnx.drums.measures import interval, macro_f1, three_of

MODELS = sorted([HERE / "model.onnx", *(HERE / "folds").glob("*.onnx")])
SHAPES = ({"frame": (1, BANDS), "state": (1, UNITS)},
          {"probabilities": (1, CLASSES), "instruments": (1, CLASSES - 1),
           "embedding": (1, EMBEDDING), "next_state": (1, UNITS)})


def thump(hz=100.0, who="somebody"):
    time = np.arange(LENGTH - BEFORE) / 48_000
    samples = np.zeros(LENGTH, np.float32)
    samples[BEFORE:] = 0.5 * np.sin(2 * np.pi * hz * time) * np.exp(-time / 0.03)
    return Strike(who, "voice", samples, may_be("kick"), np.inf)


def test_the_card_shows_the_scores():
    assert card.figures() in (HERE / "README.md").read_text(encoding="utf-8")


def test_every_performer_in_the_scores_was_heard_by_a_model_that_never_met_them():
    heard_by = json.loads((HERE / "folds" / "folds.json").read_text())
    assert {f"fold_{fold}.onnx" for fold in heard_by.values()} == {
        path.name for path in (HERE / "folds").glob("*.onnx")}
    assert heard_by["MOB"] == heard_by["OBM"]                      # one person, two initials


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_that_ships_gives_probabilities_and_a_place_on_the_sphere(path):
    assert path.stat().st_size < 2_000_000
    model = Model(path, *SHAPES)
    for frame in features(thump()):
        model.inputs["frame"][0] = frame
        model.run()
        model.inputs["state"][:] = model.outputs["next_state"]
        assert model.outputs["probabilities"].sum() == pytest.approx(1.0, abs=1e-5)
        assert np.linalg.norm(model.outputs["embedding"]) == pytest.approx(1.0, abs=1e-4)


def test_a_variation_is_the_same_strike_on_another_day():
    rng = np.random.default_rng(4)
    strike = thump()
    others = [varied(strike, rng) for _ in range(20)]
    assert all(np.isfinite(other.samples).all() for other in others)
    assert all((other.may_be == strike.may_be).all() for other in others)
    loudest = [int(np.abs(other.samples).argmax()) - BEFORE for other in others]
    assert min(loudest) > -0.004 * 48_000
    assert max(loudest) < 0.020 * 48_000
    assert len({other.samples.tobytes() for other in others}) == 20


def test_a_hat_of_unknown_openness_may_be_either():
    assert three_of(np.stack([may_be(name) for name in (
        "kick", "snare", "hihat", "hihat_open", "hihat_closed", "rim", "speech")])
                    ).tolist() == [0, 1, 2, 2, 2, -1, -1]
    assert may_be("hihat").sum() == 2
    assert may_be("speech").argmax() == CLASSES - 1


def test_macro_f1_is_the_mean_of_each_class_by_its_textbook_formula():
    truth, named = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    assert macro_f1(truth, named, 3) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


def test_an_interval_holds_the_mean_and_shrinks_with_more_performers():
    few = interval(dict(zip("abcd", (0.2, 0.4, 0.6, 0.8), strict=True)))
    many = interval({str(i): (0.2, 0.4, 0.6, 0.8)[i % 4] for i in range(64)})
    assert few[0] < many[0] < 0.5 < many[1] < few[1]
    assert interval({}) is None


def test_after_the_next_strike_the_opinion_is_frozen():
    alone = thump()
    crowded = Strike("somebody", "voice", alone.samples, alone.may_be, 0.020)
    heard = opinions([alone, crowded])
    rows, frames = heard.after(100.0)
    assert rows.tolist() == [0, 1]
    assert frames.tolist() == [52, 12]


def test_evaluate_scores_whatever_part_of_the_data_is_there(tmp_path):
    folder = tmp_path / "beatbox" / "one" / "her"
    folder.mkdir(parents=True)
    rows = ["path,set,performer_or_kit,label,onset_s,attack_s,duration_s,licence"]
    for k, label in enumerate(("kick", "snare", "hihat_closed")):
        for i in range(4):
            samples = thump(hz=(100.0, 900.0, 9_000.0)[k] * (1 + i / 50)).samples[BEFORE:]
            soundfile.write(folder / f"{label}{i}.flac", samples, 48_000)
            rows.append(f"beatbox/one/her/{label}{i}.flac,one,her,{label},0,0,0.2,CC0")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    found = scores(tmp_path)
    assert set(found["zero_shot"]) == {"8", "12", "16", "24", "32", "48", "64", "100", "200"}
    assert list(found["performers"]) == ["her"]
    assert found["takes_5"]["64"]["f1"] == 1.0                    # three tones, two takes of each
    assert "oneshots" not in found
    assert "labelled_zero_shot" not in found
    assert "zero_shot" not in scores(tmp_path, sets=["other"])
