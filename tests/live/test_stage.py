"""The whole stage on a real driver: what is sung arrives, as notes, as OSC and as sound.

What must arrive is what `render` makes of the very same audio.
"""

import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from concert import Concert

from engine.events import Hit, NoteOn
from engine.live.shared import FRAME, LATE_BLOCKS, SKIPPED
from engine.mouth import beat, perform
from engine.osc import parse
from engine.patch import load_patch
from engine.render import render
from engine.units import SAMPLE_RATE, Samples

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

Wait = Callable[..., None]
GROOVE = {"b": "X.....x.x.....x.", "ts": ".xxx.x.x.xxx.x.x", "pf": "....X.......X..."}


_NEAR_S = 0.04              # strikes are three times as far apart


def performance(bars: int) -> tuple[Samples, int]:
    """So many bars by aki at 116 bpm, and how many strikes that is."""
    audio, strikes = perform(beat(GROOVE, 116, bars, start=0.25, who="aki"), "aki")
    return audio, len(strikes)


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


def test_what_is_sung_arrives_as_the_offline_render_of_the_same_audio_says(
        jack_server, everything, eventually: Wait):
    patch, visuals = everything
    audio, strikes = performance(19)
    assert strikes >= 300
    wanted = list(render(load_patch(patch), audio))
    concert = Concert(jack_server, [patch])
    eventually(lambda: concert.stage.ready and concert.plugged(), "a stage that is ready", 60)
    concert.singer.sing(audio)
    eventually(lambda: concert.singer.done, "the end of the song", 60)
    eventually(lambda: concert.silent_since() < time.monotonic() - 0.5, "the end of every note")
    told, played = strikes_told(visuals), concert.listener.heard()
    began = int(concert.singer.cycles()[0, 1])
    concert.close()

    notes = [(sent.sent, sent.event.note) for sent in wanted if isinstance(sent.event, NoteOn)]
    heard = [((note.frame - began) / SAMPLE_RATE, note.note) for note in concert.notes()]
    assert len(notes) >= 0.9 * strikes
    assert share_found(notes, heard, within_s=0.010) >= 0.99
    hits = [sent.event.drum for sent in wanted if isinstance(sent.event, Hit)]
    for drum in set(hits):
        assert told.count(drum) == pytest.approx(hits.count(drum), abs=1 + 0.01 * len(hits))
    assert np.abs(played).max() > 0.1, "the kit isn't heard"
