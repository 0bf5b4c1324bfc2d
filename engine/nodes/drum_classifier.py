"""Name the strike: a drum, one of the performer's own sounds, or nothing that was meant.

A small model hears each strike from 6 ms before its attack and has an opinion every 2 ms. A
profile turns that into the performer's own sounds. When to speak is the performer's choice.
Nothing is computed while nothing is struck.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Self

import numpy as np

from engine.drums import DRUMS
from engine.dsp.levels import highest
from engine.dsp.strike import LEAD, PAST, STEP, WINDOW, before, ear, frames_by, hear
from engine.edition import edition
from engine.events import Beat, Hit, Onset, Release
from engine.music.expectation import STRENGTH, Due
from engine.node import Context, Node, action
from engine.param import Param
from engine.ports import DELAYED, AudioBlock
from engine.units import HOP, SAMPLE_RATE, frames, level_db
from engine.voice.by_hand import AGAIN_S, WRONG_S, Hand
from engine.voice.correction import corrected
from engine.voice.doubt import Doubt
from engine.voice.drum_model import BUILT_IN, drum_model, hear_on
from engine.voice.keeping import Keeper
from engine.voice.learning import MOMENTS_MS
from engine.voice.lessons import PAUSE_S, Lesson, Lessons
from engine.voice.naming import ROWS, Everybody, Naming, Own
from engine.voice.profile import SILENT, Profile, known_by, takes_of
from engine.voice.profile_file import load_profile, profile_path
from engine.voice.strike import NONE, Strike

AT_ONCE = 64                    # strikes in the air (200 ms of wait) or remembered (1.5 s)
GUESS_VELOCITY = 0.7            # a hit that is only a guess is played softer

LEAST_RANGE_DB = 6.0            # between soft and loud: less would be all or nothing

QUIET_HOPS = 8                  # 10.7 ms, more than half a wave of the lowest kick
QUIET = 0.1                     # 20 dB below its peak, a hit has died away
ROOM = 1.5                      # or this close to what was heard before it
LONGEST_S = 4.0                 # a lip roll may ring this long

CERTAIN = 0.95                  # adapt: what is heard this surely as no other sound is learned from

_FIRST_MS = float(MOMENTS_MS[0])
_MOMENT = {frames_by(ms * SAMPLE_RATE // 1000): moment for moment, ms in enumerate(MOMENTS_MS)}


class DrumClassifier(Node):
    """Say which sound each onset is, what it plays, and when it has died away.

    steady  every hit leaves exactly `wait_ms` after its strike
    sure    as soon as the model is as sure as `sure_at`; `wait_ms` at the latest
    early   a first guess after `first_ms`, corrected after `wait_ms` where it was wrong

    An onset that is announced after its wait leaves at once and counts as `late`. What the model
    holds for no drum at all (speech, breath, the tail of a snare) is not reported. Such things come
    in streams: after some of them the next is a little more doubtful, for a second or two.

    With a `profile` (see `kuchi teach`) a hit is one of the performer's own sounds, and its
    velocity lies between the performer's own soft and loud of that sound. What resembles none of
    them is more doubtful.

    With a clock cabled to `.beats`, what the groove so far makes due on this sixteenth helps where
    the sound alone is unsure, while the tempo is frozen.
    """

    profile = Param("", help="the performer's: a file beside the patch, or a name that was given "
                             "to kuchi teach; empty: sounds as most mouths mean them")
    correction = Param("", help="what kuchi soundcheck heard of your sounds through this "
                                "microphone, in this room: a file; it says so in the rig")
    wait_ms = Param(24.0, low=8.0, high=200.0, help="a hit leaves this long after its strike")
    when = Param("steady", choices=("steady", "sure", "early"), help="when to speak")
    sooner = Param(False, help="a sound may leave before wait_ms where the profile's takes show it "
                               "named right by then, 95 times of 100 (after a soundcheck nothing "
                               "is known of that); each sound stays even")
    sure_at = Param(0.9, low=0.5, high=1.0, help="sure: this probability is enough")
    first_ms = Param(10.0, low=8.0, high=24.0, help="early: the first guess leaves after this")
    unsure_below = Param(0.4, low=0.0, high=1.0, help="a hit less probable than this is unsure")
    unsure = Param("guess", choices=("guess", "drop", *DRUMS),
                   help="an unsure hit: the best guess, softer; nothing; or always this drum")
    refuse_at = Param(0.7, low=0.3, high=1.0, help="so probably no drum that nothing is played")
    doubt = Param(1.0, low=0.0, high=1.0, help="how much strikes that were no drum make the next "
                                               "doubtful; 0: each by itself")
    groove = Param(STRENGTH, low=0.0, high=1.0, help="how much the groove weighs in; 0: the ear "
                                                    "alone")
    keep = Param(True, help="on stage, write what wrong taught into the profile, in pauses; after "
                            "a soundcheck into its file")
    adapt = Param(False, help="learn, in pauses, from hits that were very sure; off forgets it")
    soft_db = Param(-36.0, low=-70.0, high=-10.0,
                    help="without a profile: a hit with this peak is the softest")
    loud_db = Param(-6.0, low=-50.0, high=0.0,
                    help="without a profile: a hit with this peak is the loudest")
    model = Param("", help="an .onnx file of your own, beside the patch; empty: the built-in one")

    loads = ("profile", "correction", "model", "keep")

    def prepare(self, context: Context) -> None:
        """Raises ModelError where the model is missing or isn't made for this node, FileError
        where the profile can't be read."""
        path = context.folder / self.model if self.model else BUILT_IN
        self._model = drum_model(path)
        self._ear = ear()
        self._frame = np.zeros(WINDOW, np.float32)
        self._past = np.zeros(PAST, np.float32)
        self._clock = context.clock
        self._free = [Strike() for _ in range(AT_ONCE)]
        self._heard: list[Strike] = []                 # in the air, oldest first
        self._recent: deque[Strike] = deque()          # over, but may still be called wrong
        self._forget_at = float("inf")                  # when the first of them no longer may
        self._audio: AudioBlock | None = None           # what was heard until now
        self._quiet_since = 0.0
        self._naming: Naming = Everybody()
        self._lessons: Lessons | None = None
        files = [path] if self.model else []
        files += [profile_path(given, context.folder)
                  for given in (self.profile, self.profile and self.correction) if given]
        self.has_read = {file: edition(file) for file in files}
        if self.profile:
            own = load_profile(profile_path(self.profile, context.folder))
            self._know(known_by(own, path), context)
        self._hand = Hand(self._naming, self._lessons, context.clock)
        self._doubt = Doubt()
        self._due = Due() if context.feeds.get("beats") else None
        self.late = 0
        self._alone = np.zeros(ROWS, np.float32)
        warm = Strike()
        before(self._past, warm.hush)
        self._hear_frame(warm)
        self._weigh(warm)
        highest(self._frame[:HOP])

    def rewired(self, fresh: Self) -> None:
        self._due = fresh._due

    def take_over(self, old: Self) -> None:
        """Name what is in the air by what was loaded anew; what was said stays said."""
        self._heard = old._heard
        for strike in self._heard:
            if not strike.final or self._lessons:
                strike.hear_anew()
        self._quiet_since, self.late = old._quiet_since, old.late
        self._doubt = old._doubt
        if self._due and old._due:
            self._due = old._due
        if self._lessons and old._lessons and self._model.path == old._model.path:
            self._recent = old._recent
            self._lessons.take_over(old._lessons)

    def _know(self, profile: Profile, context: Context) -> None:
        """Name the performer's own sounds, through the microphone of the last soundcheck."""
        takes, softer_db = takes_of(profile, profile.page.given), 0.0
        path = profile_path(self.correction or self.profile, context.folder)
        if self.correction:
            here = load_profile(path)
            profile, found, takes = corrected(profile, here, self._model)
            softer_db = found.level_db
        self._naming = own = Own(profile, takes, softer_db)
        keeper = (Keeper(path, context.clock, context.jobs, context.stage)
                  if self.keep and context.stage else None)
        self._lessons = Lessons(profile, takes, own, context.clock, context.jobs, keeper)

    def changed(self, name: str) -> None:
        if name == "adapt" and not self.adapt and getattr(self, "_lessons", None):
            assert self._lessons
            self._lessons.unfollow()

    def process(self, audio: AudioBlock, onsets: Sequence[Onset],
                beats: Annotated[Sequence[Beat], DELAYED] = ()) -> Sequence[Hit | Release]:
        self._audio = audio
        if self._due:
            self._due.follow(beats, self._clock.now - self.wait_ms / 1000.0)
        if not onsets and not self._heard:
            if self._clock.now > self._forget_at or self._hand.corrected or self._learning:
                return self._rest()
            return ()
        for onset in onsets:
            self._begin(onset, audio)
        said, over = self._hand.say(), False
        for strike in self._heard:
            if not strike.final or self._lessons:
                self._listen(strike, audio)
            if not strike.final:
                self._speak(strike, said)
                if strike.final:
                    self._remember(strike)
            if strike.final:
                self._follow(strike, audio, said)
                over |= strike.over
        if over:
            self._lay_by([strike for strike in self._heard if strike.over])
        self._quiet_since = self._clock.now
        return said

    def release(self) -> Sequence[Hit | Release]:
        """End what still sounds, and keep what was taught."""
        if self._lessons:
            self._lessons.keep()
        return [self._release(strike.hit) for strike in self._heard if strike.hit]

    def reset(self) -> None:
        self._free += [*self._heard, *self._recent]
        self._heard.clear()
        self._recent.clear()
        self._hand.forget()
        self._doubt.reset()
        if self._due:
            self._due.reset()
        self.late = 0

    # -- a strike ------------------------------------------------------------------------------

    def _begin(self, onset: Onset, audio: AudioBlock) -> None:
        """A new strike; what sounded before it has ended."""
        attack, end = frames(onset.time), audio.start + HOP
        if onset.time + self.wait_ms / 1000.0 < self._clock.now:
            self.late += 1
        if not self._free and self._recent:
            self._free.append(self._recent.popleft())
        if not self._free or attack - STEP - LEAD - PAST < end - audio.reach:
            return                                      # no drumming, or longer ago than is kept
        for older in self._heard:
            older.until = min(older.until, attack)
            older.ended = True
        strike = self._free.pop()
        strike.begin(onset.time, self.wait_ms / 1000.0)
        audio.history(strike.origin - LEAD - PAST, self._past)
        before(self._past, strike.hush)
        self._heard.append(strike)

    def _listen(self, strike: Strike, audio: AudioBlock) -> None:
        """Hear the frames that have come in, but nothing after the wait or the next strike."""
        wait_ms = MOMENTS_MS[-1] if strike.final else self.wait_ms
        until = min(audio.start + HOP, strike.until,
                    strike.attack + int(wait_ms * SAMPLE_RATE / 1000.0))
        while strike.next <= until:
            audio.history(strike.next - WINDOW, self._frame)
            if strike.room < 0.0:
                strike.room = highest(self._frame)
            self._hear_frame(strike)
            strike.next += STEP

    def _hear_frame(self, strike: Strike) -> None:
        """One step of the model, from and to this strike's memory."""
        model = self._model
        hear(self._frame, *self._ear, strike.hush, strike.most, model.inputs["frame"][0])
        hear_on(model, strike.memory)
        strike.opinion[:] = model.outputs["probabilities"][0]
        strike.frames += 1
        moment = _MOMENT.get(strike.frames)
        if moment is not None and self._lessons:        # it lasts, where no more is heard
            strike.features[moment:] = strike.memory
            strike.general[moment:] = strike.opinion

    # -- saying it -----------------------------------------------------------------------------

    def _speak(self, strike: Strike, said: list[Hit | Release]) -> None:
        """Say what was struck, if it is time to."""
        clock = self._clock
        last, first = strike.time + self.wait_ms / 1000.0, strike.time + self.first_ms / 1000.0
        if self.when == "sure":                         # what leaves at once needn't be even
            if clock.next > last or (strike.heard_ms >= _FIRST_MS
                                     and self._sureness(strike) >= self.sure_at):
                strike.final = True
                self._say(strike, 0.0, said)
        elif clock.next > last:
            strike.final = True
            self._say(strike, last, said)
        elif self.when == "early" and strike.hit is None and clock.next > first:
            self._say(strike, first, said)
        elif self.sooner and self.when == "steady" and strike.heard_ms >= _FIRST_MS:
            self._speak_sooner(strike, said)

    def _speak_sooner(self, strike: Strike, said: list[Hit | Release]) -> None:
        """Say it now where it is a sound whose own wait is over."""
        sound, _ = self._best(strike)
        due = strike.time + self._naming.wait_ms(sound) / 1000.0
        if self._clock.next > due and not self._is_none(strike):
            strike.final = True
            self._say(strike, due, said)

    def _say(self, strike: Strike, due: float, said: list[Hit | Release]) -> None:
        """A first hit, or a second that corrects it; nothing where the word stays the same."""
        hit, before = self._hit(strike, due), strike.hit
        if hit is None or (before is not None
                           and (before.sound, before.drum) == (hit.sound, hit.drum)):
            return
        if before is not None:
            hit = replace(hit, corrects=strike.sent)
        strike.hit, strike.sent = hit, max(due, self._clock.now)
        said.append(hit)

    def _hit(self, strike: Strike, due: float) -> Hit | None:
        """What was struck, by all that was heard; None where it is no drum, or not sure enough."""
        strike.sound, confidence = self._best(strike)
        if self._is_none(strike):
            return None
        velocity = self._velocity(strike)
        name, drum = self._naming.called(strike.sound, strike.opinion)
        if drum == SILENT:
            return None
        if confidence < self.unsure_below:
            if self.unsure == "drop":
                return None
            if self.unsure == "guess":
                velocity *= GUESS_VELOCITY
            else:
                name = drum = self.unsure
        return Hit(strike.time, name, drum, velocity, confidence, due)

    def _is_none(self, strike: Strike) -> bool:
        """Whether it is refused, by itself and by those before it."""
        none = self._doubt.weigh(strike.time, float(strike.chances[NONE]), self.doubt)
        return none >= self.refuse_at

    def _remember(self, strike: Strike) -> None:
        """For what comes next, what this one turned out to be."""
        self._doubt.heard(strike.time, float(strike.chances[NONE]))
        if strike.hit and self._due:
            self._due.struck(strike.time, strike.hit.drum, strike.hit.velocity)

    def _velocity(self, strike: Strike) -> float:
        """Where its peak lies between soft and loud, 0..1."""
        own = self._naming.range_db(strike.sound, strike.heard_ms)
        soft, loud = own or (self.soft_db, self.loud_db)
        loudness = (level_db(float(strike.most[1])) - soft) / max(LEAST_RANGE_DB, loud - soft)
        return min(1.0, max(0.0, loudness))

    def _best(self, strike: Strike) -> tuple[int, float]:
        """The likeliest sound and its probability."""
        self._weigh(strike)
        sound = int(strike.chances[:NONE].argmax())
        return sound, float(strike.chances[sound])

    def _sureness(self, strike: Strike) -> float:
        """How sure it is of anything, also that it is none."""
        self._weigh(strike)
        return float(strike.chances.max())

    def _weigh(self, strike: Strike) -> None:
        if strike.weighed != strike.frames:
            strike.weighed = strike.frames
            self._naming.weigh(strike.memory, strike.opinion, strike.heard_ms, strike.chances)
            if self._due:
                drums = [self._naming.drum_of(sound, strike.opinion)
                         for sound in range(len(self._naming.names))]
                self._due.weigh(strike.time, drums, strike.chances, self.groove)

    # -- and then ------------------------------------------------------------------------------

    def _follow(self, strike: Strike, audio: AudioBlock, said: list[Hit | Release]) -> None:
        """Tell when the sound has died away, is drowned by another, or has lasted too long."""
        if strike.hit is None:
            strike.over = True
            return
        peak = float(strike.most[1])
        floor = max(QUIET * peak, min(ROOM * strike.room, 0.5 * peak))
        strike.quiet = strike.quiet + 1 if highest(audio.samples) < floor else 0
        lasted = self._clock.now - strike.time
        if strike.ended or strike.quiet >= QUIET_HOPS or lasted >= LONGEST_S:
            strike.over = True
            said.append(self._release(strike.hit))

    def _lay_by(self, strikes: Sequence[Strike]) -> None:
        """They have died away, but may still be called wrong."""
        for strike in strikes:
            self._heard.remove(strike)
            self._recent.append(strike)
        self._forget_at = self._recent[0].time + WRONG_S + AGAIN_S

    def _release(self, hit: Hit) -> Release:
        return Release(self._clock.now, hit.sound, hit.drum)

    @property
    def _learning(self) -> bool:
        return self._lessons is not None and self._lessons.open

    def _rest(self) -> Sequence[Hit | Release]:
        """Nothing is in the air: forget what is long over, learn what was taught."""
        said, now = self._hand.say(), self._clock.now
        while self._recent and now - self._recent[0].time > WRONG_S + AGAIN_S:
            strike = self._recent.popleft()
            self._adapt_to(strike)
            self._free.append(strike)
        self._forget_at = (self._recent[0].time + WRONG_S + AGAIN_S if self._recent
                           else float("inf"))
        if self._learning and now - self._quiet_since >= PAUSE_S:
            assert self._lessons
            self._lessons.pause()
        return said

    # -- by hand -------------------------------------------------------------------------------

    @action(help="the least certain hit of the last 1.5 s becomes its second guess; pressed again "
                 "within 2 s, its third; wrong.<sound> says which it was")
    def wrong(self, word: str = "") -> None:
        """Correct what was said, at once; with a profile, learn and keep it at the next pause."""
        self._hand.wrong((*self._recent, *self._heard), self._audio, word)

    @action(help="take the last wrong back, and what was learned from it")
    def undo(self) -> None:
        """As before the press."""
        self._hand.undo()

    def _adapt_to(self, strike: Strike) -> None:
        """Learn from a hit of which the ear alone is very sure, and that nobody called wrong."""
        hit, names = strike.hit, self._naming.names
        if (not self.adapt or self._lessons is None or hit is None or hit.corrects is not None
                or hit.sound not in names):
            return
        sound = names.index(hit.sound)
        self._naming.weigh(strike.memory, strike.opinion, strike.heard_ms, self._alone)
        if self._alone[sound] >= CERTAIN * (1.0 - self._alone[NONE]):
            self._lessons.follow(Lesson(sound, strike.features.copy(), strike.general.copy()))

