"""The demo's performance: a groove, and a bass hummed under its second half."""

from typing import Final

import numpy as np

from engine.mouth.performance import Strike, perform
from engine.mouth.score import beat
from engine.mouth.voice import breath, hum
from engine.units import Samples, frames, gain

_BPM: Final = 96.0
_LEAD_S: Final = 0.25
_BARS: Final = (
    {"b":    "X.......X.x.....",                     # the groove
     "pf":   "....X.......X...",
     "ts":   "..x...x.......x."},
    {"b":    "X.......X.x.....",                     # the hat opens
     "pf":   "....X.......X...",
     "ts":   "..x...x.........",
     "tsss": "..............x."},
    {"b":    "X.......X.x.....",                     # the bass comes in, another snare
     "k":    "....X.......X...",
     "ts":   "..x...x.........",
     "tsss": "..............x."},
    {"b":    "X.......X...X...",                     # a breath, a lip roll, a fill
     "kh":   "....X...........",
     "ts":   "..x.............",
     "brr":  "..........X.....",
     "pf":   "..............Xx",
     "tk":   ".............x.."},
    {"b":    "X...............",                     # and home
     "ts":   "..x.............",
     "pf":   "....X...........",
     "tsss": "......x........."},
)
_BASS: Final = ((32, 4, 45.0), (36, 4, 48.0), (40, 4, 47.0), (44, 4, 43.0), (48, 4, 45.0),
                (64, 8, 45.0))
"""(step, steps, MIDI note) each, from the third bar on."""
_BASS_DB: Final = -8.0          # so softly that the hats are heard over it


def demo_performance(seed: int = 0) -> tuple[Samples, list[Strike]]:
    """Twelve seconds by aki: a groove, open hats, a hummed bass, a lip roll, a fill, and home."""
    step_s = 15.0 / _BPM
    score = [cue for bar, steps in enumerate(_BARS)
             for cue in beat(steps, _BPM, start=_LEAD_S + 16 * bar * step_s, who="aki",
                             seed=seed + bar)]
    bass = [(_LEAD_S + at * step_s, length * step_s, note) for at, length, note in _BASS]
    under = hum(bass, "aki", seconds=12.0, seed=seed) * np.float32(gain(_BASS_DB))
    gasp, begin = breath("aki", seconds=0.45, seed=seed), frames(_LEAD_S + 53 * step_s)
    under[begin:begin + len(gasp)] += gasp
    return perform(score, "aki", seconds=12.0, under=under, seed=seed)
