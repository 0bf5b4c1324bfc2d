"""Questions that may hang are asked by others, and end in time."""

import time

import pytest

from engine.devices.probes import ask
from engine.errors import DeviceError


def test_a_timer_is_measured_with_the_priority_that_the_engine_gets():
    found = ask("timer", deadline_s=30)
    assert 0 <= found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]
    assert "priority" in found["words"] or "real time" in found["words"]


def test_a_patch_is_made_ready_and_its_hops_are_timed():
    found = ask("warm_up", deadline_s=240)
    assert all(value > 0 for value in found.values())


def test_what_gives_no_answer_in_time_is_given_up():
    begin = time.monotonic()
    with pytest.raises(DeviceError, match="no answer within 0 s"):
        ask("timer", deadline_s=0.3)            # it takes two seconds
    assert time.monotonic() - begin < 2.0


def test_what_falls_is_told_and_not_waited_for():
    with pytest.raises(DeviceError, match="without an answer"):
        ask("no_such_question", deadline_s=30)


def test_what_a_device_refuses_comes_as_words(monkeypatch):
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    said = ask("microphone", "no such card", "1", deadline_s=30)
    assert isinstance(said, str)
    assert "no such card" in said or "PortAudio" in said
