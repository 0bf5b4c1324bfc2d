"""The pedal that says "wrong", and the one that takes it back.

The hit that was least certain is most probably the one that is meant. Its second guess leaves at
once; what it was is learned later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.clock import Clock
from engine.errors import KuchiError
from engine.events import Hit, Release
from engine.ports import AudioBlock
from engine.voice.drum_model import CLASSES
from engine.voice.keeping import take_of
from engine.voice.lessons import Lesson, Lessons
from engine.voice.naming import Naming
from engine.voice.profile import SILENT, Take
from engine.voice.strike import Strike

WRONG_S = 1.5                   # a hit can be called wrong for so long
AGAIN_S = 2.0                   # another press means the same hit for so long
RING_S = 0.1                    # what is corrected when it has died away is over after this


@dataclass(slots=True)
class Press:
    """One press, and its repetitions.

    was    : the hit as it was said at first
    tried  : the sounds that it was called
    take   : the strike to be heard, where it is still remembered
    """

    was: Hit
    strike: Strike
    time: float
    tried: list[int] = field(default_factory=list)
    take: Take | None = None
    lesson: Lesson | None = None

    @property
    def still(self) -> bool:
        """Is its strike still remembered, and no other in its place?"""
        return self.strike.time == self.was.time and self.strike.hit is not None


class Hand:
    """What was pressed.

    corrected : strikes whose new word leaves with the next hop
    """

    def __init__(self, naming: Naming, lessons: Lessons | None, clock: Clock) -> None:
        self._naming, self._lessons, self._clock = naming, lessons, clock
        self._presses: list[Press] = []
        self.corrected: list[Strike] = []

    def wrong(self, remembered: Sequence[Strike], audio: AudioBlock | None, word: str = ""
              ) -> None:
        """Correct one of these strikes: to its next guess, or to the sound that is named.

        audio : what was heard until now

        Raises KuchiError where no sound is called so.
        """
        press = self._press(remembered, audio)
        if press is None:
            return
        sound = self._sound_called(word) if word else self._next_guess(press)
        if sound is None:
            return
        strike = press.strike
        press.tried.append(sound)
        press.time = self._clock.now
        self._correct(strike, *self._naming.called(sound, strike.opinion),
                      float(strike.chances[sound]))
        if self._lessons:
            if press.lesson:
                self._lessons.take_back(press.lesson)
            press.lesson = Lesson(sound, strike.features.copy(), strike.general.copy(),
                                  press.take)
            self._lessons.give(press.lesson)

    def undo(self) -> None:
        """Take the last press back, with its repetitions and what was learned from it."""
        if not self._presses:
            return
        press = self._presses.pop()
        if press.still:
            self._correct(press.strike, press.was.sound, press.was.drum, press.was.confidence)
        if self._lessons and press.lesson:
            self._lessons.take_back(press.lesson)

    def say(self) -> list[Hit | Release]:
        """What leaves with this hop."""
        if not self.corrected:
            return []
        said: list[Hit | Release] = []
        now = self._clock.now
        for strike in self.corrected:
            hit = strike.hit
            assert hit is not None
            strike.sent = now
            said.append(hit)
            if strike.over:
                said.append(Release(now, hit.sound, hit.drum, now + RING_S))
        self.corrected.clear()
        return said

    def forget(self) -> None:
        """No strike is remembered any more."""
        self.corrected.clear()
        self._presses.clear()

    def _press(self, remembered: Sequence[Strike], audio: AudioBlock | None) -> Press | None:
        """The press this one goes on with, or a new one; None where there is nothing to correct."""
        now = self._clock.now
        if self._presses and now - self._presses[-1].time <= AGAIN_S and self._presses[-1].still:
            return self._presses[-1]
        said = [(strike.hit.confidence, place) for place, strike in enumerate(remembered)
                if strike.hit is not None and now - strike.time <= WRONG_S]
        if not said:
            return None
        strike = remembered[min(said)[1]]
        assert strike.hit is not None
        take = take_of(strike, audio) if audio and self._lessons else None
        self._presses.append(Press(strike.hit, strike, now, [strike.sound], take))
        return self._presses[-1]

    def _next_guess(self, press: Press) -> int | None:
        """The likeliest sound that wasn't tried."""
        chances, opinion = press.strike.chances, press.strike.opinion
        by_chance = np.argsort(-chances[:len(self._naming.names)], kind="stable")
        return next((int(sound) for sound in by_chance if sound not in press.tried
                     and self._naming.drum_of(int(sound), opinion) != SILENT), None)

    def _sound_called(self, word: str) -> int:
        """A sound by its name, or by the drum it plays."""
        names = self._naming.names
        if word in names:
            return names.index(word)
        nobody = np.zeros(CLASSES, np.float32)
        for sound in range(len(names)):
            if self._naming.drum_of(sound, nobody) == word:
                return sound
        raise KuchiError(f'wrong.{word}: no sound is called "{word}"; taught are: '
                         + ", ".join(names))

    def _correct(self, strike: Strike, sound: str, drum: str, confidence: float) -> None:
        """Let the corrected hit leave with the next hop; what plays nothing is only learned."""
        assert strike.hit is not None
        strike.final = True                             # a hand knows better than what comes
        if drum != SILENT:
            strike.hit = replace(strike.hit, sound=sound, drum=drum, due=0.0,
                                 confidence=confidence, corrects=strike.sent)
            self.corrected.append(strike)
