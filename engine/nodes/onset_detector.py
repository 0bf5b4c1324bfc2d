"""Hear the strike (a first, hand-made version: the learned one takes its place)."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from engine.events import Onset
from engine.node import AudioBlock, Bleed, Context, Node, Param
from engine.units import HOP, SAMPLE_RATE

CENTRES = np.array([70, 140, 280, 560, 1200, 2600, 5600, 10500.0])
HALF = np.array([35, 50, 90, 180, 400, 900, 1800, 3000.0])


@njit(cache=True, nogil=True, error_model="numpy")
def _hop(x, co, st, ring, room, mask, count, sensitivity, retrigger):
    """One hop; returns the strength of an onset, or 0."""
    n = count[0]
    bands = 8
    place = n % 16
    for b in range(bands):
        ring[place, b] = 0.0
    for i in range(len(x)):
        s = x[i]
        for b in range(bands):
            c, d, g = co[0, b], co[1, b], co[2, b]
            for k in range(0, 6, 2):
                re = c * st[k, b] - d * st[k + 1, b] + g * (s if k == 0 else st[k - 2, b])
                im = d * st[k, b] + c * st[k + 1, b]
                if k > 0:
                    im += g * st[k - 1, b]
                st[k, b], st[k + 1, b] = re, im
            ring[place, b] += st[4, b] ** 2 + st[5, b] ** 2
    rise = 0.0
    strength = 0.0
    for b in range(bands):
        level = 10.0 * np.log10(ring[place, b] / len(x) + 1e-10)
        ring[place, b] = level
        if n < 8:
            room[b] = max(room[b], level)
        floor = max(room[b] + 6.0, -75.0)
        past = max(floor, mask[b])
        for j in range(2, 16):
            if n - j >= 0:
                past = max(past, ring[(n - j) % 16, b])
        rise += min(max(level - past, 0.0), 24.0)
        strength = max(strength, level - max(room[b], -81.0))
        room[b] += 0.02 * (level - room[b]) if level < room[b] else 0.005
        mask[b] -= 0.3
    heard = rise / bands > 6.0 and n - count[1] > retrigger and strength > sensitivity
    if heard:
        count[1] = n
    if n - count[1] < 16:
        for b in range(bands):
            mask[b] = max(mask[b], ring[place, b] - 3.0)
    count[0] = n + 1
    return strength if heard else 0.0


class OnsetDetector(Node):
    """Report the moment something is struck."""

    sensitivity_db = Param(10.0, low=3.0, high=40.0,
                           help="this far above the room counts as a strike")
    retrigger_ms = Param(45.0, low=10.0, high=500.0, help="no second onset within this time")

    def prepare(self, context: Context) -> None:
        radius = np.exp(-2 * np.pi * HALF / SAMPLE_RATE)
        angle = 2 * np.pi * CENTRES / SAMPLE_RATE
        self._bank = np.stack([radius * np.cos(angle), radius * np.sin(angle),
                               1 - radius]).astype(np.float32)
        self.reset()
        self.process(AudioBlock(np.zeros(HOP * 2, np.float32)))
        self.reset()

    def reset(self) -> None:
        self._state = np.zeros((6, 8), np.float32)
        self._ring = np.full((16, 8), -100.0, np.float32)
        self._room = np.full(8, -100.0, np.float32)
        self._mask = np.full(8, -200.0, np.float32)
        self._count = np.array([0, -1000])

    def process(self, audio: AudioBlock, bleed: Bleed = None) -> Sequence[Onset]:
        strength = _hop(audio.samples, self._bank, self._state, self._ring, self._room,
                        self._mask, self._count, self.sensitivity_db,
                        round(self.retrigger_ms * SAMPLE_RATE / 1000 / HOP))
        if strength > 0.0:
            return (Onset((audio.start - HOP) / SAMPLE_RATE, strength),)
        return ()
