"""What the stage is made of, one by one and without a card: the song, the link, the hands."""

import os
import socket
import time
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

import numpy as np
import pytest

from engine.edition import edition
from engine.errors import PatchError
from engine.events import Gesture, NoteOn
from engine.graph import Graph
from engine.live.hands import Hands
from engine.live.link import Link
from engine.live.messages import Forget, Heard, Midi, Panic, offer, read
from engine.live.shared import SharedBlock
from engine.live.song import Song
from engine.nodes.midi_in import MidiIn
from engine.patch import parse_patch
from engine.voice.profile import Profile
from engine.voice.profile_file import save_profile

PATCH = """
cables = ["keys -> gate"]
[nodes.gate]
type = "midi-out"
gate_ms = 50
[scenes.long]
gate.gate_ms = 900
[controls]
key.x = "panic"
cc21 = "gate.gate_ms"
cc80 = "listen"
program5 = "tap"
"""


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for path in found:
        path.write_text(PATCH, encoding="utf-8")
    (tmp_path / "rig.toml").write_text("", encoding="utf-8")
    return found


@pytest.fixture
def song(paths: list[Path]) -> Song:
    """One that the engine has agreed to."""
    return agreed(Song(paths, paths[0].parent / "rig.toml"))


def agreed(song: Song) -> Song:
    song.agreed(song.load().ticket)
    return song


def write(song: Song, text: str) -> None:
    """Edit the patch; the song has read it."""
    song.path.write_text(text, encoding="utf-8")
    song.read()


# -- the song ------------------------------------------------------------------------------------

def test_a_fresh_engine_is_told_the_scene_and_what_was_moved_by_hand(song: Song):
    song.remember("gate.gate_ms", 70.0)
    song.remember("scene.long", 1)
    assert (song.load().scene, song.load().settings) == ("scene.long", {})
    song.remember("gate.gate_ms", 80.0)
    assert song.load().settings == {"gate.gate_ms": 80.0}


def test_what_was_moved_by_hand_outlives_an_edit_unless_the_edit_is_about_it(song: Song):
    song.remember("gate.gate_ms", 70.0)
    write(song, PATCH + "# a thought\n")
    assert agreed(song).settings == {"gate.gate_ms": 70.0}
    write(song, PATCH.replace("gate_ms = 50", "gate_ms = 60"))
    assert song.load().settings == {}
    assert agreed(song).settings == {}


def test_a_scene_that_an_edit_takes_out_is_left_with_it(song: Song):
    song.remember("scene.long", 1)
    write(song, PATCH.replace("[scenes.long]", "[scenes.longer]"))
    assert song.load().scene == ""


def test_an_edit_that_the_engine_refuses_leaves_the_song_as_it_was(song: Song):
    song.remember("gate.gate_ms", 70.0)
    write(song, "cables = 3")
    asked = song.load()
    assert asked.patch.text == "cables = 3"
    assert not song.refused(asked.ticket, asked.patch.source), "nothing else was asked for"
    assert song.load().patch.text == PATCH
    assert song.load().settings == {"gate.gate_ms": 70.0}
    assert song.keys == {"x": "panic"}


def test_of_an_edit_to_patch_and_rig_the_good_one_comes_in(song: Song, paths: list[Path]):
    rig = paths[0].parent / "rig.toml"
    rig.write_text('[osc]\nport = "9000"\n', encoding="utf-8")
    song.read_rig()
    write(song, PATCH + "# a thought\n")
    asked = song.load()
    assert song.refused(asked.ticket, asked.rig.source)
    assert (song.load().patch.text, song.load().rig.text) == (PATCH + "# a thought\n", "")
    assert agreed(song).rig.osc_port == 0


def test_an_answer_to_what_was_asked_before_is_passed_over(song: Song):
    write(song, PATCH + "# one")
    one = song.load()
    write(song, PATCH + "# two")
    two = song.load()
    song.agreed(one.ticket)
    assert song.asks
    song.agreed(two.ticket)
    assert not song.asks
    assert song.load().patch.text == PATCH + "# two"


def test_the_set_list_goes_round_and_a_patch_begins_as_it_was_saved(song: Song, paths):
    song.remember("gate.gate_ms", 70.0)
    song.move(-1)
    assert (song.path, song.playing) == (paths[1], paths[0]), "until the engine agrees"
    assert song.load().settings == {}
    assert agreed(song).settings == {}
    song.move(1)
    assert agreed(song).playing == paths[0]
    assert song.knows(2)
    assert not song.knows(3)


def test_the_whole_set_list_is_looked_at_once(paths: list[Path]):
    song = Song(paths, paths[0].parent / "rig.toml")
    first = song.load()
    assert [sheet.source for sheet in first.others] == [str(paths[1])]
    song.agreed(first.ticket)
    assert not song.load().others


def test_what_was_saved_is_not_moved_any_more(song: Song):
    song.remember("gate.gate_ms", 70.0)
    song.path.write_text(PATCH.replace("gate_ms = 50", "gate_ms = 70"), encoding="utf-8")
    song.saved({"gate.gate_ms": 70.0})
    assert song.settings == {}
    assert "gate_ms = 70" in song.load().patch.text


def test_a_patch_that_is_not_there_is_told_at_once(tmp_path: Path):
    with pytest.raises(PatchError, match="no such file"):
        Song([tmp_path / "none.toml"], None)


def test_a_file_that_is_being_written_is_read_when_the_writer_has_done(song: Song, monkeypatch):
    now = [time.monotonic()]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def look() -> set[Path]:
        now[0] += 1.0
        return song.changed()

    assert look() == set()
    song.path.write_text(PATCH + "#", encoding="utf-8")
    assert look() == set(), "it may not be whole yet"
    assert look() == {song.path}
    assert look() == set(), "told once"
    song.path.unlink()
    assert [look(), look()] == [set()] * 2, "an editor that puts a new one in its place"


def test_a_profile_is_news_when_somebody_edits_it_but_not_when_the_stage_goes_on_with_it(
        song: Song, tmp_path: Path, monkeypatch):
    now = [time.monotonic()]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    path, other = tmp_path / "mine.kuchi", tmp_path / "others.kuchi"

    def look() -> list[set[Path]]:
        now[0] += 1.0
        first = song.changed()
        now[0] += 1.0
        return [first, song.changed()]

    def plays() -> list[Path]:
        return song.agreed(song.load().ticket, {str(each): edition(each)
                                                for each in (path, other) if each.exists()})

    save_profile(path, Profile())
    assert plays() == [], "it is read for the first time"
    assert look() == [set(), set()]
    save_profile(path, Profile(), goes_on_with=edition(path))
    assert look() == [set(), set()]
    save_profile(path, Profile(waits={"kick": 16.0}))
    song.path.write_text(PATCH + "#", encoding="utf-8")
    song.saved({})
    assert look() == [set(), {path}], "whatever is saved meanwhile"
    save_profile(other, Profile())
    assert plays() == [path]
    path.write_bytes(path.read_bytes()[:-50])
    assert look() == [set(), {path}], "the engine will say what is wrong with it"
    path.unlink()
    assert look() == [set(), set()]


# -- the link ------------------------------------------------------------------------------------

def tiny_pipe() -> tuple[Connection, Connection]:
    """A pipe with room for little, so that it is soon full."""
    near, far = Pipe()
    for pipe in (near, far):
        with socket.socket(fileno=os.dup(pipe.fileno())) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return near, far


def test_what_finds_no_room_leaves_when_there_is_some_and_in_order():
    near, far = tiny_pipe()
    link = Link([near])
    for velocity in range(1000):
        link.tell(Midi(0, 0x90, 36, velocity % 128))
    heard = []
    while far.poll():
        heard.append(read(far))
        link.flush()
    assert heard == [Midi(0, 0x90, 36, velocity % 128) for velocity in range(1000)]
    assert link.lost == 0


def test_a_port_process_that_never_reads_stops_no_one_and_ends_its_notes_at_last():
    near, far = tiny_pipe()
    link = Link([near])
    for _ in range(20_000):
        link.tell(Midi(0, 0x90, 36, 1))
    assert link.lost >= 4096
    heard = []
    while far.poll():
        heard.append(read(far))
        link.flush()
    assert Forget() in heard


def test_a_new_port_process_hears_nothing_of_what_was_meant_for_the_old_one():
    (old, _), (new, far) = tiny_pipe(), tiny_pipe()
    link = Link([old, new])
    for _ in range(2000):
        link.tell(Midi(0, 0x90, 36, 1))
    link.use(1)
    link.tell(Panic())
    assert read(far) == Panic()
    assert not far.poll()


def test_a_full_pipe_refuses_and_never_waits():
    near, _far = tiny_pipe()
    sent = sum(offer(near, Panic()) for _ in range(10_000))
    assert 0 < sent < 10_000


# -- the hands -----------------------------------------------------------------------------------

@pytest.fixture
def hands() -> Hands:
    hands = Hands()
    hands.bind(Graph(parse_patch(PATCH)), ["Kuchi keys", "Kuchi control"], 1)
    return hands


def moved(hands: Hands, status: int, data1: int, data2: int = 0) -> list:
    return list(hands.touch(Heard(0, status, data1, data2, 0), 0.5))


def test_a_pedal_fires_on_the_press_whatever_its_channel(hands: Hands):
    assert moved(hands, 0xB3, 80, 127) == [("listen", True)]
    assert moved(hands, 0xB3, 80, 0) == []


def test_a_program_that_nothing_is_bound_to_is_a_place_in_the_set_list(hands: Hands):
    assert moved(hands, 0xC0, 4) == [("tap", True)]
    assert moved(hands, 0xC0, 1) == [("program", 2)]


def test_a_key_is_heard_by_the_node_of_its_port():
    graph, hands = Graph(parse_patch(PATCH)), Hands()
    hands.bind(graph, ["Kuchi keys", "Kuchi control"], 1)
    moved(hands, 0x92, 60, 100)
    keys = next(node for node in graph.nodes.values() if isinstance(node, MidiIn))
    assert keys.process() == [NoteOn(0.5, 60, 100, 3)]
    list(hands.touch(Heard(1, 0x92, 60, 100, 0), 0.5))
    assert keys.process() == (), "what the controller plays is no key"


def test_a_pedal_that_is_bound_moves_its_setting_and_any_other_is_played():
    graph, hands = Graph(parse_patch(PATCH)), Hands()
    hands.bind(graph, ["Kuchi keys", "Kuchi control"], 1)
    keys = next(node for node in graph.nodes.values() if isinstance(node, MidiIn))
    assert moved(hands, 0xB0, 80, 127) == [("listen", True)]
    for status, data1, data2 in ((0xB1, 64, 127), (0xE0, 0, 96), (0xD0, 7, 0), (0xA0, 60, 9)):
        assert moved(hands, status, data1, data2) == []
    assert keys.process() == [
        Gesture(0.5, "controller", 64, 127, 2), Gesture(0.5, "bend", 0, 4096, 1),
        Gesture(0.5, "pressure", 0, 7, 1), Gesture(0.5, "key_pressure", 60, 9, 1)]


def test_lights_show_what_holds_and_are_told_only_when_it_changes(hands: Hands):
    place = round(127 * (50 - 5) / (5000 - 5))
    assert list(hands.lights(True)) == [Midi(1, 0xB0, 21, place), Midi(1, 0xB0, 80, 127)]
    assert list(hands.lights(True)) == []
    assert list(hands.lights(False)) == [Midi(1, 0xB0, 80, 0)]
    hands.darken()
    assert len(list(hands.lights(False))) == 2


def test_the_block_of_memory_is_taken_away_by_who_made_it():
    block = SharedBlock()
    name = block.name
    other = SharedBlock(name)
    block.words[3] = 7
    assert np.array_equal(other.words, block.words)
    other.close()
    block.close()
    with pytest.raises(FileNotFoundError):
        SharedBlock(name)
