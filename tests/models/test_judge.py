"""The detector's card tells the truth, and its scoring and its lessons can be trusted."""

import csv
import json
import struct
from collections import Counter

import numpy as np
import pytest
import soundfile

from engine.dsp.onsets import FEATURES
from engine.mouth import beat, perform
from engine.nodes.onset_detector import OnsetDetector, load_ear
from engine.rendering import hear
from engine.units import SAMPLE_RATE, frames
from models_onnx.corpus import Event, Recording
from models_onnx.onsets import bonk, card, data, stage, supercollider
from models_onnx.onsets.evaluate import scores
from models_onnx.onsets.measures import (
    HERE,
    Heard,
    delays_ms,
    f_measures,
    kuchi,
    model_for,
    pooled,
    summary,
)
from models_onnx.onsets.sixteenths import cut, playing

JUDGES = sorted([HERE / "judge.npz", *(HERE / "folds").glob("*.npz")])


def heard(truth, times, who="a", late_s=0.004):
    times = np.array(times)
    return Heard(who, Counter(kick=4, snare=4, hihat=4), np.array(truth), np.array(truth), times,
                 times + late_s)


def a_take(seed=0):
    audio, strikes = perform(beat({"b": "X...x...", "ts": "..x...x."}, bpm=100, bars=2), seed)
    return data.Take("a", data.levels_of(audio), np.array([s.time for s in strikes]))


def test_the_card_shows_the_scores():
    assert card.figures() in (HERE / "README.md").read_text(encoding="utf-8")


def test_every_performer_in_the_scores_was_heard_by_a_judge_that_never_met_them():
    heard_by = json.loads((HERE / "folds" / "folds.json").read_text())
    assert {f"fold_{fold}.npz" for fold in heard_by.values()} == {
        path.name for path in (HERE / "folds").glob("*.npz")}
    assert heard_by["MOB"] == heard_by["OBM"]                      # one person, two initials
    assert model_for("MOB").name == f"fold_{heard_by['MOB']}.npz"
    assert model_for("somebody new").name == "judge.npz"


@pytest.mark.parametrize("path", JUDGES, ids=lambda path: path.stem)
def test_all_judges_share_one_bar(path):
    assert load_ear(path)["sure"][0] == load_ear(HERE / "judge.npz")["sure"][0]
    assert path.stat().st_size < 100_000


def test_an_onset_is_right_once_and_within_its_window():
    right = heard([0.5, 1.0], [0.51, 1.04, 1.045, 1.5])
    assert pooled([right], 0.05) == pytest.approx(2 * 2 / 6)
    assert pooled([right], 0.025) == pytest.approx(2 * 1 / 6)


def test_a_performer_with_three_hats_is_in_no_mean():
    few = Heard("b", Counter(kick=9, snare=9, hihat=3), *[np.array([0.5])] * 4)
    assert list(f_measures([heard([0.5], [0.5]), few], 0.05)) == ["a"]
    assert list(f_measures([few], 0.05, everybody=True)) == ["b"]


def test_delays_count_from_the_attack_to_the_announcement():
    assert delays_ms([heard([0.5, 1.0], [0.502, 1.2])]) == pytest.approx([6.0])
    assert summary([heard([0.5], [0.502])])["delay_ms_p95"] == 6.0


def test_just_after_a_strike_the_answer_is_yes_around_it_open_elsewhere_no():
    answers = data.answers(750, np.array([0.5]))
    at = {ms: answers[round((0.5 + ms / 1000) * data.HOPS_A_SECOND) - 1]
          for ms in (-60, -15, 0, 8, 18, 35, 60)}
    assert at == {-60: 0, -15: -1, 0: -1, 8: 1, 18: 1, 35: -1, 60: 0}


def test_features_for_training_are_those_of_the_stage_at_the_hops_asked_for():
    take = a_take()
    everywhere, all_hops = data.features_of(take.levels, np.ones(len(take.levels), bool))
    wanted = np.zeros(len(take.levels), bool)
    wanted[all_hops[::7]] = True
    some, hops = data.features_of(take.levels, wanted)
    assert (hops == all_hops[::7]).all()
    assert (some == everywhere[::7]).all()
    assert some.shape[1] == FEATURES


def test_a_varied_take_is_the_same_take_on_another_day():
    take, rng = a_take(), np.random.default_rng(3)
    for _ in range(10):
        other = data.varied(take, rng)
        stretch = other.attacks[-1] / take.attacks[-1]
        assert 0.85 <= stretch <= 1.18
        assert len(other.levels) == pytest.approx(len(take.levels) * stretch, abs=2)
        assert np.isfinite(other.levels).all()


def test_sixteenths_are_made_of_hits_and_lie_where_it_says():
    made = data.dense([a_take()], np.random.default_rng(5))
    assert len(made.attacks) > 10
    assert np.diff(made.attacks).min() > 0.06
    hops = (made.attacks * data.HOPS_A_SECOND).astype(int)
    rises = np.diff(made.levels, axis=0).clip(0).sum(axis=1)
    assert np.median([rises[hop - 4:hop + 4].max() for hop in hops]) > 4 * np.median(rises)


def test_a_take_may_begin_on_the_first_sample_of_a_strike():
    take, rng = a_take(), np.random.default_rng(3)
    begun = [data.sudden(take, rng) for _ in range(60)]
    late = [other for other in begun if other is not take]
    assert 1 <= len(late) <= 20
    for other in late:
        assert 0.0 <= other.attacks[0] <= 1 / data.HOPS_A_SECOND
        assert len(take.levels) - len(other.levels) == pytest.approx(
            (take.attacks[-1] - other.attacks[-1]) * data.HOPS_A_SECOND)


def test_fast_playing_is_laid_where_it_says():
    rng = np.random.default_rng(6)
    hit = np.zeros(4800, np.float32)
    hit[240] = 0.3
    audio, attacks = playing([(hit, 0.005)] * 3, rng)
    assert 0.06 < np.diff(attacks).min() < 0.21
    loud = np.flatnonzero(np.abs(audio) > 0.1) / SAMPLE_RATE
    assert loud == pytest.approx(attacks, abs=2 / SAMPLE_RATE)


def test_hits_are_cut_until_the_next_and_brought_to_one_peak(tmp_path):
    audio = np.zeros(SAMPLE_RATE, np.float32)
    audio[[4800, 24000]] = 0.9, 0.1
    soundfile.write(tmp_path / "two.wav", audio, SAMPLE_RATE, subtype="FLOAT")
    events = tuple(Event("kick", time, time) for time in (0.1, 0.5))
    hits = list(cut(Recording(tmp_path / "two.wav", "beatbox", "avp", "a", "MIT", events)))
    assert [np.abs(samples).max() for samples, _ in hits] == pytest.approx([0.3, 0.3])
    assert [attack for _, attack in hits] == pytest.approx([0.005, 0.005])
    assert len(hits[0][0]) == frames(0.4 + 0.005 - 0.02)


def test_scoring_hears_what_the_node_hears():
    audio, _ = perform(beat({"b": "X...x...", "ts": "..x...x."}, bpm=100, bars=2), "aki")
    sent = list(hear(OnsetDetector(), audio))
    times, when = kuchi(audio, HERE / "judge.npz")
    assert times == pytest.approx([s.event.time for s in sent], abs=1e-9)
    assert when == pytest.approx([s.sent for s in sent], abs=1e-9)


def test_a_rolling_lip_is_struck_once():
    for take in data.rolls(seed=2, count=2):
        assert len(take.attacks) == 1
        assert len(take.levels) / data.HOPS_A_SECOND > 1.4


def test_what_bonk_prints_is_read():
    told = "bonk version 1.5\nsaid: 120.5 1 61.7 2.8\nheard: 46.4 18.4 9.7\nsaid: 300 0 9 1\n"
    assert bonk._read(told) == [bonk.Said(0.1205, 1, (46.4, 18.4, 9.7))]


def test_a_line_of_supercolliders_score_is_a_bundle_at_its_time():
    message = supercollider.begin({"threshold": 0.5}, "rcomplex", 512)
    line = supercollider.timed(2.25, message)
    length, seconds, fraction, size = (struct.unpack_from(">I", line, place)[0]
                                       for place in (0, 12, 16, 20))
    assert (length, size) == (len(line) - 4, len(message))
    assert seconds + fraction / 2 ** 32 == 2.25
    assert line.endswith(message)
    assert b"onsets_rcomplex512" in message


@pytest.mark.skipif(not bonk.installed(), reason="Pure Data's bonk~ is not installed")
def test_bonk_is_taught_takes_and_names_hits():
    score = beat({"b": "X.......X.......", "ts": "....X.......X..."}, bpm=100, bars=2)
    audio, strikes = perform(score, "aki")
    takes = [(audio, s.time, s.sound) for s in strikes]
    hits = bonk.Known(takes).named_hits(audio)
    right = [sound for s in strikes for time, sound, _ in hits
             if abs(time - s.time) < 0.05 and sound == s.sound]
    assert len(right) >= len(strikes) - 2
    assert bonk.Known([]).named_hits(audio) == []


def test_what_is_refused_has_no_strikes_in_it():
    takes = data.nothing(seed=2, count=5, seconds=2.0)
    assert all(len(take.attacks) == 0 and take.levels.max() > -80.0 for take in takes)


def test_pauses_lie_between_strikes_and_after_their_tails():
    found = stage.triggers_in_pauses([heard([0.5, 2.0, 2.2], [0.5, 0.7, 1.0, 1.97, 2.0, 9.0])])
    assert found["minutes"] == pytest.approx((1.94 - 0.8) / 60, abs=0.005)
    assert found["a_minute"] == pytest.approx(60 / 1.14, rel=0.01)


def test_a_small_part_of_the_data_is_scored_with_what_it_has(tmp_path):
    rows = []
    for who, name in (("zoe", "one"), ("zoe", "two")):
        audio, strikes = perform(beat({"b": "X...x...", "ts": "..x...x."}, bpm=100), "aki")
        path = tmp_path / "beatbox" / "lvt" / f"{name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, audio, SAMPLE_RATE)
        rows += [{"path": str(path.relative_to(tmp_path)), "set": "lvt", "performer_or_kit": who,
                  "label": {"b": "kick"}.get(s.sound, "hihat"), "onset_s": s.time,
                  "attack_s": s.time, "licence": "MIT"} for s in strikes]
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = scores(tmp_path)
    assert found["onsets"]["hits"] == len(rows)
    assert found["onsets"]["pooled_f50"] > 0.8
    assert found["performers"]["zoe"]["f50"] > 0.8
    assert "f50" not in found["onsets"]                 # nobody here has snares
    assert "sixteenths" not in found
    assert json.loads(json.dumps(found)) == found
