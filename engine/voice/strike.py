"""One strike in the air: what the drum model remembers of it, and what was said about it."""

import numpy as np

from engine.dsp.strike import HUSH, LEAD, NOTHING, STEP
from engine.events import Hit
from engine.units import HOP, SAMPLE_RATE, frames
from engine.voice.drum_model import CLASSES, MEMORY
from engine.voice.learning import MOMENTS_MS
from engine.voice.naming import ROWS

NONE = -1                       # where the chance of no sound at all stands


class Strike:
    """One strike in the air: what the model remembers of it, and what was said about it."""

    __slots__ = ("attack", "chances", "ended", "features", "final", "frames", "general", "hit",
                 "hush", "memory", "most", "next", "opinion", "origin", "over", "quiet", "room",
                 "sent", "sound", "time", "until", "weighed")

    def __init__(self) -> None:
        self.memory = np.zeros(MEMORY, np.float32)
        self.opinion = np.zeros(CLASSES, np.float32)
        self.chances = np.zeros(ROWS, np.float32)
        self.features = np.zeros((len(MOMENTS_MS), MEMORY), np.float32)
        self.general = np.zeros((len(MOMENTS_MS), CLASSES), np.float32)
        self.hush = np.zeros(HUSH, np.float32)          # the room before it
        self.most = np.zeros(2, np.float32)             # loudest band, highest sample
        self.begin(0.0)

    def begin(self, time: float, wait_s: float = 0.0) -> None:
        """It was struck at `time`. What it was is said at the end of the last hop before its wait
        is over: there its last frame shall end, so all frames lie up to 1 ms off the attack."""
        self.time = time
        self.attack = frames(time)
        said = int((time + wait_s) * SAMPLE_RATE) // HOP * HOP
        self.origin = said - round((said - self.attack) / STEP) * STEP
        self.until = self.attack + SAMPLE_RATE          # no frame ends after it
        self.room = -1.0                                # not heard yet
        self.hit: Hit | None = None                     # what was said, and when
        self.sound = -1
        self.sent = 0.0
        self.final = False                              # no more will be said
        self.ended = False                              # another strike has begun
        self.quiet = 0                                  # hops in a row
        self.over = False
        self.hear_anew()

    def hear_anew(self) -> None:
        """Forget what was made of it until now: all of it is heard again."""
        self.next = self.origin - LEAD + STEP           # where the next frame ends
        self.frames = 0                                 # that were heard
        self.weighed = 0                                # of them, when chances were
        self.memory[:] = 0.0
        self.opinion[:] = 0.0
        self.opinion[NONE] = 1.0
        self.chances[:] = 0.0
        self.chances[NONE] = 1.0
        self.most[:] = NOTHING, 0.0

    @property
    def heard_ms(self) -> float:
        """How much was heard after the attack."""
        return (self.next - STEP - self.origin) * 1000.0 / SAMPLE_RATE
