"""A hummed line becomes notes."""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from engine.dsp.yin import FRAME, LONGEST, RATE, TAPS, low_pass, quarter, yin
from engine.events import Note, NoteOff, NoteOn
from engine.music.scales import nearest, read_scale
from engine.node import Context, Node
from engine.param import Param
from engine.ports import AudioBlock
from engine.units import HOP, SAMPLE_RATE

_EVERY = 4                              # hops between two looks: 5.3 ms
_LATE_S = FRAME / 2 / RATE              # the middle of a look lies so far back
_STEADY = 10                            # looks that must agree before a note is believed: 53 ms
_GONE = 7                               # looks without a voice that end a note
_SPREAD = 0.9                           # semitones within which they agree; a vibrato may pass
_SLOW = 22                              # looks as long as a vibrato's turn: 117 ms
_LEFT, _FAR = 0.55, 0.8                 # so far from its note on the whole, or at once, a voice
                                        # has gone to another
_DIP_DB, _RISE_DB = 7.0, 5.0            # the same note again: softer by this, louder by that


class PitchTracker(Node):
    """Follow one voice from 60 to 1000 Hz, and say its notes where they are clear enough.

    A note is said when it has been steady for 50 ms, and dated back to its beginning. It ends
    when the voice stops, moves to another note, or is struck again. With a key only notes of
    that key are said. Its channel is 1; its velocity follows the loudness.
    """

    clear = Param(0.8, low=0.3, high=0.99, help="how periodic a sound must be to be a note")
    floor_db = Param(-50.0, low=-80.0, high=-10.0, help="what is softer is no voice")
    key = Param("off", reads=read_scale, help="say only notes of this key: C, F# minor, A blues")
    transpose = Param(0, low=-36, high=36, help="semitones up or down")

    def prepare(self, context: Context) -> None:
        self._clock = context.clock
        self._taps = low_pass()
        self._past = np.zeros(TAPS + HOP, np.float32)
        self._frame = np.zeros(FRAME, np.float32)
        self._difference = np.zeros(LONGEST + 2, np.float32)
        self.reset()
        quarter(np.zeros(HOP, np.float32), self._taps, self._past, self._frame)
        yin(self._frame, 0.15, self._difference)

    def reset(self) -> None:
        self._past[:] = 0.0
        self._frame[:] = 0.0
        self._hops = 0
        self._note: int | None = None           # as it was sent
        self._pitch = 0.0                       # where the scale holds the note that sounds
        self._voiced: deque[tuple[float, float, float]] = deque(maxlen=_STEADY)
        self._slow: deque[float] = deque(maxlen=_SLOW)
        self._silent = 0
        self._loudest = self._softest = -math.inf

    def process(self, audio: AudioBlock) -> Sequence[Note]:
        quarter(audio.samples, self._taps, self._past, self._frame)
        self._hops += 1
        if self._hops % _EVERY:
            return ()
        hz, clarity, mean_square = yin(self._frame, 0.15, self._difference)
        level_db = 10.0 * math.log10(max(mean_square, 1e-12))
        now = self._clock.now - _LATE_S - TAPS / 2 / SAMPLE_RATE
        if clarity < self.clear or level_db < self.floor_db or hz <= 0.0:
            return self._unvoiced(now)
        self._silent = 0
        pitch = 69.0 + 12.0 * math.log2(hz / 440.0)
        self._voiced.append((now, pitch, level_db))
        self._slow.append(pitch)
        return self._follow()

    def _unvoiced(self, now: float) -> Sequence[Note]:
        self._silent += 1
        if self._silent < _GONE:
            return ()
        self._voiced.clear()
        self._slow.clear()
        return self._end(now)

    def _follow(self) -> Sequence[Note]:
        """A look with a voice in it: a note begins, changes, is struck again, or goes on."""
        if len(self._voiced) < _STEADY:
            return ()
        pitches = sorted(pitch for _, pitch, _ in self._voiced)
        middle = pitches[_STEADY // 2]
        steady = pitches[-2] - pitches[1] < _SPREAD
        began, _, level_db = self._voiced[0]
        if self._note is None:
            return self._begin(middle, began) if steady else ()
        slow = sum(self._slow) / len(self._slow)
        if abs(middle - self._pitch) > (_LEFT if abs(slow - self._pitch) > _LEFT else _FAR):
            home = nearest(middle, read_scale(self.key))
            if steady and home != round(self._pitch):
                return [*self._end(began), *self._begin(middle, began)]
            return ()
        return self._again(middle, began, level_db)

    def _again(self, middle: float, began: float, level_db: float) -> Sequence[Note]:
        """The same note struck once more: it was softer for a moment, and rises."""
        self._loudest = max(self._loudest, level_db)
        if level_db < self._loudest - _DIP_DB:
            self._softest = min(self._softest, level_db)
        if self._softest < math.inf and level_db > self._softest + _RISE_DB:
            return [*self._end(began), *self._begin(middle, began)]
        return ()

    def _begin(self, pitch: float, time: float) -> Sequence[Note]:
        self._pitch = float(nearest(pitch, read_scale(self.key)))
        self._note = min(max(round(self._pitch) + self.transpose, 0), 127)
        level_db = max(level for _, _, level in self._voiced)
        self._loudest, self._softest = level_db, math.inf
        velocity = round(30 + 85 * min(max((level_db + 45.0) / 35.0, 0.0), 1.0))
        return [NoteOn(max(time, 0.0), self._note, velocity, 1)]

    def _end(self, time: float) -> list[Note]:
        note, self._note = self._note, None
        return [] if note is None else [NoteOff(max(time, 0.0), note, 64, 1)]

    def release(self) -> Sequence[Note]:
        return self._end(self._clock.now)
