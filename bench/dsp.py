"""How long does one hop of analysis take, ours and theirs?

The same job for each: slide the hop into a frame, window, transform, forty mel bands, logarithm,
and how much louder they became. All work on the same noise, in the same rounds. The null control
enters our own step twice: where it doesn't agree with itself, nothing can be compared.
"""

import importlib.util
from collections.abc import Callable
from itertools import cycle, islice
from time import perf_counter_ns
from typing import Any

import numpy as np
from numba import njit

from bench.measure import interleaved, interval, median, one_core
from bench.table import Report, Row
from engine.dsp.mel import BANDS, HIGH_HZ, LOW_HZ, log_mel, mel_bands
from engine.dsp.stft import POWER, hann, plan_for, push
from engine.units import SAMPLE_RATE, Samples

Step = Callable[[Samples], float]
"""One hop in, how much louder the bands became out."""

SIZES = (512, 1024, 2048)
HOPS = (64, 128, 256)
FLOOR = np.float32(1e-10)

_HOPS_A_ROUND = 50
_APART = 0.10


def run(quick: bool) -> Report:
    """Measure each size and hop; peers that are not installed are named."""
    rounds = 3 if quick else 31
    rows: dict[tuple[int, str], Row] = {}
    apart = 0.0
    found = {name: make for name, make in STEPS.items() if _installed(name)}
    with one_core():
        for hop in HOPS:
            for size in SIZES:
                noise = _noise(hop)
                steps = {name: make(size, hop) for name, make in found.items()}
                figures = interleaved({name: _timed(step, noise) for name, step in steps.items()},
                                      rounds)
                ours, again = median(figures["kuchi"]), median(figures["kuchi, again"])
                apart = max(apart, abs(again / ours - 1.0))
                for name in STEPS:
                    row = rows.setdefault((hop, name), {"what": name, "hop": hop})
                    of_size = figures.get(name)
                    row[f"{size}, µs"] = median(of_size) if of_size else None
                    row[f"{size}, 95 %"] = interval(of_size) if of_size else None
    missing = [name for name in STEPS if name not in found]
    return Report(
        "How long does one hop of analysis take?  STFT, 40 mel bands and flux; median a hop.",
        list(rows.values()), void=apart > _APART,
        rule=f"our own step, entered twice, differs by more than {_APART:.0%} (here {apart:.0%})",
        notes=[f"not installed: {', '.join(missing)}"] if missing else [])


def kuchi(size: int, hop: int) -> Step:
    """The engine's kernels, called one by one as a node would; the rise is compiled as well."""
    plan, power = plan_for(hann(size)), np.zeros(size // 2 + 1, np.float32)
    frame, transform = np.zeros(size, np.float32), POWER[size]
    weights, spans = mel_bands(size)
    bands, previous = np.zeros(BANDS, np.float32), np.zeros(BANDS, np.float32)

    def step(samples: Samples) -> float:
        push(frame, samples)
        transform(frame, plan, power)
        log_mel(power, weights, spans, FLOOR, bands)
        return float(_rise(bands, previous))
    return step


@njit(cache=True, nogil=True, error_model="numpy")
def _rise(bands: Samples, previous: Samples) -> np.float32:
    """The sum of what the bands grew by; `previous` becomes `bands`."""
    total = np.float32(0.0)
    for band in range(len(bands)):
        total += max(bands[band] - previous[band], np.float32(0.0))
        previous[band] = bands[band]
    return total


def with_numpy(size: int, hop: int) -> Step:
    """numpy, as one would write it."""
    return _plain(size, hop, np.fft.rfft)


def with_scipy(size: int, hop: int) -> Step:
    """The same with scipy's transform, which keeps float32."""
    return _plain(size, hop, importlib.import_module("scipy.fft").rfft)


def with_librosa(size: int, hop: int) -> Step:
    """librosa, a frame at a time."""
    librosa = importlib.import_module("librosa")
    frame, previous = np.zeros(size, np.float32), np.zeros(BANDS, np.float32)

    def step(samples: Samples) -> float:
        frame[:-hop] = frame[hop:]
        frame[-hop:] = samples
        mel = librosa.feature.melspectrogram(
            y=frame, sr=SAMPLE_RATE, n_fft=size, hop_length=size, center=False, n_mels=BANDS,
            fmin=LOW_HZ, fmax=HIGH_HZ, htk=True, norm=None)
        bands = np.log(mel[:, 0] + FLOOR)
        rise = float(np.maximum(bands - previous, 0.0).sum())
        previous[:] = bands
        return rise
    return step


def with_aubio(size: int, hop: int) -> Step:
    """aubio's vocoder, mel bands and spectral flux: C, called from Python as here."""
    aubio = importlib.import_module("aubio")
    vocoder, novelty = aubio.pvoc(size, hop), aubio.specdesc("specflux", size)
    filters = aubio.filterbank(BANDS, size)
    filters.set_mel_coeffs(SAMPLE_RATE, LOW_HZ, HIGH_HZ)

    def step(samples: Samples) -> float:
        spectrum = vocoder(samples)
        np.log(filters(spectrum) + FLOOR)
        return float(novelty(spectrum)[0])
    return step


def _plain(size: int, hop: int, rfft: Callable[[Samples], Any]) -> Step:
    frame, window = np.zeros(size, np.float32), hann(size)
    weights, spans = mel_bands(size)
    filters = np.zeros((BANDS, size // 2 + 1), np.float32)
    for band, (first, last, place) in enumerate(spans):
        filters[band, first:last] = weights[place:place + last - first]
    previous = np.zeros(BANDS, np.float32)

    def step(samples: Samples) -> float:
        frame[:-hop] = frame[hop:]
        frame[-hop:] = samples
        power = np.square(np.abs(rfft(frame * window)))
        bands = np.log(filters @ power + FLOOR)
        rise = float(np.maximum(bands - previous, 0.0).sum())
        previous[:] = bands
        return rise
    return step


STEPS: dict[str, Callable[[int, int], Step]] = {
    "kuchi": kuchi, "kuchi, again": kuchi, "numpy": with_numpy, "scipy": with_scipy,
    "aubio": with_aubio, "librosa": with_librosa,
}


def _installed(name: str) -> bool:
    if name.startswith("kuchi"):
        return True
    return importlib.util.find_spec(name) is not None


def _noise(hop: int) -> Samples:
    rng = np.random.Generator(np.random.PCG64(0))
    return (0.1 * rng.standard_normal((_HOPS_A_ROUND, hop))).astype(np.float32)


def _timed(step: Step, noise: Samples) -> Callable[[], float]:
    """A round: some fifty hops after five that warm the caches; µs a hop."""
    def once() -> float:
        for samples in islice(cycle(noise), 5):
            step(samples)
        begin = perf_counter_ns()
        for samples in noise:
            step(samples)
        return (perf_counter_ns() - begin) / 1000.0 / len(noise)
    return once
