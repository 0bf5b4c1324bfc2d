"""Sixteen drums made from nothing: swept sines, ringing modes and shaped noise.

Each voice gives the strike from its first frame on, at any level; `kit` places and balances it.
Modes ring as e^(-t/decay), so a decay of 0.1 s has fallen by 60 dB after 0.69 s. Noise is always
shaped before its envelope, so that nothing sounds before the strike.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.units import SAMPLE_RATE

Wave = NDArray[np.float64]

_ROW = 256                  # frames that one row of the table of modes covers


def kick(rng: np.random.Generator) -> Wave:
    """A skin struck hard: a sine falls from a slap to 49 Hz, with the beater's click on top."""
    t = _time(0.50)
    sweep = _phase(49.0 + 110.0 * np.exp(-t / 0.020) + 900.0 * np.exp(-t / 0.0022))
    body = np.sin(sweep) * (0.70 * np.exp(-t / 0.085) + 0.30 * np.exp(-t / 0.030))
    click = _noise(rng, t, low_hz=2200.0, high_hz=7500.0) * np.exp(-t / 0.0022)
    knock = _modes(t, [410.0, 980.0, 1650.0, 2700.0], [0.016, 0.010, 0.006, 0.003],
                   [0.7, 0.6, 0.5, 0.4])
    return np.tanh(2.0 * body) + 0.15 * click + 0.22 * knock


def snare(rng: np.random.Generator) -> Wave:
    """Two shell tones a fifth and a bit apart, the stick, and wires that rattle against them."""
    t = _time(0.42)
    bend = _phase(1.0 + 0.12 * np.exp(-t / 0.012))
    shell = sum(level * np.sin(hz * bend) * np.exp(-t / decay) for hz, decay, level in (
        (187.0, 0.075, 1.0), (331.0, 0.050, 0.65), (468.0, 0.028, 0.30), (742.0, 0.016, 0.22)))
    rattle = 0.72 + 0.28 * np.sin(187.0 * bend) * np.exp(-t / 0.09)
    wires = _noise(rng, t, low_hz=1200.0, high_hz=6200.0, slope=1.6) * rattle
    wires *= 0.62 * np.exp(-t / 0.022) + 0.38 * np.exp(-t / 0.066)
    crack = _noise(rng, t, low_hz=900.0, high_hz=5200.0) * np.exp(-t / 0.0045)
    return np.tanh(1.3 * (0.80 * shell + 0.62 * wires + 0.60 * crack))


def hihat_closed(rng: np.random.Generator) -> Wave:
    """The pair of cymbals held together."""
    return _hihat(rng, seconds=0.20, decay=0.030, metal=1.0, stick=0.5)


def hihat_open(rng: np.random.Generator) -> Wave:
    """The same pair, free to ring."""
    return _hihat(rng, seconds=1.10, decay=0.210, metal=1.0, stick=0.5)


def hihat_pedal(rng: np.random.Generator) -> Wave:
    """The same pair, clapped together by the foot: darker, no stick, a short squeeze of air."""
    t = _time(0.16)
    air = _noise(rng, t, low_hz=2600.0, high_hz=8200.0, slope=1.2)
    air *= np.exp(-t / 0.012) + 0.35 * np.exp(-t / 0.030)
    metal = _pair_of_cymbals(t, decay=0.020, low_hz=2400.0, high_hz=9500.0)
    return np.tanh(0.6 * (air + metal))


def tom_low(rng: np.random.Generator) -> Wave:
    """The floor tom, E2."""
    return _tom(rng, hz=82.4, decay=0.18, seconds=0.95)


def tom_mid(rng: np.random.Generator) -> Wave:
    """A fourth above it, A2."""
    return _tom(rng, hz=110.0, decay=0.155, seconds=0.80)


def tom_high(rng: np.random.Generator) -> Wave:
    """Another fourth, D3."""
    return _tom(rng, hz=146.8, decay=0.13, seconds=0.70)


def clap(rng: np.random.Generator) -> Wave:
    """Four pairs of hands that nearly agree, and the room's answer; wide."""
    t = _time(0.40)
    hands: Wave = np.zeros(len(t))
    for start, level in ((0.0, 0.85), (0.0095, 0.75), (0.0195, 0.9), (0.0300, 1.0)):
        since = t - start
        hands += level * np.where(since >= 0.0, np.exp(-np.maximum(since, 0.0) / 0.0042), 0.0)
    room = np.where(t >= 0.030, np.exp(-np.maximum(t - 0.030, 0.0) / 0.055), 0.0)
    middle = _noise(rng, t, low_hz=850.0, high_hz=2100.0)
    sides = [_noise(rng, t, low_hz=900.0, high_hz=3000.0, slope=1.5) for _ in range(2)]
    return np.stack([np.tanh(hands * (0.8 * middle + 0.5 * side) + 0.42 * room * side)
                     for side in sides])


def rim(rng: np.random.Generator) -> Wave:
    """The stick's side on the hoop: wood, a little skin."""
    t = _time(0.16)
    wood = _modes(t, [482.0, 1030.0, 1690.0, 2480.0, 3720.0, 5200.0],
                  [0.013, 0.011, 0.013, 0.008, 0.006, 0.004],
                  [0.35, 0.40, 1.0, 0.55, 0.40, 0.30])
    tick = _noise(rng, t, low_hz=1500.0, high_hz=9000.0, slope=1.2)
    tick *= np.exp(-t / 0.0018) + 0.10 * np.exp(-t / 0.016)
    return np.tanh(0.9 * (wood + 0.9 * tick))


def crash(rng: np.random.Generator) -> Wave:
    """A large thin cymbal: hundreds of modes, the high ones first to bloom and to go."""
    t = _time(3.0)
    hz = _spread(rng, 260, low_hz=330.0, high_hz=15500.0)
    decay = 0.80 / (1.0 + (hz / 5200.0) ** 1.2)
    hit = _noise(rng, t, low_hz=1800.0, high_hz=9500.0) * np.exp(-t / 0.020)
    ears = []
    for _ in range(2):
        level = rng.rayleigh(1.0, len(hz)) / (1.0 + (2400.0 / hz) ** 1.5)
        phase = rng.uniform(0.0, 2.0 * np.pi, len(hz))
        wash = _noise(rng, t, low_hz=2600.0, high_hz=10000.0, slope=0.8)
        wash *= (1.0 - 0.6 * np.exp(-t / 0.015)) * np.exp(-t / 0.36)
        ears.append(_loudness_one(_modes(t, hz, decay, level, phase)) + 0.55 * wash + 0.9 * hit)
    return _lean_together(np.stack(ears), 0.35)


def ride(rng: np.random.Generator) -> Wave:
    """A heavy cymbal: the stick's ping, a few bell tones that stay, a thin wash below them."""
    t = _time(2.4)
    bell = _modes(t, [411.0, 689.0, 1167.0, 1772.0, 2531.0, 3290.0, 4417.0, 5683.0],
                  [0.70, 0.60, 0.55, 0.50, 0.42, 0.36, 0.28, 0.22],
                  [0.20, 0.26, 0.32, 0.40, 0.42, 0.42, 0.45, 0.42])
    hz = _spread(rng, 180, low_hz=2400.0, high_hz=15000.0)
    decay = 0.62 / (1.0 + (hz / 7000.0) ** 1.5)
    ping = _noise(rng, t, low_hz=3500.0, high_hz=12000.0) * np.exp(-t / 0.006)
    ears = []
    for _ in range(2):
        phase = rng.uniform(0.0, 2.0 * np.pi, len(hz))
        wash = _modes(t, hz, decay, rng.rayleigh(1.0, len(hz)), phase)
        ears.append(0.55 * bell + 0.75 * _loudness_one(wash) + 0.7 * ping)
    return _lean_together(np.stack(ears), 0.5)


def cowbell(rng: np.random.Generator) -> Wave:
    """Two clashing tones, 562 and 845 Hz, and a stick on thick steel."""
    t = _time(0.42)
    low, high = 562.0, 845.0
    hz = [low, high, 3 * low + 7, 3 * high - 11, 5 * low - 9, 5 * high + 13, 7 * low + 5]
    steel = _modes(t, hz, [0.075, 0.085, 0.040, 0.036, 0.022, 0.020, 0.015],
                   [0.62, 1.0, 0.40, 0.45, 0.25, 0.20, 0.15])
    knock = _modes(t, hz, [0.012] * 7, [0.5, 0.6, 0.4, 0.4, 0.3, 0.3, 0.2])
    tick = _noise(rng, t, low_hz=2000.0, high_hz=8000.0) * np.exp(-t / 0.0012)
    return np.tanh(0.9 * (steel + knock + 0.25 * tick))


def shaker(rng: np.random.Generator) -> Wave:
    """Beads in a tube: grains thrown forward, then falling back."""
    t = _time(0.22)
    throw = np.exp(-t / 0.014) + 0.50 * np.exp(-(((t - 0.050) / 0.018) ** 2))
    grains = rng.standard_normal(len(t))
    grains *= np.abs(grains)                              # a few loud among many soft
    return np.tanh(0.9 * throw * _shaped(grains, low_hz=4600.0, high_hz=11500.0, slope=2.6))


def tambourine(rng: np.random.Generator) -> Wave:
    """The hand on the frame, and pairs of jingles that go on clinking for a while."""
    t = _time(0.60)
    clinks = (rng.uniform(size=len(t)) < 0.020 * np.exp(-t / 0.075)) & (t < 0.3)
    clinks[0] = True
    strikes = clinks * rng.normal(0.0, 1.0, len(t)) * np.exp(-t / 0.13)
    strikes[0] = 3.5
    hz = [2930.0, 3790.0, 4720.0, 5630.0, 6890.0, 8120.0, 9470.0, 11200.0, 12900.0]
    jingle = _modes(t, hz, [0.030, 0.040, 0.050, 0.060, 0.055, 0.050, 0.040, 0.030, 0.022],
                    [0.2, 0.35, 0.6, 0.9, 0.8, 1.0, 0.8, 0.6, 0.45], _spread_phase(rng, len(hz)))
    hand = _modes(t, [260.0, 610.0, 1180.0], [0.012, 0.008, 0.005], [0.5, 0.4, 0.3])
    return _loudness_one(_convolve(strikes, jingle)) + 0.5 * hand


def other(rng: np.random.Generator) -> Wave:
    """Claves: one clear tone of hard wood, gone in a moment."""
    t = _time(0.22)
    wood = _modes(t, [2489.0, 5010.0, 7390.0], [0.019, 0.007, 0.004], [1.0, 0.22, 0.12])
    tick = _noise(rng, t, low_hz=3000.0, high_hz=9000.0) * np.exp(-t / 0.0010)
    return wood + 0.2 * tick


VOICES: dict[str, Callable[[np.random.Generator], Wave]] = {
    voice.__name__: voice for voice in (
        kick, snare, hihat_closed, hihat_open, hihat_pedal, tom_low, tom_mid, tom_high,
        clap, rim, crash, ride, cowbell, shaker, tambourine, other)
}


def _hihat(rng: np.random.Generator, seconds: float, decay: float, metal: float, stick: float
           ) -> Wave:
    t = _time(seconds)
    ring = _pair_of_cymbals(t, decay, low_hz=4200.0, high_hz=15500.0)
    air = _noise(rng, t, low_hz=6500.0, high_hz=15000.0, slope=1.5)
    air *= 0.5 * np.exp(-t / (0.35 * decay)) + 0.5 * np.exp(-t / decay)
    tip = _noise(rng, t, low_hz=3500.0, high_hz=12000.0) * np.exp(-t / 0.003)
    tip += _modes(t, [430.0, 790.0, 1340.0, 2150.0], [0.4 * decay] * 4, [0.10, 0.13, 0.16, 0.22])
    return np.tanh(0.55 * (metal * ring + 0.8 * air + stick * tip))


def _pair_of_cymbals(t: Wave, decay: float, low_hz: float, high_hz: float) -> Wave:
    """The hats' own metal: the same modes in each of the three hats, so that they are one pair."""
    metal = np.random.Generator(np.random.PCG64(808))
    hz = _spread(metal, 120, low_hz=3000.0, high_hz=15500.0)
    level = metal.rayleigh(1.0, len(hz))
    level /= 1.0 + (low_hz / hz) ** 6 + (hz / high_hz) ** 6
    phase = _spread_phase(metal, len(hz))
    return _loudness_one(_modes(t, hz, decay / (0.6 + (hz / 8000.0) ** 1.2), level, phase))


def _tom(rng: np.random.Generator, hz: float, decay: float, seconds: float) -> Wave:
    """A tuned skin: the modes of an air-loaded membrane, sharp at first, then settling."""
    t = _time(seconds)
    bend = _phase(hz * (1.0 + 0.38 * np.exp(-t / 0.028)))
    skin = sum(level * np.sin(ratio * bend) * np.exp(-t / (decay * share))
               for ratio, share, level in (
                   (1.0, 1.0, 1.0), (1.504, 0.65, 0.42), (1.742, 0.50, 0.22), (2.0, 0.52, 0.26),
                   (2.494, 0.36, 0.20), (3.17, 0.24, 0.14)))
    stick = _noise(rng, t, low_hz=1000.0, high_hz=4200.0) * np.exp(-t / 0.004)
    slap = _noise(rng, t, low_hz=250.0, high_hz=1500.0) * np.exp(-t / 0.024)
    return np.tanh(1.3 * (skin + 0.28 * stick + 0.20 * slap))


def _time(seconds: float) -> Wave:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _phase(hz: Wave) -> Wave:
    """The phase, in radians from 0, of a tone whose frequency moves."""
    return 2.0 * np.pi * (np.cumsum(hz) - hz[0]) / SAMPLE_RATE


def _spread(rng: np.random.Generator, count: int, low_hz: float, high_hz: float) -> Wave:
    """Frequencies that share no fundamental, evenly dense to the ear."""
    places = (np.arange(count) + rng.uniform(0.0, 1.0, count)) / count
    return np.asarray(low_hz * (high_hz / low_hz) ** places)


def _spread_phase(rng: np.random.Generator, count: int) -> Wave:
    return rng.uniform(0.0, 2.0 * np.pi, count)


def _modes(t: Wave, hz: ArrayLike, decay: ArrayLike, level: ArrayLike, phase: ArrayLike = 0.0
           ) -> Wave:
    """The sum of many tones that die away: level · sin(2π·hz·t + phase) · e^(-t/decay).

    A decaying tone at frame a + b is one at a times one at b, so the sum over all modes is one
    matrix product: rows of 256 frames, however many modes there are.
    """
    hz, decay = np.asarray(hz, float), np.asarray(decay, float)
    turn = (2j * np.pi * hz - 1.0 / decay) / SAMPLE_RATE
    start = np.asarray(level) * np.exp(1j * np.broadcast_to(phase, hz.shape))
    rows = -(-len(t) // _ROW)
    coarse = (np.exp(np.outer(np.arange(rows) * _ROW, turn)) * start).astype(np.complex64)
    fine = np.exp(np.outer(turn, np.arange(_ROW))).astype(np.complex64)
    both = coarse.imag @ fine.real + coarse.real @ fine.imag
    return both.ravel()[:len(t)].astype(float)


def _noise(rng: np.random.Generator, t: Wave, low_hz: float, high_hz: float, slope: float = 2.0
           ) -> Wave:
    """White noise between two frequencies, of loudness one; `slope`: 1 = 6 dB per octave."""
    return _shaped(rng.standard_normal(len(t)), low_hz, high_hz, slope)


def _shaped(noise: Wave, low_hz: float, high_hz: float, slope: float) -> Wave:
    spectrum = np.fft.rfft(noise)
    hz = np.fft.rfftfreq(len(noise), 1.0 / SAMPLE_RATE)[1:]
    spectrum[0] = 0.0
    spectrum[1:] /= np.sqrt(1.0 + (low_hz / hz) ** (2 * slope) + (hz / high_hz) ** (2 * slope))
    return _loudness_one(np.fft.irfft(spectrum, len(noise)), len(noise))


def _loudness_one(wave: Wave, frames: int = 480) -> Wave:
    """The wave with an RMS of one over its first frames: 10 ms, unless told otherwise."""
    return wave / np.sqrt(np.mean(np.square(wave[:frames])))


def _convolve(strikes: Wave, ring: Wave) -> Wave:
    size = 1 << (len(strikes) + len(ring) - 1).bit_length()
    product = np.fft.rfft(strikes, size) * np.fft.rfft(ring, size)
    return np.fft.irfft(product, size)[:len(strikes)]


def _lean_together(ears: Wave, share: float) -> Wave:
    """Narrow a stereo pair: `share` of the other ear in each, as microphones in a room hear."""
    return ears + share * ears[::-1]
