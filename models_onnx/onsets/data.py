"""What the judge of strikes learns from: takes of many mouths, varied as stages vary, and noise.

All happens on the levels of the twelve bands: a microphone, a room, a distance, a noise and a tempo
are as easily laid upon them as upon samples, and a hundred times faster. The bands, the floor and
the features come from `engine.dsp`, as on stage.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.dsp.envelope import SILENCE_DB
from engine.dsp.filters import BANDS, high_pass
from engine.dsp.onsets import (
    EDGES,
    FEATURES,
    PAST,
    RUMBLE_HZ,
    STATE,
    begin,
    describe,
    follow,
    listen,
    rises_over,
)
from engine.mouth import PERFORMERS, perform
from engine.mouth import hum as sung
from engine.nodes.onset_detector import OnsetDetector
from engine.units import HOP, SAMPLE_RATE, Samples, frames
from models_onnx.corpus import Recording, recordings
from models_onnx.onsets import sounds
from models_onnx.onsets.sounds import Rng

HOPS_A_SECOND = SAMPLE_RATE / HOP

TAKES = ("vopec", "lvt")        # sets of takes; the others hold hits one by one

STRIKE_S = (0.003, 0.022)       # after an attack the judge shall say yes
OPEN_S = (-0.025, 0.045)        # and here it may say what it likes: labels are no closer
NO_SHARE = 0.35                 # of the hops that are none are learnt from, each time others

TEMPO = (0.85, 1.18)
GAIN_DB = (-24.0, 8.0)
TILT_DB, BUMP_DB = 8.0, 3.0     # microphones: a slope over all bands, and each band for itself
NOISE_DB = (18.0, 60.0)         # below the loud hits
ROOM_S, ROOM_DB = (0.02, 0.08), (8.0, 20.0)
HUM_SHARE, HUM_DB = 0.12, (3.0, 25.0)       # a hummed note under a take, below its loud hits
SUDDEN_SHARE = 0.1

DENSE_S = (0.075, 0.25)         # between two strikes: sixteenths at 60 to 200 bpm
LONGER = (1.0, 4.0)             # a tail becomes so many times as long: hats that hiss on
DENSE_DB = 3.0
EVEN = 1e-3                     # the loudest band's energy where all hits are equally loud

MOUTHS = PERFORMERS[:len(PERFORMERS) // 2]  # of the synthetic ones; the others are for scoring


@dataclass(frozen=True, slots=True)
class Take:
    """Levels of the bands, float32 (hops, BANDS) in dB, and when something was struck, seconds."""

    who: str
    levels: Samples
    attacks: NDArray[np.float64]


def voices(data: Path, sets: Collection[str] = ()) -> list[Recording]:
    """The voices' takes."""
    return [r for r in recordings(data, part="beatbox", sets=sets) if r.set in TAKES]


def singles(data: Path, sets: Collection[str] = ()) -> list[Recording]:
    """The voices' single hits."""
    return [r for r in recordings(data, part="beatbox", sets=sets) if r.set not in TAKES]


def take(recording: Recording, before_s: float = 0.0) -> Take:
    """A recording as the detector hears it, after some silence."""
    attacks = np.array(sorted(event.attack_s for event in recording.events))
    audio = np.pad(recording.audio, (frames(before_s), 0))
    return Take(recording.performer, levels_of(audio), attacks + before_s)


def levels_of(audio: Samples) -> Samples:
    """The bands' levels of every hop: float32 (hops, BANDS), dB."""
    levels = np.empty((len(audio) // HOP, BANDS), np.float32)
    states = np.zeros(1, STATE)
    begin(states)
    _listen_all(np.ascontiguousarray(audio), high_pass(RUMBLE_HZ), states, levels)
    return levels


def examples(take: Take, rng: Rng, share: float = NO_SHARE) -> tuple[Samples, Samples]:
    """Features (n, FEATURES) of hops of a take, and whether each is a strike, 1 or 0."""
    truth = answers(len(take.levels), take.attacks)
    wanted = (truth == 1) | ((truth == 0) & (rng.random(len(truth)) < share))
    features, asked = features_of(take.levels, wanted)
    return features, truth[asked].astype(np.float32)


def answers(hops: int, attacks: NDArray[np.float64]) -> NDArray[np.int8]:
    """For the end of every hop: 1 just after a strike, -1 near one, 0 elsewhere."""
    ends = (np.arange(hops) + 1) / HOPS_A_SECOND
    truth = np.zeros(hops, np.int8)
    for within, answer in ((OPEN_S, -1), (STRIKE_S, 1)):
        for attack in attacks:
            first, last = np.searchsorted(ends, attack + np.array(within))
            truth[first:last] = answer
    return truth


def features_of(levels: Samples, wanted: NDArray[np.bool_]) -> tuple[Samples, NDArray[np.intp]]:
    """What the judge is told at those wanted hops at which it is asked at all, and which these."""
    states = np.zeros(1, STATE)
    states["sensitivity_db"] = OnsetDetector.sensitivity_db.default
    begin(states)
    features = np.empty((int(wanted.sum()), FEATURES), np.float32)
    asked = np.empty(len(features), np.intp)
    count = _describe_all(levels, wanted, np.array(EDGES), states, features, asked)
    return features[:count], asked[:count]


@njit(cache=True, nogil=True, error_model="numpy")
def _listen_all(audio: Samples, high_pass: Samples, states: NDArray[np.void], levels: Samples
                ) -> None:
    state = states[0]
    for hop in range(len(levels)):
        samples = audio[hop * HOP:(hop + 1) * HOP]
        listen(samples, samples, False, high_pass, state)
        levels[hop] = state.levels[state.hop]


@njit(cache=True, nogil=True, error_model="numpy")
def _describe_all(levels: Samples, wanted: NDArray[np.bool_], edges: NDArray[np.int64],
                  states: NDArray[np.void], features: Samples, asked: NDArray[np.intp]) -> int:
    state, count = states[0], 0
    for hop in range(len(levels)):
        newest = state.levels[hop & (PAST - 1)]
        newest[:] = levels[hop]
        state.hop = hop
        peak = follow(state)
        if wanted[hop] and rises_over(newest, state.floor):
            describe(state.levels, hop, state.floor, peak, edges, features[count])
            asked[count] = hop
            count += 1
    return count


def sudden(take: Take, rng: Rng) -> Take:
    """The same take; one in ten begins on the first sample of a strike."""
    if not len(take.attacks) or rng.random() >= SUDDEN_SHARE:
        return take
    first = int(rng.choice(take.attacks) * HOPS_A_SECOND)
    attacks = take.attacks - first / HOPS_A_SECOND
    return Take(take.who, take.levels[first:], attacks[attacks >= 0.0])


def varied(take: Take, rng: Rng) -> Take:
    """The same take at another tempo, through another microphone, in another room, with noise."""
    levels, attacks = take.levels, take.attacks
    if rng.random() < 0.6:
        tempo = rng.uniform(*TEMPO)
        levels, attacks = _stretched(levels, tempo), attacks * tempo
    shape = rng.uniform(*GAIN_DB) + np.zeros(BANDS)
    if rng.random() < 0.8:
        bumps = np.convolve(rng.normal(0.0, BUMP_DB, BANDS + 2), (0.25, 0.5, 0.25), "valid")
        shape += np.linspace(-1, 1, BANDS) * rng.uniform(-TILT_DB, TILT_DB) + bumps
    energies = 10.0 ** ((levels + shape) / 10.0)
    if rng.random() < 0.3:
        energies = _in_a_room(energies, rng)
    top = np.percentile(10.0 * np.log10(energies.max(axis=1)), 97)
    if len(attacks) and rng.random() < HUM_SHARE:
        hum = _hums()[rng.integers(len(_hums()))]
        hum = np.take(hum, np.arange(len(energies)) + rng.integers(len(hum)), axis=0, mode="wrap")
        energies = energies + hum * 10.0 ** ((top - rng.uniform(*HUM_DB)) / 10.0)
    if rng.random() < 0.5:
        slope = np.linspace(1, -1, BANDS) * rng.uniform(-3.0, 10.0)
        energies = energies + _hiss(len(energies), rng) * 10.0 ** (
            (top - rng.uniform(*NOISE_DB) + slope) / 10.0)
    return Take(take.who, _in_db(energies), attacks)


def dense(takes: Sequence[Take], rng: Rng, seconds: float = 5.0) -> Take:
    """Sixteenths: hits cut out of one performer's takes, laid close together with their tails."""
    who = takes[int(rng.integers(len(takes)))].who
    cuts = [cut for take in takes if take.who == who for cut in _cuts(take)]
    chosen = [cuts[i] for i in rng.integers(len(cuts), size=6)] if cuts else []
    chosen = [(lead, _longer(cut, rng)) if rng.random() < 0.5 else (lead, cut)
              for lead, cut in chosen]
    if rng.random() < 0.5:
        chosen = [(lead, cut * (EVEN / cut.max())) for lead, cut in chosen]
    hops = int(seconds * HOPS_A_SECOND)
    energies = _hiss(hops, rng) * 10.0 ** (rng.uniform(-105.0, -70.0) / 10.0)
    attacks, between = [], np.exp(rng.uniform(*np.log(DENSE_S))) * HOPS_A_SECOND
    place = 40.0
    while chosen and place < hops - 200:
        lead, cut = chosen[rng.integers(len(chosen))]
        first = int(place) - lead
        end = min(first + len(cut), hops)
        energies[first:end] += cut[:end - first] * 10.0 ** (rng.uniform(-DENSE_DB, DENSE_DB) / 10.0)
        attacks.append((int(place) + 0.5) / HOPS_A_SECOND)
        place += between + rng.normal(0.0, 1.5)
    return Take(who, _in_db(energies), np.array(attacks))


def _cuts(take: Take, longest: int = 330, lead: int = 4) -> list[tuple[int, NDArray[np.float64]]]:
    """Each hit from just before its steepest hop on, until the next; then it dies away."""
    hops = (take.attacks * HOPS_A_SECOND).astype(int)
    rises = np.maximum(np.diff(np.maximum(take.levels, -80.0), axis=0), 0.0).sum(axis=1)
    found = []
    for hop, after in zip(hops, [*hops[1:], len(take.levels)], strict=True):
        near = rises[max(hop - 12, 0):hop + 12]
        attack = max(hop - 12, 0) + 1 + int(near.argmax()) if len(near) else 0
        end = min(after - 20, attack + longest)
        if attack < lead or end - attack < 60 or near.max() < 40.0:
            continue
        levels = take.levels[attack - lead:end].astype(float)
        tail = levels[-8:].mean(axis=0) - np.arange(80)[:, None]
        found.append((lead, 10.0 ** (np.concatenate([levels, tail]) / 10.0)))
    return found


def _longer(cut: NDArray[np.float64], rng: Rng, body: int = 20) -> NDArray[np.float64]:
    """The hit with its tail stretched, as levels are."""
    tail = _stretched(np.log10(cut[body:]), rng.uniform(*LONGER))
    return np.concatenate([cut[:body], 10.0 ** tail])


@cache
def _hums(count: int = 12) -> list[NDArray[np.float64]]:
    """Energies of bass lines, the loudest 1: notes of half a second, and the gaps between."""
    rng, found = np.random.default_rng(3), []
    for _ in range(count):
        beat_s, low = rng.uniform(0.3, 0.9), rng.uniform(36.0, 50.0)
        line = [(beat_s * k, beat_s * rng.uniform(0.6, 1.0), low + rng.integers(-3, 10))
                for k in range(12)]
        audio = sung(line, MOUTHS[rng.integers(len(MOUTHS))], vowel="mu"[rng.integers(2)],
                     seed=int(rng.integers(1 << 30)))
        energies = 10.0 ** (levels_of(audio).astype(float) / 10.0)
        found.append(energies / energies.max())
    return found


@cache
def rolls(seed: int, count: int = 12) -> list[Take]:
    """Lips that roll: a strike where they begin, and none after it."""
    rng, found = np.random.default_rng(seed), []
    for k in range(count):
        audio, strikes = perform([(0.4, "brr", rng.uniform(0.5, 1.0))], MOUTHS[k % len(MOUTHS)],
                                 seconds=rng.uniform(1.5, 3.2), seed=int(rng.integers(1 << 30)))
        found.append(Take("", levels_of(audio), np.array([s.time for s in strikes])))
    return found


@cache
def nothing(seed: int, count: int = 48, seconds: float = 6.0) -> list[Take]:
    """Takes in which nothing is struck."""
    rng, n = np.random.default_rng(seed), int(seconds * SAMPLE_RATE)
    kinds = (lambda: sounds.breaths(rng, n, rng.uniform(-50.0, -26.0), (0.03, 0.3)),
             lambda: sounds.breaths(rng, n, rng.uniform(-50.0, -26.0), (0.03, 0.3)),
             lambda: sounds.fan(rng, n, rng.uniform(-60.0, -36.0)),
             lambda: sounds.steady(rng, n, rng.uniform(-70.0, -45.0), rng.uniform(0.0, 6.0)),
             lambda: sounds.held(rng, n, rng.uniform(-40.0, -12.0)))
    return [Take("", levels_of(kinds[k % len(kinds)]()), np.empty(0)) for k in range(count)]


def _stretched(levels: Samples, tempo: float) -> Samples:
    places = np.arange(int(len(levels) * tempo)) / tempo
    before = np.minimum(places.astype(int), len(levels) - 2)
    share = (places - before)[:, None]
    return levels[before] * (1.0 - share) + levels[before + 1] * share


def _in_a_room(energies: NDArray[np.float64], rng: Rng) -> NDArray[np.float64]:
    """Add an echo that begins 4 ms later and dies away."""
    decay = np.exp(-1.0 / (HOPS_A_SECOND * rng.uniform(*ROOM_S)))
    ring = (1.0 - decay) * decay ** np.arange(200) * 10.0 ** (-rng.uniform(*ROOM_DB) / 10.0) * 8.0
    late = np.concatenate([np.zeros(3), ring])
    echo = [np.convolve(energies[:, band], late)[:len(energies)] for band in range(BANDS)]
    return energies + np.stack(echo, axis=1)


@cache
def _white() -> NDArray[np.float64]:
    noise = sounds.steady(np.random.default_rng(7), 30 * SAMPLE_RATE, -20.0, 0.0)
    energies = 10.0 ** (levels_of(noise)[20:].astype(float) / 10.0)
    return energies / energies.mean(axis=0)


def _hiss(hops: int, rng: Rng) -> NDArray[np.float64]:
    """Energies of steady noise, mean 1 in each band."""
    return np.take(_white(), np.arange(hops) + rng.integers(len(_white())), axis=0, mode="wrap")


def _in_db(energies: NDArray[np.float64]) -> Samples:
    return np.asarray(10.0 * np.log10(energies + 10.0 ** (SILENCE_DB / 10.0)), np.float32)
