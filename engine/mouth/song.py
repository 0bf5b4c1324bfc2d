"""A song for two: a mouth shows its sounds, and then beats sixteen bars for a friend to join."""

from typing import Final

from engine.mouth.performance import Strike, perform
from engine.mouth.score import Cue, beat
from engine.units import Samples

BPM: Final = 112.0
BARS: Final = 18                    # two alone, sixteen with the friend
BAR_S: Final = 240.0 / BPM

_SHOWN: Final = ("b", "pf", "ts", "k", "tsss", "b", "pf", "ts", "b", "tsss", "ts", "pf")
_VERSE: Final = {"b": "X.......X.x.....", "pf": "....X.......X...", "ts": "..x...x...x...x."}
_CHORUS: Final = {"b": "X..x..X...X..x..", "pf": "....X.......X..x", "ts": "..x...x.....x.x."}
_SPARSE: Final = {"b": "X.........x.....", "pf": "............X..."}
_FORM: Final = (_VERSE,) * 6 + (_SPARSE,) * 4 + (_CHORUS,) * 4 + (_SPARSE,) * 2 + (_CHORUS,) * 2


def sounds_shown(who: str = "aki", seed: int = 0) -> tuple[Samples, list[Strike]]:
    """A dozen sounds, one by one."""
    return perform([(0.4 + 0.55 * number, sound, 0.9) for number, sound in enumerate(_SHOWN)],
                   who, seed=seed)


def song_performance(who: str = "aki", seed: int = 0) -> tuple[Samples, list[Strike]]:
    """Eighteen bars at 112, from a first beat at 0; the friend joins in the third."""
    score: list[Cue] = [cue for bar, steps in enumerate(_FORM)
                        for cue in beat(steps, BPM, start=0.010 + bar * BAR_S, who=who,
                                        seed=seed + bar)]
    return perform(score, who, seconds=(BARS + 1) * BAR_S, seed=seed)
