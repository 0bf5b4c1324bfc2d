"""Name the strike: kick, snare, hat, or nothing that was meant.

A small model hears each strike from 6 ms before its attack and has an opinion every 2 ms. When to
speak is the performer's choice. Nothing is computed while nothing is struck.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.drums import DRUMS
from engine.dsp.levels import accumulate
from engine.dsp.mel import BANDS
from engine.dsp.strike import LEAD, NOTHING, STEP, WINDOW, ear, hear
from engine.events import Hit, Onset, Release
from engine.model import MODELS, Model
from engine.node import AudioBlock, Context, Node, Param
from engine.units import HOP, SAMPLE_RATE, Samples, frames, level_db

UNITS = 96                      # the model's memory of one strike
EMBEDDING = 48
CLASSES = len(DRUMS) + 1        # and the last is none of them

AT_ONCE = 32                    # strikes in the air: 200 ms of wait, one each 10 ms, and some
OPEN_AT = 0.8                   # of a hat's probability must say open: closed is the safer word
GUESS_VELOCITY = 0.7            # a hit that is only a guess is played softer

LEAST_RANGE_DB = 6.0            # between soft and loud: less would be all or nothing

QUIET_HOPS = 8                  # 10.7 ms, more than half a wave of the lowest kick
QUIET = 0.1                     # 20 dB below its peak, a hit has died away
ROOM = 1.5                      # or this close to what was heard before it
LONGEST_S = 4.0                 # a lip roll may ring this long

_CLOSED, _OPEN, _NONE = DRUMS.index("hihat_closed"), DRUMS.index("hihat_open"), len(DRUMS)


class _Strike:
    """One strike in the air: what the model remembers of it, and what was said about it."""

    __slots__ = ("attack", "ended", "final", "hit", "most", "next", "opinion", "over", "quiet",
                 "room", "sent", "state", "time", "until")

    def __init__(self) -> None:
        self.state = np.zeros(UNITS, np.float32)
        self.opinion = np.zeros(CLASSES, np.float32)
        self.most = np.zeros(2, np.float32)             # loudest band, highest sample
        self.begin(0.0)

    def begin(self, time: float) -> None:
        self.time = time
        self.attack = frames(time)
        self.next = self.attack - LEAD + STEP           # where the next frame ends
        self.until = self.attack + SAMPLE_RATE          # no frame ends after it
        self.state[:] = 0.0
        self.opinion[:] = 0.0
        self.opinion[_NONE] = 1.0
        self.most[:] = NOTHING, 0.0
        self.room = -1.0                                # not heard yet
        self.hit: Hit | None = None                     # what was said, and when
        self.sent = 0.0
        self.final = False                              # no more will be said
        self.ended = False                              # another strike has begun
        self.quiet = 0                                  # hops in a row
        self.over = False


class DrumClassifier(Node):
    """Say which drum each onset is, and when its sound has died away.

    steady  every hit leaves exactly `wait_ms` after its strike
    sure    as soon as the model is as sure as `sure_at`; `wait_ms` at the latest
    early   a first guess after `first_ms`, corrected after `wait_ms` where it was wrong

    An onset that is announced after its wait leaves at once and counts as `late`. What the model
    holds for no drum at all (speech, breath, the tail of a snare) is not reported.
    """

    wait_ms = Param(24.0, low=8.0, high=200.0, help="a hit leaves this long after its strike")
    when = Param("steady", choices=("steady", "sure", "early"), help="when to speak")
    sure_at = Param(0.9, low=0.5, high=1.0, help="sure: this probability is enough")
    first_ms = Param(10.0, low=8.0, high=24.0, help="early: the first guess leaves after this")
    unsure_below = Param(0.4, low=0.0, high=1.0, help="a hit less probable than this is unsure")
    unsure = Param("guess", choices=("guess", "drop", *DRUMS),
                   help="an unsure hit: the best guess, softer; nothing; or always this drum")
    refuse_at = Param(0.9, low=0.3, high=1.0, help="so probably no drum that nothing is played")
    soft_db = Param(-36.0, low=-70.0, high=-10.0, help="a hit with this peak is the softest")
    loud_db = Param(-6.0, low=-50.0, high=0.0, help="a hit with this peak is the loudest")
    model = Param("", help="an .onnx file of your own, beside the patch; empty: the built-in one")

    def prepare(self, context: Context) -> None:
        """Raises ModelError where the model is missing or isn't made for this node."""
        path = context.folder / self.model if self.model else MODELS / "drums" / "model.onnx"
        self._model = Model(path, {"frame": (1, BANDS), "state": (1, UNITS)},
                            {"probabilities": (1, CLASSES), "instruments": (1, len(DRUMS)),
                             "embedding": (1, EMBEDDING), "next_state": (1, UNITS)})
        self._ear = ear()
        self._frame = np.zeros(WINDOW, np.float32)
        self._level = np.zeros(2, np.float32)           # highest sample, sum of squares
        self._clock = context.clock
        self._free = [_Strike() for _ in range(AT_ONCE)]
        self._heard: list[_Strike] = []                 # in the air, oldest first
        self.late = 0
        self._hear_frame(_Strike())
        self._peak(self._frame[:HOP])

    def process(self, audio: AudioBlock, onsets: Sequence[Onset]) -> Sequence[Hit | Release]:
        if not onsets and not self._heard:
            return ()
        for onset in onsets:
            self._begin(onset, audio)
        said: list[Hit | Release] = []
        peak = self._peak(audio.samples)
        for strike in self._heard:
            if not strike.final:
                self._listen(strike, audio)
                self._speak(strike, said)
            if strike.final:
                self._follow(strike, peak, said)
        for strike in [strike for strike in self._heard if strike.over]:
            self._heard.remove(strike)
            self._free.append(strike)
        return said

    def release(self) -> Sequence[Hit | Release]:
        """End what still sounds."""
        return [self._release(strike.hit) for strike in self._heard if strike.hit]

    def reset(self) -> None:
        self._free += self._heard
        self._heard.clear()
        self.late = 0

    def _begin(self, onset: Onset, audio: AudioBlock) -> None:
        """A new strike; what sounded before it has ended."""
        attack, end = frames(onset.time), audio.start + HOP
        if onset.time + self.wait_ms / 1000.0 < self._clock.now:
            self.late += 1
        if not self._free or attack - LEAD - WINDOW < end - audio.reach:
            return                                      # no drumming, or longer ago than is kept
        for older in self._heard:
            older.until = min(older.until, attack)
            older.ended = True
        strike = self._free.pop()
        strike.begin(onset.time)
        self._heard.append(strike)

    def _listen(self, strike: _Strike, audio: AudioBlock) -> None:
        """Hear the frames that have come in, but nothing after the wait or the next strike."""
        wait = int(self.wait_ms * SAMPLE_RATE / 1000.0)
        until = min(audio.start + HOP, strike.until, strike.attack + wait)
        while strike.next <= until:
            audio.history(strike.next - WINDOW, self._frame)
            if strike.room < 0.0:
                strike.room = self._peak(self._frame)
            self._hear_frame(strike)
            strike.next += STEP

    def _hear_frame(self, strike: _Strike) -> None:
        """One step of the model, from and to this strike's memory."""
        inputs, outputs = self._model.inputs, self._model.outputs
        hear(self._frame, *self._ear, strike.most, inputs["frame"][0])
        inputs["state"][0] = strike.state
        self._model.run()
        strike.state[:] = outputs["next_state"][0]
        strike.opinion[:] = outputs["probabilities"][0]

    def _speak(self, strike: _Strike, said: list[Hit | Release]) -> None:
        """Say what was struck, if it is time to."""
        clock = self._clock
        last, first = strike.time + self.wait_ms / 1000.0, strike.time + self.first_ms / 1000.0
        if clock.next > last:
            strike.final = True
            self._say(strike, last, said)
        elif self.when == "sure" and max(self._best(strike)[1], strike.opinion[_NONE]
                                         ) >= self.sure_at:
            strike.final = True
            self._say(strike, 0.0, said)
        elif self.when == "early" and strike.hit is None and clock.next > first:
            self._say(strike, first, said)

    def _say(self, strike: _Strike, due: float, said: list[Hit | Release]) -> None:
        """A first hit, or a second that corrects it; nothing where the word stays the same."""
        hit, before = self._hit(strike, due), strike.hit
        if hit is None or (before is not None and before.drum == hit.drum):
            return
        if before is not None:
            hit = replace(hit, corrects=strike.sent)
        strike.hit, strike.sent = hit, max(due, self._clock.now)
        said.append(hit)

    def _hit(self, strike: _Strike, due: float) -> Hit | None:
        """What was struck, by all that was heard; None where it is no drum, or not sure enough."""
        drum, confidence = self._best(strike)
        if strike.opinion[_NONE] >= self.refuse_at:
            return None
        range_db = max(LEAST_RANGE_DB, self.loud_db - self.soft_db)
        loudness = (level_db(float(strike.most[1])) - self.soft_db) / range_db
        velocity = min(1.0, max(0.0, loudness))
        if confidence < self.unsure_below:
            if self.unsure == "drop":
                return None
            if self.unsure == "guess":
                velocity *= GUESS_VELOCITY
            else:
                drum = self.unsure
        return Hit(strike.time, drum, drum, velocity, confidence, due)

    def _best(self, strike: _Strike) -> tuple[str, float]:
        """The likeliest drum and its probability; open and closed hat are one until named."""
        chances = strike.opinion.tolist()
        opened = chances[_OPEN]
        hats = chances[_CLOSED] + opened
        chances[_CLOSED], chances[_OPEN], chances[_NONE] = hats, 0.0, 0.0
        best = max(chances)
        drum = DRUMS[chances.index(best)]
        if drum == "hihat_closed" and opened >= OPEN_AT * hats:
            drum = "hihat_open"
        return drum, best

    def _follow(self, strike: _Strike, peak: float, said: list[Hit | Release]) -> None:
        """Tell when the sound has died away, is drowned by another, or has lasted too long."""
        if strike.hit is None:
            strike.over = True
            return
        highest = float(strike.most[1])
        floor = max(QUIET * highest, min(ROOM * strike.room, 0.5 * highest))
        strike.quiet = strike.quiet + 1 if peak < floor else 0
        lasted = self._clock.now - strike.time
        if strike.ended or strike.quiet >= QUIET_HOPS or lasted >= LONGEST_S:
            strike.over = True
            said.append(self._release(strike.hit))

    def _release(self, hit: Hit) -> Release:
        return Release(self._clock.now, hit.sound, hit.drum)

    def _peak(self, samples: Samples) -> float:
        self._level[:] = 0.0
        accumulate(samples, self._level)
        return float(self._level[0])
