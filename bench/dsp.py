"""How long does one hop of analysis take, ours and theirs?

The same job for each: slide the hop into a frame, window, transform, forty mel bands, logarithm,
and how much louder they became. All work on the same noise, in the same rounds. The null control
enters our own step twice: where it doesn't agree with itself, nothing can be compared.

The limit is the bare transform of FFTW, called from a compiled loop; ours is measured in such a
loop too, beside it.
"""

import ctypes
import ctypes.util
import importlib
from collections.abc import Callable
from itertools import cycle, islice
from time import perf_counter_ns
from typing import Any

import numpy as np
from numba import njit

from bench.measure import interleaved, interval, median, one_core
from bench.table import Gate, Report, Row
from engine.audio.intrinsics import call_run
from engine.dsp.mel import BANDS, HIGH_HZ, LOW_HZ, log_mel, mel_bands
from engine.dsp.stft import POWER, hann, plan_for, push
from engine.units import SAMPLE_RATE, Samples

Step = Callable[[Samples], float]
"""One hop in, how much louder the bands became out."""

PAIRS = ((512, 64), (1024, 128), (2048, 256))
FLOOR = np.float32(1e-10)
MUST = {"aubio.onset": 4.0, "essentia": 4.0, "torchaudio": 12.0, "librosa": 100.0}
MUST_FFTW = 4.0
"""So many times faster than each, at every size; and at most so many times the bare transform."""

_HOPS_A_ROUND = 50
_APART = 0.10
_FEW_ROUNDS = 1.5               # what a quick run allows beyond a must that has little room


def run(quick: bool) -> Report:
    """Measure each size with its hop; peers that are not installed are named."""
    rounds = 15 if quick else 51
    rows: dict[str, Row] = {name: {"what": name} for name in (*STEPS, *_LOOPS)}
    least = dict.fromkeys(MUST, np.inf)
    apart, of_fftw = 0.0, 0.0
    found = {name: make for name, make in STEPS.items() if _installed(name)}
    loops = {name: make for name, make in _LOOPS.items() if name != FFTW or _fftw()}
    with one_core():
        for size, hop in PAIRS:
            noise = _noise(hop)
            timed = {name: _timed(make(size, hop), noise) for name, make in found.items()}
            timed |= {name: make(size, noise) for name, make in loops.items()}
            figures = interleaved(timed, rounds)
            middle = {name: median(values) for name, values in figures.items()}
            for name in ("kuchi", IN_A_LOOP):
                apart = max(apart, abs(middle[f"{name}, again"] / middle[name] - 1.0))
            for name, row in rows.items():
                row[f"{size}/{hop}, µs"] = middle.get(name)
                row[f"{size}, 95 %"] = interval(figures[name]) if name in figures else None
            for name in least.keys() & middle.keys():
                least[name] = min(least[name], middle[name] / middle["kuchi"])
            if FFTW in middle:
                of_fftw = max(of_fftw, middle[IN_A_LOOP] / middle[FFTW])
    missing = [name for name in (*STEPS, *_LOOPS) if name not in {**found, **loops}]
    gates = [Gate(f"times faster than {name}, at each size", least[name], limit, at_least=True)
             for name, limit in MUST.items() if name in found]
    if of_fftw:
        limit = MUST_FFTW * (_FEW_ROUNDS if quick else 1.0)
        gates.append(Gate("in its loop, times bare FFTW, at each size", of_fftw, limit))
    return Report(
        "How long does one hop of analysis take?  STFT, 40 mel bands and flux; median a hop.",
        list(rows.values()), void=apart > _APART, gates=gates,
        rule=f"our own step, entered twice, differs by more than {_APART:.0%} (here {apart:.0%})",
        notes=[f"not installed: {', '.join(missing)}"] if missing else [])


def kuchi(size: int, hop: int) -> Step:
    """The engine's kernels, one compiled call as a node makes it."""
    call, state = _compiled(size)[0], _state(size)

    def step(samples: Samples) -> float:
        return float(call(samples, *state))
    return step


def _state(size: int) -> tuple[Any, ...]:
    weights, spans = mel_bands(size)
    return (np.zeros(size, np.float32), plan_for(hann(size)),
            np.zeros(size // 2 + 1, np.float32), weights, spans, np.zeros(BANDS, np.float32),
            np.zeros(BANDS, np.float32))


def _compiled(size: int) -> tuple[Any, Any]:
    """One hop, and many in a loop, for this size."""
    transform = POWER[size]

    @njit(nogil=True, error_model="numpy")
    def one(samples, frame, plan, power, weights, spans, bands, before):  # type: ignore
        push(frame, samples)
        transform(frame, plan, power)
        log_mel(power, weights, spans, FLOOR, bands)
        return _rise(bands, before)

    @njit(nogil=True, error_model="numpy")
    def many(noise, frame, plan, power, weights, spans, bands, before):  # type: ignore
        total = np.float32(0.0)
        for k in range(len(noise)):
            total += one(noise[k], frame, plan, power, weights, spans, bands, before)
        return total
    return one, many


IN_A_LOOP, FFTW = "kuchi, in its loop", "FFTW alone, in a loop (the limit)"
_REPEATS = 4


def our_loop(size: int, noise: Samples) -> Callable[[], float]:
    """A round of our whole step from a compiled loop; µs a hop."""
    many, state = _compiled(size)[1], _state(size)
    many(noise, *state)

    def once() -> float:
        begin = perf_counter_ns()
        for _ in range(_REPEATS):
            many(noise, *state)
        return (perf_counter_ns() - begin) / 1000.0 / len(noise) / _REPEATS
    return once


def fftw_loop(size: int, noise: Samples) -> Callable[[], float]:
    """A round of FFTW's real transform of this size, and nothing else; µs each."""
    library = _fftw()
    assert library is not None
    library.fftwf_plan_dft_r2c_1d.restype = ctypes.c_void_p
    source, target = np.zeros(size, np.float32), np.zeros(size // 2 + 1, np.complex64)
    plan = library.fftwf_plan_dft_r2c_1d(size, ctypes.c_void_p(source.ctypes.data),
                                         ctypes.c_void_p(target.ctypes.data), 0)
    source[:] = np.resize(noise, size)
    execute = ctypes.cast(library.fftwf_execute, ctypes.c_void_p).value
    kept = (source, target)                 # FFTW writes there as long as the plan is used

    def once() -> float:
        begin = perf_counter_ns()
        _call_many(execute, plan, len(noise) * _REPEATS)
        assert kept
        return (perf_counter_ns() - begin) / 1000.0 / len(noise) / _REPEATS
    _call_many(execute, plan, 10)
    return once


@njit(nogil=True, error_model="numpy")
def _call_many(function, argument, count):      # type: ignore[no-untyped-def]
    for _ in range(count):
        call_run(function, argument, 0)


_LOOPS: dict[str, Callable[[int, Samples], Callable[[], float]]] = {
    IN_A_LOOP: our_loop, f"{IN_A_LOOP}, again": our_loop, FFTW: fftw_loop}


def _fftw() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("fftw3f")
    return ctypes.CDLL(name) if name else None


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


def with_aubio_onset(size: int, hop: int) -> Step:
    """aubio's onset detector, spectral flux: one call into C, peak picking included."""
    onset = importlib.import_module("aubio").onset("specflux", size, hop, SAMPLE_RATE)

    def step(samples: Samples) -> float:
        return float(onset(samples)[0])
    return step


def with_essentia(size: int, hop: int) -> Step:
    """essentia's own algorithms, one after another."""
    essentia = importlib.import_module("essentia.standard")
    window, spectrum = essentia.Windowing(type="hann", size=size), essentia.Spectrum(size=size)
    mel = essentia.MelBands(numberBands=BANDS, inputSize=size // 2 + 1, sampleRate=SAMPLE_RATE,
                            lowFrequencyBound=LOW_HZ, highFrequencyBound=HIGH_HZ, log=True)
    flux, frame = essentia.Flux(halfRectify=True), np.zeros(size, np.float32)

    def step(samples: Samples) -> float:
        frame[:-hop] = frame[hop:]
        frame[-hop:] = samples
        return float(flux(mel(spectrum(window(frame)))))
    return step


def with_torchaudio(size: int, hop: int) -> Step:
    """torchaudio's mel spectrogram, a frame at a time, on one thread."""
    torch, torchaudio = importlib.import_module("torch"), importlib.import_module("torchaudio")
    torch.set_num_threads(1)
    mel = torchaudio.transforms.MelSpectrogram(
        sample_rate=SAMPLE_RATE, n_fft=size, hop_length=size, center=False, n_mels=BANDS,
        f_min=LOW_HZ, f_max=HIGH_HZ)
    frame, previous = torch.zeros(size), torch.zeros(BANDS)

    def step(samples: Samples) -> float:
        with torch.inference_mode():
            frame[:-hop] = frame[hop:].clone()
            frame[-hop:] = torch.from_numpy(samples)
            bands = torch.log(mel(frame)[:, 0] + float(FLOOR))
            rise = float(torch.clamp(bands - previous, min=0.0).sum())
            previous.copy_(bands)
        return rise
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
    "aubio.onset": with_aubio_onset, "aubio, with bands": with_aubio, "essentia": with_essentia,
    "torchaudio": with_torchaudio, "librosa": with_librosa,
}


def _installed(name: str) -> bool:
    package = name.partition(".")[0].partition(",")[0]
    if package == "kuchi":
        return True
    try:
        importlib.import_module(package)    # there, and of a kind that loads
    except (ImportError, OSError):
        return False
    return True


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
