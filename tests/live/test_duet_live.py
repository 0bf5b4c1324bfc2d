"""The duet on a real driver: a file is played by one client, answered, and heard by another."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fluid import LEFT, MIDI_IN, fluidsynth
from lateness import HALF_BLOCK_MS, due, late_ms
from pianist import Wait, a_call, play_file, plug, recital

from bench.concert import Concert
from bench.players import Player
from engine.units import SAMPLE_RATE

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

_BPM = 233.0
_BEAT_S = 60.0 / _BPM


@contextmanager
def duet(server: str, eventually: Wait, log: Path | None = None
         ) -> Iterator[tuple[Concert, Player]]:
    """The patch as it comes, faster."""
    with recital(server, "melody-duet", eventually, log) as (concert, pianist):
        concert.do(lambda: concert.stage.set("clock.bpm", _BPM))
        yield concert, pianist


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
            play_file(pianist, a_call(tmp_path / "call.mid", _BEAT_S))
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
    rng = random.Random(1)
    call = a_call(tmp_path / "call.mid", 0.5 * _BEAT_S, (60, 62, 64, 67, 65))
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


_PEDAL, _DOWN = 64, 127


def pedals(concert: Concert) -> list[tuple[int, int]]:
    """What came of the pedal: its place among all messages, and where it stands."""
    return [(place, message.velocity) for place, message in enumerate(concert.messages())
            if (message.status, message.note) == (0xB0, _PEDAL)]


def test_with_thru_the_pedal_passes_but_never_onto_an_answer_and_a_panic_lifts_it(
        jack_server: str, eventually: Wait, tmp_path: Path) -> None:
    with duet(jack_server, eventually) as (concert, pianist):
        pianist.touch(0xB0, _PEDAL, _DOWN)
        time.sleep(0.3)
        assert not pedals(concert), "a pedal passes though nobody asked for it"
        concert.do(lambda: concert.stage.set("duet.thru", True))
        eventually(lambda: pedals(concert), "a pedal that stands where it was", 10)
        own = a_call(tmp_path / "call.mid", _BEAT_S, (60, 62, 64, 67, 65, 64, 62))
        play_file(pianist, own)
        eventually(lambda: len(concert.notes()) > 9, "an answer beside the call", 30)
        eventually(lambda: len(pedals(concert)) == 3 and not concert.sounding(),
                   "a pedal that is down again after it", 30)
        (_, first), (lifted, up), (again, held) = pedals(concert)
        assert (first, up, held) == (_DOWN, 0, _DOWN)
        answer = [place for place, message in enumerate(concert.messages())
                  if message.is_on or message.is_off][2 * 7:]
        assert lifted < min(answer)
        assert again > max(answer)
        concert.do(concert.stage.panic)
        eventually(lambda: pedals(concert)[-1][1] == 0, "a pedal that a panic lifts", 5)
        time.sleep(0.3)
        assert pedals(concert)[-1][1] == 0, "it is down again, though nobody moved it"
