"""What sounds beside the strikes: a hummed bass under them, a rolling lip, a loop that plays.

The hum and the roll are the synthetic mouth's, whose truth is exact; of its performers the second
half are heard here, and the first half are for training. The loop is one performer's take under
another's.
"""

from collections.abc import Sequence
from typing import Any

import mir_eval
import numpy as np

from engine.mouth import PERFORMERS, beat, perform
from engine.mouth import hum as sung
from engine.nodes.onset_detector import OnsetDetector
from engine.rendering import hear
from engine.units import SAMPLE_RATE, Samples, frames, gain
from models_onnx.corpus import Recording
from models_onnx.onsets.measures import HERE, Detector, Times, kuchi, mean_f, model_for

HEARD = PERFORMERS[len(PERFORMERS) // 2:]
GROOVES = ("b X..x..x.x..x....\n{snare} ....X.......X...",
           "b X.....x...x.x...\n{snare} ....X..x....X..x")
BPM, BARS = 96.0, 2
LINE = (0.0, 0.0, 3.0, 5.0, 7.0, 5.0, 3.0, -2.0)        # half notes over E, in semitones
NEAR_S = 0.05

ROLL_S = 2.0

LOOP_DB = -10.0                 # under the voice, RMS
LOOP_PLAYED_DB = -20.0          # as it leaves the speakers, RMS
LATE_S = (0.01, 0.08)
LEAD_S = 3.0                    # the loop runs before the voice begins
MOST = 34                       # takes, spread over all


def hummed_bass(detector: Detector = kuchi) -> dict[str, Any]:
    """Kicks and snares over the same mouth's hum: F within 50 ms, means over its performers."""
    of_each = {}
    for who in HEARD:
        right = total = 0
        for seed, groove in enumerate(GROOVES):
            score = beat(groove.format(snare=who.snare), BPM, BARS, start=0.5, who=who, seed=seed)
            half = 120.0 / BPM
            line = [(0.25 + half * k, 0.9 * half, 40.0 + step)
                    for k, step in enumerate(np.resize(LINE, 2 * BARS))]
            audio, strikes = perform(score, who, under=sung(line, who, seed=seed), seed=seed)
            times, _ = detector(audio, HERE / "judge.npz")
            truth = np.array([strike.time for strike in strikes])
            right += len(mir_eval.util.match_events(truth, times, NEAR_S))
            total += len(truth) + len(times)
        of_each[who.name] = 2.0 * right / total
    return {"f50": round(mean_f(of_each), 4),
            "performers": {who: round(f, 4) for who, f in of_each.items()}}


def lip_roll(detector: Detector = kuchi) -> dict[str, Any]:
    """A lip rolls for two seconds: how many onsets, and in how many performers just one."""
    counts = {}
    for who in HEARD:
        audio, _ = perform([(0.5, "brr", 0.9)], who, seconds=ROLL_S + 1.5)
        counts[who.name] = len(detector(audio, HERE / "judge.npz")[0])
    return {"one": round(float(np.mean([n == 1 for n in counts.values()])), 4),
            "mean": round(float(np.mean(list(counts.values()))), 2), "onsets": counts}


def loop_bleed(recordings: Sequence[Recording]) -> dict[str, Any]:
    """A beatbox loop on `bleed`, 10 dB under the voice in its microphone, 10-80 ms late; it has
    played for three seconds when the voice begins.

    False hits: onsets that aren't heard without the loop and are no strike's. Lost: strikes that
    are heard without it.
    """
    rng = np.random.default_rng(4)
    seconds, invented, found, lost = 0.0, 0, 0, 0
    chosen = recordings[::max(1, len(recordings) // MOST)]
    for place, r in enumerate(chosen):
        other = next((o for o in [*chosen[place + 1:], *chosen] if o.performer != r.performer), r)
        late, lead = frames(rng.uniform(*LATE_S)), frames(LEAD_S)
        voice = np.pad(r.audio, (lead, 0))
        loop = np.resize(other.audio, len(voice))
        played = np.float32(gain(LOOP_PLAYED_DB) / _rms(loop)) * loop
        returns = np.float32(gain(LOOP_DB) * _rms(r.audio) / _rms(loop)) * loop[:-late]
        both = voice.copy()
        both[late:] += returns
        alone, looped = _times(r, voice, None), _times(r, both, played)
        attacks = LEAD_S + np.array(sorted(event.attack_s for event in r.events))
        was, still = _heard(attacks, alone), _heard(attacks, looped)
        found, lost = found + len(was), lost + len(was - still)
        right = {j for truth in (alone, attacks)
                 for _, j in mir_eval.util.match_events(truth, looped, NEAR_S)}
        invented += len(looped) - len(right)
        seconds += len(voice) / SAMPLE_RATE
    return {"false_per_minute": round(60.0 * invented / max(seconds, 1e-9), 2),
            "recall_lost": round(lost / max(found, 1), 4), "strikes": found,
            "minutes": round(seconds / 60.0, 2)}


def _times(recording: Recording, audio: Samples, played: Samples | None) -> Times:
    node = OnsetDetector(model=str(model_for(recording.performer)))
    return np.array([sent.event.time for sent in hear(node, audio, bleed=played)])


def _heard(attacks: Times, times: Times) -> set[int]:
    return {i for i, _ in mir_eval.util.match_events(attacks, times, NEAR_S)}


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) or 1e-9
