"""A sound card for tests: JACK's real server on its dummy driver, one for each test."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from _pytest.runner import runtestprotocol
from null_control import NullControl
from receiver import Receiver

TRIES = int(os.environ.get("LIVE_TRIES", "8"))
_null: NullControl | None = None
_void: list[str] = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Repeat a test that failed while the null control was bad; count what was void."""
    if item.get_closest_marker("live") is None:
        return None
    global _null
    _null = _null or NullControl()
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for attempt in range(1, TRIES + 1):
        _null.begin()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if not any(report.failed for report in reports) or _null.calm or attempt == TRIES:
            break
        late, normal = _null.lateness
        _void.append(f"{item.name}: woke {1000 * late:.0f} ms late in real time, "
                     f"{1000 * normal:.0f} ms otherwise")
        item._initrequest()     # type: ignore[attr-defined]
        _null.wait_for_calm()
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which runs were void."""
    if _void:
        terminalreporter.section("void, since the machine stood still, and repeated")
        for line in _void:
            terminalreporter.line(line)


def pytest_sessionfinish() -> None:
    if _null is not None:
        _null.close()


class JackServer(str):
    """A server's name, with which clients find it; it can be killed and brought back.

    period    : frames
    real_time : whether its threads have real-time priority
    synchronous : whether it waits for each client; else what a late one plays is lost
    """

    period = 64
    real_time = synchronous = False
    _process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Run, and be there for clients."""
        import jack

        from bench.jack_client import Client
        how = ["-R", "-P", "70"] if self.real_time else ["-r"]
        how += ["-S"] if self.synchronous else []
        self._process = subprocess.Popen(
            ["jackd", "-n", self, *how, "-d", "dummy", "-r", "48000", "-p", str(self.period)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while True:
            try:
                Client("probe", self).close()
                break
            except jack.JackOpenError:
                assert time.monotonic() < deadline, "the JACK server didn't come up"
                assert self._process.poll() is None, "the JACK server has ended"
                time.sleep(0.05)

    def kill(self) -> None:
        """Die without a word, as a driver does."""
        self._process.kill()
        self._process.wait(10)

    def hang(self) -> None:
        """Call nobody any more, and seem to be alive."""
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """End in peace: one that was killed keeps its place among JACK's eight, until it has."""
        if self._process.poll() is not None:
            self.start()
        self._process.terminate()
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


@pytest.fixture
def jack_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
                ) -> Iterator[JackServer]:
    """A JACK server of our own at 48 kHz, the default one for this test.

    Options by parametrising it indirectly with a dict: `period` (512), `real_time` (where the
    system allows it), `synchronous` (no).
    """
    options = {"period": 512, "real_time": real_time_is_allowed(), "synchronous": False,
               **getattr(request, "param", {})}
    server = JackServer(f"kuchi-test-{os.getpid()}")
    server.period, server.real_time = options["period"], options["real_time"]
    server.synchronous = options["synchronous"]
    monkeypatch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def receiver(jack_server: str) -> Iterator[Receiver]:
    """A MIDI program that waits to be connected."""
    receiver = Receiver(jack_server)
    yield receiver
    receiver.close()


def real_time_is_allowed() -> bool:
    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] >= 70


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait for a condition, not for a time: `eventually(lambda: ..., "what was hoped for")`."""
    def wait(condition: Callable[[], object], hope: str, within_s: float = 15.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"{hope}: not within {within_s:g} s"
            time.sleep(0.002)
    return wait


@pytest.fixture(autouse=True)
def no_test_waits_for_ever() -> Iterator[None]:
    """Whatever hangs, the next test gets its turn."""
    def end(_number: int, _frame: object) -> None:
        raise TimeoutError("this test has waited for five minutes")
    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
