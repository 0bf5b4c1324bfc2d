"""A profile on stage: steady hits stay even, and whatever is corrected, no note is left on."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.concert import Concert
from bench.strike import strikes
from engine.mouth import beat, perform
from engine.rehearsal.teaching import cut, onsets_of
from engine.units import SAMPLE_RATE, Samples
from engine.voice.profile import Profile, taught
from engine.voice.profile_file import save_profile

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
