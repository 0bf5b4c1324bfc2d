"""How much memory does a take cost, and does an hour cost more than a minute?

Each figure comes from a process of its own: the peak of a fresh `kuchi render`, and the resident
memory of a stream of audio at each sixth of its way. The null control streams the same audio
through an empty patch.
"""

import atexit
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import soundfile

from bench.table import Cell, Gate, Report, Row
from engine.errors import KuchiError, UsageError
from engine.units import SAMPLE_RATE, Samples

PATCHES = ("beatbox-to-daw", "beatbox-kit")
MARKS = 6

_STATUS = Path("/proc/self/status")
_MOST_MB = 350.0
_GROWTH_MB = 4.0                # between the first mark and the last; pages come and go


def run(quick: bool) -> Report:
    """Measure the peaks, then the streams. Raises UsageError where memory can't be asked for."""
    if not _STATUS.is_file() and find_spec("psutil") is None:
        raise UsageError("bench memory needs psutil here: pip install psutil")
    minutes = 0.1 if quick else 60.0
    peaks = _peaks(seconds=5.0 if quick else 60.0)
    streams = {name: _child("stream", name, str(minutes)) for name in (*PATCHES, "nothing")}
    at = [f"{minutes * mark / MARKS:.3g} min" for mark in range(1, MARKS + 1)]
    rows: list[Row] = []
    for name, marks in streams.items():
        figures: dict[str, Cell] = dict(zip(at, marks, strict=True))
        rows.append({"what": name if name in peaks else "nothing (null control)",
                     "peak of render, MB": peaks.get(name), **figures,
                     "growth, MB": marks[-1] - marks[0]})
    growth = {name: marks[-1] - marks[0] for name, marks in streams.items()}
    gates = [Gate(f"{name}: peak of a fresh render, MB", peaks[name], _MOST_MB)
             for name in PATCHES]
    gates += [Gate(f"{name}: growth from {at[0]} to {at[-1]}, MB", growth[name], _GROWTH_MB)
              for name in PATCHES]
    return Report("How much memory does a take cost, and does an hour cost more than a minute?",
                  rows, void=growth["nothing"] > _GROWTH_MB, gates=[] if quick else gates,
                  rule=f"the empty patch grew by more than {_GROWTH_MB:g} MB")


def _peaks(seconds: float) -> dict[str, float]:
    """The peak of `kuchi render` on one take, for each patch, in a fresh process each."""
    from bench.throughput import performance

    with TemporaryDirectory() as folder:
        take = Path(folder) / "take.wav"
        soundfile.write(take, performance(seconds), SAMPLE_RATE)
        return {name: _child("render", name, str(take), "--out", folder)[0] for name in PATCHES}


def _child(*words: str) -> list[float]:
    """Run this module in a fresh process; its last line is the figures."""
    done = subprocess.run([sys.executable, "-m", "bench.memory", *words], capture_output=True,
                          text=True)
    if done.returncode:
        raise KuchiError(f"{' '.join(words[:2])}: {done.stderr.strip()}")
    figures: list[float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _render(words: list[str]) -> None:
    """`kuchi render`, which tells its peak as it leaves."""
    from engine.commands import main as kuchi

    atexit.register(lambda: print(json.dumps([_held_mb(peak=True)])))
    sys.argv = ["kuchi", "render", *words]
    kuchi()


def _stream(name: str, minutes: float) -> None:
    """Resident memory at each mark of a long stream, MB."""
    from bench.throughput import NOTHING
    from engine.patch import load_patch
    from engine.rendering import render

    marks: list[float] = []
    patch = NOTHING if name == "nothing" else load_patch(name)
    for _ in render(patch, _audio(minutes, marks)):
        pass
    print(json.dumps(marks))


def _audio(minutes: float, marks: list[float]) -> Iterator[Samples]:
    """A groove over and over, a second at a time; notes the memory at each mark."""
    from bench.throughput import performance

    groove = performance(10.0).reshape(10, SAMPLE_RATE)
    seconds = round(60.0 * minutes)
    for second in range(1, seconds + 1):
        yield groove[second % 10]
        if second % (seconds // MARKS) == 0 and len(marks) < MARKS:
            marks.append(_held_mb(peak=False))


def _held_mb(*, peak: bool) -> float:
    """What this process holds, or the most it ever held."""
    if _STATUS.is_file():                                               # Linux
        name = "VmHWM:" if peak else "VmRSS:"
        line = next(li for li in _STATUS.read_text().splitlines() if li.startswith(name))
        return int(line.split()[1]) * 1024 / 1e6
    import psutil

    memory = psutil.Process().memory_info()
    if not peak:
        return float(memory.rss) / 1e6
    if hasattr(memory, "peak_wset"):                                    # Windows
        return float(memory.peak_wset) / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6     # macOS: in bytes


if __name__ == "__main__":
    job, *arguments = sys.argv[1:]
    if job == "render":
        _render(arguments)
    else:
        _stream(arguments[0], float(arguments[1]))
