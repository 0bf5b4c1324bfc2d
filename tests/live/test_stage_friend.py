"""The friend and the clock on a real driver: on the beat, and every tick counted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lateness import HALF_BLOCK_MS, due, late_ms

from bench.concert import Concert
from engine.mouth import beat, perform
from engine.units import SAMPLE_RATE

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

Wait = Callable[..., None]

PATCH = """
title  = "Friend"
cables = ["clock -> friend -> daw", "friend -> kit -> speakers"]

[nodes.clock]
bpm      = 120
port_out = "Kuchi clock"

[nodes.friend]
type     = "pattern-generator"
mode     = "continue"
humanise = 0
density  = 0.8

[nodes.daw]
type = "midi-out"
"""


def test_what_the_friend_plays_leaves_on_the_beat_and_the_clock_is_counted(
        jack_server: str, eventually: Wait, tmp_path: Path) -> None:
    patch, log = tmp_path / "friend.toml", tmp_path / "log.jsonl"
    patch.write_text(PATCH, encoding="utf-8")
    with Concert(jack_server, [patch], ports=("Kuchi drums", "Kuchi clock"), log=log) as concert:
        concert.begin(eventually)
        concert.do(lambda: concert.stage.set("friend.start", True))
        eventually(lambda: len(concert.notes()) > 100, "a friend that plays", 60)
        concert.do(lambda: concert.stage.set("clock.bpm", 200.0))
        eventually(lambda: len(concert.notes()) > 260, "a friend that plays faster", 60)
        concert.do(lambda: concert.stage.set("friend.stop", True))
        eventually(lambda: concert.stage.block.words[0] and not concert.sounding(), "an end", 10)
        clock = concert.others[0].messages()
    late = late_ms([note.frame for note in concert.messages() if note.is_on], due(log))
    assert np.percentile(np.abs(late), 99) < 1.0 + HALF_BLOCK_MS, np.percentile(
        late, [0, 1, 50, 99, 100])
    ticks = np.array([message.frame for message in clock if message.status == 0xF8])
    steps = np.diff(ticks) / SAMPLE_RATE
    assert len(ticks) > 500
    off_ms = 1000.0 * np.minimum(np.abs(steps - 2.5 / 120.0), np.abs(steps - 2.5 / 200.0))
    assert np.percentile(off_ms, 95) < 2.0, np.percentile(off_ms, [50, 95, 99, 100])
    assert [message.status for message in clock if message.status != 0xF8][:1] == [0xFA]


def test_capture_keeps_what_was_sung_and_the_kit_plays_it_without_a_gap(
        jack_server: str, eventually: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
        ) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    groove = beat({"b": "X.......x.......", "pf": "....X.......X...", "ts": "..x...x...x...x."},
                  100, 2, start=0.3, who="aki")
    with Concert(jack_server, ["beatbox-kit"]) as concert:
        concert.begin(eventually)
        concert.singer.sing(perform(groove, "aki")[0])
        eventually(lambda: concert.singer.done, "a song that is over", 20)
        concert.do(lambda: concert.stage.set("capture", True))
        eventually(lambda: concert.said("Kept:"), "a kit", 60)
        kit = tmp_path / "kuchi" / "kits" / "take-1"
        assert (kit / "kit.toml").is_file()
        eventually(lambda: concert.stage.settings.get("kit.kit") == str(kit), "a kit that plays")
        heard = len(concert.notes())
        concert.singer.sing(perform(groove, "aki")[0])
        eventually(lambda: len(concert.notes()) > heard + 8, "a stage that plays on", 20)
        assert not concert.said("can't be")
