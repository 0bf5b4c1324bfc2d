"""How doubtful a strike is before it is heard, by those before it.

Hiss, talk and music come in streams, and so do hits. So each strike that was no drum makes the
next a little more doubtful for a second or two, and each hit a little less. What is clearly a hit
is one all the same.
"""

import math

# Chosen on takes, and on drawn noises of other seeds than those that are scored.
COUNTS = 0.5                    # of a strike's own log odds
SURE = 0.95                     # no strike counts as surer than this
MOST, LEAST = 2.5, -0.75        # nats; hits win little, for what follows them may be talk
FADES_S = 2.0                   # to a third


class Doubt:
    """What the strikes until now say of the next.

        doubt.weigh(time, none)     # how probably it is none, all considered
        doubt.heard(time, none)     # how probably it was none, by itself
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._nats, self._time = 0.0, 0.0

    def weigh(self, time: float, none: float, strength: float = 1.0) -> float:
        """The chance that a strike is none.

        time     : of the strike, seconds
        none     : the same by itself, 0..1
        strength : of all that came before counts, 0..1
        """
        return doubted(none, strength * self._left(time))

    def heard(self, time: float, none: float) -> None:
        """A strike has been decided."""
        none = min(SURE, max(1.0 - SURE, none))
        nats = self._left(time) + COUNTS * math.log(none / (1.0 - none))
        self._nats, self._time = min(MOST, max(LEAST, nats)), max(self._time, time)

    def _left(self, time: float) -> float:
        return self._nats * math.exp(min(0.0, self._time - time) / FADES_S)


def doubted(none: float, nats: float) -> float:
    """A chance that it is none, 0..1, made so much more doubtful."""
    odds = none * math.exp(nats)
    return odds / (odds + 1.0 - none)
