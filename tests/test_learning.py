"""A performer's own sounds are learnt from a few takes, whatever everybody else calls them."""

import time
from dataclasses import replace

import numpy as np
import pytest

from engine.drums import DRUMS
from engine.errors import UsageError
from engine.jobs import decode, encode
from engine.voice import learning
from engine.voice.drum_model import CLASSES, drum_model
from engine.voice.learning import (
    MOMENTS_MS,
    NONE,
    Takes,
    learn,
    listen,
    moment_of,
    probabilities,
)
from engine.voice.lessons import Asked, learn_again

MOMENTS = len(MOMENTS_MS)
SPREAD = 0.3


def sounds(count, units=20, seed=0):
    """Where each sound lies in the model's memory."""
    return np.random.default_rng(seed).standard_normal((count, units))


def takes(places, each, seed=1, heard_as=None, spread=SPREAD):
    """Takes scattered around their sounds; what everybody would say of them is `heard_as`.

    spread : standard deviation, of all units or of each
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(places)), each)
    features = places[labels][:, None] + spread * rng.standard_normal(
        (len(labels), MOMENTS, places.shape[1]))
    general = np.full((len(labels), MOMENTS, CLASSES), 0.01, np.float32)
    if heard_as is not None:
        general[np.arange(len(labels)), :, [DRUMS.index(heard_as[k]) for k in labels]] = 0.8
    general /= general.sum(axis=-1, keepdims=True)
    return Takes(features.astype(np.float32), general, labels, np.arange(len(labels)))


def right(heads, asked):
    named = [probabilities(heads, m, asked.features[:, m], asked.general[:, m]).argmax(axis=-1)
             for m in range(MOMENTS)]
    return float(np.mean(np.stack(named, axis=1) == asked.labels[:, None]))


def test_sounds_with_names_of_their_own_are_told_apart():
    places = sounds(16)
    heads = learn(takes(places, 5), [f"sound {k}" for k in range(16)])
    assert right(heads, takes(places, 20, seed=2)) > 0.95
    assert not heads.blend[:, :-1].any()                     # nobody else knows these


def test_a_kick_that_is_everybodys_snare_is_still_their_kick():
    places, swapped = sounds(3), ("snare", "kick", "hihat_closed")
    names = ("kick", "snare", "hihat_closed")
    heads = learn(takes(places, 5, heard_as=swapped), names)
    assert right(heads, takes(places, 30, seed=2, heard_as=swapped)) > 0.95


def test_what_everybody_says_decides_where_takes_are_alike():
    places = np.zeros((2, 20))
    names = ("kick", "snare")
    heads = learn(takes(places, 5, heard_as=names, spread=0.0), names)
    assert right(heads, takes(places, 50, heard_as=names, spread=0.0)) == 1.0


def test_two_sounds_may_play_one_drum():
    places = sounds(3)
    heads = learn(takes(places, 5), ("boots", "cats", "ts"), ("kick", "kick", "hihat_closed"))
    assert right(heads, takes(places, 20, seed=2)) > 0.95
    assert heads.kin[DRUMS.index("kick")].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert heads.kin[DRUMS.index("hihat_open")].tolist() == [0.0, 0.0, 1.0, 0.0]


def test_an_open_hat_that_is_taught_is_no_longer_a_closed_one():
    heads = learn(takes(sounds(2), 3), ("hihat_closed", "hihat_open"))
    assert heads.kin[DRUMS.index("hihat_open")].tolist() == [0.0, 1.0, 0.0]


def test_ones_own_takes_are_not_refused_but_what_is_surely_none_is():
    places = sounds(2)
    own = takes(places, 8, heard_as=("kick", "snare"))
    own.general[:, :, NONE] = 3.0                            # everybody would say: that's no drum
    own.general[:] /= own.general.sum(axis=-1, keepdims=True)
    heads = learn(own, ("kick", "snare"))
    assert right(heads, own) > 0.95
    talk = np.full((MOMENTS, CLASSES), 1e-6, np.float32)
    talk[:, NONE] = 1.0
    between = places.mean(axis=0).astype(np.float32)
    usual = learn(takes(places, 8, heard_as=("kick", "snare")), ("kick", "snare"))
    assert all(probabilities(usual, m, between, talk[m])[-1] > 0.9 for m in range(MOMENTS))


def test_how_sounds_vary_in_other_voices_is_known_before_a_few_takes_show_it():
    places = sounds(3)
    loose = np.where(np.arange(20) < 12, 2.0, SPREAD)        # most units tell nothing
    few, asked = takes(places, 2, spread=loose), takes(places, 60, seed=2, spread=loose)
    told = replace(few, spread=np.diag(loose ** 2).astype(np.float32) / SPREAD ** 2)
    alone, knowing = (right(learn(some, list("abc")), asked) for some in (few, told))
    assert knowing > 0.95
    assert knowing > alone + 0.1


def test_what_a_drum_model_tells_of_its_units_alone_says_nothing_of_the_others():
    places = sounds(3)
    own = takes(places, 5)
    told = replace(own, spread=np.eye(8, dtype=np.float32))
    first, second = learn(own, list("abc")), learn(told, list("abc"))
    assert np.allclose(first.weights, second.weights, atol=1e-4)


def test_where_nothing_else_may_be_learnt_the_nearest_mean_names(monkeypatch):
    monkeypatch.setattr(learning, "_RIDGE", np.full_like(learning._RIDGE, 1e6))
    places = sounds(16)
    heads = learn(takes(places, 5), [f"sound {k}" for k in range(16)])
    assert right(heads, takes(places, 20, seed=2)) > 0.95


def test_a_strike_between_two_sounds_is_called_neither_surely():
    places = np.zeros((2, 20))
    places[:, 0] = -1.0, 1.0
    heads = learn(takes(places, 5), ("boots", "cats"))
    asked = np.linspace(-1.0, 1.0, 5, dtype=np.float32)[:, None] * np.eye(1, 20, dtype=np.float32)
    nobody = np.full((5, CLASSES), 1.0 / CLASSES, np.float32)
    for m in range(MOMENTS):
        chances = probabilities(heads, m, asked, nobody)
        cats = chances[:, 1] / chances[:, :2].sum(axis=-1)
        assert (np.diff(cats) > 0.0).all()
        assert cats[0] < 0.1
        assert cats[4] > 0.9
        assert 0.2 < cats[2] < 0.8


def test_chances_of_all_sounds_and_of_none_are_one_in_all():
    heads = learn(takes(sounds(4), 3), list("abcd"))
    asked = takes(sounds(4), 10, seed=2)
    for m in range(MOMENTS):
        chances = probabilities(heads, m, asked.features[:, m], asked.general[:, m])
        assert chances.shape == (40, 5)
        assert chances.dtype == np.float32
        assert np.allclose(chances.sum(axis=-1), 1.0, atol=1e-5)


def test_the_same_takes_teach_the_same_heads():
    first, second = (learn(takes(sounds(3), 5), list("abc")) for _ in range(2))
    assert first.weights.tobytes() == second.weights.tobytes()
    assert first.bias.tobytes() == second.bias.tobytes()


@pytest.mark.parametrize("told", [None, np.diag(np.linspace(0.5, 2.0, 8)).astype(np.float32)],
                         ids=["not told", "told"])
def test_the_worker_learns_what_would_be_learnt_at_once(told):
    own = replace(takes(sounds(3), 5), spread=told)
    asked = Asked(list("abc"), ["", "", ""], own.features, own.general, own.labels, own.take, told)
    answer = learn_again(decode(encode(asked), Asked))
    assert np.array_equal(answer.weights, learn(own, list("abc"), ["", "", ""]).weights)


def test_sixteen_sounds_of_twelve_takes_are_learnt_within_a_second():
    many = takes(sounds(16, units=96), 36)                   # twelve, each with its two shifts
    seconds = []
    for _ in range(4):                                       # the first warms the libraries
        begun = time.process_time()
        learn(many, [f"sound {k}" for k in range(16)])
        seconds.append(time.process_time() - begun)
    assert min(seconds) < 1.0                                # of work, whatever else is running


@pytest.mark.parametrize("names", [("alone",), tuple(map(str, range(17)))])
def test_one_sound_or_seventeen_are_refused(names):
    with pytest.raises(UsageError, match="2 to 16"):
        learn(takes(sounds(len(names)), 2), names)


def test_a_sound_without_a_take_is_named():
    with pytest.raises(UsageError, match='"click" has no take'):
        learn(takes(sounds(2), 2), ("kick", "snare", "click"))


def test_between_two_moments_the_last_that_has_begun_is_asked():
    assert [MOMENTS_MS[moment_of(ms)] for ms in (0, 8, 9.9, 24, 31, 500)] == [8, 8, 8, 24, 28, 200]


def test_a_take_is_not_heard_beyond_its_end():
    model = drum_model()
    clock = np.arange(24_000) / 48_000.0
    tone = (np.sin(400.0 * clock) * np.exp(-30.0 * clock)).astype(np.float32)
    once = np.concatenate([np.zeros(4_800, np.float32), tone])
    twice = once.copy()
    twice[4_800 + 2_400:] += tone[:-2_400]                   # again after 50 ms
    alone, cut = (listen(model, s, 4_800, 4_800 + 2_400) for s in (once, twice))
    assert all(np.array_equal(a, b) for a, b in zip(alone, cut, strict=True))
    assert not np.array_equal(listen(model, once, 4_800)[0], listen(model, twice, 4_800)[0])
    assert np.array_equal(cut[0][MOMENTS_MS.index(64)], cut[0][MOMENTS_MS.index(200)])
