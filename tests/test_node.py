"""Parameters are declared once, ports are read from `process`."""

from collections.abc import Sequence

import numpy as np
import pytest

from engine.errors import KuchiError
from engine.events import Hit, NoteOff, NoteOn, Onset, Release
from engine.node import Node, action
from engine.param import Param
from engine.ports import AudioBlock, Bleed


class HeardTwice(Node):
    """Hears everything."""

    level_db = Param(-6.0, low=-60.0, high=0.0, help="how loud")
    count = Param(3, low=1, high=9, help="how many")

    def process(self, audio: AudioBlock, hits: Sequence[Hit | Release],
                notes: Sequence[NoteOn | NoteOff], bleed: Bleed = None) -> Sequence[Onset]:
        return ()


def test_ports_are_read_from_the_signature():
    ports = HeardTwice.ports()
    assert [(p.name, p.flow, p.delayed) for p in ports.inlets] == [
        ("audio", "audio", False), ("hits", "hits", False), ("notes", "notes", False),
        ("bleed", "audio", True)]
    assert ports.gives == "onsets"


def test_a_port_of_no_known_kind_is_refused_by_name():
    class Odd(Node):
        def process(self, words: Sequence[str]) -> None: ...
    with pytest.raises(KuchiError, match="no kind of port"):
        Odd.ports()


def test_a_setting_out_of_range_is_refused_and_the_old_one_stays():
    node = HeardTwice(level_db=-3)
    with pytest.raises(ValueError, match=r"-60\.\.0 dB"):
        node.set("level_db", 5)
    with pytest.raises(ValueError, match="whole number"):
        node.set("count", 2.5)
    with pytest.raises(ValueError, match="no setting"):
        node.set("colour", 2)
    assert (node.level_db, node.count) == (-3.0, 3)


def test_a_class_name_is_a_type_name():
    assert HeardTwice.type_name() == "heard-twice"


def test_history_reaches_back_across_the_ring_s_seam_and_before_the_beginning():
    ring = np.arange(1024, dtype=np.float32)
    block = AudioBlock(ring)
    block.move_to(1024 * 3)                     # a fourth lap: ring[0] is frame 3072
    out = np.empty(8, np.float32)
    block.history(3068, out)
    assert out.tolist() == [1020, 1021, 1022, 1023, 0, 1, 2, 3]
    block.history(-4, out)
    assert out.tolist() == [0, 0, 0, 0, 0, 1, 2, 3]


class Friend(Node):
    """Does what it is told, and remembers."""

    wild = Param(0.5, low=0.0, high=1.0, help="how wild")

    def __init__(self) -> None:
        super().__init__()
        self.did: list = []

    @action(help="begin")
    def start(self) -> None:
        self.did.append("start")

    @action(help="record, play, overdub; hold to undo")
    def loop(self, pressed: bool) -> None:
        self.did.append(("loop", pressed))

    @action(help="that was another sound")
    def wrong(self, word: str) -> None:
        self.did.append(("wrong", word))

    def process(self, hits: Sequence[Hit | Release]) -> Sequence[Hit | Release]:
        return ()


def test_actions_are_methods_called_on_the_press_and_on_the_release_where_they_last():
    friend = Friend()
    assert list(Friend.actions()) == ["start", "loop", "wrong"]
    friend.act("start")
    friend.act("start", pressed=False)
    friend.act("loop")
    friend.act("loop", pressed=False)
    friend.act("wrong", word="snare")
    assert friend.did == ["start", ("loop", True), ("loop", False), ("wrong", "snare")]


def test_a_text_with_a_grammar_of_its_own_is_read_when_it_is_set():
    def read(text: str) -> None:
        if text != "blues":
            raise ValueError(f'"{text}" is no form')
    param = Param("", reads=read, help="")
    assert param.check("blues") == "blues"
    assert param.check("") == ""
    with pytest.raises(ValueError, match='"bluse" is no form'):
        param.check("bluse")
