"""The duet on a real driver: a file is played by one client, answered, and heard by another."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jack
import numpy as np
import pytest
from fluid import LEFT, MIDI_IN, fluidsynth
from lateness import HALF_BLOCK_MS, due, late_ms

from bench.concert import Concert
from bench.players import Player
from engine.devices.files import read_midi, write_midi
from engine.events import NoteOff, NoteOn, Sent
from engine.units import SAMPLE_RATE

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

Wait = Callable[..., None]

_BPM = 233.0
_BEAT_S = 60.0 / _BPM


@contextmanager
def duet(server: str, eventually: Wait, log: Path | None = None
         ) -> Iterator[tuple[Concert, Player]]:
    """The patch as it comes, faster; and a pianist who is plugged into its keys."""
    with Concert(server, ["melody-duet"], ports=("Kuchi melody",), log=log) as concert:
        pianist = Player("pianist", server, ["hand"])
        try:
            concert.begin(eventually)
            eventually(lambda: plug(pianist, "pianist:hand", ":Kuchi keys"), "a keyboard", 30)
            concert.do(lambda: concert.stage.set("clock.bpm", _BPM))
            yield concert, pianist
        finally:
            pianist.close()


def plug(player: Player, source: str, target: str) -> bool:
    """A cable between two ports, each known by the end of its name."""
    found = [[port for port in player.client.get_ports(is_midi=True) if port.name.endswith(name)]
             for name in (source, target)]
    if not all(found):
        return False
    try:
        player.client.connect(found[0][0], found[1][-1])
    except jack.JackErrorCode:
        return any(port.name == found[1][-1].name
                   for port in player.client.get_all_connections(found[0][0]))
    return True


def play_file(pianist: Player, path: Path) -> None:
    """Every message of a MIDI file at its time."""
    begun = time.monotonic()
    for event in read_midi(path):
        if isinstance(event, NoteOn | NoteOff):
            time.sleep(max(0.0, begun + event.time - time.monotonic()))
            loud = event.velocity if isinstance(event, NoteOn) else 0
            pianist.touch(0x90 if loud else 0x80, event.note, loud)


def a_call(path: Path, notes: tuple[int, ...] = (60, 64, 67, 65, 64, 62, 60), beats: float = 1.0
           ) -> Path:
    """A MIDI file of notes, so many beats apart."""
    sent = []
    for place, note in enumerate(notes):
        start = place * beats * _BEAT_S
        sent += [Sent(start, "call", NoteOn(start, note, 90, 1)),
                 Sent(start + 0.8 * beats * _BEAT_S, "call", NoteOff(start, note, 64, 1))]
    write_midi(path, sent)
    return path


def test_a_file_is_answered_on_time_and_heard_in_fluidsynth(
        jack_server: str, eventually: Wait, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with fluidsynth(), duet(jack_server, eventually, log) as (concert, pianist):
        ear = Player("audience", jack_server, ["ear"])
        try:
            eventually(lambda: plug(ear, ":Kuchi melody", MIDI_IN), "a plugged synth", 30)
            eventually(lambda: ear.client.get_ports(LEFT), "a synth that sounds", 30)
            ear.client.connect(LEFT, "audience:ear")
            concert.do(lambda: concert.stage.set("duet.mode", "loop"))
            play_file(pianist, a_call(tmp_path / "call.mid"))
            eventually(lambda: len(concert.notes()) > 80, "an answer that comes round", 120)
            heard = float(np.abs(ear.heard()[-SAMPLE_RATE:]).max())
            concert.do(lambda: concert.stage.set("duet.stop", True))
            eventually(lambda: not concert.sounding(), "an end", 10)
        finally:
            ear.close()
    frames = [note.frame for note in concert.messages() if note.is_on]
    late = late_ms(frames, due(log))
    p99 = float(np.percentile(np.abs(late), 99))
    print(f"{len(frames)} notes of answers, p99 {p99:.2f} ms; heard at {heard:.3f}")
    assert p99 < 2.0 + HALF_BLOCK_MS, np.percentile(late, [0, 1, 50, 99, 100])
    assert heard > 0.005


def test_twenty_interrupted_answers_leave_no_note_on_and_the_left_hand_interrupts_none(
        jack_server: str, eventually: Wait, tmp_path: Path) -> None:
    rng, call = random.Random(1), a_call(tmp_path / "call.mid", (60, 62, 64, 67, 65), 0.5)
    with duet(jack_server, eventually) as (concert, pianist):
        concert.do(lambda: concert.stage.set("duet.interrupt", "now"))
        for turn in range(20):
            before = len(concert.notes())
            play_file(pianist, call)
            eventually(lambda count=before: len(concert.notes()) > count, "an answer", 30)
            time.sleep(rng.uniform(0.0, 0.2))
            if turn == 0:
                left_hand(concert, pianist, eventually)
            pianist.touch(0x90, 72, 90)
            eventually(lambda: not concert.sounding(), "an answer that gives way", 2)
            pianist.touch(0x80, 72, 0)
            concert.do(lambda: concert.stage.set("duet.stop", True))
            concert.do(lambda: concert.stage.set("duet.start", True))
        eventually(lambda: not concert.sounding(), "silence at last", 10)
        assert len(concert.notes()) >= 20


def left_hand(concert: Concert, pianist: Player, eventually: Wait) -> None:
    """Play low keys while an answer sounds: it goes on."""
    concert.do(lambda: concert.stage.set("duet.mode", "loop"))
    for note in (48, 52, 55, 45):
        before = len(concert.notes())
        pianist.touch(0x90, note, 90)
        eventually(lambda count=before: len(concert.notes()) > count, "an answer that goes on", 20)
        pianist.touch(0x80, note, 0)
    concert.do(lambda: concert.stage.set("duet.mode", "answer"))
