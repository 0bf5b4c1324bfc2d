"""Threads on time: what was asked for, what was got, and that it is told truly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="no real time here")

ALONE = """
import gc, os, sys, threading
from engine.devices import priority
"""


def alone(story: str, **environment: str) -> str:
    """Priorities belong to a whole process, so each story has its own; what it printed."""
    done = subprocess.run([sys.executable, "-c", ALONE + story], capture_output=True, text=True,
                          env={**os.environ, **environment}, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_is_said_of_a_thread_is_what_it_has():
    said, policy = alone("""
print(priority.quieten("engine"))
print(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)
""").splitlines()
    if int(policy) == os.SCHED_FIFO:
        assert said == "The engine thread runs in real time (FIFO 4)."
    else:
        assert said.startswith("The engine thread runs at normal priority")
        assert "limits.d" in said


def test_a_quiet_process_collects_nothing_and_switches_quickly():
    assert alone("""
priority.quieten("engine")
print(gc.isenabled(), gc.get_freeze_count() > 0, round(sys.getswitchinterval(), 6))
""") == "False True 0.0002"


def test_threads_started_later_are_not_urgent():
    assert alone("""
priority.quieten("engine")
threads = [threading.Thread(target=lambda: print(os.sched_getscheduler(0)))]
threads[0].start()
threads[0].join()
""") == str(os.SCHED_OTHER)


def test_a_thread_that_is_on_time_already_is_left_as_it_is():
    said = alone("""
first = priority.raise_priority("audio", 7)
print(first == priority.raise_priority("audio", 9))
""")
    assert said == "True"


def test_where_the_system_refuses_rtkit_is_asked(tmp_path: Path):
    asked = tmp_path / "asked"
    busctl = tmp_path / "busctl"
    busctl.write_text(f'#!/bin/sh\necho "$@" > {asked}\n')
    busctl.chmod(0o755)
    thread, said = alone("""
def refuse(*_):
    raise PermissionError
os.sched_setscheduler = refuse
print(threading.get_native_id())
print(priority.raise_priority("audio", 60))
""", PATH=f"{tmp_path}:{os.environ['PATH']}").splitlines()
    words = asked.read_text().split()
    assert "MakeThreadRealtimeWithPID" in words
    assert words[-2:] == [thread, "20"]
    assert said.startswith("The audio thread runs at normal priority")  # it granted nothing


def test_where_nobody_grants_real_time_it_is_said_with_what_to_do(tmp_path: Path):
    said = alone("""
def refuse(*_):
    raise PermissionError
os.sched_setscheduler = refuse
print(priority.raise_priority("audio", 60))
""", PATH=str(tmp_path))
    assert said == ("The audio thread runs at normal priority, so other programs may delay it: "
                    "allow your user real time (rtprio in /etc/security/limits.d, or rtkit).")


def test_a_thread_that_has_ended_is_told_as_such():
    assert alone("""
threads = [threading.Thread(target=lambda: None)]
threads[0].start()
threads[0].join()
print(priority.raise_priority("audio", 60, threads[0].native_id))
""") == "The audio thread has ended."
