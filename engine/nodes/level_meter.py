"""How loud it is, for the eye: a meter on any audio cable."""

from collections.abc import Sequence
from math import log10

import numpy as np

from engine.dsp.levels import accumulate
from engine.events import Features
from engine.node import Context, Node
from engine.param import Param
from engine.ports import AudioBlock
from engine.units import HOP, SAMPLE_RATE, Samples


class LevelMeter(Node):
    """Report peak and RMS level, dBFS, some thirty times a second.

    It listens only; the sound goes on along its own cable. Gives Features(peak_db, rms_db).
    """

    every_ms = Param(33.0, low=16.0, high=1000.0, help="how often the level is told")

    def prepare(self, context: Context) -> None:
        self._sums = np.zeros(2, np.float32)        # highest |sample|, sum of squares
        self._stretch = np.zeros(SAMPLE_RATE + HOP, np.float32)
        self._heard = 0
        self.changed("every_ms")
        self._measure(self._stretch[:HOP])

    def changed(self, name: str) -> None:
        self._every = self.every_ms * SAMPLE_RATE / 1000.0

    def process(self, audio: AudioBlock) -> Sequence[Features]:
        self._heard += HOP
        if self._heard < self._every:
            return ()                               # measured all at once, when it is told
        end = audio.start + HOP
        stretch = self._stretch[:self._heard]
        audio.history(end - self._heard, stretch)
        self._heard = 0
        return (Features(end / SAMPLE_RATE, self._measure(stretch)),)

    def reset(self) -> None:
        self._heard = 0

    def _measure(self, stretch: Samples) -> tuple[float, float]:
        self._sums[:] = 0.0
        accumulate(stretch, self._sums)
        return _db(float(self._sums[0])), _db((float(self._sums[1]) / len(stretch)) ** 0.5)


def _db(amplitude: float) -> float:
    """dBFS, with silence at -120 so that a meter has a bottom."""
    return 20.0 * log10(max(amplitude, 1e-6))
