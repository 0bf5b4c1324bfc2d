"""Real sockets on this computer: what is sent arrives, and nothing that goes wrong stops us."""

import socket
import time
from contextlib import closing

import pytest
from pythonosc.udp_client import SimpleUDPClient

from engine.devices.osc import HERE, Allowance, Inlet, Target
from engine.errors import DeviceError
from engine.events import Message
from engine.osc import LARGEST, build


def until(condition, seconds=10.0):
    """Wait for something to come true; the test fails where it doesn't in this time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)
    return found


def heard(inlet, count):
    """The next `count` messages of an inlet."""
    found = []
    until(lambda: found.extend(inlet.receive()) or len(found) >= count)
    return found


@pytest.fixture
def inlet():
    with closing(Inlet(0)) as opened:
        yield opened


@pytest.fixture
def target(inlet):
    with closing(Target("localhost", inlet.port)) as opened:
        yield opened


def free_port():
    """A port on which nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


def test_messages_arrive_whole_and_in_order_whatever_their_values_are(inlet, target):
    told = [("/a", (0.5,)), ("/a", (0.25,)), ("/beat", (3,)), ("/a", (1,)),
            ("/corrected", ("kick", "snare", 1.0)), ("/wek/inputs", (0.5, 1, 0.0)), ("/kick", ())]
    for address, values in told:
        target.tell(Message(0.0, address, values))
    assert heard(inlet, len(told)) == told
    assert (target.sent, target.lost, target.news()) == (len(told), 0, "")


def test_more_addresses_than_are_kept_still_arrive(inlet, target):
    for number in range(300):
        target.tell(Message(0.0, f"/knob/{number}", (1.0,)))
        assert heard(inlet, 1) == [(f"/knob/{number}", (1.0,))]


def test_what_can_t_be_said_is_counted_and_told_and_the_rest_goes_on(inlet, target):
    for bad in (("no address", (1.0,)), ("/a", (1e39,)), ("/a", ("x" * LARGEST,))):
        target.tell(Message(0.0, *bad))
    target.tell(Message(0.0, "/a", (1.0,)))
    assert heard(inlet, 1) == [("/a", (1.0,))]
    assert target.lost == 3
    assert "not sent" in target.news()


def test_a_target_that_doesn_t_answer_is_told_once_and_reached_when_it_comes_back():
    port = free_port()
    with closing(Target(HERE, port)) as target:
        news = [target.send(build("/a", [1.0])) or target.news() for _ in range(50)]
        assert [line for line in news if line] == [news[0]]
        assert f"no one listens at {HERE}:{port}" in news[0]
        with closing(Inlet(port)) as inlet:
            for _ in range(120):
                target.send(build("/b", [1.0]))
            assert heard(inlet, 120)[0] == ("/b", (1.0,))      # not one is lost on the way
        assert "reached again" in target.news()


def test_a_network_that_isn_t_there_stops_nobody():
    with closing(Target("192.0.2.1", 7000)) as nowhere:        # kept free for books
        for _ in range(3):
            nowhere.tell(Message(0.0, "/a", (1.0,)))
        assert nowhere.sent + nowhere.lost == 3


def test_a_receiver_that_doesn_t_read_never_makes_us_wait(inlet, target):
    for _ in range(20_000):
        target.tell(Message(0.0, "/a", (1.0,)))
    assert target.sent + target.lost == 20_000


def test_a_host_that_has_no_address_is_explained():
    with pytest.raises(DeviceError, match=r'no computer called "no-such-host\.invalid"'):
        Target("no-such-host.invalid", 7000)


def test_what_python_osc_sends_arrives(inlet):
    client = SimpleUDPClient(HERE, inlet.port)
    client.send_message("/kuchi/set/drums/wait_ms", 32.0)
    client.send_message("/kuchi/scene", "chorus")
    assert heard(inlet, 2) == [("/kuchi/set/drums/wait_ms", (32.0,)), ("/kuchi/scene", ("chorus",))]


def test_a_port_that_is_taken_is_explained(inlet):
    with pytest.raises(DeviceError, match=f"port {inlet.port} is taken by another program"):
        Inlet(inlet.port)
    with pytest.raises(DeviceError, match="no port 70000"):
        Inlet(70_000)


def test_broken_datagrams_are_counted_told_and_passed_over(inlet, target):
    for datagram in (b"noise!!!", b"x" * 2000, build("/good", [1])):
        target.send(datagram)
    assert heard(inlet, 1) == [("/good", (1,))]
    assert inlet.refused == 2
    assert "2 that can't be read" in inlet.news()
    assert inlet.news() == ""


def test_a_flood_is_cut_and_told(target):
    with closing(Inlet(0, per_second=10.0)) as inlet, closing(Target(HERE, inlet.port)) as flooding:
        found = []
        for _ in range(500):
            flooding.send(build("/a", [1]))
            found += inlet.receive()
        until(lambda: found.extend(inlet.receive()) or inlet.flooded + len(found) == 500)
        assert inlet.flooded > 0
        assert len(found) >= 10
        assert "faster than they may" in inlet.news()


def test_an_allowance_fills_evenly_and_never_saves_up_more_than_a_second():
    allowance = Allowance(10.0)
    assert sum(allowance.take(100.0) for _ in range(50)) == 10
    assert sum(allowance.take(100.0 + n / 100) for n in range(1, 101)) == 10
    assert sum(allowance.take(1000.0) for _ in range(50)) == 10
    assert not allowance.take(999.0)                   # a clock that steps back gives nothing


def address_of_this_computer():
    """An address besides loopback, or nothing where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))            # sends nothing, only picks a way
        except OSError:
            return None
        return probe.getsockname()[0]


def test_only_this_computer_is_heard_unless_others_are_allowed():
    own = address_of_this_computer()
    if own is None:
        pytest.skip("this computer has no network")
    with closing(Inlet(0)) as closed, closing(Target(own, closed.port)) as outside:
        outside.send(build("/a"))
        assert "no one listens" in outside.news()      # the port isn't even there
    books = "203.0.113.0/24"
    with closing(Inlet(0, [books])) as other, closing(Target(own, other.port)) as outside:
        outside.send(build("/a"))
        until(lambda: other.receive() or other.foreign)
        assert "aren't on the allow list" in other.news()
    with closing(Inlet(0, [own])) as open_, closing(Target(own, open_.port)) as outside:
        outside.send(build("/a"))
        assert heard(open_, 1) == [("/a", ())]


def test_an_allow_list_with_a_mistake_is_explained():
    with pytest.raises(DeviceError, match=r'"stage\.local" is no address that can be allowed'):
        Inlet(0, ["stage.local"])
