"""OSC over the network: a target that never makes the sender wait, an inlet that can't be flooded.

Names are looked up when a socket is made, never while playing. Whether anybody listens shows only
after something was sent, and then it is told once, not at every message.
"""

import errno
import ipaddress
import os
import socket
import time
from collections.abc import Sequence

from engine.errors import DeviceError
from engine.events import Message
from engine.osc import LARGEST, OscError, Template, Value, build, parse

HERE = "127.0.0.1"

_MOST_TEMPLATES = 256
_CALM = 100              # datagrams sent without complaint: somebody listens again
_AT_ONCE = 64            # datagrams read in one go; the rest waits in the system
_FULL = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS)


class Target:
    """Where messages go. Raises DeviceError where the host has no address.

    sent : datagrams given to the network
    lost : datagrams it wouldn't take
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            raise DeviceError(f'OSC: there is no computer called "{host}" on this network'
                              ) from None
        found.sort(key=lambda each: each[0] != socket.AF_INET)  # most receivers know only IPv4
        family, kind, protocol, _, address = found[0]
        self.sent = 0
        self.lost = 0
        self._name = f"{host}:{port}"
        self._templates: dict[tuple[str, str], Template] = {}
        self._trouble = self._told = ""
        self._calm = 0
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            self._socket.connect(address)
        except OSError as error:
            self._fail(error)                       # no way there yet; each send tries again
        self._address = address

    def tell(self, message: Message) -> None:
        """Send a message, or count it as lost; never waits, never raises."""
        try:
            datagram = self._datagram(message.address, message.arguments)
        except OscError as error:
            self.lost += 1
            self._trouble = f"OSC: not sent: {error}"
            return
        self.send(datagram)

    def _datagram(self, address: str, arguments: Sequence[float | int | str]
                  ) -> bytes | bytearray:
        """Numbers alone are written into a datagram that is kept."""
        kinds = _kinds(arguments)
        if "s" in kinds:
            return build(address, arguments)
        template = self._templates.get((address, kinds))
        if template is None:
            template = Template(address, kinds)
            if len(self._templates) < _MOST_TEMPLATES:
                self._templates[address, kinds] = template
        return template.fill(*arguments)                        # type: ignore[arg-type]

    def send(self, datagram: bytes | bytearray) -> None:
        """Give a datagram to the network, or count it as lost; never waits, never raises."""
        try:
            self._socket.send(datagram)
        except ConnectionRefusedError as error:     # said of an earlier one; this wasn't sent
            self._fail(error)
            self._again(datagram)
        except OSError as error:
            self._fail(error)
            self._reconnect(error, datagram)
        else:
            self._passed()

    def _again(self, datagram: bytes | bytearray) -> None:
        try:
            self._socket.send(datagram)
            self.sent += 1
        except OSError as error:
            self._fail(error)
            self.lost += 1

    def _reconnect(self, error: OSError, datagram: bytes | bytearray) -> None:
        """A network that was away when we connected may be there now."""
        if error.errno in _FULL:
            self.lost += 1
            return
        try:
            self._socket.connect(self._address)
        except OSError:
            self.lost += 1
            return
        self._again(datagram)

    def _passed(self) -> None:
        self.sent += 1
        if self._trouble:
            self._calm += 1
            if self._calm >= _CALM:
                self._trouble = ""

    def _fail(self, error: OSError) -> None:
        self._calm = 0
        if error.errno in _FULL:
            self._trouble = f"OSC: the network can't keep up with {self._name}"
        elif isinstance(error, ConnectionRefusedError):
            self._trouble = (f"OSC: no one listens at {self._name}: start the program there, or "
                             "choose the port it listens to")
        else:
            why = (error.strerror or str(error)).lower()
            self._trouble = f"OSC: {self._name} can't be reached: {why}"

    def news(self) -> str:
        """What has gone wrong since the last call, or that it is well again; mostly nothing."""
        late = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if late:
            self._fail(OSError(late, os.strerror(late)))
        if self._trouble == self._told:
            return ""
        self._told = self._trouble
        return self._trouble or f"OSC: {self._name} is reached again"

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


def _kinds(arguments: Sequence[float | int | str]) -> str:
    """The OSC type letters of these values."""
    if len(arguments) == 1:                                     # nearly always
        kind = type(arguments[0])
        return "f" if kind is float else "i" if kind is int else "s"
    return "".join("f" if isinstance(value, float) else "i" if isinstance(value, int) else "s"
                   for value in arguments)


class Allowance:
    """So many a second, and no more than that at once: a bucket that fills evenly."""

    def __init__(self, per_second: float) -> None:
        self._per_second = self._left = per_second
        self._time = 0.0

    def take(self, now: float) -> bool:
        """May one more pass at this time, in seconds?"""
        filled = self._left + max(0.0, now - self._time) * self._per_second
        self._time = now
        self._left = min(filled, self._per_second)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Inlet:
    """Where messages come in. Raises DeviceError where the port can't be had.

    allow   : who may speak besides this computer: addresses or networks ("192.168.1.20",
              "192.168.1.0/24"); with none, nobody else can even reach the port
    port    : 0 takes any that is free; `port` then tells which
    foreign, flooded, refused : datagrams dropped: from someone not allowed, more than
              `per_second`, not OSC as we take it
    """

    def __init__(self, port: int, allow: Sequence[str] = (), *,
                 per_second: float = 2000.0) -> None:
        self._allowed = [_network(text) for text in (HERE, *allow)]
        here_only = all(network.is_loopback for network in self._allowed)
        self.foreign = self.flooded = self.refused = 0
        self.last_refusal = ""
        self._allowance = Allowance(per_second)
        self._told = (0, 0, 0)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((HERE if here_only else "0.0.0.0", port))
        except (OSError, OverflowError) as error:
            self._socket.close()
            raise DeviceError(_why_not(port, error)) from None
        self.port = int(self._socket.getsockname()[1])

    def fileno(self) -> int:
        """For `select`: readable when something has come in."""
        return self._socket.fileno()

    def receive(self) -> list[tuple[str, tuple[Value, ...]]]:
        """The messages that have come in, at most 64 datagrams' worth; doesn't wait."""
        found: list[tuple[str, tuple[Value, ...]]] = []
        for _ in range(_AT_ONCE):
            try:
                datagram, (sender, _) = self._socket.recvfrom(LARGEST + 1)
            except BlockingIOError:
                break
            except OSError:                         # Windows tells here of datagrams we sent
                continue
            if not self._may_speak(sender):
                self.foreign += 1
            elif not self._allowance.take(time.monotonic()):
                self.flooded += 1
            else:
                try:
                    found += parse(datagram)
                except OscError as error:
                    self.refused += 1
                    self.last_refusal = str(error)
        return found

    def _may_speak(self, sender: str) -> bool:
        address = ipaddress.IPv4Address(sender)
        return any(address in network for network in self._allowed)

    def news(self) -> str:
        """What was dropped since the last call, in words; mostly nothing."""
        now = (self.foreign, self.flooded, self.refused)
        foreign, flooded, refused = (a - b for a, b in zip(now, self._told, strict=True))
        self._told = now
        words = []
        if foreign:
            words.append(f"{foreign} from computers that aren't on the allow list")
        if flooded:
            words.append(f"{flooded} that came faster than they may")
        if refused:
            words.append(f"{refused} that can't be read, the last one {self.last_refusal}")
        return f"OSC: dropped {'; '.join(words)}" if words else ""

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        raise DeviceError(f'OSC: "{text}" is no address that can be allowed; write one such as '
                          "192.168.1.20, or a network such as 192.168.1.0/24") from None


def _why_not(port: int, error: OSError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return f"OSC: there is no port {port}; ports lie in 1..65535"
    if error.errno == errno.EADDRINUSE:
        return (f"OSC: port {port} is taken by another program: close it there, or choose "
                "another port")
    if error.errno == errno.EACCES:
        return f"OSC: port {port} belongs to the system: choose one over 1023"
    return f"OSC: port {port} can't be opened: {(error.strerror or str(error)).lower()}"
