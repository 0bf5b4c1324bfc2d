"""Whose words name a strike: everybody's, or a performer's own.

Both give a chance for each of their sounds and, last, for none of them, out of what the drum model
remembers of a strike and would say of anybody's mouth.
"""

from pathlib import Path
from typing import Protocol

import numpy as np

from engine.drums import DRUMS
from engine.model import MODELS, Model
from engine.units import Samples
from engine.voice.drum_model import CLASSES
from engine.voice.learning import MOMENTS_MS, MOST_SOUNDS, Heads, Takes, moment_of
from engine.voice.likeness import Likeness
from engine.voice.profile import HAT, OPEN_AT, Profile

ROWS = MOST_SOUNDS + 1          # of the mapper: its sounds, and none of them
WIDTH = 256                     # of its features: what a drum model remembers, and zeros
MAPPER = MODELS / "mapper" / "model.onnx"

_NOBODY = -1e4                  # the bias of a row without a sound: its chance is 0
_CLOSED, _OPEN = DRUMS.index("hihat_closed"), DRUMS.index("hihat_open")


class Naming(Protocol):
    """Names for a strike.

    names : of the sounds
    """

    names: tuple[str, ...]

    def weigh(self, memory: Samples, opinion: Samples, heard_ms: float, chances: Samples) -> None:
        """Fill in `chances`, float32 (ROWS,): a sound each, from 0 on; the last is none of them.

        memory   : float32 (units,)     what the model remembers
        opinion  : float32 (CLASSES,)   what it would say of anybody
        heard_ms : since the attack
        """

    def drum_of(self, sound: int, opinion: Samples) -> str:
        """What a sound plays."""

    def called(self, sound: int, opinion: Samples) -> tuple[str, str]:
        """Its name, and what it plays."""

    def range_db(self, sound: int, heard_ms: float) -> tuple[float, float] | None:
        """One's own soft and loud, dBFS; None where nobody's are known."""

    def wait_ms(self, sound: int) -> float:
        """From this moment on it is named right; infinity where that isn't known."""


class Everybody:
    """The sixteen drums, as most mouths mean them; open and closed hat are one until named."""

    names = DRUMS

    def weigh(self, memory: Samples, opinion: Samples, heard_ms: float, chances: Samples) -> None:
        chances[:] = opinion
        chances[_CLOSED] += chances[_OPEN]
        chances[_OPEN] = 0.0

    def drum_of(self, sound: int, opinion: Samples) -> str:
        return _hat(opinion) if sound == _CLOSED else DRUMS[sound]

    def called(self, sound: int, opinion: Samples) -> tuple[str, str]:
        drum = self.drum_of(sound, opinion)
        return drum, drum

    def range_db(self, sound: int, heard_ms: float) -> tuple[float, float] | None:
        return None

    def wait_ms(self, sound: int) -> float:
        return float("inf")


class Own:
    """A profile's sounds, by its heads.

    takes     : where its sounds lie: what resembles none of them is doubted
    softer_db : all is heard here so much softer than when the takes were given
    """

    def __init__(self, profile: Profile, takes: Takes, softer_db: float = 0.0) -> None:
        assert profile.heads is not None
        self.heads = profile.heads
        self._likeness = Likeness(takes)
        self.names = profile.names
        self._drums = [profile.drum_of(name) for name in self.names]
        self._waits = [profile.waits.get(name, float("inf")) for name in self.names]
        self._ranges = [[(soft - softer_db, loud - softer_db) for soft, loud in
                         (profile.range_db(name, ms) for name in self.names)] for ms in MOMENTS_MS]
        self._graph = HeadGraph(profile.heads)

    def learned(self, heads: Heads) -> None:
        """Go on with other heads for the same sounds."""
        self.heads = heads
        self._graph.fill(heads)

    def weigh(self, memory: Samples, opinion: Samples, heard_ms: float, chances: Samples) -> None:
        moment = moment_of(heard_ms)
        chances[:] = self._graph.weigh(moment, memory, opinion)
        self._likeness.weigh(moment, memory, chances)

    def drum_of(self, sound: int, opinion: Samples) -> str:
        return _hat(opinion) if self.names[sound] == HAT else self._drums[sound]

    def called(self, sound: int, opinion: Samples) -> tuple[str, str]:
        return self.names[sound], self.drum_of(sound, opinion)

    def range_db(self, sound: int, heard_ms: float) -> tuple[float, float] | None:
        return self._ranges[moment_of(heard_ms)][sound]

    def wait_ms(self, sound: int) -> float:
        return self._waits[sound]


class HeadGraph:
    """Heads, run as ONNX without a copy but that of the moment's weights."""

    def __init__(self, heads: Heads, path: Path = MAPPER) -> None:
        self._model = Model(path, {"features": (1, WIDTH), "general": (1, CLASSES),
                                   "weights": (ROWS, WIDTH), "bias": (1, ROWS),
                                   "blend": (1, ROWS), "kin": (CLASSES, ROWS)},
                            {"chances": (1, ROWS)})
        self._moment = -1
        self.fill(heads)

    def weigh(self, moment: int, features: Samples, general: Samples) -> Samples:
        """The chance of each sound, from 0 on, and of none, last; overwritten by the next call."""
        model = self._model
        if moment != self._moment:
            self._moment = moment
            model.inputs["weights"][:] = self._weights[moment]
            model.inputs["bias"][0] = self._bias[moment]
            model.inputs["blend"][0] = self._blend[moment]
        model.inputs["features"][0, :len(features)] = features
        model.inputs["general"][0] = general
        model.run()
        chances: Samples = model.outputs["chances"][0]
        return chances

    def fill(self, heads: Heads) -> None:
        """Run these from now on."""
        rows = [*range(len(heads.names)), ROWS - 1]
        moments = len(MOMENTS_MS)
        units = heads.weights.shape[-1]
        self._weights = np.zeros((moments, ROWS, WIDTH), np.float32)
        self._bias = np.full((moments, ROWS), _NOBODY, np.float32)
        self._blend = np.zeros((moments, ROWS), np.float32)
        self._weights[:, rows, :units] = heads.weights
        self._bias[:, rows], self._blend[:, rows] = heads.bias, heads.blend
        self._model.inputs["kin"][:] = 0.0
        self._model.inputs["kin"][:, rows] = heads.kin
        self._moment = -1


def _hat(opinion: Samples) -> str:
    """Closed, unless the open one is sure."""
    opened = float(opinion[_OPEN])
    return "hihat_open" if opened >= OPEN_AT * (opened + float(opinion[_CLOSED])) else (
        "hihat_closed")
