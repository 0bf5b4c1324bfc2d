"""What an answer keeps to: its place, length and range, the chords over it, and its scale."""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.music.likeness import Key, key_of
from engine.music.line import NO_CHORD, Line, Steps, notes_of

AUTO, OFF = 0, 0xFFF               # scale lock: the key of the call, or every note

MOST_BARS = 32                     # of an answer, however long the call
AROUND = 2                         # half tones beyond the call's range
CHORD_PULL = 3.0                   # a note of the chord on a strong beat, against the model alone


class Settings(msgspec.Struct, frozen=True):
    """What the performer may turn.

    bars        : how long the answer is; 0 as long as the call; 32 at most
    temperature : 1 as the model learned; less is plainer, more is wilder
    low, high   : notes it may use; -1 follows the call's range
    register    : half tones the answer lies above the call
    density     : notes, as a multiple of the call's
    scale       : twelve bits of allowed pitch classes (bit 0 is C), AUTO or OFF
    motifs      : how much of the call comes back, 0 to 1
    novelty     : 0 plays what is likely; 1 keeps away from it
    """

    bars: int = 0
    temperature: float = 1.0
    low: int = -1
    high: int = -1
    register: int = 0
    density: float = 1.0
    scale: int = AUTO
    motifs: float = 0.5
    novelty: float = 0.0


@dataclass(frozen=True)
class Frame:
    """What an answer must keep to: its place, chords, notes and key."""

    call: Line
    start: int
    length: int
    chords: Steps
    low: int
    high: int
    key: Key
    scale: int
    settings: Settings

    def chord(self, step: int) -> int:
        """The chord over a step of the answer."""
        return int(self.chords[len(self.call.steps) + step])

    def weights(self, step: int) -> NDArray[np.float64]:
        """How welcome each note from low to high is at a step of the answer."""
        chord = self.chord(step)
        allowed = self.scale | chord & 0xFFF
        strong = (self.start + step) % (8 if self.call.bar % 8 == 0 else self.call.bar) == 0
        pull = CHORD_PULL if strong and chord != NO_CHORD else 1.0
        notes = np.arange(self.low, self.high + 1) % 12
        return np.asarray((allowed >> notes & 1) * np.where(chord >> notes & 1, pull, 1.0))


def frame_of(call: Line, chords: Steps | None, settings: Settings) -> Frame:
    """Read off the call what its answer keeps to."""
    start = (call.start + len(call.steps)) % call.bar
    bars = min(settings.bars or max(1, round(len(call.steps) / call.bar)), MOST_BARS)
    length = bars * call.bar - start               # to the end of the last bar
    if length < call.bar // 2:
        length += call.bar
    over = np.full(len(call.steps) + length, NO_CHORD, np.int64)
    if chords is not None and len(chords):
        known = min(len(chords), len(over))
        over[:known] = chords[:known]
        over[known:] = chords[known - 1]
    low, high = _range_of(call, settings)
    key = key_of(call)
    scale = {AUTO: key.scale}.get(settings.scale, settings.scale)
    return Frame(call, start, length, over, low, high, key, scale & 0xFFF or OFF, settings)


def _range_of(call: Line, settings: Settings) -> tuple[int, int]:
    played = [n.note for n in notes_of(call)] or [60, 72]
    low = min(played) - AROUND if settings.low < 0 else settings.low
    high = max(played) + AROUND if settings.high < 0 else settings.high
    if high - low < 7:                             # a call of one note is answered by a few
        low, high = low - 3, high + 4
    low, high = low + settings.register, high + settings.register
    return max(0, min(low, 115)), min(127, max(high, 12))
