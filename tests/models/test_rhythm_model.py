"""The rhythm model's card tells the truth, and its scoring can be trusted."""

import json

import numpy as np
import pytest
from performances import written

from engine.music.memory import FEATURES
from engine.music.ngram import contexts, counted, load, save
from engine.music.pattern import pattern_of
from engine.music.rhythm import Rhythm, trained
from models_onnx.rhythm import card, stage
from models_onnx.rhythm.card import HERE
from models_onnx.rhythm.data import takes
from models_onnx.rhythm.evaluate import foreseen, scores
from models_onnx.rhythm.hearing import contexts_of, listen
from models_onnx.rhythm.measures import MEASURES, alike, rank_correlation, unlike_any

NAMES = ["model", *(f"folds/{path.stem}" for path in sorted((HERE / "folds").glob("*.onnx")))]
ROCK = [(bar * 4 + beat, drum, velocity) for bar in range(8)
        for beat, drum, velocity in [(0, 0, 0.9), (1, 1, 0.8), (2, 0, 0.7), (3, 1, 0.8)]]


def test_the_rhythm_card_shows_the_scores():
    assert card.figures() in (HERE / "README.md").read_text(encoding="utf-8")


def test_every_drummer_in_the_scores_was_heard_by_a_model_that_never_met_them():
    heard_by = json.loads((HERE / "folds" / "folds.json").read_text())
    assert heard_by["drummer3"] == heard_by["drummer8"]
    assert set(heard_by) == set(json.loads((HERE / "scores.json").read_text())["drummers"])
    assert {f"folds/fold_{fold}" for fold in heard_by.values()} == set(NAMES[1:])


@pytest.mark.parametrize("name", NAMES)
def test_a_rhythm_model_that_ships_is_small_and_weighs_what_it_is_given(name):
    model, ngram = trained(name)
    assert model.path.stat().st_size < 2_000_000
    assert (HERE / f"{name.replace('model', 'ngram')}.npz").stat().st_size < 2_000_000
    model.inputs["features"][0] = np.linspace(-1.0, 1.0, FEATURES)
    model.run()
    assert all(np.isfinite(array).all() for array in model.outputs.values())
    assert (np.triu(model.outputs["pairs"][0]) == 0.0).all()
    chances = ngram.chances(contexts(0, 0, 0, 0))
    assert chances.sum() == pytest.approx(1.0, abs=1e-4)


def test_scoring_a_take_at_once_and_playing_along_with_it_agree():
    pattern = pattern_of(ROCK, triplets=False)
    nats, _, strokes = foreseen(listen(pattern, 110.0), "model")
    rhythm = Rhythm()
    for step, (hits, offsets) in enumerate(zip(pattern.hits, pattern.offsets, strict=True)):
        played = int((hits > 0.0) @ (1 << np.arange(8, -1, -1)))
        assert -np.log(rhythm.set_chances()[played]) == pytest.approx(nats[step], abs=0.02)
        assert rhythm.strokes(hits > 0.0) == pytest.approx(strokes[step], abs=0.02)
        rhythm.hear(hits, offsets)


def test_counts_come_back_from_their_file_and_know_what_they_saw(tmp_path):
    of, played = contexts_of(pattern_of(ROCK, triplets=False))
    save(counted(of, played), tmp_path / "ngram.npz")
    ngram = load(tmp_path / "ngram.npz")
    likely = ngram.masses(of, played, played + 1)
    assert likely[-1] > 0.2
    assert ngram.chances(of[:, -1])[played[-1]] == pytest.approx(likely[-1], rel=1e-4)


def test_evaluate_scores_drummers_that_were_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "MADE", 3)                          # of a hundred
    monkeypatch.setattr(stage, "SETTINGS", (0.0, 1.0))             # of eleven
    found = scores(written(tmp_path))
    assert list(found["drummers"]) == ["somebody"]
    assert found["unseen_drummers"] == found["nats_per_step"] < found["baseline_nats_per_step"]
    assert 1.0 <= found["prior_perplexity"] < 2.0
    assert set(found["generated"]) == set(MEASURES)
    assert "triplets" not in found
    assert scores(tmp_path, sets=["other"]) == {}


def test_only_permissive_takes_in_four_quarters_are_read(tmp_path):
    (take,) = takes(written(tmp_path))
    assert take.set == "test"
    assert take.step_ms == 125.0
    assert take.on_grid().bars == 20


def test_measures_of_a_bar_that_is_known():
    rock = pattern_of(ROCK, triplets=False)
    found = {name: measure(rock, 125.0) for name, measure in MEASURES.items()}
    assert found["hits_a_bar"] == 4.0
    assert found["kick_on_one"] == found["backbeat"] == found["similarity"] == 1.0
    assert found["velocity_spread"] == pytest.approx(127 * np.std([0.9, 0.8, 0.7, 0.8]), rel=1e-3)
    assert found["timing_spread_ms"] == 0.0
    assert unlike_any(rock, rock) == 0.0
    assert alike(np.array([True, True]), np.array([True, False])) == 0.5


def test_rank_correlation_shares_the_ranks_of_ties():
    assert rank_correlation([1, 2, 3], [10, 30, 20]) == pytest.approx(0.5)
    assert rank_correlation([1, 2, 3, 4], [1, 1, 2, 2]) == pytest.approx(0.8944, abs=1e-4)
    assert rank_correlation([1, 2], [5, 5]) == 0.0
