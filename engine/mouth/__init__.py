"""A mouth to test with: beatbox performances made from nothing, whose truth is known exactly.

It sounds for the demo and for the tests, and never stands in for real voices in a score. A score
is a list of (time, sound, velocity); `perform` sings it and says what was struck when.

    audio, strikes = perform(beat("b X...x...X...x...", bpm=96), "aki")
"""

from engine.mouth.demo import demo_performance
from engine.mouth.performance import Strike, perform
from engine.mouth.performers import PERFORMERS, Performer, performer
from engine.mouth.score import beat
from engine.mouth.sounds import SOUNDS
from engine.mouth.voice import breath, hum, speech

__all__ = ["PERFORMERS", "SOUNDS", "Performer", "Strike", "beat", "breath", "demo_performance",
           "hum", "perform", "performer", "speech"]
