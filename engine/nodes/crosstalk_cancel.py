"""Two microphones on one stage: what one singer's hears of the other's is not played."""

from collections.abc import Sequence

import numpy as np

from engine.dsp.levels import accumulate
from engine.events import Hit, Onset, Release
from engine.node import Context, Node
from engine.param import Param
from engine.ports import AudioBlock
from engine.units import HOP, Samples, frames, gain

LEAD_S = 0.002                  # an attack begins so long before its onset
HEARD_S = 0.020                 # two strikes are compared by so much sound
LONGEST_S = 0.040               # the widest window
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

    A snare's tail may be struck anew in the far microphone alone. So a hit is refused too where
    the other microphone hears the same moment louder by `bleed_db`, struck there or not: a
    strike of one's own that soft would drown anyway. And two singers who mean the same moment
    are heard as one: raise `margin_db` to let both play, unless one is that much louder.
    """

    window_ms = Param(12.0, low=1.0, high=1000.0 * LONGEST_S,
                      help="strikes this close may be one strike")
    margin_db = Param(0.0, low=0.0, high=40.0, help="refuse only what is quieter by more than this")
    bleed_db = Param(12.0, low=3.0, high=60.0,
                     help="refuse what the other microphone hears so much louder, struck or not")

    def prepare(self, context: Context) -> None:
        self._clock = context.clock
        self._stretch = np.zeros(frames(LEAD_S + LONGEST_S), np.float32)
        self._level = np.zeros(2, np.float32)           # highest sample, sum of squares
        self._others: list[float] = []                  # when the other singer struck
        self._struck: list[_Struck] = []                # oldest first
        self._peak(self._stretch)

    def process(self, hits: Sequence[Hit | Release], onsets: Sequence[Onset], own: AudioBlock,
                other: AudioBlock) -> Sequence[Hit | Release]:
        if not (hits or onsets):
            return ()
        self._forget()
        self._others += [onset.time for onset in onsets]
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
        """Has the other singer struck as good as now and louder, or is this plainly theirs?"""
        window = self.window_ms / 1000.0
        for struck in self._others:
            if abs(struck - time) <= window:
                ours, theirs = self._peaks(own, other, min(struck, time), HEARD_S)
                ours *= gain(self.margin_db)
                if theirs > ours or (theirs == ours and struck < time):
                    return True
        ours, theirs = self._peaks(own, other, time, window)
        return theirs > ours * gain(self.bleed_db)

    def _peaks(self, own: AudioBlock, other: AudioBlock, time: float, seconds: float
               ) -> tuple[float, float]:
        """The highest sample in either microphone, from an attack at `time` on."""
        start = max(0, frames(time - LEAD_S))
        end = min(frames(time + seconds), own.start + HOP)
        stretch = self._stretch[:max(0, end - start)]
        own.history(start, stretch)
        ours = self._peak(stretch)
        other.history(start, stretch)
        return ours, self._peak(stretch)

    def _peak(self, samples: Samples) -> float:
        self._level[:] = 0.0
        accumulate(samples, self._level)
        return float(self._level[0])
