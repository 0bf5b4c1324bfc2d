"""Two microphones on one stage: what one singer's hears of the other's is not played."""

from collections.abc import Sequence

import numpy as np

from engine.dsp.levels import accumulate
from engine.events import Hit, Onset, Release
from engine.node import AudioBlock, Context, Node, Param
from engine.units import HOP, Samples, frames, gain

LEAD = frames(0.002)            # an attack begins so long before its onset
HEARD = frames(0.022)           # both are compared by so much sound, from LEAD on
REMEMBERED_S = 5.0              # longer than any hit sounds


class _Struck:
    """A hit that was judged, until its sound has died away."""

    __slots__ = ("drum", "refused", "time")

    def __init__(self, hit: Hit, refused: bool) -> None:
        self.time, self.drum, self.refused = hit.time, hit.drum, refused


class CrosstalkCancel(Node):
    """Of two hits within `window_ms`, refuse the quieter: it is bleed, or as good as.

    One for each singer, cabled crosswise. `hits` are the singer's own, `onsets` the other's;
    `own` and `other` are the two microphones. The louder is the one whose microphone has the
    higher peak in the 20 ms from the earlier of the two strikes. Of equals the earlier is
    kept; if nothing tells them apart, both.

    No hit is ever held back. It is judged when it comes, which under *steady* is the last hop
    before it is due, `wait_ms` after its strike. The other singer's hit may still be on its way
    by then, but its onset is known within some 6 ms, and the sound of both microphones has been
    heard. So even a strike that comes after the quieter one counts, and the delay stays even.
    Where hits leave sooner (*sure*, *early*) only what has been heard until then can count; a
    correction follows the verdict on its first guess.

    Only what arrives after it can be wrong: two singers who mean the same moment are heard as
    one. Raise `margin_db` to let both play unless one is that much louder.
    """

    window_ms = Param(12.0, low=1.0, high=40.0, help="strikes this close may be one strike")
    margin_db = Param(0.0, low=0.0, high=40.0, help="refuse only what is quieter by more than this")

    def prepare(self, context: Context) -> None:
        self._clock = context.clock
        self._stretch = np.zeros(HEARD, np.float32)
        self._level = np.zeros(2, np.float32)           # highest sample, sum of squares
        self._others: list[float] = []                  # when the other singer struck
        self._struck: list[_Struck] = []                # oldest first
        self._peak(self._stretch)

    def process(self, hits: Sequence[Hit | Release], onsets: Sequence[Onset], own: AudioBlock,
                other: AudioBlock) -> Sequence[Hit | Release]:
        if onsets:
            self._others += [onset.time for onset in onsets]
        if not hits:
            return ()
        self._forget()
        return [event for event in hits if self._passes(event, own, other)]

    def reset(self) -> None:
        self._others.clear()
        self._struck.clear()

    def _forget(self) -> None:
        since = self._clock.now - REMEMBERED_S
        self._others = [time for time in self._others if time > since]
        self._struck = [struck for struck in self._struck if struck.time > since]

    def _passes(self, event: Hit | Release, own: AudioBlock, other: AudioBlock) -> bool:
        """The verdict on a hit holds for its correction and its release too."""
        if isinstance(event, Release):
            ended = next((s for s in self._struck if s.drum == event.drum), None)
            if ended is None:
                return True
            self._struck.remove(ended)
            return not ended.refused
        first = next((s for s in self._struck if s.time == event.time), None)
        if first is None:
            first = _Struck(event, self._is_bleed(event.time, own, other))
            self._struck.append(first)
        first.drum = event.drum
        return not first.refused

    def _is_bleed(self, time: float, own: AudioBlock, other: AudioBlock) -> bool:
        """Has the other singer struck as good as now, and louder?"""
        for struck in self._others:
            if abs(struck - time) <= self.window_ms / 1000.0:
                start = max(0, frames(min(struck, time)) - LEAD)
                ours = self._peak_from(own, start) * gain(self.margin_db)
                theirs = self._peak_from(other, start)
                if theirs > ours or (theirs == ours and struck < time):
                    return True
        return False

    def _peak_from(self, audio: AudioBlock, start: int) -> float:
        stretch = self._stretch[:min(HEARD, audio.start + HOP - start)]
        audio.history(start, stretch)
        return self._peak(stretch)

    def _peak(self, samples: Samples) -> float:
        self._level[:] = 0.0
        accumulate(samples, self._level)
        return float(self._level[0])
