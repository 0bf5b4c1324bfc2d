"""The whole stage on a real driver: what is sung arrives, as notes, as OSC and as sound.

What must arrive is what `render` makes of the very same audio.
"""

import json
import re
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fluid import LEFT, MIDI_IN, fluidsynth
from numpy.lib.stride_tricks import sliding_window_view

from bench.concert import Concert
from bench.players import Player
from engine.audio import AudioList
from engine.events import Hit, NoteOn
from engine.jobs import name_of
from engine.live import engine
from engine.live.shared import ANALYSED, BEGAN, FRAME
from engine.mouth import beat, perform
from engine.osc import parse
from engine.patch import load_patch
from engine.rendering import render
from engine.units import SAMPLE_RATE, Samples

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

Wait = Callable[..., None]
GROOVE = {"b": "X.....x.x.....x.", "ts": ".xxx.x.x.xxx.x.x", "pf": "....X.......X..."}


_ALIKE_S = 2e-6             # logs round to a tenth of a microsecond
_NEAR_S = 0.04              # strikes are three times as far apart


THROUGH = """
cables = ["mic -> onsets -> drums -> daw", "mic -> drums", "mic -> desk -> speakers"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
[nodes.desk]
type = "mixer"
[nodes.daw]
type = "midi-out"
port = "Kuchi drums"
"""


def performance(bars: int) -> Samples:
    """So many bars by aki at 116 bpm, sixteen strikes each."""
    return perform(beat(GROOVE, 116, bars, start=0.25, who="aki"), "aki")[0]


@pytest.fixture
def everything(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """A patch that plays the kit, tells a DAW and tells the visuals, who listen."""
    visuals = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    visuals.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    visuals.bind(("127.0.0.1", 0))
    visuals.setblocking(False)
    text = Path("patches/beatbox-kit.toml").read_text(encoding="utf-8")
    text = text.replace('"drums -> daw",', '"drums -> daw",\n  "drums -> visuals",')
    text = text.replace("[nodes.daw]", '[nodes.visuals]\ntype = "osc-out"\n'
                        f'to = "127.0.0.1:{visuals.getsockname()[1]}"\n\n[nodes.daw]')
    path = tmp_path / "everything.toml"
    path.write_text(text, encoding="utf-8")
    yield path, visuals
    visuals.close()


def strikes_told(visuals: socket.socket) -> list[str]:
    """The drums of all hits that have arrived as OSC."""
    drums = []
    while True:
        try:
            datagram = visuals.recv(4096)
        except BlockingIOError:
            return drums
        for address, values in parse(datagram):
            if found := re.fullmatch(r"/kuchi/drums/(\w+)", address):
                drums += [found[1]] if values[0] else []


def share_found(wanted: list[tuple[float, int]], heard: list[tuple[float, int]],
                within_s: float) -> float:
    """How many of the wanted (time, note) are among those heard, after one constant offset."""
    offset = float(np.median([there - here for there, note in heard for here, other in wanted
                              if note == other and abs(there - here) < _NEAR_S]))
    left, found = list(heard), 0
    for time_s, note in wanted:
        near = [each for each in left
                if each[1] == note and abs(each[0] - offset - time_s) < within_s]
        if near:
            left.remove(near[0])
            found += 1
    return found / max(len(wanted), len(heard))


def places_sung(singer: Player, frames: list[int]) -> list[float]:
    """Where in the song the singer was at these frames, in seconds, whatever JACK left out."""
    cycles = singer.cycles()
    blocks = np.searchsorted(cycles[:, 1], frames, side="right") - 1
    return ((cycles[blocks, 0] + np.array(frames) - cycles[blocks, 1]) / SAMPLE_RATE).tolist()


@dataclass
class Take:
    """What the stage heard and played since its patch began, and what it logged."""

    began: int
    heard: Samples
    played: Samples
    rows: list[dict[str, Any]]

    def told_otherwise(self, patch: Path | str) -> tuple[int, int]:
        """How many events and samples the offline render of what was heard has otherwise."""
        sound: list[Samples] = []
        later_s, wanted = self.began / SAMPLE_RATE, defaultdict(list)
        for sent in render(load_patch(patch), self.heard, write=sound.append):
            what, times = told(sent.row())
            wanted[what].append(times + later_s)
        strange = 0
        for row in self.rows:
            what, times = told(row)
            near = [i for i, other in enumerate(wanted[what])
                    if np.abs(times - other).max() < _ALIKE_S]
            strange += not near
            if near:
                del wanted[what][near[0]]
        made = np.concatenate(sound)[:len(self.played)]
        return strange, int((made != self.played).any(axis=1).sum())


def told(row: dict[str, Any]) -> tuple[tuple[Any, ...], Samples]:
    """What a log says happened, and when: `time` and `sent`."""
    what = tuple(value for name, value in sorted(row.items()) if name not in ("time", "sent"))
    return what, np.array([row["time"], row["sent"]])


def end(concert: Concert, log: Path) -> Take:
    block = concert.stage.block
    began, frames = int(block.words[BEGAN]), int(block.words[FRAME])
    assert frames < len(block.heard), "the take is longer than what is kept"
    heard, played = block.heard[began:frames].copy(), block.played[began:frames].copy()
    concert.close()
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return Take(began, heard, played, rows)


def test_what_is_sung_arrives_as_the_offline_render_of_the_same_audio_says(
        jack_server, everything, eventually: Wait, tmp_path: Path):
    patch, visuals = everything
    log = tmp_path / "events.jsonl"
    audio = performance(24)
    wanted = list(render(load_patch(patch), audio))
    with Concert(jack_server, [patch], log=log) as concert:
        concert.begin(eventually).singer.sing(audio)
        eventually(lambda: concert.singer.done, "the end of the song", 60)
        eventually(lambda: concert.silent_since() < time.monotonic() - 0.5, "the last note's end")
        arrived = concert.notes()
        places = places_sung(concert.singer, [note.frame for note in arrived])
        told, speakers = strikes_told(visuals), concert.ear.heard().copy()
        take = end(concert, log)

    notes = [(sent.sent, sent.event.note) for sent in wanted if isinstance(sent.event, NoteOn)]
    heard = list(zip(places, [note.note for note in arrived], strict=True))
    assert len(notes) >= 300
    assert share_found(notes, heard, within_s=0.010) >= 0.99
    hits = [sent.event.drum for sent in wanted if isinstance(sent.event, Hit)]
    for drum in set(hits):
        assert told.count(drum) == pytest.approx(hits.count(drum), abs=1 + 0.01 * len(hits))
    assert np.abs(speakers).max() > 0.1, "the kit isn't heard"
    if "skipped" not in {row["event"] for row in take.rows}:        # as it is on a calm machine
        assert take.told_otherwise(patch)[0] <= 0.01 * len(take.rows)


def patient_engine(command: Connection, links: list[Connection], workers: list[Connection],
                   block_name: str) -> None:
    """The engine, which may fall behind as far as it likes and skips nothing."""
    engine._BEHIND = 1 << 40
    AudioList.tap.__defaults__ = (1 << 22,)         # frames in each ring: longer than the take
    engine.run(command, links, workers, block_name)


def test_in_freewheel_every_event_and_every_sample_is_as_the_render_has_it(
        jack_server, tmp_path: Path, eventually: Wait, monkeypatch: pytest.MonkeyPatch):
    """JACK runs as fast as it can and loses nothing, so all must be exact."""
    monkeypatch.setattr("engine.live.crew.ENGINE", name_of(patient_engine))
    log, patch = tmp_path / "events.jsonl", tmp_path / "through.toml"
    patch.write_text(THROUGH, encoding="utf-8")
    audio = performance(8)
    with Concert(jack_server, [patch], log=log) as concert:
        concert.begin(eventually)
        block, client = concert.stage.block, concert.listener.client
        plugged = int(block.words[FRAME])           # JACK hangs where it is asked in mid-change
        eventually(lambda: block.words[FRAME] > plugged + 2 * SAMPLE_RATE, "settled cables")
        client.set_freewheel(True)
        concert.singer.sing(audio)
        eventually(lambda: concert.singer.done, "the end of the song", 60)
        client.set_freewheel(False)
        eventually(lambda: block.words[ANALYSED] > block.words[FRAME] - SAMPLE_RATE // 10,
                   "an engine that keeps up", 60)
        eventually(lambda: concert.silent_since() < time.monotonic() - 0.5, "the last note's end")
        take = end(concert, log)
    hits = [row for row in take.rows if row["event"] == "hit"]
    assert len(hits) >= 100
    where = np.flatnonzero(take.heard)[0] - np.flatnonzero(audio)[0]
    assert (take.heard[where:where + len(audio)] == audio).all(), "the microphone lost something"
    assert take.told_otherwise(patch) == (0, 0)


def test_a_daw_plays_what_is_sung(jack_server, tmp_path: Path, eventually: Wait):
    """The DAW is fluidsynth: what it plays is recorded, and its drums are counted."""
    patch = tmp_path / "drums.toml"
    patch.write_text(THROUGH, encoding="utf-8")
    audio, _ = perform(beat({"b": "X...X...X...X..."}, 120, 4, start=0.5, who="aki"), "aki")
    with fluidsynth(), Concert(jack_server, [patch]) as concert:
        concert.begin(eventually)
        ears, client = Player("audience", jack_server, ["ear"]), concert.listener.client
        eventually(lambda: client.get_ports(MIDI_IN) and client.get_ports(LEFT), "a synth", 30)
        (drums,) = client.get_ports(":Kuchi drums", is_midi=True, is_output=True)
        client.connect(drums.name, MIDI_IN)
        ears.client.connect(LEFT, "audience:ear")
        concert.singer.sing(audio)
        eventually(lambda: concert.singer.done, "the end of the song", 60)
        eventually(lambda: concert.silent_since() < time.monotonic() - 0.5, "the last note's end")
        sound, notes = ears.heard().copy(), concert.notes()
        ears.close()
    levels = np.abs(sound[:len(sound) // 480 * 480]).reshape(-1, 480).max(axis=1)   # 10 ms each
    begin = levels > 0.3 * levels.max()
    drums_heard = int((begin[20:] & ~sliding_window_view(begin, 20).any(axis=1)[:-1]).sum())
    assert levels.max() > 0.02, "the synth is silent"
    assert len(notes) >= 15
    assert abs(drums_heard - len(notes)) <= 1
