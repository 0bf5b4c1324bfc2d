"""A profile on stage: steady hits stay even, and whatever is corrected, no note is left on."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.company import strikes
from bench.concert import GM_KICK, GM_SNARE, Concert
from engine.mouth import beat, perform
from engine.rehearsal.teaching import cut, onsets_of
from engine.units import SAMPLE_RATE, Samples
from engine.voice.profile import Profile, taught
from engine.voice.profile_file import load_profile, save_profile

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

Wait = Callable[..., None]
WRONG, UNDO = 83, 84

PATCH = """
cables = ["mic -> onsets -> drums -> daw", "mic -> drums"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
profile = "mine.kuchi"
{settings}
[nodes.daw]
type = "midi-out"
port = "Kuchi drums"
corrected = "send anew"
[controls]
cc83 = "wrong"
cc84 = "undo"
"""


def takes_of(audio: Samples, times: list[float]) -> list:
    onsets = onsets_of(audio)
    return [cut(audio, each, onsets) for each in times]


def mouth_takes(sound: str) -> list:
    audio, struck = perform([(0.5 + 0.7 * k, sound, 0.5 + 0.1 * k) for k in range(5)], "aki")
    return takes_of(audio, [strike.time for strike in struck])


def write(folder: Path, profile: Profile, settings: str) -> Path:
    save_profile(folder / "mine.kuchi", taught(profile))
    (folder / "mine.toml").write_text(PATCH.format(settings=settings), encoding="utf-8")
    return folder / "mine.toml"


def test_steady_hits_of_ones_own_sounds_stay_even(jack_server, tmp_path: Path, eventually: Wait):
    """Spread of a note's moment after its strike, but for the latest of twenty: a shared machine
    stops us now and then. Nothing is refused: a machine's click isn't a mouth's."""
    song, places = strikes(40)
    clicks = takes_of(song, [place / SAMPLE_RATE for place in places[:5]])
    profile = Profile().with_takes("tick", clicks).with_takes("boots", mouth_takes("b"))
    path = write(tmp_path, profile, "wait_ms = 24\nrefuse_at = 1.0")
    with Concert(jack_server, [path]) as concert:
        concert.begin(eventually)
        concert.singer.sing(song)
        eventually(lambda: concert.singer.done, "the song is sung", 60)
        eventually(lambda: len(concert.notes()) >= len(places), "every strike became a note")
        struck = concert.singer.sung_at_ns(places)
        notes = np.array([note.ns for note in concert.notes()])
        late_ms = np.sort([(notes[notes > moment][0] - moment) / 1e6 for moment in struck])
    assert late_ms[0] > 23.0
    assert late_ms[:-2].std() <= 1.0


def test_early_hits_and_hits_called_wrong_leave_no_note_on(jack_server, tmp_path: Path,
                                                           eventually: Wait):
    profile = Profile()
    for name, sound in (("kick", "b"), ("snare", "pf"), ("hihat", "ts")):
        profile = profile.with_takes(name, mouth_takes(sound))
    path = write(tmp_path, profile, 'when = "early"\nfirst_ms = 8\nwait_ms = 40')
    song, struck = perform(beat({"b": "X...x...", "ts": "..x...x.", "pf": "....X..."}, 116, 4,
                                start=0.5), "aki")
    with Concert(jack_server, [path], log=tmp_path / "log.jsonl") as concert:
        concert.begin(eventually)
        concert.singer.sing(song)
        pressed = 0
        while not concert.singer.done:
            if len(concert.notes()) > 4 * pressed:
                concert.listener.touch(0xB0, UNDO if pressed % 3 == 2 else WRONG, 127)
                concert.listener.touch(0xB0, UNDO if pressed % 3 == 2 else WRONG, 0)
                pressed += 1
            time.sleep(0.05)
        eventually(lambda: len(concert.notes()) >= len(struck), "what was sung was played")
        eventually(lambda: not concert.sounding(), "every note has ended")
    corrected = (tmp_path / "log.jsonl").read_text().count('"corrects"')
    assert pressed > 5
    assert corrected > 3


def test_a_profile_edited_while_it_plays_comes_in_and_no_hit_is_lost(jack_server, tmp_path: Path,
                                                                    eventually: Wait):
    """Phrases of five kicks. Edited, they play snares; broken, the old one plays on; what the pedal
    has taught is written in a pause, and isn't read again."""
    profile = Profile().with_takes("boots", mouth_takes("b"), "kick")
    profile = profile.with_takes("tss", mouth_takes("ts"))
    path, mine = write(tmp_path, profile, "wait_ms = 24"), tmp_path / "mine.kuchi"
    times = [1.0 + 3.6 * phrase + 0.4 * k for phrase in range(10) for k in range(5)]
    song, struck = perform([(each, "b", 0.8) for each in times], "aki")

    def played(drum: int, since: int) -> bool:
        return drum in {note.note for note in concert.notes()[since:]}

    with Concert(jack_server, [path]) as concert:
        concert.begin(eventually)
        concert.singer.sing(song)
        eventually(lambda: played(GM_KICK, 0), "a kick")
        for drum, number in (("snare", GM_SNARE), ("kick", GM_KICK)) * 2:
            since, told = len(concert.notes()), len(concert.told)
            save_profile(mine, taught(load_profile(mine).playing("boots", drum)))
            eventually(lambda told=told: concert.said(f"{mine}: read again", told), "the news")
            eventually(lambda since=since, number=number: played(number, since), drum)
        good, since = mine.read_bytes(), len(concert.notes())
        mine.write_bytes(good[:-500])
        eventually(lambda: concert.said("breaks off"), "what is wrong with it")
        assert concert.said("plays on")
        eventually(lambda: played(GM_KICK, since), "the old one plays on")
        told = len(concert.told)
        mine.write_bytes(good)
        eventually(lambda: concert.said("read again", told), "the good one again")
        told, since = len(concert.told), len(concert.notes())
        eventually(lambda: played(GM_KICK, since), "a kick to be called wrong")
        concert.listener.touch(0xB0, WRONG, 127)
        concert.listener.touch(0xB0, WRONG, 0)
        eventually(lambda: mine.read_bytes() != good, "what was taught is written", 30)
        eventually(lambda: concert.singer.done, "the song is sung", 60)
        eventually(lambda: not concert.sounding(), "every note has ended")
        assert not concert.said("read again", told)
        assert not concert.said("skipped")
        moments = concert.singer.sung_at_ns([round(each.time * SAMPLE_RATE) for each in struck])
        notes = np.array([note.ns for note in concert.notes()])
    late_ms = [(notes[notes > moment][:1] - moment) / 1e6 for moment in moments]
    assert all(len(late) and late[0] < 100.0 for late in late_ms), "every strike has its note"
