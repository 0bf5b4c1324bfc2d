"""What does a change of the patch cost under the playing hands?

A hundred program changes, then a hundred edits of the file, good and bad in turn, while a singer
sings a kick each half second. Told are the audio blocks that came late, beside those of stretches
as long in which nothing changes (the null control, taken in turn), how far each first note after
a change lies from its beat, and what is still on at the end.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.concert import Concert
from bench.dummy_card import dummy_card
from bench.falls import song, wait
from bench.table import Gate, Report, Row
from engine.live.shared import BLOCKS, LATE_BLOCKS

CHANGES, ROUND = 100, 10
MOST_POINTS, MOST_OFF_BEAT_MS = 0.2, 10.0
_BEAT_S = 0.5
_STILL_SHARE = 2.0              # % of late blocks where nothing changes: void

PATCH = """# my patch
cables = ["mic -> onsets -> drums -> kit -> speakers", "mic -> drums", "drums -> daw"]
[nodes.onsets]
type = "onset-detector"
sensitivity_db = 10                     # the cellar
[nodes.drums]
type = "drum-classifier"
[nodes.daw]
type = "midi-out"
channel = {channel}
[scenes.loud]
onsets.sensitivity_db = 20
[controls]
cc21 = "onsets.sensitivity_db"
cc80 = "listen"
cc81 = "scene.loud"
cc82 = "tap"
cc83 = "next"
"""


def patches(folder: Path) -> list[Path]:
    """The same patch on the channels 1 to 3."""
    paths = [folder / f"song-{channel}.toml" for channel in (1, 2, 3)]
    for channel, path in enumerate(paths, 1):
        path.write_text(PATCH.format(channel=channel), encoding="utf-8")
    return paths


def program_change(concert: Concert, number: int) -> None:
    """Change to another channel's patch, and wait for its first note."""
    channel, asked = 1 + (number + 1) % 3, time.monotonic()
    concert.listener.touch(0xC0, channel - 1)
    _arrives(concert, channel, asked)


def edit(concert: Concert, path: Path, number: int) -> None:
    """A good edit, or each second time a bad one: then the advice, and the old one plays on."""
    told, asked, channel = len(concert.told), time.monotonic(), 4 + number % 8
    text = PATCH.format(channel=channel)
    if number % 2:
        path.write_text(text.replace("drums -> daw", "drmus -> daw"), encoding="utf-8")
        wait(lambda: concert.said('did you mean "drums"', told), "advice")
        wait(lambda: concert.notes(after=asked), "the old patch, playing on")
    else:
        path.write_text(text, encoding="utf-8")
        _arrives(concert, channel, asked)


def _arrives(concert: Concert, channel: int, asked: float) -> None:
    wait(lambda: any(note.status & 0x0F == channel - 1 for note in concert.notes(after=asked)),
         f"a note on channel {channel}")


def run(quick: bool) -> Report:
    """Change it; without JACK nothing can be said."""
    count = ROUND if quick else CHANGES
    with dummy_card(64) as environment, TemporaryDirectory() as name:
        os.environ.update(environment)
        paths = patches(Path(name))
        rig = Path(name) / "rig.toml"
        rig.write_text("", encoding="utf-8")
        with Concert(environment["JACK_DEFAULT_SERVER"], paths,
                     ["Kuchi drums", "Kuchi control"], rig=rig) as concert:
            concert.begin(wait).singer.sing(song(), again=True)
            wait(lambda: concert.notes() and concert.listener.client.get_all_connections(
                "listener:hand"), "the first notes, and a controller")
            rows = [_row("program changes", concert, count,
                         lambda number: program_change(concert, number))]
            concert.listener.touch(0xC0, 0)
            wait(lambda: concert.stage.path == paths[0], "the first patch")
            rows.append(_row("edits, good and bad", concert, count,
                             lambda number: edit(concert, paths[0], number)))
            concert.do(lambda: concert.stage.set("listen", 0))
            wait(lambda: not concert.sounding(), "the end of every note")
    gates = [gate for row in rows for gate in (
        Gate(f"{row['what']}: late beyond the null, points",
             _figure(row, "late, %") - _figure(row, "null, %"), MOST_POINTS),
        Gate(f"{row['what']}: furthest from its beat, ms", _figure(row, "off the beat, ms max"),
             MOST_OFF_BEAT_MS))]
    return Report("What does a change of the patch cost?", rows,
                  f"more than {_STILL_SHARE:g} % of the blocks were late where nothing changed",
                  void=any(_figure(row, "null, %") > _STILL_SHARE for row in rows),
                  gates=[] if quick else gates, notes=["no note was left on"])


def _figure(row: Row, name: str) -> float:
    value = row[name]
    assert isinstance(value, float)
    return value


def _row(what: str, concert: Concert, count: int, change: Callable[[int], None]) -> Row:
    """Rounds of changes, and after each as long without any."""
    words, late = concert.stage.block.words, {"changes": [0, 0], "null": [0, 0]}
    begun = time.monotonic()

    def counted(kind: str, act: Callable[[], None]) -> float:
        before, start = (int(words[LATE_BLOCKS]), int(words[BLOCKS])), time.monotonic()
        act()
        late[kind][0] += int(words[LATE_BLOCKS]) - before[0]
        late[kind][1] += int(words[BLOCKS]) - before[1]
        return time.monotonic() - start

    def changes(first: int) -> None:
        for number in range(first, first + ROUND):
            change(number)

    for first in range(0, count, ROUND):
        lasted = counted("changes", lambda first=first: changes(first))     # type: ignore[misc]
        counted("null", lambda lasted=lasted: time.sleep(lasted))           # type: ignore[misc]
    ons = np.array([note.ns / 1e9 for note in concert.notes(after=begun)])
    beats = np.diff(ons) / _BEAT_S
    off = 1000.0 * _BEAT_S * np.abs(beats - np.round(beats))
    return {"what": what, "changes": count,
            "late, %": 100.0 * late["changes"][0] / max(1, late["changes"][1]),
            "null, %": 100.0 * late["null"][0] / max(1, late["null"][1]),
            "off the beat, ms p50": float(np.median(off)),
            "off the beat, ms max": float(off.max()),
            "beats without a note": int((np.round(beats) - 1).clip(0).sum())}
