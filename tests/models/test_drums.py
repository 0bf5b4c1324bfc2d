"""The drum model's card tells the truth, and its scoring can be trusted."""

import json

import numpy as np
import onnx
import pytest
import soundfile

from engine.drums import DRUMS
from engine.dsp.strike import HUSH, WIDTH
from engine.errors import ModelError
from engine.units import SAMPLE_RATE, frames
from engine.voice import likeness
from engine.voice.drum_model import EMBEDDING, MEMORY, UNITS, drum_model, spread_of
from engine.voice.learning import MOMENTS_MS, listen
from models_onnx.corpus import Event, Recording
from models_onnx.drums import card, refusal, rival
from models_onnx.drums.data import (
    BEFORE,
    LENGTH,
    MOST_ONSETS,
    Strike,
    announced,
    backwards,
    drawn,
    features,
    may_be,
    refused,
    spoken_over,
)
from models_onnx.drums.days import line, varied
from models_onnx.drums.evaluate import scores
from models_onnx.drums.graph import graph
from models_onnx.drums.hearing import HERE, Opinions, model_for, opinions
from models_onnx.drums.measures import THREE, UNKNOWN, Taught, interval, macro_f1, three_of
from models_onnx.drums.noises import NOISES
from models_onnx.drums.spread import note, spread
from models_onnx.drums.talk import can_talk

MODELS = sorted([HERE / "model.onnx", *(HERE / "folds").glob("*.onnx")])


def thump(hz=100.0, who="somebody", label="kick"):
    time = np.arange(LENGTH - BEFORE) / 48_000
    samples = np.zeros(LENGTH, np.float32)
    samples[BEFORE:] = 0.5 * np.sin(2 * np.pi * hz * time) * np.exp(-time / 0.03)
    return Strike(who, "voice", samples, may_be(label), np.inf)


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
    model = drum_model(path)
    for frame in features(thump()):
        model.inputs["frame"][0] = frame
        model.run()
        model.inputs["state"][:] = model.outputs["next_state"]
        assert model.outputs["probabilities"].sum() == pytest.approx(1.0, abs=1e-5)
        assert np.linalg.norm(model.outputs["embedding"]) == pytest.approx(1.0, abs=1e-4)


def stepped(weights, gru, frame, state):
    """A GRU's next state, as torch writes the formula."""
    new = weights[f"{gru}.weight_ih_l0"] @ frame + weights[f"{gru}.bias_ih_l0"]
    kept = weights[f"{gru}.weight_hh_l0"] @ state + weights[f"{gru}.bias_hh_l0"]
    size = len(state)
    reset, update = 1.0 / (1.0 + np.exp(-(new + kept)[:2 * size].reshape(2, size)))
    candidate = np.tanh(new[2 * size:] + reset * kept[2 * size:])
    return (1.0 - update) * candidate + update * state


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


@pytest.mark.parametrize("naming", [96, 80])
def test_the_graph_steps_both_networks_each_by_itself(naming, tmp_path):
    rng, refusing = np.random.default_rng(7), UNITS - naming
    shapes = {}
    for gru, heard, size in (("gru", WIDTH - HUSH, naming), ("doubt", WIDTH, refusing)):
        shapes |= {f"{gru}.weight_ih_l0": (3 * size, heard), f"{gru}.bias_ih_l0": (3 * size,),
                   f"{gru}.weight_hh_l0": (3 * size, size), f"{gru}.bias_hh_l0": (3 * size,)}
    for head, size, said in (("voice", naming, 16), ("drum", naming, 16),
                             ("place", naming, EMBEDDING), ("none", refusing, 1)):
        shapes |= {f"{head}.weight": (said, size), f"{head}.bias": (said,)}
    weights = {name: rng.normal(0.0, 0.2, shape).astype(np.float32)
               for name, shape in shapes.items()}
    onnx.save(graph(weights), tmp_path / "drums.onnx")
    model = drum_model(tmp_path / "drums.onnx")
    named, doubted = np.zeros(naming), np.zeros(refusing)
    for frame in rng.uniform(-1.0, 1.0, (30, WIDTH)).astype(np.float32):
        model.inputs["frame"][0] = frame
        model.run()
        model.inputs["state"][:] = model.outputs["next_state"]
        named = stepped(weights, "gru", frame[:WIDTH - HUSH], named)
        doubted = stepped(weights, "doubt", frame, doubted)
        voice, drum, place, none = (
            weights[f"{head}.weight"] @ state + weights[f"{head}.bias"]
            for head, state in (("voice", named), ("drum", named), ("place", named),
                                ("none", doubted)))
        none = 1.0 / (1.0 + np.exp(-none))
        for name, wanted in (("probabilities", [*softmax(voice) * (1.0 - none), *none]),
                             ("instruments", softmax(drum)),
                             ("embedding", place / np.linalg.norm(place)),
                             ("next_state", [*named, *doubted])):
            np.testing.assert_allclose(model.outputs[name][0], wanted, atol=1e-5)


def test_a_variation_is_the_same_strike_on_another_day():
    rng = np.random.default_rng(4)
    strike = thump()
    others = [varied(strike, rng) for _ in range(20)]
    assert all(np.isfinite(other.samples).all() for other in others)
    assert all((other.may_be == strike.may_be).all() for other in others)
    loudest = [int(np.abs(other.samples).argmax()) - BEFORE for other in others]
    assert min(loudest) > -0.004 * 48_000
    assert np.median(loudest) < 0.010 * 48_000
    assert max(loudest) < 0.080 * 48_000                     # the wind of close lips comes late
    assert len({other.samples.tobytes() for other in others}) == 20


def test_a_bed_sounds_before_the_strike_and_far_below_it():
    rng = np.random.default_rng(5)
    bed = np.sin(2 * np.pi * 440.0 * np.arange(2 * LENGTH) / SAMPLE_RATE)
    heard = [varied(thump(), rng, [bed]) for _ in range(40)]
    hertz = np.fft.rfftfreq(BEFORE - 500, 1.0 / SAMPLE_RATE)
    tonal = []
    for strike in heard:
        power = np.abs(np.fft.rfft(strike.samples[:BEFORE - 500])) ** 2
        tonal.append(power[np.abs(hertz - 440.0) < 30.0].sum() > 0.9 * power.sum())
        assert np.abs(strike.samples[:BEFORE - 500]).max() < np.abs(strike.samples).max()
    assert 2 <= sum(tonal) <= 20                              # about a fifth of the days


def test_a_hat_of_unknown_openness_may_be_either():
    assert three_of(np.stack([may_be(name) for name in (
        "kick", "snare", "hihat", "hihat_open", "hihat_closed", "rim", "speech")])
                    ).tolist() == [0, 1, 2, 2, 2, -1, -1]
    assert may_be("hihat").sum() == 2
    assert may_be("speech").argmax() == len(may_be("speech")) - 1


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


def performer(each=8):
    """Kicks, snares and hats that are tones; how they are called is another matter."""
    return [thump(hz=hz * (1.0 + i / 50), who="she", label=label)
            for hz, label in ((100.0, "kick"), (900.0, "snare"), (9_000.0, "hihat_closed"))
            for i in range(each)]


def test_takes_in_the_scores_are_heard_as_those_of_a_profile():
    strike = thump()
    heard = opinions([strike], takes=True, model=HERE / "model.onnx")
    model = drum_model(HERE / "model.onnx")
    for k, shift in enumerate((0, -96, 96)):
        features, general = listen(model, strike.samples, BEFORE + shift)
        assert np.array_equal(heard.features[0, k], features)
        assert np.array_equal(heard.general[0, k], general)


@pytest.mark.parametrize("path", [HERE / "model.onnx", *sorted(HERE.glob("folds/*.onnx"))],
                         ids=lambda path: path.stem)
def test_a_model_that_ships_tells_how_its_state_varies_within_one_sound(path):
    told = spread_of(drum_model(path))
    assert told is not None, "python -m models_onnx.drums.spread --data DIR"
    assert np.array_equal(told, told.T)
    assert np.linalg.eigvalsh(told.astype(np.float64))[0] > 0.0
    assert 0.05 < np.trace(told) / UNITS < 5.0               # about as much as a lingering band


def test_what_a_model_tells_of_itself_is_noted_in_its_file(tmp_path):
    path = tmp_path / "own.onnx"
    own = onnx.load(HERE / "model.onnx")
    onnx.helper.set_model_props(own, {})
    onnx.save(own, path)
    assert spread_of(drum_model(path)) is None
    note(path, np.diag(np.arange(1.0, UNITS + 1.0)))
    assert np.array_equal(np.diag(spread_of(drum_model(path))), np.arange(1.0, UNITS + 1.0))
    note(path, np.eye(UNITS - 1))
    with pytest.raises(ModelError, match="isn't a covariance of 160 units"):
        spread_of(drum_model(path))


def test_sounds_count_alike_in_how_a_state_varies_and_their_means_not_at_all():
    rng = np.random.default_rng(4)
    many, few = 400, 40
    n = many + few
    features = rng.standard_normal((n, 3, len(MOMENTS_MS), MEMORY)).astype(np.float32)
    features[many:, ..., :UNITS] *= 3.0                      # one sound varies more, by 9
    features[many:] += 50.0
    may = np.zeros((n, len(DRUMS) + 1), bool)
    may[:many, 0], may[many:, 1] = True, True
    found = spread(Opinions(*(np.zeros((n, 0), np.float32) for _ in range(2)), features,
                            np.zeros((n, 0), np.float32), may, np.zeros(n, np.int64),
                            np.array(["she"] * n)))
    assert np.diag(found) == pytest.approx(np.full(UNITS, 5.0), rel=0.05)
    assert np.abs(found - np.diag(np.diag(found))).max() < 0.5


def test_who_is_taught_is_asked_about_the_other_strikes_only():
    heard = opinions(performer(), takes=True)
    labels = three_of(heard.may_be)
    taught = Taught(heard, labels, 5, THREE)
    assert len(taught.asked) == 3 * (8 - 4)                  # half of the eight are takes
    assert (taught.truth == labels[taught.asked]).all()
    assert (taught.named(64) == taught.truth).mean() > 0.9
    assert taught.chances(64).shape == (12, 4)


def test_sure_speaks_no_later_than_its_cap_and_sooner_where_less_is_asked():
    heard = opinions(performer(), takes=True)
    taught = Taught(heard, three_of(heard.may_be), 5, THREE)
    _, eager = taught.as_soon_as_sure(0.4, 32)
    named, patient = taught.as_soon_as_sure(1.1, 32)
    assert (patient == 32.0).all()                           # nothing is ever that sure
    assert eager.mean() < 32.0
    assert set(eager) <= set(map(float, MOMENTS_MS))
    assert UNKNOWN not in named


def test_a_line_takes_the_top_from_everything_alike():
    rng = np.random.default_rng(1)
    hiss = rng.standard_normal(SAMPLE_RATE)
    for _ in range(5):
        power = np.abs(np.fft.rfft(line(hiss, rng))) ** 2
        assert power[16_500:].sum() < 0.01 * power[:3_000].sum()


@pytest.mark.parametrize("name", NOISES)
def test_a_noise_is_as_long_as_asked_and_never_too_loud(name):
    make = NOISES[name]
    sound = make(np.random.default_rng(2), 30_000)
    assert sound.shape == (30_000,)
    assert np.isfinite(sound).all()
    assert 0.1 < np.abs(sound).max() <= 1.0
    assert np.array_equal(sound, make(np.random.default_rng(2), 30_000))


@pytest.mark.parametrize("name", NOISES)
def test_what_is_refused_was_announced_by_the_detector_and_is_none(name):
    found = refused(np.random.default_rng(3), name)
    assert len(found) <= MOST_ONSETS + 1
    assert {strike.who for strike in found} <= {name}
    assert all(strike.may_be.argmax() == len(strike.may_be) - 1 for strike in found)
    assert all(strike.samples.shape == (LENGTH,) for strike in found)


@pytest.mark.skipif(not can_talk(), reason="eSpeak NG and Flite read the vowels")
def test_a_strike_that_a_vowel_follows_is_a_word():
    strike = thump(hz=90.0)
    word = spoken_over(strike, np.random.default_rng(8))
    assert word.kind == "word"
    assert word.may_be.argmax() == len(word.may_be) - 1
    assert np.array_equal(word.samples[:BEFORE], strike.samples[:BEFORE])
    late = slice(BEFORE + 3_000, BEFORE + 6_000)                # 60 to 120 ms on, it still speaks
    assert np.abs(word.samples[late]).max() > 2.0 * np.abs(strike.samples[late]).max()


def test_a_take_played_from_its_end_is_none_and_stays_its_performers(tmp_path):
    folder = tmp_path / "beatbox" / "one" / "her"
    folder.mkdir(parents=True)
    samples = np.concatenate([thump(hz=300.0).samples for _ in range(4)])[::-1]
    soundfile.write(folder / "take.flac", samples, SAMPLE_RATE)
    rows = ["path,set,performer_or_kit,label,onset_s,attack_s,duration_s,licence"] + [
        f"beatbox/one/her/take.flac,one,her,kick,{time},{time},0.2,CC0"
        for time in (np.arange(4) * LENGTH + BEFORE) / SAMPLE_RATE]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    found = backwards(tmp_path, np.random.default_rng(8), 3)
    assert 1 <= len(found) <= 3
    assert {strike.who for strike in found} == {"her"}
    assert all(strike.may_be.argmax() == len(strike.may_be) - 1 for strike in found)


def test_a_strike_is_cut_where_the_detector_announces_it_not_where_a_person_wrote(tmp_path):
    folder = tmp_path / "beatbox" / "one" / "her"
    folder.mkdir(parents=True)
    samples = np.concatenate([thump(hz=300.0).samples for _ in range(4)])
    soundfile.write(folder / "take.flac", samples, SAMPLE_RATE)
    struck = (np.arange(4) * LENGTH + BEFORE) / SAMPLE_RATE
    labels = [*(struck + 0.015), struck[-1] + 0.2]              # all late, and one where nothing is
    rows = ["path,set,performer_or_kit,label,onset_s,attack_s,duration_s,licence"] + [
        f"beatbox/one/her/take.flac,one,her,kick,{time},{time},0.2,CC0" for time in labels]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    found = announced(tmp_path)
    assert len(found) == 4
    for strike in found:
        loud = np.flatnonzero(np.abs(strike.samples[BEFORE - 960:]) > 0.1)
        assert (loud[0] - 960) / 48 == pytest.approx(0.0, abs=4.0)     # ms from the place of attack
    assert [strike.alone_s for strike in found[:3]] == pytest.approx([LENGTH / SAMPLE_RATE] * 3,
                                                                     abs=0.003)


def test_a_synthetic_mouth_is_never_none():
    found = drawn(np.random.default_rng(8))
    assert len(found) >= 4
    assert not any(strike.may_be[-1] for strike in found)
    assert all(np.abs(strike.samples[BEFORE:BEFORE + 2_400]).max() > 0.001 for strike in found)


def test_a_threshold_that_accepts_the_hits_accepts_speech_that_sounds_like_them():
    hits = performer(32)
    assert refusal.false_accept(hits, hits, 32) >= 0.9


def test_the_threshold_takes_95_of_100_hits_and_what_is_surer_still():
    hits = performer(32)
    assert refusal.accepted(HERE / "model.onnx", hits, hits, [16, 32]).sum(axis=0).tolist() == [
        91, 91]                                                  # of 96


def test_whoever_has_taught_accepts_their_own_sounds_and_doubts_what_lies_elsewhere(monkeypatch):
    hits = performer(32)
    (own,) = refusal.false_accept_taught(hits, hits, 32).values()
    assert own >= 0.9
    heard, strange = (opinions(some, takes=True) for some in (
        hits, [thump(hz=hz, label="speech") for hz in (2_000, 3_000)]))
    nones = []
    for most in (likeness.MOST, 0.0):
        monkeypatch.setattr(likeness, "MOST", most)
        taught = Taught(heard, three_of(heard.may_be), 5, THREE)
        nones.append(taught.chances_of(strange.features[:, 0], strange.general[:, 0], 32)[:, -1])
    assert (nones[0] > 2.0 * nones[1]).all()


def test_nobody_who_is_asked_about_was_heard_before():
    people = [*json.loads((HERE / "folds" / "folds.json").read_text()), "stranger"]
    hits = [thump(who=who) for who in people for _ in range(2)]
    speech = [thump(who=f"speaker {i}", label="speech") for i in range(12) for _ in range(3)]
    deals = []
    for seed in (1, 2):
        found = list(refusal.held_out(hits, speech, seed))
        for some, asked in ((hits, [mine for _, mine, _ in found]),
                            (speech, [theirs for _, _, theirs in found])):
            assert (np.sum(asked, axis=0) == 1).all(), "each is asked about once"
            for rows in asked:
                out = {each.who for each, row in zip(some, rows, strict=True) if row}
                rest = {each.who for each, row in zip(some, rows, strict=True) if not row}
                assert out
                assert not out & rest
                assert len(out & {"MOB", "OBM"}) != 1             # one person, two initials
        for model, mine, _ in found:
            assert {model_for(hits[i].who) for i in np.flatnonzero(mine)} == {model}
        deals.append([theirs.tolist() for _, _, theirs in found])
    assert deals[0] != deals[1]


def test_evaluate_scores_whatever_part_of_the_data_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(refusal, "PIECES", 1)
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
    assert set(found["anytime_takes_5"]) >= {"accuracy", "mean_ms"}
    assert set(found["against_marks"]["zero_shot"]) == {"16", "32", "64"}
    assert not {"oneshots", "false_accept", "onsets"} & set(found)
    assert "labelled_zero_shot" not in found
    assert "zero_shot" not in scores(tmp_path, sets=["other"])


def test_where_pure_data_is_not_installed_its_figures_stay_as_they_were():
    known = {rival.KEY: {"bonk": 0.7}, "zero_shot": 1}
    assert rival.kept(known, {"zero_shot": 2}) == {rival.KEY: {"bonk": 0.7}, "zero_shot": 2}
    assert rival.kept(known, {rival.KEY: {"bonk": 0.8}})[rival.KEY] == {"bonk": 0.8}
    assert rival.kept({}, {"zero_shot": 2}) == {"zero_shot": 2}


def test_hits_that_were_recorded_alone_are_strung_together_with_their_times(tmp_path):
    parts = []
    for place, label in enumerate(("kick", "snare", "hihat_closed") * 9):
        path = tmp_path / f"{place}.wav"
        soundfile.write(path, np.full(4_800, 0.5, np.float32), SAMPLE_RATE)
        parts.append(Recording(path, "beatbox", "avp", "a", "MIT", (Event(label, 0.01, 0.01),)))
    (strung,) = rival.taught_takes(parts)
    assert [event.label for event in strung.events] == ["kick"] * 9 + ["snare"] * 9 + [
        "hihat_closed"] * 9
    for event in strung.events:
        begin = frames(event.attack_s - 0.01)
        assert not strung.audio[begin - 480:begin].any()
        assert strung.audio[begin:begin + 480].all()
    assert rival.taught_takes(parts[:-1]) == [], "eight hats leave too few to be asked about"
