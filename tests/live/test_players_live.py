"""The other players on a real driver: bars by the clock, and a pianist in free time."""

import time
from itertools import pairwise
from pathlib import Path

import pytest
from pianist import Wait, a_call, never_twice, play_file, recital

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

_BARS_BPM = 240.0


def test_bars_follow_each_other_vary_and_come_after_one_of_the_performer_s(
        jack_server: str, eventually: Wait, tmp_path: Path) -> None:
    with recital(jack_server, "bar-composer", eventually) as (concert, pianist):
        concert.do(lambda: concert.stage.set("clock.bpm", _BARS_BPM))
        eventually(lambda: len(concert.notes()) > 30, "bars", 60)
        concert.do(lambda: concert.stage.set("bars.vary", True))
        count = len(concert.notes())
        eventually(lambda: len(concert.notes()) > count + 5, "a variation", 20)
        concert.do(lambda: concert.stage.set("scene.after-you", True))
        eventually(lambda: not concert.sounding(), "the end of the bar", 10)
        time.sleep(2 * 240.0 / _BARS_BPM)
        count = len(concert.notes())
        time.sleep(2 * 240.0 / _BARS_BPM)
        assert len(concert.notes()) == count, "a bar nobody asked for"
        play_file(pianist, a_call(tmp_path / "call.mid", 60.0 / _BARS_BPM))
        eventually(lambda: len(concert.notes()) > count, "a bar after one of the performer's", 20)
        concert.do(lambda: concert.stage.set("bars.stop", True))
        eventually(lambda: not concert.sounding(), "silence", 5)
        print(f"{len(concert.notes())} notes of bars")
        assert never_twice(concert.messages())


def test_a_pianist_goes_on_when_the_performer_pauses_and_gives_way_when_they_play(
        jack_server: str, eventually: Wait, tmp_path: Path) -> None:
    call = a_call(tmp_path / "call.mid", 0.15, (60, 64, 67, 72, 71, 67, 65, 62, 64, 60))
    answers = []
    with recital(jack_server, "free-piano", eventually) as (concert, pianist):
        concert.do(lambda: concert.stage.set("pianist.pause_s", 0.3))
        for _ in range(5):
            before = len(concert.notes())
            play_file(pianist, call)
            eventually(lambda count=before: len(concert.notes()) > count + 1, "an answer", 30)
            pianist.touch(0x90, 72, 90)
            eventually(lambda: not concert.sounding(), "an answer that gives way", 2)
            pianist.touch(0x80, 72, 0)
            play_file(pianist, call)
            pianist.touch(0xB0, 82, 127)                # the pedal: go on now
            pianist.touch(0xB0, 82, 0)
            eventually(lambda: concert.sounding(), "an answer at once", 10)
            concert.do(lambda: concert.stage.set("pianist.stop", True))
            eventually(lambda: not concert.sounding(), "a pianist who stops", 5)
            concert.do(lambda: concert.stage.set("pianist.start", True))
            answers.append(len(concert.notes()))
        time.sleep(0.5)
        assert not concert.sounding()
        print(f"{answers[-1]} notes of five answers and five more")
        assert all(less < more for less, more in pairwise([0, *answers]))
        assert never_twice(concert.messages())
