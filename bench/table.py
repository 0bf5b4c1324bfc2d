"""What a bench reports, how it looks on screen and in JSON, and the machine it ran on."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Cell = str | int | float | Sequence[float] | None
Row = dict[str, Cell]

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("numpy", "numba", "onnxruntime", "soxr", "scipy", "aubio-ledfx", "essentia", "librosa",
             "torch", "torchaudio")
_MATTERS = {"sse4_2", "avx", "avx2", "avx512f", "avx512_vnni", "fma", "constant_tsc",
            "nonstop_tsc", "hypervisor", "asimd", "neon", "fphp"}


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure that must reach, or stay below, a limit."""

    what: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def passed(self) -> bool:
        """A figure that is no number never passes."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{self.what} {number(self.value)}, must be {sign} {number(self.limit)}"


@dataclass(slots=True)
class Report:
    """The answer to a bench's question.

    rows : one dict a line, the same keys in each; an interval is a pair
    rule : when the run is void
    """

    question: str
    rows: list[Row]
    rule: str
    void: bool = False
    gates: list[Gate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def failed(self) -> list[Gate]:
        """The gates that were not reached; none are judged in a void run."""
        return [] if self.void else [gate for gate in self.gates if not gate.passed]

    def as_json(self) -> dict[str, Any]:
        """One object, with the machine."""
        gates = [{**asdict(gate), "passed": gate.passed} for gate in self.gates]
        return {"question": self.question, "rows": self.rows, "machine": machine(),
                "void": self.void, "rule": self.rule, "gates": gates, "notes": self.notes}

    def __str__(self) -> str:
        lines = [self.question, "", *table(self.rows), ""]
        for gate in self.gates:
            word = "void" if self.void else "ok" if gate.passed else "FAILED"
            lines.append(f"{word:>6}  {gate}")
        lines += [f"        {note}" for note in self.notes]
        if self.void:
            lines.append(f"  VOID  {self.rule}")
        return "\n".join(lines)


def table(rows: Sequence[Row]) -> list[str]:
    """Lines of text: the first column to the left, figures to the right.

    >>> table([{"what": "numpy", "µs": 13.04}, {"what": "librosa", "µs": None}])
    ['           µs', 'numpy    13.0', 'librosa     –']
    """
    heads = list(dict.fromkeys(key for row in rows for key in row))
    text = [["", *heads[1:]]] + [[cell(row.get(head)) for head in heads] for row in rows]
    widths = [max(map(len, column)) for column in zip(*text, strict=True)]
    return [(line[0].ljust(widths[0]) + "".join(
        f"  {entry:>{width}}" for entry, width in zip(line[1:], widths[1:], strict=True))).rstrip()
            for line in text]


def cell(value: Cell) -> str:
    """An entry as it is shown; an interval as `1.5–1.7`, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return number(value)
    return "–".join(map(number, value))


def number(value: float) -> str:
    """Three figures that count; whole numbers in full.

    >>> number(0.012345), number(13.04), number(12345.6), number(7)
    ('0.0123', '13.0', '12346', '7')
    """
    if value == 0 or value != value or isinstance(value, int):
        return str(value)
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 1:
        return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:.3g}"


def machine() -> dict[str, Any]:
    """What the figures were measured on, and when, and of which commit."""
    return {"cpu": _cpu(), "cores": os.cpu_count(), "flags": _flags(),
            "system": platform.platform(), "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
            "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
            "commit": _commit(), "date": datetime.now(UTC).isoformat(timespec="seconds")}


def _cpu() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _flags() -> list[str]:
    """What the processor can do beyond the usual, of what matters to sound."""
    listing = Path("/proc/cpuinfo")
    if not listing.is_file():
        return []
    line = next((line for line in listing.read_text().splitlines()
                 if line.startswith(("flags", "Features"))), "")
    return sorted(set(line.partition(":")[2].split()) & _MATTERS)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout, `+` where it has changes; None where there is no checkout."""
    try:
        found = subprocess.run(["git", "-C", str(_ROOT), "describe", "--always", "--dirty=+",
                                "--match="], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
