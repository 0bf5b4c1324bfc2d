"""The loop's pedal: record, play, overdub, undo, clear; and that every hit comes back in time."""

import pytest

from engine.events import Hit
from engine.music.grid import Grid
from engine.music.looper import Looper

STEP = 0.004


class Foot:
    """A looper and a pedal, wound by hand."""

    def __init__(self) -> None:
        self.looper, self.now, self.played, self.coming = Looper(), 0.0, [], []

    def sing(self, drum: str, *times: float) -> None:
        self.coming += [Hit(time, "my " + drum, drum, 0.5, 0.7, due=time + 0.024) for time in times]
        self.coming.sort(key=lambda hit: hit.time)

    def go_to(self, time: float) -> None:
        while self.now < time:
            self.now += STEP
            while self.coming and self.coming[0].due < self.now:
                self.looper.hear(self.coming.pop(0), self.now)
            self.looper.hold(self.now)
            self.played += self.looper.sounding(self.now, self.now + 0.012)

    def press(self, at: float, held: float = 0.1, grid: Grid | None = None) -> None:
        self.go_to(at)
        self.looper.press(self.now, grid)
        self.go_to(at + held)
        self.looper.release(self.now)

    def times(self, drum: str, after: float = 0.0) -> list[float]:
        return [hit.time for hit in self.played if hit.drum == drum and hit.time > after]


def recorded() -> Foot:
    foot = Foot()
    foot.sing("kick", 1.2, 2.2)
    foot.press(1.0)
    foot.press(3.0)
    return foot


def test_a_loop_plays_my_sounds_again_as_loud_and_as_timed():
    foot = recorded()
    foot.go_to(9.0)
    assert foot.times("kick") == pytest.approx([3.2, 4.2, 5.2, 6.2, 7.2, 8.2], abs=STEP)
    assert {(hit.sound, hit.velocity) for hit in foot.played} == {("my kick", 0.5)}
    assert all(hit.due == hit.time for hit in foot.played)


def test_an_overdub_sounds_from_its_next_round_on_and_hold_takes_it_back():
    foot = recorded()
    foot.press(4.5)
    foot.sing("snare", 5.7, 6.7)
    foot.press(6.9)
    foot.go_to(11.0)
    assert foot.times("snare") == pytest.approx([6.7 + 1.0, 8.7, 9.7, 10.7], abs=STEP)
    assert len(foot.times("kick", 9.0)) == 2
    foot.press(11.0, held=1.0)
    foot.go_to(16.0)
    assert not foot.times("snare", 11.7)
    assert foot.times("kick", 13.0)
    assert foot.looper.layers == 1


def test_held_longer_everything_is_cleared():
    foot = recorded()
    foot.press(4.5, held=1.7)
    foot.go_to(10.0)
    assert foot.looper.state == "empty"
    assert not foot.times("kick", 6.1)


def test_a_tempo_that_holds_rounds_the_loop_to_whole_bars():
    foot = Foot()
    foot.sing("kick", 1.5)
    foot.press(1.0, grid=Grid(0.0, 120.0))
    foot.press(3.1, grid=Grid(0.0, 120.0))
    foot.go_to(8.0)
    assert foot.looper.length == 2.0
    assert foot.times("kick") == pytest.approx([3.5, 5.5, 7.5], abs=STEP)


def test_two_presses_in_a_moment_are_one():
    foot = Foot()
    foot.press(1.0, held=0.02)
    foot.press(1.05, held=0.02)
    assert foot.looper.state == "recording"


def test_a_hit_that_was_struck_before_the_press_belongs_to_the_loop():
    """It is understood 24 ms after it was struck, and the foot comes with it."""
    foot = Foot()
    foot.press(1.0)
    foot.sing("kick", 2.99)
    foot.press(3.0)
    foot.go_to(6.0)
    assert foot.times("kick") == pytest.approx([4.99], abs=2 * STEP)


def test_an_hour_of_rounds_drifts_by_nothing():
    looper = Looper()
    looper.press(1.0)
    looper.release(1.05)
    looper.hear(Hit(1.5, "k", "kick", 1.0, 1.0, due=1.524), 1.53)
    looper.press(2.7)
    looper.release(2.75)
    now, times = 2.75, []
    while now < 3600.0:
        times += [hit.time for hit in looper.sounding(now, now + 0.1)]
        now += 0.05
    assert times == pytest.approx([3.2 + 1.7 * number for number in range(len(times))])
    assert len(times) == int((now + 0.05 - 3.2) / 1.7) + 1


def test_stopped_it_is_silent_and_started_it_begins_at_its_beginning():
    foot = recorded()
    foot.go_to(4.0)
    foot.looper.stop(foot.looper.next_round(foot.now))
    foot.go_to(9.0)
    assert max(foot.times("kick")) < 5.0
    foot.looper.play(foot.now)
    foot.go_to(9.5)
    assert foot.times("kick", 8.0) == pytest.approx([9.2], abs=2 * STEP)
