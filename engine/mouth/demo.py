"""The demo's performance: a beat, a break, and a bass hummed under the second half."""

from typing import Final

from engine.mouth.performance import Strike, perform
from engine.mouth.score import beat
from engine.mouth.voice import breath, hum
from engine.units import Samples, frames

_BPM: Final = 96.0
_LEAD_S: Final = 0.25
_BARS: Final = (
    {"b":   "X......x..X.....",                      # the groove
     "pf":  "....X.......X...",
     "ts":  "..x...x.x.....xo"},
    {"b":   "X......x..X.....",                      # the hat opens
     "k":   "....X.......X..o",
     "ts":  "..x.....x.......",
     "tsss": "......x.......x."},
    {"b":   "X..x............",                      # a break, and a breath
     "pf":  "....X...........",
     "ts":  "..o...x.........",
     "tk":  "............X.xx"},
    {"b":   "X..x............",                      # a fill over a lip roll
     "kh":  "....X.x.........",
     "brr": "........X.......",
     "pf":  ".............xxX"},
    {"b":   "X...............",                      # and home
     "ts":  "..x.............",
     "pf":  "....X...........",
     "tsss": "......x........."},
)
_BASS: Final = ((32, 4, 45.0), (36, 5, 48.0), (44, 4, 47.0), (48, 5, 43.0), (53, 3, 41.0),
                (64, 8, 45.0))
"""(step, steps, MIDI note) each, from the third bar on."""


def demo_performance(seed: int = 0) -> tuple[Samples, list[Strike]]:
    """Twelve seconds by aki: a groove, open hats, a break, a fill, a lip roll, a bass to end on."""
    step_s = 15.0 / _BPM
    score = [cue for bar, steps in enumerate(_BARS)
             for cue in beat(steps, _BPM, start=_LEAD_S + 16 * bar * step_s, who="aki",
                             seed=seed + bar)]
    bass = [(_LEAD_S + at * step_s, length * step_s, note) for at, length, note in _BASS]
    under = hum(bass, "aki", seconds=12.0, seed=seed)
    gasp, begin = breath("aki", seconds=0.45, seed=seed), frames(_LEAD_S + 41 * step_s)
    under[begin:begin + len(gasp)] += gasp
    return perform(score, "aki", seconds=12.0, under=under, seed=seed)
