"""Does the same take give the same events, whatever drives it?

Every take of the training data's voices (`../shared/data`, which doesn't ship; in a quick run,
synthetic mouths) is rendered twice by the command, in processes of their own, and what they wrote
is compared to the byte. Then driver blocks of many sizes, and of changing ones, must give the very
events, and sources of other rates the same within a millisecond. The null control is another
performance under the same take's name: it must be told apart.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
import soxr
from mir_eval.util import match_events

from bench.onsets import DATA
from bench.table import Gate, Report, Row
from engine.devices.files import read_audio
from engine.errors import KuchiError
from engine.mouth import PERFORMERS, beat, perform
from engine.patch import load_patch
from engine.rendering import render
from engine.units import SAMPLE_RATE

PATCHES = ("beatbox-to-daw", "beatbox-kit")
HEARD = PATCHES[0]
BLOCKS: tuple[int | tuple[int, ...], ...] = (
    32, 64, 128, 256, 441, 480, 512, 1024, (32, 1024, 441, 64, 1000, 37))
RATES = (44_100, 48_000, 96_000)
NEAR_S = 0.001

_QUESTION = "Does the same take give the same events, whatever drives it?"
_QUICK = 3                          # synthetic takes
_GROOVE = "b X..x..x.x..xX...\npf ....X.......X...\nts x.x.x.xxx.x.x.xo"

Rows = list[dict[str, Any]]


def run(quick: bool) -> Report:
    """Render, compare and count. Raises KuchiError where the command fails."""
    if not quick and not (DATA / "manifest.csv").is_file():
        return Report(_QUESTION, [], void=True, rule=f"the data is not there: {DATA}")
    with TemporaryDirectory() as name:
        folder = Path(name)
        takes = list(_mouths(folder) if quick else _voices(folder))
        usual = [_events(take) for take in takes]
        rows = [_twice(patch, takes, folder) for patch in PATCHES]
        rows += [_compared(f"blocks of {_words(block)}", usual,
                           (_events(take, block) for take in takes), 0.0) for block in BLOCKS]
        rows += [_compared(f"a source of {rate / 1000:g} kHz", usual,
                           (_events(_at(take, rate)) for take in takes), NEAR_S) for rate in RATES]
        null = _compared("another take (null control)", usual, usual[1:] + usual[:1], NEAR_S)
    gates = [Gate(f"{row['what']}: takes that differ", _count(row), 0.0) for row in rows]
    return Report(_QUESTION, [*rows, null], gates=gates, void=_count(null) < len(takes),
                  rule="two different takes were not told apart",
                  notes=[f"{len(takes)} takes through {HEARD}, "
                         f"{sum(map(len, usual))} events"])


def _count(row: Row) -> float:
    differ = row["takes that differ"]
    assert isinstance(differ, int)
    return float(differ)


def _voices(folder: Path) -> Iterator[Path]:
    """The voices' takes, copied so that each has a name of its own."""
    from models_onnx.onsets.data import voices

    for number, recording in enumerate(voices(DATA)):
        yield Path(copyfile(recording.path, folder / f"{number:03}{recording.path.suffix}"))


def _mouths(folder: Path) -> Iterator[Path]:
    """Grooves of synthetic mouths, as files at 44.1 kHz."""
    for number, who in enumerate(PERFORMERS[:_QUICK]):
        audio, _ = perform(beat(_GROOVE, 96.0 + 8.0 * number, 2, who=who), who)
        path = folder / f"{number:03}.flac"
        soundfile.write(path, soxr.resample(audio, SAMPLE_RATE, RATES[0]), RATES[0])
        yield path


def _events(take: Path, block: int | tuple[int, ...] | None = None) -> Rows:
    return [sent.row() for sent in render(load_patch(HEARD), read_audio(take), block=block)]


def _twice(patch: str, takes: Sequence[Path], folder: Path) -> Row:
    """The command, twice in fresh processes: which takes' files aren't the same to the byte."""
    outs = [folder / f"{patch}-{seed}" for seed in ("first", "second")]
    for seed, out in enumerate(outs):
        done = subprocess.run(
            [sys.executable, "-m", "engine", "render", patch, *map(str, takes), "--out", str(out)],
            capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": str(seed)})
        if done.returncode:
            raise KuchiError(f"kuchi render {patch}: {done.stderr.strip()}")
    differ = size = 0
    for take in takes:
        first, second = ({path.name: path.read_bytes() for path in (out / take.stem).iterdir()}
                         for out in outs)
        differ += first != second
        size += sum(map(len, first.values()))
    return {"what": f"{patch} twice, {size / 1e6:.1f} MB to the byte", "takes": len(takes),
            "takes that differ": differ}


def _compared(what: str, usual: Sequence[Rows], others: Iterable[Rows], near_s: float) -> Row:
    """How many takes and events differ: in anything, or, with `near_s`, in what was heard when."""
    differ, lost, apart = 0, 0, [0.0]
    for here, there in zip(usual, others, strict=True):
        if near_s:
            alone, between = _partners(here, there, near_s)
            apart += between
        else:
            alone = sum(one != other for one, other in zip_longest(here, there))
        differ, lost = differ + (alone > 0), lost + alone
    return {"what": what, "takes": len(usual), "takes that differ": differ,
            "events": sum(map(len, usual)), "events that differ": lost,
            "most apart, ms": 1000.0 * max(apart)}


def _partners(here: Rows, there: Rows, near_s: float) -> tuple[int, list[float]]:
    """How many events have none of their kind and name so near; how far apart the others are."""
    alone, apart = 0, []
    for kind in {_kind(row) for row in [*here, *there]}:
        times, others = ([row["time"] for row in rows if _kind(row) == kind]
                         for rows in (here, there))
        pairs = match_events(np.array(times), np.array(others), near_s)
        alone += len(times) + len(others) - 2 * len(pairs)
        apart += [abs(times[i] - others[j]) for i, j in pairs]
    return alone, apart


def _kind(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["event"], row.get("sound"), row.get("note")


def _at(take: Path, rate: int) -> Path:
    """The same take as a source of another rate, beside it."""
    path = take.with_name(f"{take.stem}-{rate}.wav")
    audio, own = soundfile.read(take, dtype="float32")
    soundfile.write(path, soxr.resample(audio, own, rate), rate, subtype="FLOAT")
    return path


def _words(block: int | tuple[int, ...]) -> str:
    return str(block) if isinstance(block, int) else ", ".join(map(str, block)) + " in turn"
