"""The melody demo: four calls made here, their answers by Kuchi, over chords that go round."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engine.events import Chord, Note, NoteOff, NoteOn, Sent
from engine.patch import Patch, parse_patch
from engine.rendering import render
from engine.units import Samples

BPM = 104.0
BEAT_S = 60.0 / BPM
LISTEN_BARS = 2
CALLS = (
    ((0, 1, 69), (1, .5, 72), (1.5, .5, 71), (2, 1, 69), (3, .5, 67), (3.5, .5, 64),
     (4, 1, 65), (5, .5, 69), (5.5, .5, 67), (6, 1.5, 65)),
    ((0, .5, 72), (.5, .5, 71), (1, 1, 72), (2.5, .5, 67), (3, 1, 64),
     (4, .5, 67), (4.5, .5, 69), (5, .5, 71), (5.5, .5, 74), (6, 1.5, 71)),
    ((0, .75, 76), (.75, .25, 74), (1, 1, 72), (2, .75, 74), (2.75, .25, 72), (3, 1, 69),
     (4, .5, 69), (4.5, .5, 72), (5, 1, 77), (6, 1.5, 74)),
    ((0, .5, 79), (.5, .5, 76), (1, .5, 72), (1.5, .5, 76), (2, 1, 79), (3, 1, 76),
     (4, .5, 74), (4.5, .5, 71), (5, .5, 67), (5.5, .5, 71), (6, 1.5, 74)),
)
"""Two bars each, every four bars: (beat, beats, note)."""

_PATCH = f"""
title  = "Melody demo"
about  = "Calls and answers over four chords that go round."
cables = [
  "clock -> chords -> comp -> pad -> mix -> speakers",
  "keys -> duet -> lead -> mix",
  "keys -> call -> mix",
  "chords -> duet",
  "clock -> duet",
  "duet -> daw",
  "comp -> daw-chords",
]
[nodes.clock]
type = "clock"
bpm  = {BPM}
[nodes.chords]
type  = "chord-follower"
track = "Am7 | Fmaj7 | C | G"
split = "C-1"
[nodes.comp]
type    = "chord-player"
channel = 2
[nodes.pad]
type    = "tone-player"
sound   = "pad"
gain_db = -8
[nodes.duet]
type        = "melody-continuation"
listen_bars = {LISTEN_BARS}
bars        = {LISTEN_BARS}
[nodes.lead]
type = "tone-player"
[nodes.call]
type    = "tone-player"
sound   = "bass"
gain_db = -4
[nodes.mix]
type = "mixer"
[nodes.daw]
type    = "midi-out"
port    = "Kuchi melody"
channel = 1
[nodes.daw-chords]
type    = "midi-out"
port    = "Kuchi melody"
channel = 2
"""


class Demo(NamedTuple):
    """What was played and what came back."""

    patch: Patch
    calls: list[NoteOn | NoteOff]
    sent: list[Sent]

    @property
    def answers(self) -> list[NoteOn]:
        """The notes that Kuchi began."""
        return [sent.event for sent in self.sent
                if sent.node == "duet" and isinstance(sent.event, NoteOn)]

    @property
    def chords(self) -> list[Chord]:
        """The harmony, as it changed."""
        return [sent.event for sent in self.sent if isinstance(sent.event, Chord)]


def calls() -> list[NoteOn | NoteOff]:
    """The four calls, each followed by as many bars of silence."""
    notes: list[Note] = []
    for number, phrase in enumerate(CALLS):
        for beat, beats, note in phrase:
            start = (8 * LISTEN_BARS * number + beat) * BEAT_S + 0.002
            loud = 92 if beat % 1 == 0 else 78
            notes += [NoteOn(start, note, loud, 1),
                      NoteOff(start + 0.9 * beats * BEAT_S, note, 64, 1)]
    return sorted(notes, key=lambda note: note.time)


def play(seed: int, write: Callable[[Samples], object]) -> Demo:
    """Play the calls to the patch; `write` is given the sound, float32 (n, 2) at a time."""
    patch = parse_patch(_PATCH, source="the melody demo", folder=Path())
    played = calls()
    end = 8 * LISTEN_BARS * len(CALLS) * BEAT_S
    last: list[Note] = [NoteOn(end - 1.0, 0, 1, 1),
                        NoteOff(end - 0.9, 0, 64, 1)]           # so long it shall go on
    muted = patch.with_setting("seed", seed, node="duet")
    return Demo(muted, played, list(render(muted, None, [*played, *last], write=write)))
