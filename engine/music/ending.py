"""Every answer closes on time: on root, third or fifth, in its last bar, half a beat early."""

import numpy as np

from engine.music.frame import Frame
from engine.music.line import HOLD, REST, STEPS_A_BEAT, Line, Steps

LEFT_BEATS = 0.5                   # at the end, for the performer
CADENCE = (0, 3, 4, 7)             # half tones over the root that end an answer


def ended(frame: Frame, steps: Steps) -> Line:
    """Close on time: the last note in the last bar, on the chord, let go half a beat early."""
    closed = steps.copy()
    bar = frame.call.bar
    first = max(0, frame.length - bar)
    until = frame.length - max(1, int(LEFT_BEATS * STEPS_A_BEAT))
    latest = max(first, until - 2)                 # an eighth at least
    onsets = np.flatnonzero(closed[first:latest + 1] >= 0) + first
    strong = [int(step) for step in onsets if (frame.start + step) % STEPS_A_BEAT == 0]
    last = strong[-1] if strong else int(onsets[-1]) if len(onsets) else first
    before = closed[:last][closed[:last] >= 0]
    near = int(closed[last]) if closed[last] >= 0 else int(before[-1]) if len(before) else 66
    closed[last] = _closing_note(frame, last, near)
    closed[last + 1:] = HOLD
    closed[until] = REST
    return Line(closed, bar, frame.start)


def _closing_note(frame: Frame, step: int, near: int) -> int:
    """The nearest root, third or fifth of the chord, or of the key where there is none."""
    chord = frame.chord(step)
    root = (chord >> 12) - 1 if chord else frame.key.root
    third = 3 if frame.key.minor else 4
    members = [d for d in (CADENCE if chord else (0, third, 7))
               if not chord or chord >> (root + d) % 12 & 1] or [0]
    notes = [n for n in range(frame.low, frame.high + 1) if (n - root) % 12 in members]
    if not chord:                                  # a locked scale holds to the end
        notes = [n for n in notes if frame.scale >> n % 12 & 1] or notes
    return min(notes or [near], key=lambda n: (abs(n - near), n))
