"""OSC as bytes: what others read is what we meant, and nothing that comes in can hurt."""

import gc
import math
import os
import struct
import time
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from engine.events import Control
from engine.osc import (
    DEEPEST,
    LARGEST,
    OscError,
    Template,
    build,
    check_address,
    parse,
    read_control,
    read_target,
    spelled,
)


def bundle(*elements: bytes) -> bytes:
    return b"#bundle\0" + struct.pack(">q", 1) + b"".join(
        struct.pack(">i", len(element)) + element for element in elements)


def raw(address: bytes, tags: bytes, data: bytes = b"") -> bytes:
    return b"".join(text + b"\0" * (4 - len(text) % 4) for text in (address, b"," + tags)) + data


# -- what others read ------------------------------------------------------------------------------

PLAIN = "".join(chr(c) for c in range(33, 127) if chr(c) not in "#,/*?[]{}")
addresses = st.lists(st.text(PLAIN, min_size=1, max_size=12), min_size=1, max_size=4).map(
    lambda words: "/" + "/".join(words))
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
values = st.lists(st.one_of(numbers, st.integers(-2**31, 2**31 - 1),
                            st.text(st.characters(exclude_characters="\0", codec="utf-8"),
                                    max_size=20), st.booleans()), max_size=12)


@given(address=addresses, arguments=values)
def test_python_osc_reads_what_we_build(address, arguments):
    message = OscMessage(build(address, arguments))
    assert (message.address, message.params) == (address, arguments)


@given(messages=st.lists(st.tuples(addresses, values), min_size=1, max_size=4))
def test_we_read_what_python_osc_builds(messages):
    together = OscBundleBuilder(IMMEDIATELY)
    for address, arguments in messages:
        builder = OscMessageBuilder(address)
        for value in arguments:
            kind = {int: "i", float: "f", str: "s"}.get(type(value))
            builder.add_arg(value, kind)
        together.add_content(builder.build())
    whole = together.build()
    if whole.size <= LARGEST:
        assert parse(whole.dgram) == [(a, tuple(v)) for a, v in messages]
    else:
        with pytest.raises(OscError, match="more than 1536 bytes"):
            parse(whole.dgram)


def test_a_template_s_numbers_are_written_in_place_and_its_datagram_is_never_made_anew():
    template = Template("/kuchi/drums/kick", "fi")
    first = template.fill(0.25, 7)
    assert bytes(first) == build("/kuchi/drums/kick", [0.25, 7])
    assert template.fill(1.0, -1) is first
    assert parse(bytes(first)) == [("/kuchi/drums/kick", (1.0, -1))]


@pytest.mark.parametrize(("address", "arguments", "said"), [
    ("kick", [], "no OSC address"), ("/", [], "no OSC address"), ("/a//b", [], "no OSC address"),
    ("/my drums", [], "no spaces"), ("/kick*", [], "a pattern"), ("/a", [2**40], "too large"),
    ("/a", [1e39], "too large"), ("/a", [math.nan], "no number"), ("/a", ["x\0y"], "zero byte"),
    ("/a", ["x" * 2000], "too many for a datagram"),
])
def test_what_can_t_be_said_in_osc_is_explained(address, arguments, said):
    with pytest.raises(OscError, match=said):
        build(address, arguments)


def test_a_template_refuses_a_number_that_doesn_t_fit_its_kind():
    for number in (1e39, "loud"):
        with pytest.raises(OscError, match="can't be said"):
            Template("/a").fill(number)


@given(name=st.text(min_size=1, max_size=20))
def test_any_name_can_be_spelled_in_an_address(name):
    check_address("/kuchi/" + spelled(name))


@pytest.mark.parametrize("text", ["", ":7000", "host:", "host:port", "host:0", "host:70000",
                                  "two words:7000", "osc://host:7000", "host:7000:1"])
def test_a_target_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"must be an address and a port|outside"):
        read_target(text, 7000)


# -- what we read ----------------------------------------------------------------------------------


def test_every_type_taken_is_read_and_bundles_are_unfolded_in_order():
    data = struct.pack(">ifqd", -3, 0.5, 1 << 40, 0.1) + b"soft\0\0\0\0"
    inner = bundle(raw(b"/b", b""), raw(b"/c", b"TFN"))
    assert parse(bundle(raw(b"/a", b"ifhds", data), inner, raw(b"/d", b""))) == [
        ("/a", (-3, 0.5, 1 << 40, 0.1, "soft")), ("/b", ()), ("/c", (True, False, None)),
        ("/d", ())]
    assert parse(bundle()) == []


def nested(depth: int) -> bytes:
    return raw(b"/a", b"") if depth == 0 else bundle(nested(depth - 1))


REFUSED = {
    "nothing": b"",
    "the bundle that loops python-osc for ever": b"#bundle\0" + bytes(12),
    "an element of minus twenty bytes": b"#bundle\0" + bytes(8) + struct.pack(">i", -20),
    "an element that eats its own head": bundle() + struct.pack(">i", -4) + bytes(8),
    "twelve stars": raw(b"/" + b"*" * 12, b""),
    "a question": raw(b"/a?", b""), "a choice": raw(b"/{a,b}", b""), "a class": raw(b"/[ab]", b""),
    "no slash": raw(b"kick", b""), "a control character": raw(b"/a\7", b""),
    "an accent in an address": raw("/é".encode(), b""), "half a letter": raw(b"/\xc3", b""),
    "too long": raw(b"/" + b"a" * LARGEST, b""), "three bytes": b"/a\0", "no end": b"/abc",
    "no tags": b"/a\0\0", "tags without a comma": b"/a\0\0f\0\0\0" + bytes(4),
    "a blob": raw(b"/a", b"b", struct.pack(">i", 4) + bytes(4)), "an array": raw(b"/a", b"[f]"),
    "too few numbers": raw(b"/a", b"ff", bytes(4)), "a cut double": raw(b"/a", b"d", bytes(4)),
    "too many bytes": raw(b"/a", b"f", bytes(8)), "an endless text": raw(b"/a", b"s", b"abcd"),
    "not a number": raw(b"/a", b"f", struct.pack(">f", math.nan)),
    "infinity": raw(b"/a", b"d", struct.pack(">d", -math.inf)),
    "a bundle without a time": b"#bundle\0" + bytes(4),
    "an element longer than the rest": b"#bundle\0" + bytes(8) + struct.pack(">i", 64) + bytes(8),
    "an element of three bytes": b"#bundle\0" + bytes(8) + struct.pack(">i", 3) + bytes(4),
    "five bundles in each other": nested(DEEPEST + 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_osc_of_ours_is_refused_with_a_reason(name):
    with pytest.raises(OscError, match=r"\w+ \w+"):
        parse(REFUSED[name])


def test_four_bundles_in_each_other_are_read():
    assert parse(nested(DEEPEST)) == [("/a", ())]


# -- a million hostile datagrams -------------------------------------------------------------------

PACKETS, BATCH = 1_000_000, 10_000
SLOW_NS = 1_000_000
ROOM = LARGEST + 4
NASTY = np.frombuffer(struct.pack(
    ">16i", 0, -1, -4, -20, 1, 3, 4, 16, 20, LARGEST, 2**31 - 1, -2**31, 0x7FC00000, 0x7F800000,
    0x2C737373, 0x2F2A2A2A), np.uint8).reshape(-1, 4)     # sizes, NaN, infinity, ",sss", "/***"


def seeds() -> list[bytes]:
    """Datagrams to begin from: good ones of every kind, the largest ones, the known killers."""
    small = raw(b"/a", b"")
    good = [build("/kuchi/drums/kick", [0.5]), build("/kuchi/scene", ["chorus"]),
            build("/kuchi/set/onsets/sensitivity_db", [14.0]), build("/kuchi/panic"),
            raw(b"/mix", b"ifhdsTFN", struct.pack(">ifqd", 1, 2, 3, 4) + b"text\0\0\0\0"),
            bundle(small, build("/kuchi/tap", [1])), nested(DEEPEST), bundle(bundle(), bundle())]
    large = [bundle(*[small] * 126), bundle(bundle(bundle(bundle(*[small] * 119)))),
             bundle(*[bundle()] * 75), build("/a", [1.0] * 250), build("/a", ["", "x"] * 150),
             raw(b"/a", b"TFN" * 500), raw(b"/a" * 700, b""),
             raw(b"/s", b"s", b"y" * 1500 + bytes(4))]
    killers = [REFUSED["the bundle that loops python-osc for ever"], REFUSED["twelve stars"]]
    return good * 3 + large + killers * 2


def mutated(count: int) -> Iterator[bytes]:
    """Datagrams broken in up to six places each: bytes, whole words, lengths, splices."""
    rng = np.random.default_rng(20_17)
    start = seeds()
    table = np.zeros((len(start), ROOM), np.uint8)
    for row, seed in zip(table, start, strict=True):
        row[:len(seed)] = np.frombuffer(seed, np.uint8)
    lengths = np.array([len(seed) for seed in start])
    each = np.arange(BATCH)
    for _ in range(count // BATCH):
        chosen = rng.integers(len(start), size=BATCH)
        packets, size = table[chosen], lengths[chosen].copy()
        for breaks in range(6):
            place = rng.integers(0, np.maximum(size, 1))
            kind = rng.integers(0, 8 + 4 * breaks, size=BATCH)   # later breaks are rarer
            some = each[kind == 0]
            packets[some, place[some]] = rng.integers(0, 256, size=len(some))
            some = each[kind == 1]
            packets[some, place[some]] ^= 1 << rng.integers(0, 8, size=len(some)).astype(np.uint8)
            some = each[kind == 2]
            words = place[some] // 4 * 4
            packets[some[:, None], words[:, None] + np.arange(4)] = NASTY[
                rng.integers(len(NASTY), size=len(some))]
        ends = rng.integers(0, 12, size=BATCH)
        size = np.where(ends == 0, rng.integers(0, size + 1), size)            # cut anywhere,
        size = np.where(ends == 1, rng.integers(0, size + 1) // 4 * 4, size)   # cut at a word,
        size = np.where(ends == 2, np.minimum(size + 4, ROOM), size)           # grown by one,
        other = rng.permutation(BATCH)                                         # or spliced
        some = each[ends == 3]
        cut = (size[some] // 8 * 4)[:, None] <= np.arange(ROOM)
        packets[some] = np.where(cut, packets[other[some]], packets[some])
        whole = packets.tobytes()
        for row, length in enumerate(size.tolist()):
            yield whole[row * ROOM:row * ROOM + length]


def work_ns(datagram: bytes) -> tuple[int, list]:
    """What it costs to parse, in ns of this process's own time, and what was found."""
    before = time.process_time_ns()
    try:
        found = parse(datagram)
    except OscError:
        found = []
    return time.process_time_ns() - before, found


def test_a_million_broken_datagrams_none_escapes_none_is_slow_none_leaves_anything_behind():
    process = psutil.Process(os.getpid())
    resident, believed, slow = 0, 0, []
    gc.collect()
    gc.disable()                     # collecting other tests' objects is not the parser's work
    try:
        for number, datagram in enumerate(mutated(PACKETS)):
            spent, found = work_ns(datagram)
            if spent > SLOW_NS and min(work_ns(datagram)[0] for _ in range(20)) > SLOW_NS:
                slow.append((spent, datagram))
            if found:
                believed += 1
                for address, arguments in found[:2]:
                    check_address(address)
                    assert all(v is None or isinstance(v, str) or math.isfinite(v)
                               for v in arguments)
            if number == PACKETS // 10:
                resident = process.memory_info().rss
    finally:
        gc.enable()
    assert not slow
    assert process.memory_info().rss - resident < 4 << 20
    assert 0.05 < believed / PACKETS < 0.6       # neither all noise nor all harmless


# -- what is asked of us ---------------------------------------------------------------------------

ACTIONS = ("panic", "tap", "listen", "friend.start")


@pytest.mark.parametrize(("address", "arguments", "name", "value"), [
    ("/kuchi/set/onsets/sensitivity_db", (14.0,), "onsets.sensitivity_db", 14.0),
    ("/kuchi/set/drums/wait_ms", (32,), "drums.wait_ms", 32),
    ("/kuchi/set/room/on", (True,), "room.on", True),
    ("/kuchi/set/my_drums/wait_ms", (32.0,), "My Drums.wait_ms", 32.0),
    ("/kuchi/scene", ("loud room",), "scene.loud room", 1),
    ("/kuchi/panic", (), "panic", 1),
    ("/kuchi/tap", (1.0,), "tap", 1),
    ("/kuchi/friend/start", (1,), "friend.start", 1),
])
def test_a_message_to_us_moves_a_setting_a_scene_or_an_action(address, arguments, name, value):
    assert read_control(address, arguments, 2.5, actions=ACTIONS,
                        names={"my_drums": "My Drums"}) == Control(2.5, name, value)


@pytest.mark.parametrize(("address", "arguments"), [
    ("/kuchi/tap", (0.0,)),                            # the button is let go
    ("/kuchi/explode", ()), ("/kuchi", ()), ("/kuchi/friend/stop", ()), ("/live/play", ()),
    ("/kuchi/scene", ()), ("/kuchi/scene", (3,)), ("/kuchi/scene", ("",)),
    ("/kuchi/set/drums", (1.0,)), ("/kuchi/set/drums/wait_ms", ()),
    ("/kuchi/set/kit/folder", ("/etc",)),              # a path is no knob
    ("/kuchi/set/a/b/c", (1.0,)),
])
def test_what_is_not_for_us_asks_for_nothing(address, arguments):
    assert read_control(address, arguments, 0.0, actions=ACTIONS) is None
