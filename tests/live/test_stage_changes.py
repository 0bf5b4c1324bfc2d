"""Patches change under the playing hands: no note stays on, and the next hit is on time."""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bench import changes
from bench.concert import Concert, kill
from bench.falls import song
from engine.clock import Clock
from engine.live.command import Stage
from engine.live.tempo import Tempo
from engine.osc import build

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

Wait = Callable[..., None]
SONG = song()
CHANGES = 20


@pytest.fixture
def patches(tmp_path: Path) -> list[Path]:
    return changes.patches(tmp_path)


@pytest.fixture
def concert(jack_server, patches: list[Path], tmp_path: Path, eventually: Wait
            ) -> Iterator[Concert]:
    """In mid-song, with a controller at hand."""
    rig = tmp_path / "rig.toml"
    rig.write_text("", encoding="utf-8")
    with Concert(jack_server, patches, ["Kuchi drums", "Kuchi control"], rig=rig) as concert:
        concert.begin(eventually).singer.sing(SONG, again=True)
        eventually(lambda: concert.notes() and concert.listener.client.get_all_connections(
            "listener:hand"), "the first notes, and a controller")
        yield concert
        eventually(lambda: concert.stage.state == "LISTENING", "a stage that listens")
        concert.do(lambda: concert.stage.set("listen", 0))
        eventually(lambda: not concert.sounding(), "the end of every note")


def test_twenty_patch_changes_leave_no_note_on_and_every_hit_comes(concert: Concert,
                                                                   eventually: Wait):
    for number in range(CHANGES):
        if number % 2:
            changes.program_change(concert, number)
        else:
            asked, channel = time.monotonic(), 1 + (number + 1) % 3
            concert.listener.touch(0xB0, 83, 127)               # the pedal for "next"
            eventually(lambda asked=asked, channel=channel: any(
                note.status & 0x0F == channel - 1 for note in concert.notes(after=asked)),
                f"a note on channel {channel}")
    ons = [note.ns / 1e9 for note in concert.notes()]
    gaps = [after - before for before, after in pairwise(ons)]
    late = [gap for gap in gaps if not 0.45 < gap < 0.55]
    assert len(late) <= 0.05 * len(gaps), "every beat has its note, on time"
    assert not concert.said("skipped")


def test_good_edits_come_in_and_bad_ones_are_explained_while_the_old_plays_on(
        concert: Concert, patches: list[Path]):
    for number in range(CHANGES):
        changes.edit(concert, patches[0], number)
    assert concert.said("the old patch plays on")


def test_a_knob_moves_its_setting_which_is_kept_when_it_is_saved(
        concert: Concert, patches: list[Path], eventually: Wait):
    eventually(lambda: lights(concert, 21), "the knob's light")
    for value in range(0, 128, 3):                              # it comes by, and is picked up
        concert.listener.touch(0xB0, 21, value)
    eventually(lambda: concert.stage.settings.get("onsets.sensitivity_db", 0) > 35,
               "the knob's value")
    eventually(lambda: lights(concert, 21)[-1] > 110, "its light, back at the controller")
    concert.do(lambda: concert.stage.set("onsets.sensitivity_db", 12.5))
    eventually(lambda: concert.stage.settings.get("onsets.sensitivity_db") == 12.5, "12.5")
    concert.do(concert.stage.save)
    eventually(lambda: concert.said("Saved in"), "the news")
    saved = patches[0].read_text(encoding="utf-8")
    assert "sensitivity_db = 12.5" in saved
    assert "# the cellar" in saved


def lights(concert: Concert, number: int) -> list[int]:
    """What the controller was told of one of its knobs or pedals."""
    return [note.velocity for note in concert.others[0].messages()
            if note.status & 0xF0 == 0xB0 and note.note == number]


def test_a_pedal_stops_the_listening_and_its_light_says_so(concert: Concert, eventually: Wait):
    concert.listener.touch(0xB0, 80, 127)
    concert.listener.touch(0xB0, 80, 0)
    eventually(lambda: concert.stage.state == "NOT LISTENING", "the pedal's answer")
    eventually(lambda: lights(concert, 80)[-1:] == [0], "its light")
    eventually(lambda: not concert.sounding(), "the last note's end")
    deaf = time.monotonic() + 0.1
    eventually(lambda: time.monotonic() > deaf + 1.2, "two beats")
    assert not concert.notes(after=deaf)
    concert.listener.touch(0xB0, 80, 127)
    eventually(lambda: concert.notes(after=deaf), "notes")
    assert lights(concert, 80)[-1] == 127


def test_a_pedal_that_floods_is_bounded_and_said(concert: Concert, eventually: Wait):
    flood = time.monotonic() + 2.0
    before = time.monotonic()
    while time.monotonic() < flood:
        concert.listener.touch(0xB0, 21, int(time.monotonic() * 1000) % 128)
    eventually(lambda: concert.notes(after=flood), "notes, all the while")
    assert concert.notes(after=before)
    assert concert.engine is not None
    assert not concert.said("fallen")


def test_after_a_fall_the_engine_comes_in_on_the_bar_line(concert: Concert, eventually: Wait):
    for _ in range(3):
        tapped = time.monotonic_ns()
        concert.listener.touch(0xB0, 82, 127)
        eventually(lambda tapped=tapped: time.monotonic_ns() > tapped + 600_000_000, "a beat")
    eventually(lambda: concert.said("bpm"), "the tempo")
    tempo = Tempo(concert.stage.block.words, Clock())
    fell = kill(concert.engine, signal.SIGKILL)
    eventually(lambda: concert.notes(after=fell), "notes again", 20)
    first = concert.notes(after=fell)[0].ns
    bar_ns = round(4 * 60e9 / tempo.bpm)
    since_line = bar_ns - (tempo.bar_line(first) - first)
    assert since_line < bar_ns / 4 + 0.6e9, "the first hit after a bar line"
    del tempo


# -- what performers get wrong -------------------------------------------------------------------

def test_a_device_that_is_not_there_is_said_and_taken_when_it_comes(
        jack_server, patches: list[Path], eventually: Wait):
    jack_server.kill()
    told: list[str] = []
    stage = Stage([patches[0]], tell=told.append)

    def stepped(condition: Callable[[], object]) -> Callable[[], object]:
        def look() -> object:
            stage.step(0.0)
            return condition()
        return look

    try:
        eventually(stepped(lambda: stage.ready), "an engine on a timer", 30)
        assert stage.state == "NO DEVICE"
        assert any("until one comes" in line for line in told)
        jack_server.start()
        eventually(stepped(lambda: stage.state == "LISTENING"), "the card, taken")
    finally:
        stage.close()


def test_a_broken_rig_is_explained_and_the_old_one_stays(concert: Concert, tmp_path: Path,
                                                        eventually: Wait):
    (tmp_path / "rig.toml").write_text('[audoi]\ndevice = "x"\n', encoding="utf-8")
    eventually(lambda: concert.said('did you mean "audio"'), "advice")
    assert concert.said("the old rig stays")
    asked = time.monotonic()
    eventually(lambda: concert.notes(after=asked), "notes")


def test_osc_comes_in_once_the_rig_has_opened_the_port(concert: Concert, tmp_path: Path,
                                                       eventually: Wait):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "rig.toml").write_text(f"[osc]\nport = {port}\n", encoding="utf-8")
    eventually(lambda: concert.said("read again"), "the rig")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        def moved() -> bool:
            sender.sendto(build("/kuchi/set/onsets/sensitivity_db", (17.0,)), ("127.0.0.1", port))
            return concert.stage.settings.get("onsets.sensitivity_db") == 17.0
        eventually(moved, "the setting")
        for state in ("NOT LISTENING", "LISTENING"):
            sender.sendto(build("/kuchi/listen", (1.0,)), ("127.0.0.1", port))
            eventually(lambda state=state: concert.stage.state == state, state)


def test_the_worker_comes_with_the_first_job_and_after_a_fall_again(
        jack_server, patches: list[Path], tmp_path: Path, eventually: Wait):
    friend = tmp_path / "friend.toml"
    friend.write_text('cables = ["clock -> friend -> daw"]\n[nodes.friend]\n'
                      'type = "pattern-generator"\n[nodes.daw]\ntype = "midi-out"\n', "utf-8")
    with Concert(jack_server, [patches[0], friend]) as concert:
        concert.begin(eventually)
        assert not _workers()
        concert.do(lambda: concert.stage.move(1))
        eventually(_workers, "a worker", 30)
        first, = _workers()
        os.kill(first, signal.SIGKILL)
        eventually(lambda: _workers() and first not in _workers(), "another worker", 30)
        assert concert.said("The worker, which thinks up what comes later, has fallen")


def _workers() -> list[int | None]:
    return [child.pid for child in multiprocessing.active_children()
            if child.name == "kuchi-worker"]
