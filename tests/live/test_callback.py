"""The callback on a real driver: it beats, hears, sounds, and its death is noticed.

PortAudio looks for servers once in the life of a process, so each stream has a process of its own.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest

from engine.audio import AudioList
from engine.audio.deck import Deck
from engine.audio.mix import Mix
from engine.audio.output import Output
from engine.audio.sampler import PLAY, Sampler
from engine.audio.source import Source
from engine.devices.portaudio import open_stream
from engine.devices.priority import AUDIO, raise_priority
from engine.devices.sound_cards import list_devices
from engine.drums import DRUMS
from engine.live.shared import BLOCKS, FRAME, LATE_BLOCKS, SharedBlock
from engine.units import SAMPLE_RATE, Samples

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64}], indirect=True)]

KIT = {drum: np.random.default_rng(n).uniform(-0.2, 0.2, (2, 6000)).astype(np.float32)
       for n, drum in enumerate(DRUMS)}
SONG = np.random.default_rng(99).uniform(-0.4, 0.4, 2 * SAMPLE_RATE).astype(np.float32)
Wait = Callable[..., None]


def stage(pipe: Connection, block_name: str) -> None:
    """The process: microphone and kit to the speakers, and whatever it is told."""
    block = SharedBlock(block_name)
    deck = Deck(1, 2, block.words, block.heard, block.played)
    audio = AudioList()
    sampler = Sampler(audio, KIT, 1.0)
    Output(audio, Mix(audio, [Source(audio, 0).buffer, sampler.buffer], [1.0, 1.0]).buffer, 0, 1.0)
    audio.compile()
    deck.put(audio)
    stream = open_stream(deck, "system")
    pipe.send(stream.words)
    while True:
        match pipe.recv():
            case "thread":
                pipe.send((deck.thread, raise_priority("audio", AUDIO, deck.thread)))
            case "play", frame, drum:
                pipe.send(sampler.commands.send(frame, PLAY, drum, 1.0, frame))
            case "wait for a block":
                pipe.send(deck.wake.wait(5.0))
            case "wait for the end":
                while stream.alive():
                    time.sleep(0.005)
                pipe.send(time.monotonic())
            case "close":
                pipe.send(stream.close())
            case "leave":
                os._exit(0)


class Stage:
    """A stage in its own process, and the memory that outlives it."""

    def __init__(self) -> None:
        self.block = SharedBlock()
        self.words = self.block.words
        self._process: Any = None
        self.said = ""

    def start(self) -> str:
        """Open the card; what the stream says of itself."""
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=stage, args=(other, self.block.name), daemon=True)
        self._process.start()
        other.close()
        self.said = self._answer(60.0)
        return self.said

    def ask(self, *question: Any) -> Any:
        self._pipe.send(question if len(question) > 1 else question[0])
        return self._answer(20.0)

    def _answer(self, within_s: float) -> Any:
        assert self._pipe.poll(within_s), "the stage gives no answer"
        return self._pipe.recv()

    def leave(self) -> int:
        """End the process as one that may hold a dead card: its exit code."""
        self._pipe.send("leave")
        self._process.join(20)
        return int(self._process.exitcode)

    def close(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join(20)
        del self.words
        self.block.close()


@pytest.fixture
def card(jack_server: str) -> Iterator[Stage]:
    """A stage on JACK's dummy card, playing."""
    stage = Stage()
    stage.start()
    yield stage
    stage.close()


def test_the_callback_beats_once_a_period_and_wakes_the_engine_thread(card: Stage,
                                                                      eventually: Wait):
    assert card.said == ("system, JACK Audio Connection Kit: 1 in, 2 out, 48000 Hz; "
                         "latency 1.3 ms in, 2.7 ms out.")
    eventually(lambda: card.words[BLOCKS] > 100, "a hundred blocks")
    blocks, frame = int(card.words[BLOCKS]), int(card.words[FRAME])
    assert abs(frame - 64 * blocks) <= 64
    assert card.ask("wait for a block")


def test_the_audio_threads_priority_is_told(jack_server, card: Stage, eventually: Wait):
    eventually(lambda: card.words[BLOCKS] > 0, "a block")
    thread, said = card.ask("thread")
    assert os.path.exists(f"/proc/{card._process.pid}/task/{thread}")
    if jack_server.real_time:
        assert said == "The audio thread runs in real time (FIFO 65)."
    else:
        assert said.startswith("The audio thread runs")


def test_what_a_client_sends_is_heard_to_the_sample_and_heard_again_at_the_output(
        jack_server, card: Stage, eventually: Wait):
    from jack import Client
    with Client("mouth", no_start_server=True, servername=jack_server) as client:
        heard, kept = duet(client, SONG, card, eventually)
    start = place_of(SONG, kept)
    np.testing.assert_array_equal(kept[start:start + len(SONG)], SONG)
    back = place_of(SONG, heard)
    np.testing.assert_array_equal(heard[back:back + len(SONG)], SONG)


def test_a_command_to_the_kit_sounds_at_the_output_at_its_frame(jack_server, card: Stage,
                                                               eventually: Wait):
    eventually(lambda: card.words[FRAME] > SAMPLE_RATE // 10, "a tenth of a second")
    start = int(card.words[FRAME]) + SAMPLE_RATE // 2
    assert card.ask("play", start, 3)
    eventually(lambda: card.words[FRAME] > start + 6000 + 64, "the snare's end")
    played = card.block.played[start - 1000:start + 6000]
    assert not played[:1000].any()
    np.testing.assert_array_equal(played[1000:].T, KIT[DRUMS[3]])


def test_listing_devices_never_touches_a_running_stream(card: Stage, eventually: Wait):
    eventually(lambda: card.words[BLOCKS] > 100, "a hundred blocks")
    thread, before = card.ask("thread")[0], int(card.words[BLOCKS])
    assert any(device.called == "system, JACK Audio Connection Kit" for device in list_devices())
    eventually(lambda: card.words[BLOCKS] > before + 100, "the stream goes on")
    assert card.ask("thread")[0] == thread


def test_a_pulled_interface_is_noticed_by_its_missing_heartbeat(jack_server, card: Stage,
                                                               eventually: Wait):
    eventually(lambda: card.words[BLOCKS] > 100, "a hundred blocks")
    pulled = time.monotonic()
    jack_server.hang()                      # no error anywhere: the stream still looks alive
    assert card.ask("wait for the end") - pulled < 0.5


def test_after_a_drivers_death_closing_returns_and_the_same_card_is_opened_again(
        jack_server, card: Stage, eventually: Wait):
    eventually(lambda: card.words[BLOCKS] > 100, "a hundred blocks")
    died = time.monotonic()
    jack_server.kill()
    assert card.ask("wait for the end") - died < 0.5
    assert card.ask("close") in (True, False)       # that it answers is the promise
    assert card.leave() == 0
    jack_server.start()
    frame, late = int(card.words[FRAME]), int(card.words[LATE_BLOCKS])
    assert card.start().startswith("system, JACK")
    eventually(lambda: card.words[FRAME] > frame + SAMPLE_RATE // 10, "sound again")
    assert card.words[LATE_BLOCKS] - late < 75      # the time it was away isn't lateness


def duet(client: Any, song: Samples, card: Stage, eventually: Wait) -> tuple[Samples, Samples]:
    """Send a song to the stage faster than real time; what comes back, and what it has kept."""
    mouth, ear = client.outports.register("mouth"), client.inports.register("ear")
    heard = np.zeros(4 * len(song), np.float32)
    sent = got = 0

    def process(frames: int) -> None:
        nonlocal sent, got
        out = mouth.get_array()
        piece = song[sent:sent + frames]
        out[:len(piece)], out[len(piece):] = piece, 0.0
        sent += len(piece)
        part = heard[got:got + frames]
        part[:] = ear.get_array()[:len(part)]
        got += len(part)

    begin = int(card.words[FRAME])
    client.deactivate()
    client.set_process_callback(process)
    client.activate()
    theirs = [port.name for port in client.get_ports("PortAudio:", is_audio=True)]
    for port in client.get_ports("PortAudio:", is_audio=True, is_input=True):
        for other in client.get_all_connections(port):
            client.disconnect(other, port)
    client.set_freewheel(True)
    client.connect(mouth, next(name for name in theirs if "in" in name))
    client.connect(next(name for name in theirs if "out" in name), ear)
    sent = got = 0
    eventually(lambda: got == len(heard), "the whole song, there and back")
    client.set_freewheel(False)
    return heard, card.block.heard[begin:int(card.words[FRAME])].copy()


def place_of(song: Samples, sound: Samples) -> int:
    """Where a song begins in a longer sound."""
    first = np.flatnonzero(sound == song[0])
    found = [place for place in first if sound[place + 1] == song[1]]
    assert found, "the song's beginning isn't there"
    return int(found[0])
