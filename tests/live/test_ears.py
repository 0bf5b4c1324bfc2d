"""The engine thread sleeps until there is something to hear, and to whom it must listen."""

import os
import time
from multiprocessing import Pipe

import numpy as np
import pytest

from engine.audio import wake
from engine.audio.callback import BLOCKS
from engine.audio.wake import Wake
from engine.live.ears import Ears


@pytest.mark.parametrize("patience_s", [0.0005, 0.5])
@pytest.mark.parametrize("kind", ["as it is here", "by looking"])
def test_who_speaks_is_heard_and_sound_is_noted_once(kind: str, patience_s: float,
                                                     monkeypatch: pytest.MonkeyPatch):
    if kind == "by looking":
        monkeypatch.setattr(wake, "address_of", lambda name: 0)
    words = np.zeros(64, np.int64)
    (near, far), sound, ears = Pipe(), Wake(words), Ears()
    ears.listen((near,), sound)
    far.send_bytes(b"hello")
    assert list(ears.wait(patience_s)) == [near]
    near.recv_bytes()
    words[BLOCKS] += 1
    if sound.write_at:
        os.write(sound.write_to, np.ones(1, np.int64).tobytes())
    begun = time.monotonic()
    assert list(ears.wait(20.0)) == []
    assert time.monotonic() - begun < 10.0, "it woke"
    assert not sound.wait(0.0), "and that is noted"
    sound.close()


@pytest.mark.parametrize("patience_s", [0.0005, 0.003])
def test_a_pipe_that_was_closed_is_told_and_raises_nothing(patience_s: float):
    ears, (near, _far) = Ears(), Pipe()
    ears.listen((near,), None)
    near.close()
    assert list(ears.wait(patience_s)) == [near]
    ears.listen((near,), None)
    assert list(ears.wait(patience_s)) == []


def test_what_is_due_in_less_than_a_millisecond_is_not_slept_through():
    ears, (near, _far) = Ears(), Pipe()
    ears.listen((near,), None)
    took = []
    for _ in range(50):
        begun = time.monotonic()
        ears.wait(0.0002)
        took.append(time.monotonic() - begun)
    assert 0.0002 <= min(took) < 0.0009
