"""The report before the gig: measured without its own help, in words, and drawn."""

import json

import numpy as np
import pytest

from engine.mouth import perform
from engine.rehearsal.report import Tally, report
from engine.rehearsal.report_picture import draw_report
from engine.rehearsal.teaching import cut, onsets_of
from engine.voice.learning import MOMENTS_MS
from engine.voice.profile import Profile, taught


def strikes_of(sounds, each, seed, who="aki"):
    """Strikes of mouth sounds in turn, cut as takes: (name, take) each."""
    order = [name for _ in range(each) for name in sounds]
    audio, struck = perform([(0.3 + 0.6 * k, sounds[name], 0.5 + 0.1 * (k % 5))
                             for k, name in enumerate(order)], who, seed=seed)
    onsets = onsets_of(audio)
    return [(name, cut(audio, strike.time, onsets))
            for name, strike in zip(order, struck, strict=True)]


def taught_with(sounds, each=5, played=0):
    profile = Profile()
    for name, take in strikes_of(sounds, each, seed=1):
        profile = profile.with_takes(name, [take])
    if played:
        profile = profile.with_played(strikes_of(sounds, played, seed=2))
    return taught(profile)


@pytest.fixture(scope="module")
def clear():
    return report(taught_with({"kick": "b", "snare": "pf", "hat": "ts"}, played=4))


@pytest.fixture(scope="module")
def twins():
    """Two names for one sound."""
    return report(taught_with({"kick": "b", "boots": "b", "hat": "ts"}, each=6))


def test_takes_and_pattern_are_both_measured_at_every_delay(clear):
    assert clear.takes.strikes == 15
    assert clear.pattern.strikes == 12
    for tally in (clear.takes, clear.pattern):
        assert tally.accuracy.shape == (len(MOMENTS_MS),)
        assert (tally.confusion.sum(axis=(1, 2)) == tally.strikes).all()
        assert tally.accuracy.max() >= 0.9


def test_the_wait_is_the_shortest_within_two_points_of_ones_own_best(clear):
    best = clear.deciding.accuracy
    place = MOMENTS_MS.index(clear.wait_ms)
    assert best[place] >= best.max() - 0.02
    assert (best[:place] < best.max() - 0.02).all()


def test_two_names_for_one_sound_are_found_out_in_words(twins):
    assert any("kick and boots" in words for words in twins.words)
    assert not any("hat" in words.split(":")[0] for words in twins.words)
    assert "hat" in twins.waits
    assert not {"kick", "boots"} & twins.waits.keys()


def test_takes_are_not_named_by_themselves(twins):
    place = MOMENTS_MS.index(64)
    pair = twins.takes.confusion[place][:2, :2]
    assert pair.sum() - np.trace(pair) >= 3         # their own heads would know them by heart


def test_few_takes_are_asked_for_and_a_stranger_among_them_is_named():
    profile = taught_with({"kick": "b", "snare": "pf"}, each=6)
    moved = taught(profile.relabelled("snare", 2, "kick"))
    said = " ".join(report(moved).next)
    assert "Take 3 of kick sounds like snare" in said
    assert '--relabel "kick:3=snare"' in said
    few = taught(profile.without("snare", 1).without("snare", 1).without("snare", 1))
    assert any("Give 2 more of snare" in words for words in report(few).next)


def test_a_tally_counts_who_was_taken_for_whom():
    confusion = np.zeros((1, 2, 3), np.int64)
    confusion[0] = [[8, 2, 0], [1, 6, 3]]
    tally = Tally(confusion)
    assert tally.accuracy == pytest.approx([0.7])
    assert tally.by_sound[0] == pytest.approx([0.8, 0.6])
    assert tally.precision[0] == pytest.approx([8 / 9, 6 / 8])
    assert tally.mixed(0, 1) == pytest.approx([3 / 20])


def test_it_is_data_for_a_page_and_a_picture(clear, tmp_path):
    data = json.loads(json.dumps(clear.as_data()))
    assert data["sounds"] == ["kick", "snare", "hat"]
    assert len(data["takes"]["accuracy"]) == len(data["moments_ms"])
    assert set(data["pattern"]["confusion"]) == {str(ms) for ms in MOMENTS_MS}
    draw_report(tmp_path / "mine.png", clear, title="mine")
    assert (tmp_path / "mine.png").read_bytes()[:4] == b"\x89PNG"
