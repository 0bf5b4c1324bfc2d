"""Read the input level as a sound engineer would, and say what to turn."""

import math
import time
from collections.abc import Callable

_SILENT_S = 3.0            # of exact zeros: no microphone does that by itself
_HOT_S = 2.0               # how long a clip is spoken of
_SOFT_S = 10.0             # this long without anything loud


class Level:
    """Follow the peak and remember what went wrong lately."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._shown_db = -90.0
        self._clipped = 0
        self._hot = self._loud = -math.inf
        self._sounded = self._began = now()

    def heard(self, peak: float, clipped: int, audio: bool) -> tuple[float, str]:
        """The level to show, dBFS, and advice in words.

        peak    : highest |sample| since the last call
        clipped : samples at full scale so far
        audio   : is a sound card open at all?
        """
        now, peak_db = self._now(), 20.0 * math.log10(max(peak, 1e-6))
        self._shown_db = max(peak_db, self._shown_db - 1.5)
        if peak > 0.0:
            self._sounded = now
        if clipped > self._clipped:
            self._clipped, self._hot = clipped, now
        if peak_db > -20.0:
            self._loud = now
        return self._shown_db, self._advice(now) if audio else "no sound card"

    def _advice(self, now: float) -> str:
        if now - self._sounded > _SILENT_S:
            return "no sound at all: is the microphone muted, or not permitted?"
        if now - self._hot < _HOT_S:
            return "too hot: turn the input down until loud hits reach -6"
        if now - max(self._loud, self._began) > _SOFT_S:
            return "soft: loud hits belong between -12 and -6"
        return ""
