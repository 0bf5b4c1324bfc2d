"""A sound card for tests: JACK's real server on its dummy driver, one for each test."""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest


@pytest.fixture()
def jack_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a JACK server of our own at 48 kHz and make it the default; its name."""
    import jack
    name = f"kuchi-test-{os.getpid()}"
    monkeypatch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    server = subprocess.Popen(["jackd", "-n", name, "-r", "-d", "dummy", "-r", "48000", "-p", "512"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 15
    while True:
        try:
            jack.Client("probe", no_start_server=True, servername=name).close()
            break
        except jack.JackOpenError:
            assert time.monotonic() < deadline, "the JACK server didn't come up"
            assert server.poll() is None, "the JACK server has ended"
            time.sleep(0.05)
    yield name
    server.terminate()
    server.wait(10)
