"""The first loop: how long it is says how fast the song is."""

import math

_LIKELY_BPM = 105.0
_SLOWEST, _FASTEST = 70.0, 160.0
_BARS = (1, 2, 4, 8, 16, 32)


def tempo_of_loop(seconds: float, in_bar: int = 4) -> float:
    """The tempo at which a loop is one, two, four, … bars long; 0 for no loop at all.

    Of those between 70 and 160 the nearest to what people play; a very short or very long one
    takes what comes closest.

    >>> round(tempo_of_loop(8.0), 1), round(tempo_of_loop(2.1), 1), tempo_of_loop(0.05)
    (120.0, 114.3, 0.0)
    """
    if seconds < 0.25:
        return 0.0
    tempos = [60.0 * in_bar * bars / seconds for bars in _BARS]
    likely = [bpm for bpm in tempos if _SLOWEST <= bpm <= _FASTEST] or tempos
    return min(likely, key=lambda bpm: abs(math.log(bpm / _LIKELY_BPM)))
