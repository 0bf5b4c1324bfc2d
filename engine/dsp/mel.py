"""What the ear would make of a spectrum: forty bands, narrow below and wide above, in log power.

Each band is a triangle on the mel scale. A band narrower than one bin of the spectrum is widened
to one, so that no band is ever empty. Only the bins under a triangle are visited.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.units import SAMPLE_RATE, Samples

BANDS = 40
LOW_HZ, HIGH_HZ = 60.0, 16_000.0

_SUMS = {"contract", "nsz", "reassoc"}      # the order of a sum doesn't matter here


def mel_of(hz: float) -> float:
    """The pitch an ear hears, in mel (S. S. Stevens; the formula is D. O'Shaughnessy's, 1987).

    >>> round(mel_of(1000.0))
    1000
    """
    return float(2595.0 * np.log10(1.0 + hz / 700.0))


def hz_of(mel: float) -> float:
    """The other way.

    >>> round(hz_of(1000.0))
    1000
    """
    return float(700.0 * (10.0 ** (mel / 2595.0) - 1.0))


def mel_bands(size: int, bands: int = BANDS, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ,
              ) -> tuple[Samples, NDArray[np.int32]]:
    """The triangles for the power spectrum of a frame of `size` samples.

    returns weights, spans
    weights : float32 (n,)           the triangles, one after another, peak 1
    spans   : int32 (bands, 3)       first bin, last bin + 1, place in `weights`
    """
    bin_hz = SAMPLE_RATE / size
    edges = [hz_of(mel) for mel in np.linspace(mel_of(low_hz), mel_of(high_hz), bands + 2)]
    frequencies = np.arange(size // 2 + 1) * bin_hz
    parts, spans, place = [], np.zeros((bands, 3), np.int32), 0
    for band, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        rise, fall = max(centre - left, bin_hz), max(right - centre, bin_hz)
        triangle = np.minimum((frequencies - centre) / rise + 1.0,
                              (centre - frequencies) / fall + 1.0)
        inside = np.flatnonzero(triangle > 0.0)
        parts.append(triangle[inside])
        spans[band] = inside[0], inside[-1] + 1, place
        place += len(inside)
    return np.concatenate(parts).astype(np.float32), spans


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def log_mel(power, weights, spans, floor, out):
    """The log power in each band.

    power          : float32 (bins,)    a power spectrum
    weights, spans : from `mel_bands` for its size
    floor          : float32            added before the logarithm: silence is ln(floor)
    out            : float32 (bands,)   filled, natural logarithm
    """
    for band in range(len(spans)):
        first, last, place = spans[band, 0], spans[band, 1], spans[band, 2]
        total = np.float32(0.0)
        for k in range(last - first):
            total += weights[place + k] * power[first + k]
        out[band] = np.log(total + np.float32(floor))
