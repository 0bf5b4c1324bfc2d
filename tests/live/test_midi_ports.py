"""The port process on real ports: whatever falls, a listening MIDI client hears every note end."""

import os
import signal
import statistics
import time
from collections.abc import Iterator

import pytest
from port_rig import ON, Rig
from receiver import OFF, Receiver

from engine.devices.midi import Sequencer
from engine.live.messages import Heard, Midi, Panic, Ports, Stop, send
from engine.live.shared import PORT_BEAT

pytestmark = [pytest.mark.live,
              pytest.mark.parametrize("jack_server", [{"period": 64, "synchronous": True}],
                                      indirect=True)]

KICK, SNARE = 36, 38


@pytest.fixture
def rig(jack_server: str) -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


@pytest.fixture
def playing(rig, receiver, eventually) -> Rig:
    """Kuchi drums is open and heard, and two notes sound."""
    rig.ask(Ports(("Kuchi drums",), ()))
    eventually(lambda: receiver.listen_to("Kuchi drums"), "the virtual port")
    rig.strike(KICK, SNARE)
    eventually(lambda: receiver.sounding() == {KICK, SNARE}, "two notes")
    return rig


def ended_within(receiver: Receiver, since_ns: int, eventually) -> float:
    """Milliseconds from a moment until the last note-off was heard."""
    eventually(lambda: not receiver.sounding(), "every note ended")
    return max(at for at, data in receiver.heard if data[0] == OFF) / 1e6 - since_ns / 1e6


def test_a_note_leaves_when_it_is_due(rig, receiver, eventually):
    rig.ask(Ports(("Kuchi drums",), ()))
    eventually(lambda: receiver.listen_to("Kuchi drums"), "the virtual port")
    start, due = time.monotonic_ns() + 50_000_000, []
    for number in range(100):
        due.append(start + number * 7_300_000)
        rig.strike(number, due_ns=due[-1])
    eventually(lambda: len(receiver.heard) == 100, "a hundred notes")
    assert [data[1] for data in receiver.messages] == list(range(100))
    late_ms = [(at - then) / 1e6 for (at, _), then in zip(receiver.heard, due, strict=True)]
    print(f"late: p50 {statistics.median(late_ms):.2f} ms, p99 {sorted(late_ms)[98]:.2f} ms")
    assert -1.5 < statistics.median(late_ms) < 3.0      # a period is 1.33 ms


def test_an_engine_that_dies_leaves_no_note_on(playing, receiver, eventually):
    due_ns = time.monotonic_ns() + 300_000_000
    playing.strike(KICK + 1, due_ns=due_ns)
    died_ns = time.monotonic_ns()
    playing.engine.close()
    assert ended_within(receiver, died_ns, eventually) < 300
    eventually(lambda: playing.has_said("2 notes ended"), "word of it")
    eventually(lambda: playing.block.words[PORT_BEAT] > due_ns + 50_000_000, "its moment passed")
    assert bytes((ON, KICK + 1, 100)) not in receiver.messages


def test_an_engine_that_hangs_leaves_no_note_on(playing, receiver, eventually):
    hung_ns = time.monotonic_ns()
    playing.hang()
    assert ended_within(receiver, hung_ns, eventually) < 300
    eventually(lambda: playing.has_said("doesn't answer"), "word of it")


def test_the_next_engine_plays_on_through_the_same_port(playing, receiver, eventually):
    playing.engine.close()
    eventually(lambda: not receiver.sounding(), "every note ended")
    playing.link()
    playing.ask(Ports(("Kuchi drums",), ()))
    playing.strike(KICK)
    eventually(lambda: receiver.sounding() == {KICK}, "a note of the new engine")


def test_a_port_process_that_is_killed_comes_back_and_ends_what_sounded(
        playing, receiver, eventually):
    playing.process.kill()
    playing.process.join()
    playing.start()
    playing.ask(Ports(("Kuchi drums",), ()))
    eventually(lambda: receiver.listen_to("Kuchi drums") and not receiver.sounding(),
               "every note ended, though we connected late")


def test_a_port_process_that_is_killed_sends_panic_on_the_channels_of_its_journal(
        rig, jack_server, receiver, eventually):
    rig.ask(Ports(("receiver:ear",), ()))
    rig.strike(KICK, SNARE)
    eventually(lambda: receiver.sounding() == {KICK, SNARE}, "two notes")
    rig.process.kill()
    rig.process.join()
    rig.start()
    rig.ask(Ports(("receiver:ear",), ()))
    eventually(lambda: len(receiver.messages) == 7, "five messages more")
    assert receiver.messages[2:] == [
        bytes((OFF, KICK, 64)), bytes((OFF, SNARE, 64)),
        bytes((0xB9, 123, 0)), bytes((0xB9, 120, 0)), bytes((0xB9, 121, 0))]


@pytest.mark.parametrize("how", ["stop", "SIGTERM", "the command process falls"])
def test_the_last_note_off_is_not_lost_at_close(how, playing, receiver, eventually):
    if how == "stop":
        send(playing.command, Stop())
    elif how == "SIGTERM":
        os.kill(playing.process.pid, signal.SIGTERM)
    else:
        playing.command.close()
        playing.links.close()
    eventually(lambda: not receiver.sounding(), "every note ended")
    eventually(lambda: bytes((0xB9, 120, 0)) in receiver.messages, "all sound off")
    playing.process.join(5)
    assert playing.process.exitcode == 0
    assert not receiver.sees("Kuchi drums")


def test_ctrl_c_is_for_the_command_process_to_answer(playing, receiver, eventually):
    os.kill(playing.process.pid, signal.SIGINT)
    playing.strike(KICK + 2)
    eventually(lambda: receiver.sounding() == {KICK, SNARE, KICK + 2}, "notes go on")


def test_panic_ends_every_note_and_quiets_the_channel(playing, receiver, eventually):
    playing.strike(KICK + 1, due_ns=time.monotonic_ns() + 300_000_000)
    playing.ask(Panic())
    eventually(lambda: receiver.messages[-1] == bytes((0xB9, 121, 0)), "the reset")
    assert receiver.messages[2:] == [
        bytes((OFF, KICK, 64)), bytes((OFF, SNARE, 64)),
        bytes((0xB9, 123, 0)), bytes((0xB9, 120, 0)), bytes((0xB9, 121, 0))]


def test_a_patch_that_no_longer_names_a_port_ends_its_notes_and_closes_it(
        playing, receiver, eventually):
    playing.ask(Ports(("Kuchi melody",), ()))
    eventually(lambda: not receiver.sounding(), "every note ended")
    eventually(lambda: not receiver.sees("Kuchi drums"), "the old port closed")
    assert receiver.sees("Kuchi melody")


def test_a_port_that_stays_in_the_patch_stays_open_and_sounds_on(playing, receiver, eventually):
    playing.ask(Ports(("Kuchi melody", "Kuchi drums"), ()))
    playing.ask(Midi(1, ON, KICK + 1, 100))
    eventually(lambda: receiver.sounding() == {KICK, KICK + 1, SNARE}, "notes as before")


def test_a_vanished_midi_port_is_noticed_and_reopened(rig, jack_server, receiver, eventually):
    synth = Receiver(jack_server, "synth")
    rig.ask(Ports(("synth:ear",), ()))
    rig.strike(KICK)
    eventually(lambda: synth.sounding() == {KICK}, "a note in the synth")
    synth.close()
    eventually(lambda: rig.has_said('"synth:ear" has gone'), "word of it")
    synth = Receiver(jack_server, "synth")
    eventually(lambda: rig.has_said('"synth:ear" is back'), "word of it")
    rig.strike(SNARE)
    eventually(lambda: synth.sounding() == {SNARE}, "notes go on")
    assert bytes((OFF, KICK, 64)) in synth.messages           # the end that it missed
    synth.close()


def test_a_vanished_keyboard_lets_go_of_its_keys(rig, jack_server, eventually):
    keyboard = Receiver(jack_server, "keyboard")
    rig.ask(Ports((), ("keyboard:voice",)))
    eventually(lambda: keyboard.voice.number_of_connections, "someone listens")
    keyboard.to_play.append(bytes((0x90, 60, 90)))
    found: list = []
    eventually(lambda: found.extend(rig.arrived()) or found, "the key")
    keyboard.close()
    eventually(lambda: found.extend(rig.arrived()) or len(found) == 2, "the end of the key")
    assert [(m.port, m.status, m.data1) for m in found] == [(0, 0x90, 60), (0, 0x80, 60)]


def test_a_real_port_takes_the_place_of_the_virtual_one(rig, jack_server, receiver, eventually):
    rig.ask(Ports(("synth",), ()))
    eventually(lambda: receiver.sees("synth"), "a virtual port meanwhile")
    synth = Receiver(jack_server, "synth")
    eventually(lambda: rig.strike(KICK) or synth.sounding() == {KICK}, "a note in the synth")
    synth.close()


def test_midi_goes_on_when_its_server_is_back(rig, jack_server, eventually):
    rig.ask(Ports(("Kuchi drums",), ("Kuchi keys",)))
    before = Receiver(jack_server)
    eventually(lambda: before.listen_to("Kuchi drums"), "the virtual port")
    jack_server.kill()
    eventually(lambda: rig.has_said("has gone"), "word of it")
    before.close()
    jack_server.start()
    back = time.monotonic()
    after = Receiver(jack_server)
    eventually(lambda: after.listen_to("Kuchi drums"), "the virtual port again")
    eventually(lambda: after.play_into("Kuchi keys"), "the keys again")
    print(f"back after {time.monotonic() - back:.2f} s")
    rig.strike(KICK)
    eventually(lambda: KICK in after.sounding(), "notes go on")
    after.to_play.append(bytes((0x90, 60, 90)))
    eventually(rig.arrived, "keys go on")
    after.close()


def test_the_second_kuchi_has_a_name_of_its_own(playing, jack_server, receiver, eventually):
    second = Rig()
    second.ask(Ports(("Kuchi drums",), ()))
    eventually(lambda: receiver.sees("Kuchi drums 2"), "a port with a number")
    eventually(lambda: second.has_said('this one is "Kuchi drums 2"'), "word of it")
    second.close()


def test_listing_ports_does_not_leak_clients(jack_server):
    sequencer = Sequencer()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(200):
        sequencer.outputs()
        sequencer.inputs()
    assert len(os.listdir("/proc/self/fd")) == before
    sequencer.close()


def test_our_virtual_out_is_never_heard_on_our_virtual_in(jack_server, rig, receiver, eventually):
    rig.ask(Ports(("Kuchi",), ("Kuchi",)))                # each would match the other
    eventually(lambda: receiver.listen_to("Kuchi"), "the output")
    eventually(lambda: receiver.play_into("Kuchi"), "the input")
    rig.strike(KICK)
    eventually(lambda: receiver.sounding() == {KICK}, "the note outside")
    receiver.to_play.append(bytes((0x90, 60, 90)))
    found: list = []
    eventually(lambda: found.extend(rig.arrived()) or found, "the key")
    assert [m.data1 for m in found] == [60]


def test_our_own_notes_are_not_looped_where_someone_connects_the_two(
        rig, jack_server, receiver, eventually):
    rig.ask(Ports(("Kuchi out",), ("Kuchi in",)))
    eventually(lambda: receiver.sees("Kuchi out") and receiver.play_into("Kuchi in"), "the ports")
    ports = {p.name.split(":")[1]: p for p in receiver.client.get_ports(is_midi=True)}
    receiver.client.connect(ports["Kuchi out"], ports["Kuchi in"])
    receiver.listen_to("Kuchi out")
    for note in range(40):
        rig.strike(note)
    eventually(lambda: len(receiver.sounding()) == 40, "forty notes")
    receiver.to_play.append(bytes((0x90, 100, 90)))
    found: list = []
    eventually(lambda: found.extend(rig.arrived()) or any(m.data1 == 100 for m in found), "the key")
    assert [m.data1 for m in found] == [100]


def test_a_key_let_go_while_the_engine_hangs_is_let_go_when_it_is_back(playing, receiver,
                                                                       eventually):
    """And what was struck meanwhile is not played too late."""
    rig, found = playing, []
    rig.ask(Ports(("Kuchi drums",), ("Kuchi keys",)))
    eventually(lambda: receiver.play_into("Kuchi keys"), "the input")
    receiver.to_play.append(bytes((0x90, 60, 90)))
    eventually(lambda: found.extend(rig.arrived()) or found, "the key")
    rig.strike(36)
    eventually(lambda: 36 in receiver.sounding(), "a note that sounds")
    rig.hang()
    eventually(lambda: rig.has_said("the engine doesn't answer"), "word of it")
    receiver.to_play += [bytes((0x90, 61, 90)), bytes((0x80, 60, 0))]
    eventually(lambda: found.extend(rig.arrived()) or len(found) > 1, "its end")
    assert [(m.status, m.data1) for m in found] == [(0x90, 60), (0x80, 60)]


def test_a_flood_of_notes_is_capped_and_told(rig, jack_server, receiver, eventually):
    rig.ask(Ports((), ("Kuchi keys",)))
    eventually(lambda: receiver.play_into("Kuchi keys"), "the input")
    for number in range(1000):
        receiver.to_play += [bytes((0x90, number % 128, 90)), bytes((0x80, number % 128, 0))]
    found: list = []
    eventually(lambda: found.extend(rig.arrived()) or rig.has_said("too many"), "word of it")
    receiver.to_play.append(bytes((0xFA,)))
    eventually(lambda: found.extend(rig.arrived()) or any(m.status == 0xFA for m in found), "start")
    assert 0 < sum(m.status == 0x90 for m in found) <= 500
    assert sum(m.status == 0x90 for m in found) == sum(m.status == 0x80 for m in found)


@pytest.mark.parametrize("broken", [
    [b"\xf0" + bytes(200)] * 300 + [b"\xf7"],
    [b"\x24\x64", b"\x24", b"\x64\x40", b"\xf4", b"\xfd", b"\x90"],
], ids=["endless sysex", "broken running status"])
def test_what_comes_in_broken_is_let_go_by(broken, rig, jack_server, receiver, eventually):
    rig.ask(Ports((), ("Kuchi keys",)))
    eventually(lambda: receiver.play_into("Kuchi keys"), "the input")
    receiver.to_play += [*broken, bytes((0x90, 60, 90))]
    found: list = []
    eventually(lambda: found.extend(rig.arrived()) or found, "the key")
    assert [(m.status, m.data1, m.data2) for m in found] == [(0x90, 60, 90)]
    assert isinstance(found[0], Heard)


def test_the_loop_shows_that_it_is_alive(playing, eventually):
    before = int(playing.block.words[PORT_BEAT])
    eventually(lambda: int(playing.block.words[PORT_BEAT]) > before, "a beat")
