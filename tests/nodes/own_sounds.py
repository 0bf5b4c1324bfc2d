"""What tests of a profile share: synthetic performers who teach, and a classifier with a pedal."""

from pathlib import Path

import numpy as np

from engine.clock import Clock
from engine.events import Hit, Onset
from engine.mouth import perform
from engine.node import Context, OnStage
from engine.nodes.drum_classifier import DrumClassifier
from engine.ports import AudioBlock
from engine.rehearsal.teaching import cut, onsets_of
from engine.voice.profile import Profile, taught


def taught_by(who, sounds, takes=5, seed=0):
    """A profile of a synthetic performer: name -> mouth sound."""
    profile = Profile()
    for place, (name, sound) in enumerate(sounds.items()):
        audio, strikes = perform([(0.3 + 0.7 * k, sound, 0.5 + 0.1 * k) for k in range(takes)],
                                 who, seed=100 * seed + place)
        onsets = onsets_of(audio)
        profile = profile.with_takes(name, [cut(audio, s.time, onsets) for s in strikes])
    return taught(profile)


def song(sounds, who, count=40, gap=0.25, seed=7):
    """Strikes of these mouth sounds in turn, and which name each is."""
    rng = np.random.default_rng(seed)
    names = [list(sounds)[k] for k in rng.integers(len(sounds), size=count)]
    audio, strikes = perform([(0.5 + gap * k, sounds[name], float(rng.uniform(0.4, 1.0)))
                              for k, name in enumerate(names)], who, seed=seed)
    return audio, [Onset(strike.time, 30.0) for strike in strikes], names


def hits(events):
    return [event for event in events if isinstance(event, Hit)]


class Stage:
    """A classifier, played hop by hop, with a pedal."""

    def __init__(self, audio, onsets, stage=None, **settings):
        self.clock, self.stage, self.settings = Clock(), stage, settings
        self.node = self.prepared()
        self.ring = np.zeros(1 << 21, np.float32)
        self.ring[:len(audio)] = audio
        self.block = AudioBlock(self.ring)
        self.onsets = list(onsets)
        self.said = []

    def prepared(self):
        node = DrumClassifier(**self.settings)
        node.prepare(Context(self.clock, Path(), stage=self.stage))
        return node

    def edited(self):
        """What the classifier has read is another now: a fresh one takes over."""
        fresh = self.prepared()
        fresh.take_over(self.node)
        self.node = fresh

    def until(self, time):
        said = []
        while self.clock.now < time:
            start = self.clock.frame
            self.clock.move_to(start + 64)
            self.block.move_to(start)
            now = [o for o in self.onsets if start <= round((o.time + 0.005) * 48_000) < start + 64]
            said += self.node.process(self.block, now)
        self.said += said
        return hits(said)

    def press(self, word="", action="wrong"):
        self.node.act(action, word=word)
        return self.until(self.clock.now + 0.003)


class Kept(Stage):
    """The same, live: the performer is told what can't be kept."""

    def __init__(self, audio, onsets, **settings):
        self.told = []
        super().__init__(audio, onsets, stage=OnStage(lambda *words: self.told.append(words),
                                                      np.zeros(2, np.int64)), **settings)

    def correct(self, onset, sound):
        self.until(onset.time + 0.3)
        self.press(sound)
