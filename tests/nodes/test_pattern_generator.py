"""The friend: it begins on a bar line, keeps its ideas, listens, and knows how to end."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.clock import Clock as SampleClock
from engine.events import Hit, NoteOn
from engine.jobs import Done, Inline
from engine.music.grid import Grid
from engine.node import Context
from engine.nodes.clock import Clock
from engine.nodes.pattern_generator import AHEAD_S, PatternGenerator
from engine.units import HOP, frames

BPM = 120.0
BAR = 2.0


class Stage:
    """A clock and a friend on one house clock, wound by hand."""

    def __init__(self, bpm: float = BPM, feeds: bool = True, in_bar: int = 4,
                 jobs: object = None, seed: int = 0, **settings: object) -> None:
        self.time = SampleClock()
        self.clock = Clock(bpm=bpm, beats_per_bar=in_bar)
        self.friend = PatternGenerator(**settings)
        self.clock.prepare(Context(self.time, Path()))
        self.friend.prepare(Context(self.time, Path(), seed, jobs=jobs or Inline(self.time),
                                    feeds={"hits": ("drums",)} if feeds else {}))
        self.coming: list[Hit] = []
        self.played: list[Hit] = []
        self.said: list[float] = []

    def sing(self, drum: str, *times: float) -> None:
        self.coming += [Hit(float(time), drum, drum, 0.8, 0.9, due=float(time) + 0.024)
                        for time in times]
        self.coming.sort(key=lambda hit: hit.time)

    def go_to(self, seconds: float) -> "Stage":
        while self.time.now < seconds:
            self.time.move_to(self.time.frame + HOP)
            due = [hit for hit in self.coming if hit.due < self.time.now]
            self.coming = self.coming[len(due):]
            played = self.friend.process(due, (), self.clock.process(()))
            self.played += played
            self.said += [self.time.now] * len(played)
        return self

    def bar(self, number: int, length: float = BAR) -> list[tuple[float, str]]:
        """What was played in a bar, by its place in sixteenths, rounded."""
        start = number * length
        return [(round((hit.time - start) / length * 16.0, 1), hit.drum) for hit in self.played
                if start - 0.06 <= hit.time < start + length - 0.06]


def test_it_begins_on_the_next_bar_line_and_not_before():
    stage = Stage(when_silent="carry-on").go_to(2.3)
    stage.friend.start()
    stage.go_to(8.0)
    assert min(hit.time for hit in stage.played) == pytest.approx(4.0, abs=0.06)


def test_started_without_a_tempo_it_waits_for_one():
    stage = Stage(bpm=0.0, when_silent="carry-on")
    stage.friend.start()
    assert not stage.go_to(5.0).played
    stage.clock.take(Grid(5.0, 120.0))
    assert min(hit.time for hit in stage.go_to(9.0).played) == pytest.approx(7.0, abs=0.06)


def test_every_hit_is_said_a_moment_before_it_is_due():
    stage = Stage(when_silent="carry-on")
    stage.friend.start()
    stage.go_to(20.0)
    assert len(stage.played) > 50
    for hit, said in zip(stage.played, stage.said, strict=True):
        assert hit.due == hit.time
        assert 0.0 <= hit.time - said < AHEAD_S + 2 * HOP / 48_000


def test_an_idea_is_played_at_least_twice_and_changes_only_in_bars_four_and_eight():
    stage = Stage(feeds=False, bars=2, humanise=0.0, mode="continue")
    stage.friend.start()
    stage.go_to(2.0 + 18 * BAR)
    bars = [stage.bar(number) for number in range(1, 17)]
    for phrase in (bars[:8], bars[8:]):
        assert phrase[0] == phrase[2] == phrase[4] == phrase[6]
        assert phrase[1] == phrase[5]
        assert phrase[3] != phrase[1]
        assert phrase[7] != phrase[1]
    assert bars[0] != bars[8]


def test_stop_ends_with_kick_and_crash_on_the_one_and_silence():
    stage = Stage(when_silent="carry-on")
    stage.friend.start()
    stage.go_to(8.6).friend.stop()
    stage.go_to(20.0)
    after = [(hit.time, hit.drum) for hit in stage.played if hit.time > 9.97]
    assert sorted(after) == [(10.0, "crash"), (10.0, "kick")]
    assert any(9.0 < hit.time < 9.97 for hit in stage.played)


def test_the_last_one_sounds_also_where_the_performer_struck_in_every_bar_until_now():
    stage = Stage()
    stage.sing("kick", *np.arange(0.5, 9.4, 0.5))
    stage.friend.start()
    stage.go_to(8.6).friend.stop()
    stage.go_to(20.0)
    assert {hit.drum for hit in stage.played if hit.time == 10.0} == {"kick", "crash"}


def test_stop_twice_is_at_once():
    stage = Stage(when_silent="carry-on")
    stage.friend.start()
    stage.go_to(8.6).friend.stop()
    stage.go_to(8.7).friend.stop()
    stage.go_to(20.0)
    assert max(hit.time for hit in stage.played) < 8.7 + AHEAD_S + 0.002


@pytest.mark.parametrize("press", [8.1, 8.9, 9.5, 9.88, 9.94, 9.99])
def test_whenever_stop_is_pressed_nothing_follows_the_next_bar_line(press):
    stage = Stage(when_silent="carry-on")
    stage.friend.start()
    stage.go_to(press).friend.stop()
    stage.go_to(20.0)
    assert max(hit.time for hit in stage.played) <= 10.0


def test_it_leaves_the_drum_that_is_played_alone():
    stage = Stage(when_silent="carry-on", mode="accompany")
    kicks = tuple(4.0 + 0.5 * beat + 0.004 * (beat % 3) for beat in range(40))
    stage.sing("kick", *kicks)
    stage.friend.start()
    stage.go_to(24.0)
    mine = [hit.time for hit in stage.played if hit.drum == "kick" and hit.time > 6.5]
    assert all(min(abs(time - kick) for kick in kicks) >= 0.06 for time in mine)
    assert [hit for hit in stage.played if hit.drum != "kick"]


def test_after_two_silent_bars_only_hats_and_after_eight_it_ends_on_a_one():
    stage = Stage(when_silent="thin")
    stage.sing("kick", *np.arange(0.5, 6.0, 0.5))
    stage.sing("snare", *np.arange(1.0, 6.0, 1.0) + 0.25)
    stage.friend.start()
    stage.go_to(40.0)
    thin = {hit.drum for hit in stage.played if 10.3 < hit.time < 19.0}
    assert thin <= {"hihat_closed", "hihat_open", "ride"}
    last = max(hit.time for hit in stage.played)
    assert last % BAR == pytest.approx(0.0, abs=1e-6)
    assert 20.0 <= last <= 28.0
    assert {hit.drum for hit in stage.played if hit.time == last} == {"kick", "crash"}


def test_who_plays_again_brings_the_friend_back():
    stage = Stage(when_silent="thin")
    stage.sing("kick", *np.arange(0.5, 6.0, 0.5), *np.arange(14.1, 24.0, 0.5))
    stage.friend.start()
    stage.go_to(24.0)
    assert {hit.drum for hit in stage.played if hit.time > 18.5} - {"hihat_closed", "hihat_open"}


def test_an_answer_comes_when_the_call_is_over():
    stage = Stage(mode="answer", bars=1, when_silent="carry-on")
    stage.friend.start()                        # two bars the performer's, two its own
    stage.sing("kick", *np.arange(2.0, 5.9, 0.25))
    stage.go_to(14.0)
    assert not [hit for hit in stage.played if hit.time < 5.9]
    assert [hit for hit in stage.played if 5.94 <= hit.time < 9.9]
    assert not [hit for hit in stage.played if 10.0 <= hit.time < 13.9]


def test_breathing_it_changes_a_little_on_the_bar_line():
    stage = Stage(feeds=False, mode="breathe", humanise=0.0, bars=2)
    stage.friend.start()
    stage.go_to(2.0 + 14 * BAR)
    bars = [set(stage.bar(number)) for number in range(1, 14)]
    assert bars[0] == bars[2]
    assert bars[0] != bars[4]


def test_keep_holds_the_idea_and_different_lets_go():
    stage = Stage(feeds=False, mode="continue", humanise=0.0)
    stage.friend.start()
    stage.go_to(3.0).friend.keep()
    stage.go_to(2.0 + 17 * BAR - 1.0)
    assert stage.bar(1) == stage.bar(9)
    stage.friend.different()
    stage.go_to(2.0 + 20 * BAR)
    assert stage.bar(17) != stage.bar(1) or stage.bar(18) != stage.bar(2)


def test_drop_is_silent_to_the_bar_line_and_comes_back_with_a_crash():
    stage = Stage(feeds=False)
    stage.friend.start()
    stage.go_to(8.5).friend.drop()
    stage.go_to(12.0)
    assert not [hit for hit in stage.played if 8.53 < hit.time < 9.9]
    assert (0.0, "crash") in stage.bar(5)


def test_less_is_less_and_more_is_more():
    counts = {}
    for press in ("less", "more"):
        stage = Stage(feeds=False, mode="continue")
        stage.friend.start()
        for _ in range(3):
            stage.go_to(stage.time.now + 0.1)
            getattr(stage.friend, press)()
        stage.go_to(14.0)
        counts[press] = len([hit for hit in stage.played if hit.time > 6.0])
    assert counts["less"] < counts["more"]


def test_the_same_seed_plays_the_same_and_another_another():
    def take(seed):
        stage = Stage(feeds=False, seed=seed, mode="continue")
        stage.friend.start()
        return stage.go_to(24.0).played

    assert take(1) == take(1)
    assert take(1) != take(2)


class Slow:
    """A worker that has died: what is asked for never comes."""

    def __init__(self, time: SampleClock, after: int) -> None:
        self._inline, self._left = Inline(time), after

    def ask(self, work: object, request: object, due: float) -> int:
        self._left -= 1
        return self._inline.ask(work, request, due) if self._left >= 0 else -5

    def take(self) -> tuple[Done, ...]:
        return tuple(self._inline.take())

    def warm(self, work: object) -> None:
        pass


def test_a_late_pattern_is_the_last_one_again():
    stage = Stage(feeds=False, mode="continue")
    stage.friend.prepare(Context(stage.time, Path(), jobs=Slow(stage.time, after=2)))
    stage.friend.start()
    stage.go_to(16.0)
    assert stage.bar(2) == stage.bar(3) == stage.bar(4)
    assert stage.friend.late >= 3


def test_only_the_drums_that_are_allowed_are_played():
    stage = Stage(feeds=False, drums="kick hihat_closed")
    stage.friend.start()
    stage.go_to(20.0)
    assert {hit.drum for hit in stage.played} <= {"kick", "hihat_closed"}


def test_swing_moves_every_second_sixteenth():
    stage = Stage(feeds=False, swing=0.66, humanise=0.0, density=1.0)
    stage.friend.start()
    for _ in range(5):
        stage.friend.more()
    stage.go_to(12.0)
    places = {round(place % 2.0, 1) for place, _ in stage.bar(2)}
    assert places <= {0.0, 1.3}
    assert len(places) == 2


@pytest.mark.parametrize("in_bar", [3, 5, 7, 12])
def test_other_metres_have_bars_of_their_own(in_bar):
    stage = Stage(in_bar=in_bar, feeds=False)
    stage.friend.start()
    stage.go_to(4.2 * in_bar * 0.5)
    stage.friend.stop()
    stage.go_to(8.0 * in_bar * 0.5)
    last = max(hit.time for hit in stage.played)
    assert last == pytest.approx(5 * in_bar * 0.5)


@pytest.mark.parametrize("bpm", [2.0, 40.0, 300.0])
def test_very_slow_and_very_fast_clocks_are_played_to(bpm):
    stage = Stage(bpm=bpm, feeds=False)
    stage.friend.start()
    stage.go_to(min(130.0, 6 * 240.0 / bpm))
    assert all(later.time >= hit.time for hit, later in pairwise(stage.played))


def test_a_clock_that_stops_in_the_middle_of_a_bar_takes_the_friend_with_it():
    stage = Stage(feeds=False)
    stage.friend.start()
    stage.go_to(6.8)
    stage.clock.grid = None
    stage.go_to(12.0)
    assert max(hit.time for hit in stage.played) < 7.01
    stage.clock.take(Grid(12.0, 100.0))
    stage.go_to(20.0)
    assert [hit for hit in stage.played if hit.time > 15.0]


def test_a_clock_that_jumps_makes_no_double_and_no_flood():
    stage = Stage(feeds=False)
    stage.friend.start()
    rng = np.random.default_rng(1)
    for moment in np.arange(4.0, 30.0, 0.7):
        stage.go_to(float(moment))
        stage.clock.take(Grid(float(moment), float(rng.uniform(40, 240))))
    stage.go_to(34.0)
    seen = [(hit.drum, hit.time) for hit in stage.played]
    assert len(seen) == len(set(seen))
    assert len(seen) < 34 * 40


def test_a_thousand_bars_have_no_gap_and_no_double():
    stage = Stage(bpm=300.0, feeds=False, mode="continue", humanise=0.0, bars=1)
    stage.friend.start()
    stage.go_to(0.8 * 1001)
    bars = [int((hit.time + 0.05) / 0.8) for hit in stage.played]
    assert set(range(1, 1001)) <= set(bars)
    seen = [(hit.drum, round(hit.time, 4)) for hit in stage.played]
    assert len(seen) == len(set(seen))


def test_a_keyboard_is_listened_to_as_well():
    stage = Stage()
    stage.time.move_to(frames(1.0))
    stage.friend.process((), [NoteOn(1.0, 38, 100, 10)], ())
    assert stage.friend._listener.last == 1.0


def test_the_loop_is_exactly_what_was_played():
    stage = Stage(bpm=0.0, mode="loop").go_to(1.0)
    stage.friend.loop(pressed=True)
    stage.friend.loop(pressed=False)
    stage.sing("kick", 1.01, 2.0)
    stage.sing("snare", 1.52, 2.513)
    stage.go_to(3.0)
    stage.friend.loop(pressed=True)
    stage.friend.loop(pressed=False)
    stage.go_to(8.95)
    times = [round(hit.time, 3) for hit in stage.played]
    assert times == [3.01, 3.52, 4.0, 4.513, 5.01, 5.52, 6.0, 6.513, 7.01, 7.52, 8.0, 8.513]
