"""OSC as bytes: datagrams for the visuals, and a parser that a hostile one can't hurt.

What goes out is built once and has its numbers written in place. What comes in is believed only
where it is short, finite and exact: anything else is refused with a reason, after work that grows
no faster than its length. No sockets here; those are in `engine.devices.osc`.

Source: OSC 1.0, https://opensoundcontrol.stanford.edu/spec-1_0.html
"""

import math
import re
import struct
from collections.abc import Collection, Mapping, Sequence

from engine.errors import KuchiError
from engine.events import Control

LARGEST = 1_536
"""Bytes of a datagram: a little more than a network carries in one piece."""

DEEPEST = 4
"""Bundles within bundles."""

Value = float | int | str | bool | None

_ADDRESS = re.compile(r"(?:/[!\"$-+\-.0-~]+)+")      # printable, without space # , /
_PATTERN = frozenset("*?[]{}")
_BUNDLE = b"#bundle\0"
_BUNDLE_HEAD = 16                       # the word and a time tag, which means "now" to us
_int32, _int64 = struct.Struct(">i").unpack_from, struct.Struct(">q").unpack_from
_float32, _float64 = struct.Struct(">f").unpack_from, struct.Struct(">d").unpack_from


class OscError(KuchiError):
    """A datagram that isn't OSC as we take it, or something that can't be said in OSC."""


# -- going out -------------------------------------------------------------------------------------


def build(address: str, arguments: Sequence[float | int | str] = ()) -> bytes:
    """One message as a datagram: whole numbers as `i`, others as `f`, texts as `s`.

    Raises OscError where the address isn't an exact one or a value doesn't fit.

    >>> build("/kuchi/drums/kick", [0.5])
    b'/kuchi/drums/kick\\x00\\x00\\x00,f\\x00\\x00?\\x00\\x00\\x00'
    """
    check_address(address)
    tags, parts = ",", []
    for value in arguments:
        if isinstance(value, str):
            tags += "s"
            parts.append(_text(value))
        elif isinstance(value, bool):
            tags += "T" if value else "F"
        else:
            tags += "i" if isinstance(value, int) else "f"
            parts.append(_number(value))
    datagram = _text(address) + _text(tags) + b"".join(parts)
    if len(datagram) > LARGEST:
        raise OscError(f"{address}: {len(datagram)} bytes are too many for a datagram; "
                       f"{LARGEST} fit")
    return datagram


class Template:
    """A message built once; every time it is sent its numbers are written in place.

    types : the numbers' kinds, `f` or `i`, one letter each
    """

    __slots__ = ("_numbers", "_place", "datagram")

    def __init__(self, address: str, types: str = "f") -> None:
        zeros = [0 if kind == "i" else 0.0 for kind in types]
        self.datagram = bytearray(build(address, zeros))
        self._numbers = struct.Struct(">" + types)
        self._place = len(self.datagram) - self._numbers.size

    def fill(self, *numbers: float) -> bytearray:
        """The datagram with these numbers; valid until the next `fill`.

        Raises OscError where one doesn't fit its kind.
        """
        try:
            self._numbers.pack_into(self.datagram, self._place, *numbers)
        except (struct.error, OverflowError):
            raise OscError(f"{numbers} can't be said as {self._numbers.format[1:]}") from None
        return self.datagram


def check_address(address: str) -> None:
    """Raise OscError unless this is one exact address, such as /kuchi/panic."""
    if not _ADDRESS.fullmatch(address):
        raise OscError(f"{_shown(address)} is no OSC address: it is written like /kuchi/panic, "
                       "with no spaces, commas or #")
    if not _PATTERN.isdisjoint(address):
        raise OscError(f"{_shown(address)} is a pattern, not an exact address: "
                       "take out * ? [ ] { }")


def spelled(name: str) -> str:
    """A name as it stands in addresses: lower case, `_` for what an address can't hold.

    >>> spelled("My Drums")
    'my_drums'
    """
    return re.sub(r"[^a-z0-9_.-]", "_", name.lower())


def read_target(text: str, port: int) -> tuple[str, int]:
    """`127.0.0.1:7000`, or a host alone, which gets `port`. Raises ValueError with the reason.

    >>> read_target("localhost:57120", 7000), read_target("10.0.0.7", 7000)
    (('localhost', 57120), ('10.0.0.7', 7000))
    """
    host, colon, digits = text.rpartition(":")
    if not colon:
        host, digits = text, str(port)
    if not re.fullmatch(r"[\w.-]+", host, re.ASCII) or not re.fullmatch(r"[0-9]{1,5}", digits):
        raise ValueError("must be an address and a port, such as 127.0.0.1:7000")
    if not 1 <= int(digits) <= 65_535:
        raise ValueError("has a port outside 1..65535")
    return host, int(digits)


def _text(text: str) -> bytes:
    if "\0" in text:
        raise OscError(f"{_shown(text)} holds a zero byte, which ends a text in OSC")
    raw = text.encode("utf-8", "replace")
    return raw + b"\0" * (4 - len(raw) % 4)


def _number(value: float) -> bytes:
    if not math.isfinite(value):
        raise OscError(f"{value} is no number to send")
    try:
        return struct.pack(">i" if isinstance(value, int) else ">f", value)
    except (struct.error, OverflowError):
        raise OscError(f"{value} is too large for 32 bits") from None


# -- coming in -------------------------------------------------------------------------------------


def parse(datagram: bytes) -> list[tuple[str, tuple[Value, ...]]]:
    """The messages of a datagram, those in its bundles too, in order; time tags are ignored.

    Takes i, h, f, d, s, T, F and N. Raises OscError, and nothing else, where the datagram is
    longer than LARGEST, cut short, nested deeper than DEEPEST, or holds an address pattern,
    another type or a number that isn't finite.
    """
    if len(datagram) > LARGEST:
        raise OscError(f"a datagram of more than {LARGEST} bytes")
    if not datagram or len(datagram) % 4:
        raise OscError(f"a datagram of {len(datagram)} bytes: not a multiple of four")
    found: list[tuple[str, tuple[Value, ...]]] = []
    _read_element(datagram, 0, len(datagram), 0, found)
    return found


def _read_element(data: bytes, start: int, end: int, depth: int,
                  found: list[tuple[str, tuple[Value, ...]]]) -> None:
    if not data.startswith(_BUNDLE, start, end):
        found.append(_read_message(data, start, end))
        return
    if depth == DEEPEST:
        raise OscError(f"bundles nested more than {DEEPEST} deep")
    place = start + _BUNDLE_HEAD
    if place > end:
        raise OscError("a bundle without a time tag")
    while place < end:
        size = _int32(data, place)[0]               # lengths are multiples of four: it is there
        place += 4
        if size <= 0 or size % 4 or size > end - place:
            raise OscError(f"a bundle's element of {size} bytes, with {end - place} left")
        _read_element(data, place, place + size, depth + 1, found)
        place += size


def _read_message(data: bytes, start: int, end: int) -> tuple[str, tuple[Value, ...]]:
    address, place = _read_text(data, start, end)
    check_address(address)
    tags, place = _read_text(data, place, end)
    if not tags.startswith(","):
        raise OscError(f"{address} without type tags")
    values: list[Value] = []
    for tag in tags[1:]:
        match tag:
            case "f" | "i" | "d" | "h":
                value, place = _read_number(data, place, end, tag)
                values.append(value)
            case "s":
                text, place = _read_text(data, place, end)
                values.append(text)
            case "T" | "F":
                values.append(tag == "T")
            case "N":
                values.append(None)
            case _:
                raise OscError(f"{address} with a value of type {tag!r}; i f s h d T F N are taken")
    if place != end:
        raise OscError(f"{address} with {end - place} bytes more than its types tell")
    return address, tuple(values)


def _read_number(data: bytes, place: int, end: int, tag: str) -> tuple[float, int]:
    after = place + (4 if tag in "fi" else 8)
    if after > end:
        raise OscError("a message cut short in its numbers")
    if tag == "i":
        return _int32(data, place)[0], after
    if tag == "h":
        return _int64(data, place)[0], after
    value = (_float32 if tag == "f" else _float64)(data, place)[0]
    if not math.isfinite(value):
        raise OscError(f"the number {value}")
    return value, after


def _read_text(data: bytes, start: int, end: int) -> tuple[str, int]:
    stop = data.find(b"\0", start, end)
    if stop < 0:
        raise OscError("a text without an end")
    try:
        text = data[start:stop].decode("utf-8")
    except UnicodeDecodeError:
        raise OscError("a text that isn't UTF-8") from None
    return text, stop + 4 - (stop - start) % 4         # starts and ends are multiples of four


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


# -- what it asks of us ----------------------------------------------------------------------------


def read_control(address: str, arguments: Sequence[Value], time: float, *,
                 actions: Collection[str], names: Mapping[str, str] | None = None
                 ) -> Control | None:
    """The control that a message moves, or None where it asks for nothing we know.

        /kuchi/set/<node>/<parameter> f     a setting, in its own unit
        /kuchi/scene s                      a scene of the patch
        /kuchi/<action>                     an action, on the press: a 0 is a button let go

    actions : those there are; `friend.start` is asked for as /kuchi/friend/start, and `wrong.*`
              stands for wrong with any word behind it
    names   : nodes as addresses spell them -> as the performer does, where the two differ

    >>> read_control("/kuchi/set/drums/wait_ms", (32.0,), 1.5, actions=())
    Control(time=1.5, name='drums.wait_ms', value=32.0)
    """
    words = address.split("/")[1:]
    value = arguments[0] if arguments else None
    if words[0] != "kuchi":
        return None
    match words[1:]:
        case ["set", node, parameter]:
            if isinstance(value, (int, float)):     # never a text: a path is no knob
                return Control(time, f"{(names or {}).get(node, node)}.{parameter}", value)
        case ["scene"]:
            if isinstance(value, str) and value:
                return Control(time, f"scene.{value}", 1)
        case action if ((name := ".".join(action)) in actions
                        or (len(action) == 2 and f"{action[0]}.*" in actions)):
            if not arguments or value not in (0, None):
                return Control(time, name, 1)
    return None
