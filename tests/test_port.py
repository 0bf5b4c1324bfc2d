"""The port process without a single MIDI port: seen alive, listening, leaving when told."""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.live import port
from engine.live.messages import Midi, Osc, OscIn, Ports, Said, Stop, read, send
from engine.live.shared import ENGINE_BEAT, PORT_BEAT, SharedBlock
from engine.osc import build

spawn = multiprocessing.get_context("spawn")


class Rig:
    """The command process' ends, and an engine's."""

    def __init__(self) -> None:
        self.block = SharedBlock()
        self.command, far = spawn.Pipe()
        self.links, links = spawn.Pipe()
        self.process = spawn.Process(target=port.run, args=(far, links, self.block.name))
        self.process.start()
        far.close()
        links.close()
        self.link()

    def link(self) -> None:
        self.engine, far = spawn.Pipe()
        self.links.send(far)
        far.close()

    def alive(self) -> bool:
        before = int(self.block.words[PORT_BEAT])
        deadline = time.monotonic() + 15
        while self.block.words[PORT_BEAT] == before and time.monotonic() < deadline:
            time.sleep(0.005)
        return bool(self.block.words[PORT_BEAT] != before)

    def said(self) -> str:
        assert self.command.poll(15)
        message = read(self.command)
        assert isinstance(message, Said)
        return message.text

    def close(self) -> None:
        self.process.kill()
        self.process.join()
        self.block.close()


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "no-such-server")
    rig = Rig()
    assert rig.alive()
    yield rig
    rig.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind(("127.0.0.1", 0))
        return there.getsockname()[1]


@pytest.mark.parametrize("how", ["told to stop", "SIGTERM", "nobody there to tell"])
def test_it_leaves_in_good_order(how, rig):
    if how == "told to stop":
        send(rig.command, Stop())
    elif how == "SIGTERM":
        os.kill(rig.process.pid, signal.SIGTERM)
    else:
        rig.command.close()
    rig.process.join(15)
    assert rig.process.exitcode == 0


def test_ctrl_c_and_nonsense_leave_it_alone(rig):
    os.kill(rig.process.pid, signal.SIGINT)
    rig.engine.send_bytes(b"nonsense")
    rig.command.send_bytes(b"")
    send(rig.engine, Midi(3, 0x90, 60, 100))              # there is no such port
    assert rig.alive()
    assert rig.process.is_alive()


@pytest.mark.skipif(Path("/dev/snd/seq").exists(), reason="this computer has MIDI")
def test_where_there_is_no_midi_it_is_said_once_and_the_rest_goes_on(rig):
    send(rig.engine, Ports(("Kuchi drums",), ("Kuchi keys",)))
    said = rig.said()
    assert "no MIDI" in said
    send(rig.engine, Midi(0, 0x90, 60, 100))
    assert not rig.command.poll(1.5)                      # a retry later, still only once
    assert rig.alive()


def osc(rig: Rig, number: int, *messages: tuple[str, list]) -> list[tuple[str, object]]:
    """Send these until the last has come through; what the engine was told."""
    rig.block.words[ENGINE_BEAT] = time.monotonic_ns() + 60_000_000_000      # it is well
    found: list[tuple[str, object]] = []
    deadline = time.monotonic() + 15
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        while not found or found[-1][0] != messages[-1][0].split("/")[-1]:
            assert time.monotonic() < deadline
            if not rig.engine.poll(0.05):
                for address, arguments in messages:
                    phone.sendto(build(address, arguments), ("127.0.0.1", number))
                continue
            told = read(rig.engine)
            assert isinstance(told, Osc)
            found.append((told.name, told.value))
    return found


def test_osc_that_comes_in_reaches_the_engine_as_controls(rig):
    number = free_port()
    send(rig.command, OscIn(number))
    assert osc(rig, number, ("/kuchi/set/drums/wait_ms", [32.0]), ("/else", [1.0]),
               ("/kuchi/scene", ["chorus"]), ("/kuchi/panic", [])) == [
        ("drums.wait_ms", 32.0), ("scene.chorus", 1), ("panic", 1)]


def test_the_engine_that_comes_next_takes_the_place_of_the_first(rig):
    number = free_port()
    send(rig.command, OscIn(number))
    first = rig.engine
    rig.link()
    assert osc(rig, number, ("/kuchi/tap", [])) == [("tap", 1)]
    assert first.poll(15)
    with pytest.raises(EOFError):
        read(first)


def test_an_osc_port_that_is_taken_is_said(rig):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        number = other.getsockname()[1]
        send(rig.command, OscIn(number))
        assert f"port {number} is taken" in rig.said()
