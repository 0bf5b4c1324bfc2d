"""Would the suite tell? A fault is put in on purpose, and its figure must turn red.

Two milliseconds of sleep in the callback, one allocation in it, and one note-off that is dropped:
a suite that lets any of them pass isn't to be believed.
"""

from collections.abc import Callable, Iterator

from bench import driver, soak
from bench.table import Report

FAULTS: dict[str, tuple[Callable[[], Report], str]] = {
    "a sleep of 2 ms in every twentieth block": (
        lambda: driver.run(True, "sleeps"), "idle: a block's longest work"),
    "an allocation in every twentieth block": (
        lambda: driver.run(True, "allocates"), "heap calls in the callback"),
    "one note-off dropped": (lambda: soak.run(True, "dropped"), "notes unbalanced"),
}


def faults_noticed() -> Iterator[tuple[str, bool]]:
    """Each fault, and whether its gate turned red."""
    for fault, (measure, gate) in FAULTS.items():
        failed = [each.what for each in measure().gates if not each.passed]
        yield fault, any(what.startswith(gate) for what in failed)
