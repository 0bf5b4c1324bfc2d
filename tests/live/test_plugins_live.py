"""Plugins on stage: what a keyboard plays is heard, and one that falls takes nobody along."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.concert import Concert
from engine.audio.lv2.plugins import find
from engine.audio.lv2.verdicts import decide, kept
from engine.events import NoteOn
from engine.live.shared import BEGAN, FRAME
from engine.patch import load_patch
from engine.rendering import render
from engine.units import SAMPLE_RATE, Samples

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("flawed", "one_cache"),
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

Wait = Callable[..., None]
SLACK_S = 0.1               # for a machine that does other things beside
LURKING = """
cables = ["keys -> synth -> speakers", "keys -> daw"]
[nodes.synth]
type = "lv2-plugin"
plugin = "urn:kuchi-test:{flaw}"
[nodes.daw]
type = "midi-out"
"""
EPIANO = """
cables = ["keys -> piano -> speakers", "keys -> daw"]
[nodes.piano]
type = "lv2-plugin"
plugin = "http://drobilla.net/plugins/mda/EPiano"
wait_ms = 100
[nodes.daw]
type = "midi-out"
"""


def stage(server, text: str, tmp_path: Path, eventually: Wait, **more) -> Concert:
    path = tmp_path / "song.toml"
    path.write_text(text, encoding="utf-8")
    concert = Concert(server, [path], hand_to="Kuchi keys", **more).begin(eventually)
    eventually(lambda: concert.listener.client.get_all_connections("listener:hand"), "a keyboard")
    return concert


@pytest.mark.parametrize(("flaw", "what"), [("crash", "crashed"), ("hang", "hung")])
def test_a_plugin_that_falls_is_left_behind_and_no_note_stays_on(
        jack_server, tmp_path: Path, eventually: Wait, flaw: str, what: str):
    with stage(jack_server, LURKING.format(flaw=flaw), tmp_path, eventually) as concert:
        hand = concert.listener.touch
        eventually(lambda: hand(0x90, 60, 100) or concert.sounding(), "a note that sounds")
        first = concert.engine
        hand(0x90, 61, 1)
        fell = time.monotonic()
        eventually(lambda: not concert.sounding(), "the end of every note")
        assert concert.silent_since() - fell < 0.300 + SLACK_S
        eventually(lambda: concert.said(what), "the news")
        eventually(lambda: concert.stage.ready and concert.engine != first, "an engine", 30)
        eventually(lambda: concert.said("synth is bypassed. Kuchi test"), "it is left out")
        eventually(concert.plugged, "cables")
        eventually(lambda: hand(0x90, 62, 1) or concert.sounding(), "the show goes on")
        verdict = kept(find(f"urn:kuchi-test:{flaw}"))
        assert verdict is not None
        assert verdict.refused == f"it {what} on stage"


def test_saving_writes_what_a_plugin_holds_beside_the_patch(
        jack_server, tmp_path: Path, eventually: Wait):
    with stage(jack_server, LURKING.format(flaw="keeps"), tmp_path, eventually) as concert:
        hand = concert.listener.touch
        eventually(lambda: hand(0x90, 60, 100) or concert.sounding(), "a note that sounds")
        concert.do(concert.stage.save)
        eventually(lambda: concert.said("song.toml: synth.state."), "the news")
        saved = (tmp_path / "song.toml").read_text(encoding="utf-8")
        assert 'state = "song-synth.state"' in saved
        assert (tmp_path / "song-synth.state" / "state.ttl").is_file()


def test_a_plugin_that_makes_no_numbers_is_passed_by_without_a_pause(
        jack_server, tmp_path: Path, eventually: Wait):
    text = LURKING.format(flaw="nan").replace('["keys', '["mic -> synth", "keys')
    with stage(jack_server, text, tmp_path, eventually) as concert:
        first = concert.engine
        eventually(lambda: concert.listener.touch(0x90, 60, 1) or concert.said(
            "synth made sound that isn't numbers and is bypassed for 2 s."), "the news")
        assert concert.engine == first
        assert np.isfinite(concert.stage.block.last_played(2.0)).all()


def test_a_plugin_that_falls_while_it_is_loaded_is_left_behind(
        jack_server, own_cache: Path, tmp_path: Path, eventually: Wait):
    abort = find("urn:kuchi-test:abort")
    decide(abort)                                       # its trial went well
    with stage(jack_server, LURKING.format(flaw="abort"), tmp_path, eventually) as concert:
        assert concert.said("synth: Kuchi test abort crashed; it is refused from now on.")
        eventually(lambda: concert.listener.touch(0x90, 60, 100) or concert.sounding(),
                   "the show goes on")
    verdict = kept(abort)
    assert verdict is not None
    assert verdict.refused == "it crashed on stage"


@pytest.mark.parametrize(("plugin", "words"), [
    ("urn:kuchi-test:nowhere", 'no LV2 plugin "urn:kuchi-test:nowhere" is installed'),
    ("urn:kuchi-test:wants", "it needs urn:kuchi-test:moon, which Kuchi doesn't give")])
def test_a_plugin_that_can_not_be_is_explained_while_the_old_patch_plays_on(
        jack_server, tmp_path: Path, eventually: Wait, plugin: str, words: str):
    text = LURKING.format(flaw="pulse")
    with stage(jack_server, text, tmp_path, eventually) as concert:
        hand = concert.listener.touch
        eventually(lambda: hand(0x90, 60, 100) or concert.sounding(), "a note that sounds")
        (tmp_path / "song.toml").write_text(text.replace("urn:kuchi-test:pulse", plugin),
                                            encoding="utf-8")
        eventually(lambda: concert.said(words) and concert.said("the old patch plays on"), "why")
        seen = len(concert.notes())
        eventually(lambda: hand(0x90, 64, 100) or len(concert.notes()) > seen, "it plays on")


def test_what_a_client_plays_on_the_electric_piano_is_heard_and_renders_to_the_sample(
        jack_server, tmp_path: Path, eventually: Wait, installed_plugin):
    installed_plugin("http://drobilla.net/plugins/mda/EPiano")
    log = tmp_path / "events.jsonl"
    with stage(jack_server, EPIANO, tmp_path, eventually, log=log) as concert:
        block = concert.stage.block
        for note in (69, 57, 76, 64):
            seen = len(concert.notes())
            concert.listener.touch(0x90, note, 100)
            eventually(lambda seen=seen: len(concert.notes()) > seen, "the key is heard")
            moment = int(block.words[FRAME]) + SAMPLE_RATE // 3
            eventually(lambda moment=moment: block.words[FRAME] > moment, "a third of a second")
        moment = int(block.words[FRAME]) + SAMPLE_RATE // 2
        eventually(lambda: block.words[FRAME] > moment, "it rings out")
        # all keys are still held: an end has no time of its own in the log
        began, frames = int(block.words[BEGAN]), int(block.words[FRAME])
        played = block.played[began:frames].copy()
        concert.close()
    notes = _notes(log, began)
    _check_pitches(notes, played)
    sound: list[Samples] = []
    list(render(load_patch(tmp_path / "song.toml"), np.zeros(len(played), np.float32), notes,
                write=sound.append))
    made = np.concatenate(sound)[:len(played)]
    assert np.abs(played).max() > 0.05
    assert int((made != played).any(axis=1).sum()) == 0


def _notes(log: Path, began: int) -> list[NoteOn]:
    """The keys that were struck, on the clock of the take."""
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [NoteOn(row["time"] - began / SAMPLE_RATE, row["note"], row["velocity"],
                   row["channel"]) for row in rows if row["event"] == "note_on"]


def _check_pitches(notes: list[NoteOn], played: Samples) -> None:
    """The first key sounds a tenth of a second after it was struck, and each at its pitch."""
    first = round((notes[0].time + 0.1) * SAMPLE_RATE)
    assert np.abs(played[:first]).max() == 0.0
    assert np.abs(played[first:first + 480]).max() > 0.01
    for note in notes:
        start = round((note.time + 0.1) * SAMPLE_RATE)
        piece = played[start + 2000:start + 2000 + (1 << 13), 0]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 16))
        wanted = 440.0 * 2.0 ** ((note.note - 69) / 12.0)
        near = round(wanted / SAMPLE_RATE * (1 << 16))
        reach = near // 20
        peak = near - reach + int(np.argmax(spectrum[near - reach:near + reach + 1]))
        assert abs(1200 * np.log2(peak / near)) < 25
        assert spectrum[peak] > 20 * np.median(spectrum)
