"""How unlike all of a performer's sounds a strike is.

Heads tell sounds apart, and what is none of them is told by what everybody's mouths would say. But
whoever has taught their sounds has also shown where they lie, and what lies farther from the
nearest of them than their own takes do is more doubtful: hiss that is nearly a hat, a word that
begins as a kick does. Only the units that name are asked, since what else is remembered hears the
room, and rooms differ.
"""

import numpy as np

from engine.dsp.distance import nearest
from engine.units import Samples
from engine.voice.doubt import doubted
from engine.voice.drum_model import NAMING
from engine.voice.learning import Takes

# Chosen on takes, noises and speech, all through other microphones too; the card tells what it won.
USUAL = 0.9                     # of one's takes lie nearer to the others of their sound than that
LEAST = 0.2                     # of what other voices vary by; some give their takes all alike
NATS = 2.0                      # for e times as far, squared
MOST = 1.5                      # nats: through another microphone everything is a little strange


class Likeness:
    """Where a performer's sounds lie, and how far from there their own takes lie.

        likeness.weigh(moment, memory, chances)

    takes : all that are known
    """

    def __init__(self, takes: Takes) -> None:
        features = takes.features[..., :NAMING]
        self._units = features.shape[-1]
        whiten = _whiten(takes.spread, self._units)
        white = features.transpose(1, 0, 2) @ whiten                # (moments, rows, units)
        sounds = np.unique(takes.labels)
        self._whiten = np.ascontiguousarray(whiten, np.float32)
        self._means = np.ascontiguousarray(
            np.stack([white[:, takes.labels == k].mean(axis=1) for k in sounds], axis=1),
            np.float32)
        self._white = np.zeros(self._units, np.float32)
        apart = np.concatenate([_apart(white[:, takes.labels == k], takes.take[takes.labels == k])
                                for k in sounds], axis=1)
        self._usual = (np.maximum(np.quantile(apart, USUAL, axis=1), LEAST) if apart.size
                       else np.full(len(white), np.inf))            # single takes don't show it

    def weigh(self, moment: int, memory: Samples, chances: Samples) -> None:
        """Make none of them, the last of these chances, as much likelier as it is doubtful."""
        before = float(chances[-1])
        none = doubted(before, self.doubt(moment, memory))
        if none > before:
            chances *= np.float32((1.0 - none) / (1.0 - before))
            chances[-1] = none

    def doubt(self, moment: int, memory: Samples) -> float:
        """How much more doubtful this is than a strike that resembles the takes: 0..MOST, nats.

        memory : float32 (units,), what the model remembers at that moment
        """
        far = nearest(memory[:self._units], self._whiten, self._means[moment], self._white)
        return min(MOST, NATS * float(np.log(max(1.0, far / self._usual[moment]))))


def _whiten(spread: Samples | None, units: int) -> Samples:
    """Makes round how takes of anybody's vary within a sound: (units, units), for rows."""
    usual = np.eye(units)
    if spread is not None:
        known = min(units, len(spread))
        usual[:known, :known] = spread[:known, :known]
    return np.asarray(np.linalg.inv(np.linalg.cholesky(usual)).T, np.float32)


def _apart(white: Samples, take: Samples) -> Samples:
    """How far each row lies from the mean of its sound's other takes: (moments, rows)."""
    rows = []
    for number in np.unique(take):
        own = take == number
        if not own.all():
            off = white[:, own] - white[:, ~own].mean(axis=1, keepdims=True)
            rows.append((off * off).mean(axis=-1))
    return np.concatenate(rows, axis=1) if rows else np.zeros((len(white), 0), np.float32)
