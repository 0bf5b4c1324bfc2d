"""The clock: tempo from a setting, a foot, a loop, a MIDI clock and from hits; beats ahead."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.clock import Clock as SampleClock
from engine.events import Beat, Hit
from engine.music.grid import LOOK_AHEAD_S, Count
from engine.node import Context
from engine.nodes.clock import Clock
from engine.rendering import hear, play
from engine.units import HOP, SAMPLE_RATE


class Song:
    """A clock node on a clock that is wound by hand."""

    def __init__(self, **settings: object) -> None:
        self.time = SampleClock()
        self.node = Clock(**settings)
        self.node.prepare(Context(self.time, Path()))
        self.beats: list[Beat] = []

    def go_to(self, seconds: float, hits: tuple[Hit, ...] = ()) -> "Song":
        waiting = list(hits)
        while self.time.now < seconds:
            self.time.move_to(self.time.frame + HOP)
            due = [hit for hit in waiting if hit.time + 0.024 < self.time.now]
            waiting = waiting[len(due):]
            self.beats += self.node.process(due)
        return self

    @property
    def times(self) -> list[float]:
        return [beat.time for beat in self.beats]


def groove(bpm: float, bars: int, begin: float = 0.7, jitter: float = 0.004) -> list[Hit]:
    """Boots and cats: kick on one and three, snare on two and four, hats between."""
    rng, hits = np.random.default_rng(5), []
    for eighth in range(8 * bars):
        drum = ("kick", "hihat_closed", "snare", "hihat_closed")[eighth % 4]
        time = begin + eighth * 30.0 / bpm + float(rng.normal(0.0, jitter))
        hits.append(Hit(time, drum, drum, 0.8, 0.9, due=time + 0.024))
    return hits


def test_beats_are_said_a_moment_before_they_fall():
    said = list(hear(Clock(bpm=120), np.zeros(2 * SAMPLE_RATE, np.float32)))
    assert [sent.event.time for sent in said] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])
    assert [sent.event.phase for sent in said] == [0.0, 0.25, 0.5, 0.75, 0.0]
    for sent in said:
        assert sent.event.due == pytest.approx(max(sent.event.time, HOP / SAMPLE_RATE))


def test_without_a_tempo_nothing_is_said():
    assert not play(Clock(), np.zeros(4 * SAMPLE_RATE, np.float32))


def test_two_taps_give_the_tempo_and_the_first_is_the_one():
    song = Song().go_to(1.0)
    song.node.tap()
    song.go_to(1.5).node.tap()
    song.go_to(4.0)
    assert song.beats[0].bpm == pytest.approx(120.0, rel=0.01)
    ones = [beat.time for beat in song.beats if beat.phase == 0.0]
    assert ones == pytest.approx([3.0], abs=0.01)


def test_one_begins_a_bar_now():
    song = Song(bpm=120).go_to(3.2)
    song.node.one()
    song.go_to(6.0)
    ones = [beat.time for beat in song.beats if beat.phase == 0.0]
    assert ones[-2:] == pytest.approx([3.2, 5.2], abs=2e-3)


def test_twice_and_half_keep_the_bar_line():
    song = Song(bpm=100).go_to(5.0)
    song.node.x2()
    assert song.node.grid.bpm == 200.0
    song.node.half()
    assert song.node.grid.bpm == 100.0
    assert song.node.grid.bar_line(5.0) == pytest.approx(7.2)


def test_a_nudge_moves_the_beats_and_skips_none():
    song = Song(bpm=120).go_to(1.95)            # the beat at 2 is said already
    song.node.nudge_earlier()
    song.go_to(4.0)
    assert song.times[-4:] == pytest.approx([2.49, 2.99, 3.49, 3.99])
    assert len(song.times) == 9


def test_an_offset_moves_every_beat():
    early = play(Clock(bpm=120, offset_ms=-30.0), np.zeros(SAMPLE_RATE, np.float32))
    assert [beat.time for beat in early][1:] == pytest.approx([0.47, 0.97])


def test_five_beats_in_a_bar_are_five():
    beats = play(Clock(bpm=150, beats_per_bar=5), np.zeros(3 * SAMPLE_RATE, np.float32))
    assert [round(beat.phase * 5) for beat in beats[:6]] == [0, 1, 2, 3, 4, 0]
    assert {beat.in_bar for beat in beats} == {5}


def test_the_first_loop_gives_the_tempo_and_the_one():
    song = Song().go_to(1.0)
    song.node.loop()
    song.go_to(5.36).node.loop()                # two bars at 110
    song.go_to(8.0)
    assert song.node.grid.bpm == pytest.approx(110.0, rel=0.01)
    assert song.node.grid.bar_line(7.0) == pytest.approx(7.54, abs=0.03)


@pytest.mark.parametrize("bpm", [74.0, 96.0, 120.0, 152.0])
def test_a_groove_is_understood_within_four_bars_and_then_frozen(bpm):
    song = Song().go_to(0.7 + 9.5 * 240.0 / bpm, tuple(groove(bpm, 9)))
    assert song.times[0] < 0.7 + 4.0 * 240.0 / bpm
    assert song.beats[-1].bpm == pytest.approx(bpm, rel=0.005)
    ones = [beat.time for beat in song.beats if beat.phase == 0.0]
    places = (np.array(ones) - 0.7) * bpm / 240.0
    assert places == pytest.approx(np.round(places), abs=0.02)
    assert song.node.frozen


def test_frozen_it_does_not_move_whatever_is_played():
    song = Song(bpm=100).go_to(20.0, tuple(groove(108, 8)))
    assert {beat.bpm for beat in song.beats} == {100.0}


def test_unfrozen_it_moves_by_no_more_than_two_hundredths_a_bar():
    song = Song(bpm=100).go_to(0.5)
    song.node.freeze()
    song.go_to(14.0, tuple(groove(110, 5)))
    bpms = [beat.bpm for beat in song.beats if beat.phase == 0.0]
    assert max(b / a for a, b in pairwise(bpms)) <= 1.0201
    assert bpms[-1] > 103.0


def test_a_friend_at_full_level_does_not_move_the_tempo():
    """What is generated is due the moment it is; whoever plays is heard before that."""
    played = groove(100, 8)
    friend = [Hit(hit.time, "kick", "kick", 1.0, 1.0, due=hit.time) for hit in groove(140, 12)]
    both = tuple(sorted(played + friend, key=lambda hit: hit.time))
    assert Song().go_to(18.0, both).beats == Song().go_to(18.0, tuple(played)).beats


def test_a_count_knows_bars_from_the_beats_alone():
    song, count = Song(bpm=90, beats_per_bar=3).go_to(9.0), Count()
    count.hear(song.beats)
    assert count.grid.bpm == 90.0
    assert count.bar_of(8.5) == 4
    assert count.bar_begins(5) == pytest.approx(10.0)
    assert count.runs(9.0)
    assert not count.runs(11.0)


def test_beats_are_said_early_enough_for_whoever_plays_on_them():
    song = Song(bpm=200).go_to(1.0)
    assert song.times[-1] > 1.0 + LOOK_AHEAD_S - 60.0 / 200.0
