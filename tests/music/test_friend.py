"""Bars on request: whatever the seed, a bar comes that fits, and the same asks give the same."""

import numpy as np
import pytest

from engine.jobs import decode, encode
from engine.music import ideas
from engine.music.friend import BarAnswer, BarRequest, Friend, Heard, Taste, next_bar, read, written
from engine.music.pattern import Pattern, empty


def request(heard: Pattern, beats: int = 4, **changes: object) -> BarRequest:
    settings: dict[str, object] = {
        "heard": written(heard), "idea": written(empty(0)), "change": "new", "place": 0,
        "phrase": 0, "fill": 0, "thin": False, "fuller": 0.0, "level": 1.0, "beats": beats,
        "bpm": 110.0, "taste": Taste(), "seed": (1, 2, 3)}
    return BarRequest(**{**settings, **changes})


def seed(bars: int, beats: int = 4, steps_per_beat: int = 4) -> Pattern:
    bar = ideas.seed_groove(beats, steps_per_beat)
    return Pattern(bar.steps_per_bar, np.concatenate([bar.hits] * bars),
                   np.concatenate([bar.offsets] * bars), steps_per_beat)


@pytest.mark.parametrize(("heard", "beats"), [
    (empty(0), 4), (empty(32), 4), (seed(2), 4), (seed(2, beats=5), 5), (seed(2, 4, 6), 4),
    (seed(2, beats=6), 6), (seed(40), 4), (seed(1), 5), (seed(2, beats=7), 4)],
    ids=["none", "silent", "plain", "5/4", "12/8", "6/4", "40 bars", "4 in 5", "7 in 4"])
def test_any_seed_gives_a_bar_of_the_clock_s_length(heard, beats):
    bar = read(next_bar(request(heard, beats)).bar)
    assert bar.steps == beats * bar.steps_per_beat
    assert np.count_nonzero(bar.hits) >= 3
    assert bar.hits.max() <= 1.0


def test_a_request_travels_as_bytes_and_gives_the_same_bar():
    asked = request(seed(2))
    again = decode(encode(asked), BarRequest)
    here, there = next_bar(asked), decode(encode(next_bar(again)), BarAnswer)
    assert np.array_equal(here.bar.hits, there.bar.hits)
    assert np.array_equal(here.bar.offsets, there.bar.offsets)


def test_another_seed_gives_another_idea():
    ideas_ = {next_bar(request(seed(2), seed=(number, 0, 0))).idea.hits.tobytes()
              for number in range(4)}
    assert len(ideas_) >= 3


def test_a_thin_bar_has_hats_only_and_a_fill_ends_on_the_toms():
    thin = read(next_bar(request(seed(2), thin=True)).bar)
    assert not thin.hits[:, [ideas.KICK, ideas.SNARE]].any()
    filled = read(next_bar(request(seed(2), fill=2)).bar)
    assert filled.hits[8:, [ideas.HIGH, ideas.MID, ideas.LOW]].any()


def test_louder_and_softer_follow_the_performer():
    friend = Friend(0)
    friend.start(1)
    soft, loud = (friend.ask(1, "accompany", "carry-on", 1.0, Taste(),
                             Heard(seed(2), 0.0, loudness, 10.0), 4, 110.0).level
                  for loudness in (0.35, 0.9))
    assert soft == pytest.approx(0.5)
    assert loud > 1.2


def test_after_eight_silent_bars_it_ends_and_who_plays_again_takes_that_back():
    friend = Friend(0)
    friend.start(1)
    friend.ask(10, "accompany", "thin", 0.5, Taste(), Heard(empty(0, 16), 8.5), 4, 110.0)
    assert friend.ends == 11
    friend.ask(10, "accompany", "thin", 0.5, Taste(), Heard(seed(1), 0.5), 4, 110.0)
    assert friend.ends is None
