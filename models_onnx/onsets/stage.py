"""What takes don't show: sixteenths at 180 bpm, noise where nothing is struck, the kit's echo."""

from collections.abc import Sequence
from typing import Any

import mir_eval
import numpy as np

from engine.events import Onset
from engine.graph import Graph
from engine.patch import load_patch
from engine.units import HOP, Samples, frames, gain
from models_onnx.corpus import Recording
from models_onnx.onsets import sounds
from models_onnx.onsets.measures import HERE, Detector, Heard, kuchi, mean_f, model_for
from models_onnx.onsets.sixteenths import Cut, cut, lay

SIXTEENTH_S = 0.083
A_BAR = 16
BARS = 4                        # of each performer
DYNAMICS_DB = 3.0

PAUSE_AFTER_S, PAUSE_BEFORE_S, LEAST_PAUSE_S = 0.3, 0.06, 0.15
AS_LOUD_DB = 10.0

BLEED_DB, BLEED_LATE_S = -12.0, (0.01, 0.08)
NEAR_S = 0.025
MOST = 34                       # takes, spread over all: each is played twice


def sixteenths(recordings: Sequence[Recording], detector: Detector = kuchi) -> dict[str, Any]:
    """Real single hits laid 83 ms apart, with their tails: F within 25 ms."""
    by_performer, right, total = {}, 0, 0
    for who in sorted({r.performer for r in recordings}):
        rng = np.random.default_rng(sum(map(ord, who)))
        hits = [hit for r in recordings if r.performer == who for hit in cut(r)]
        own_right = own_total = 0
        for _ in range(BARS):
            audio, attacks = _bar(hits, rng)
            times, _ = detector(audio, model_for(who))
            own_right += len(mir_eval.util.match_events(attacks, times, NEAR_S))
            own_total += len(attacks) + len(times)
        by_performer[who] = 2.0 * own_right / own_total
        right, total = right + own_right, total + own_total
    return {"f25": round(mean_f(by_performer), 4), "pooled_f25": round(2.0 * right / total, 4),
            "performers": {who: round(f, 4) for who, f in by_performer.items()}}


def _bar(hits: Sequence[Cut], rng: np.random.Generator) -> tuple[Samples, np.ndarray]:
    """A bar of sixteenths in random order, each ±3 dB, over a room at -70 dBFS."""
    audio = sounds.steady(rng, frames(A_BAR * SIXTEENTH_S + 1.0), -70.0, 3.0)
    attacks = 0.3 + SIXTEENTH_S * np.arange(A_BAR)
    for attack in attacks:
        lay(hits[int(rng.integers(len(hits)))], attack, rng.uniform(-DYNAMICS_DB, DYNAMICS_DB),
            audio)
    return audio, attacks


def triggers_per_minute(detector: Detector = kuchi, seconds: float = 60.0) -> dict[str, float]:
    """Onsets announced where nothing is struck."""
    rng, n = np.random.default_rng(100), frames(seconds)
    heard = {"silence": np.zeros(n, np.float32),
             "white, -60 dBFS": sounds.steady(rng, n, -60.0, 0.0),
             "pink, -50 dBFS": sounds.steady(rng, n, -50.0, 3.0),
             "fan and hum, -42 dBFS": sounds.fan(rng, n, -42.0),
             "breaths, peaks of -38 dBFS": sounds.breaths(rng, n, -38.0)}
    return {name: round(60.0 / seconds * len(detector(audio, HERE / "judge.npz")[0]), 2)
            for name, audio in heard.items()}


def triggers_in_pauses(heard: Sequence[Heard], recordings: Sequence[Recording] = ()
                       ) -> dict[str, Any]:
    """Onsets in the voices' own pauses: from 0.3 s after a strike to 60 ms before the next, where
    that is 0.15 s or longer. What follows the last strike of a take is left out: few are labelled
    to the end.

    levels_db        : how loud each is, against the median of its take's labelled strikes
    as_loud_a_minute : of those, as loud as what was struck: at most 10 dB below that median.
                       Most are strikes that nobody labelled
    takes            : in how many takes these lie, and how many labels they have
    as_soft          : how many labelled strikes are as soft as the loudest of the others
    """
    seconds, count, levels, loud = 0.0, 0, [], {}
    struck: list[float] = []
    for place, h in enumerate(heard):
        usual = 0.0
        if len(recordings) and len(h.attacks):
            samples = recordings[place].audio
            peaks = [_loudest(samples, time) for time in h.attacks]
            usual = float(np.median(peaks))
            struck += [_db_over(peak, usual) for peak in peaks]
        for attack, after in zip(h.attacks, h.attacks[1:], strict=False):
            begin, end = attack + PAUSE_AFTER_S, after - PAUSE_BEFORE_S
            if end - begin >= LEAST_PAUSE_S:
                seconds += end - begin
                there = h.times[(h.times >= begin) & (h.times < end)]
                count += len(there)
                if usual:
                    here = [_db_over(_loudest(samples, time), usual) for time in there]
                    levels += here
                    if max(here, default=-np.inf) > -AS_LOUD_DB:
                        loud[place] = len(h.attacks)
    minutes = max(float(seconds), 1e-9) / 60.0
    found = {"a_minute": round(count / minutes, 2), "minutes": round(float(seconds) / 60.0, 2)}
    if not len(recordings):
        return found
    softer = [level for level in levels if level <= -AS_LOUD_DB]
    return found | {
        "as_loud_a_minute": round((len(levels) - len(softer)) / minutes, 2),
        "levels_db": sorted((round(level, 1) for level in levels), reverse=True),
        "takes": len(loud), "labels": sum(loud.values()),
        "as_soft": sum(level <= max(softer, default=-np.inf) for level in struck)}


def _db_over(peak: float, usual: float) -> float:
    return 20.0 * float(np.log10(max(peak, 1e-9) / usual))


def _loudest(samples: Samples, time: float) -> float:
    """The highest sample of the 25 ms after a time."""
    return float(np.abs(samples[frames(max(time - 0.003, 0.0)):][:frames(0.025)]).max(initial=0.0))


def kit_bleed(recordings: Sequence[Recording]) -> dict[str, Any]:
    """The patch `beatbox-kit`, its speakers heard by its microphone: one strike, one hit?

    A strike is right where the take alone gave an onset and the loop gives exactly one, from 25 ms
    before it until 25 ms before the next. Strikes that only the loop found count as wrong.
    """
    right = strikes = loud = 0
    rng = np.random.default_rng(3)
    for r in recordings[::max(1, len(recordings) // MOST)]:
        late = frames(rng.uniform(*BLEED_LATE_S))
        alone, looped = _through(r, 0.0, late), _through(r, gain(BLEED_DB), late)
        edges = np.concatenate([[-np.inf], alone - NEAR_S, [np.inf]])
        counts = np.histogram(looped, edges)[0]
        right += int((counts[1:] == 1).sum())
        strikes += len(alone)
        loud += int(counts[0]) + int(np.maximum(counts[1:] - 1, 0).sum())
    return {"one_hit": round(right / max(strikes, 1), 4), "strikes": strikes, "invented": loud}


def _through(recording: Recording, bleed: float, late: int) -> np.ndarray:
    """When the patch's detector hears something, its own output coming back at `bleed`."""
    patch = load_patch("beatbox-kit").with_setting("model", str(model_for(recording.performer)),
                                                   node="onsets")
    graph, target = Graph(patch), np.zeros((HOP, 2), np.float32)
    audio = recording.audio[:len(recording.audio) // HOP * HOP]
    played = np.zeros(len(audio) + late + HOP, np.float32)
    times: list[float] = []
    for first in range(0, len(audio), HOP):
        heard = audio[first:first + HOP] + np.float32(bleed) * played[first:first + HOP]
        graph.hear(heard[:, None], target)
        played[first + late:first + late + HOP] = target.mean(axis=1)
        times += [s.event.time for s in graph.take() if isinstance(s.event, Onset)]
    return np.array(sorted(times))
