"""A sound card to measure on where there is none: JACK's real server on its dummy driver."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import DeviceError

_READY_S = 15.0


def real_time_is_allowed() -> bool:
    """May threads of ours have real-time priority?"""
    import resource
    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] >= 70


@contextmanager
def dummy_card(period: int, name: str = "kuchi-bench") -> Iterator[dict[str, str]]:
    """Run a server at 48 kHz; gives the environment in which its clients must be started.

    Real time where that is allowed. Raises DeviceError where JACK isn't installed or won't run.
    """
    if not shutil.which("jackd") or not shutil.which("jack_wait"):
        raise DeviceError("JACK isn't installed (on Debian and Ubuntu: apt install jackd2)")
    name = f"{name}-{os.getpid()}"
    environment = {**os.environ, "JACK_NO_AUDIO_RESERVATION": "1", "JACK_NO_START_SERVER": "1",
                   "JACK_DEFAULT_SERVER": name}
    how = ["-R", "-P", "70"] if real_time_is_allowed() else ["-r"]
    server = subprocess.Popen(
        ["jackd", "-n", name, *how, "-d", "dummy", "-r", "48000", "-p", str(period)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        _wait_for(server, name, environment)
        yield environment
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(server: "subprocess.Popen[bytes]", name: str, environment: dict[str, str]) -> None:
    deadline = time.monotonic() + _READY_S
    ask = ["jack_wait", "-s", name, "-w", "-t", "1"]
    while subprocess.run(ask, env=environment, capture_output=True).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise DeviceError("the JACK server doesn't run here")
