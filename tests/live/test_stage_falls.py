"""Whatever falls in mid-song, no note stays on, and the show goes on.

Notes are held for long here, so that each fall finds some sounding.
"""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from bench.concert import Concert, kill, process
from bench.falls import HOWS, KICK, MOST_OFF_MS, PATCH, fall, flawed, song
from bench.players import Player
from engine.devices.files import read_midi
from engine.errors import DeviceError
from engine.events import NoteOn
from engine.jobs import name_of
from engine.live import plugs, port
from engine.live.command import Stage

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

Wait = Callable[..., None]
SLACK_S = 0.1               # for a machine that does other things beside
SONG = song()


@pytest.fixture
def patch(tmp_path: Path) -> Path:
    path = tmp_path / "held.toml"
    path.write_text(PATCH, encoding="utf-8")
    return path


@pytest.fixture
def concert(jack_server, patch: Path, eventually: Wait) -> Iterator[Concert]:
    """A stage in mid-song."""
    with Concert(jack_server, [patch]) as concert:
        concert.begin(eventually).singer.sing(SONG, again=True)
        eventually(lambda: len(concert.notes()) > 1, "the first notes")
        yield concert


def is_back(concert: Concert, fell: float, eventually: Wait, within_s: float = 15.0) -> None:
    """The engine is back, and the first hit after that is right."""
    eventually(lambda: concert.stage.ready and concert.notes(after=fell + 0.4),
               "an engine that plays again", within_s)
    assert {note.note for note in concert.notes(after=fell + 0.4)} == {KICK}


@pytest.fixture
def breakable(jack_server, patch: Path, eventually: Wait) -> Iterator[Concert]:
    """The same, on an engine that can be made to fail."""
    with flawed(), Concert(jack_server, [patch]) as concert:
        concert.begin(eventually).singer.sing(SONG, again=True)
        eventually(lambda: len(concert.notes()) > 1, "the first notes")
        yield concert


@pytest.mark.parametrize("how", HOWS)
def test_an_engine_that_falls_leaves_no_note_on_and_is_back(breakable: Concert, how: str):
    fate = random.Random(how)
    for _ in range(3):
        breakable.told.clear()
        fell = fall(breakable, HOWS[how], fate.uniform(0.0, 0.5))
        assert fell.off_ms < MOST_OFF_MS + 1000 * SLACK_S
        assert fell.right


def test_a_node_that_raises_is_muted_and_its_notes_end(breakable: Concert, patch: Path,
                                                       eventually: Wait):
    eventually(breakable.sounding, "a note that sounds")
    engine_before = breakable.engine
    kill(engine_before, signal.SIGUSR1)
    eventually(lambda: breakable.said("drums failed and is muted: ZeroDivisionError"), "the news")
    eventually(lambda: not breakable.sounding(), "the end of every note")
    assert breakable.engine == engine_before, "the show goes on"
    patch.write_text(PATCH + "# mended\n", encoding="utf-8")
    fell = time.monotonic()
    eventually(lambda: breakable.notes(after=fell), "notes, since the patch was mended")


def test_a_port_process_that_falls_ends_its_notes_and_the_engine_plays_on(
        concert: Concert, eventually: Wait):
    eventually(concert.sounding, "a note that sounds")
    engine_before, before = concert.engine, concert.sounding()
    fell = kill(process("kuchi-port"))
    eventually(lambda: concert.said("The MIDI process has fallen"), "the news")
    eventually(lambda: concert.plugged() and concert.notes(after=fell), "notes again")
    ended = {(note.status & 0x0F, note.note) for note in concert.messages()
             if note.is_off and note.ns > fell * 1e9}
    assert before <= ended
    assert concert.engine == engine_before, concert.told


def test_a_listener_that_was_turned_off_hears_again(concert: Concert, eventually: Wait):
    concert.do(lambda: concert.stage.set("listen", 0))
    eventually(lambda: concert.stage.state == "NOT LISTENING", "deafness")
    fell = kill(concert.engine)
    eventually(lambda: concert.said("Back after"), "the engine")
    assert concert.stage.state == "NOT LISTENING", "as it was before the fall"
    concert.listener.touch(0xBF, 80, 127)           # the pedal, on channel 16
    eventually(lambda: concert.stage.state == "LISTENING", "the pedal's answer")
    eventually(lambda: concert.notes(after=fell + 0.4), "notes")


def test_jack_dies_in_mid_take_and_comes_back(concert: Concert, eventually: Wait):
    eventually(concert.sounding, "a note that sounds")
    with concert.without_jack():
        eventually(lambda: concert.stage.state == "USB GONE", "a state in a word")
        eventually(lambda: concert.said("The sound card has gone"), "one line")
        eventually(lambda: concert.stage.ready, "an engine that waits", 20)
    back = time.monotonic()
    concert.singer.sing(SONG, again=True)
    eventually(lambda: concert.stage.state == "LISTENING", "the card, taken again")
    assert time.monotonic() - back < 3.0 + SLACK_S
    eventually(lambda: concert.notes(after=back), "notes again")
    assert concert.said("Sound again: system, JACK")
    concert.do(lambda: concert.stage.set("listen", 0))
    eventually(lambda: not concert.sounding(), "the end of every note")


def test_a_receiver_that_is_closed_and_opened_again_hears_again(concert: Concert,
                                                                eventually: Wait):
    assert concert.notes()
    concert.listener_comes_again()
    back = time.monotonic()
    eventually(lambda: concert.notes(after=back), "notes again")
    assert concert.stage.state == "LISTENING"


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_to_be_stopped_ends_every_note_and_every_process(jack_server, patch, eventually: Wait,
                                                         how, code):
    singer = Player("singer", jack_server, ["mouth"])
    listener = Player("listener", jack_server, ["midi"])
    kuchi = subprocess.Popen([sys.executable, "-m", "engine", "run", str(patch)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    connect(singer, "singer:mouth", "PortAudio:in_0", eventually)
    connect(listener, "Kuchi drums", "listener:midi", eventually)
    singer.sing(SONG, again=True)
    eventually(lambda: [note for note in listener.messages() if note.is_on], "a note")
    family = [psutil.Process(kuchi.pid), *psutil.Process(kuchi.pid).children(recursive=True)]
    kuchi.send_signal(how)
    said, _ = kuchi.communicate(timeout=20)
    heard = listener.messages()
    assert kuchi.returncode == code
    assert "Traceback" not in said
    assert "leaked" not in said
    eventually(lambda: not [each for each in family if each.is_running()
                            and each.status() != psutil.STATUS_ZOMBIE], "the end of them all")
    assert heard[-1].status & 0xF0 in (0x80, 0xB0), "the last word is an end"
    held = {note.note for note in heard if note.is_on}
    for note in held:
        assert [message for message in heard if message.note == note][-1].is_off
    singer.close()
    listener.close()


def connect(player: Player, source: str, target: str, eventually: Wait) -> None:
    """Plug a cable as soon as both its ends are there; ports by part of their names."""
    def plug() -> bool:
        ends = [player.client.get_ports(name, is_output=out, is_input=not out)
                for name, out in ((source, True), (target, False))]
        if not all(ends):
            return False
        for other in player.client.get_all_connections(ends[1][0]):
            player.client.disconnect(other, ends[1][0])
        player.client.connect(ends[0][0], ends[1][0])
        return True
    eventually(plug, f"{source} -> {target}", 60)


def port_without_midi(command: Connection, links: Connection, block_name: str) -> None:
    """The port process on a system that has no sequencer."""
    def absent() -> None:
        raise DeviceError("this system has no MIDI")
    plugs.Sequencer = absent
    port.run(command, links, block_name)


def test_where_there_is_no_midi_the_notes_are_in_a_file_and_that_is_said_in_one_line(
        jack_server, patch, tmp_path: Path, eventually: Wait, monkeypatch):
    monkeypatch.setattr("engine.live.crew.PORT", name_of(port_without_midi))
    monkeypatch.chdir(tmp_path)
    singer, told = Player("singer", jack_server, ["mouth"]), []
    stage = Stage([patch], tell=told.append)
    try:
        def stepped() -> Stage:
            stage.step(0.0)
            return stage
        eventually(lambda: stepped().ready, "a stage that is ready", 60)
        connect(singer, "singer:mouth", "PortAudio:in_0", eventually)
        singer.sing(SONG)
        eventually(lambda: stepped() and singer.done, "the end of the song")
        eventually(lambda: len(stepped().picture().hits) >= 7, "its hits")
        eventually(lambda: stepped() and any("no MIDI" in line for line in told), "word of it")
    finally:
        stage.close()
        singer.close()
    (line,) = [line for line in told if "no MIDI" in line]
    assert "notes go to" in line
    (file,) = tmp_path.glob("kuchi-*.mid")
    notes = [event for event in read_midi(file) if isinstance(event, NoteOn)]
    assert {note.note for note in notes} == {KICK}
    assert len(notes) >= 6             # the last may still have been due
    assert not list(tmp_path.glob(".*.part"))
