"""Hear the strike: the moment a mouth begins a drum, milliseconds after it did.

Twelve bands are heard over the room's own noise, and a small judge, trained on many mouths, says
when their rise is a strike: not a breath, not the crackling tail of a snare. It counts levels from
the room, so a soft singer is heard like a loud one.
"""

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from engine.dsp.filters import high_pass
from engine.dsp.onsets import EAR, EDGES, RUMBLE_HZ, STATE, begin, hear
from engine.errors import ModelError
from engine.events import Onset
from engine.model import MODELS
from engine.node import Context, Node
from engine.param import Param
from engine.ports import AudioBlock, Bleed
from engine.units import HOP, SAMPLE_RATE

JUDGE = ("first", "first_bias", "second", "second_bias", "last", "last_bias", "sure", "surer")
"""What a file of weights holds, by name; see `engine.dsp.onsets.EAR`."""

STEEPEST = 24                   # samples into its hop lies an attack, as far as is known


def load_ear(path: Path) -> NDArray[np.void]:
    """The filters, and the judge of a file: EAR (1,). ModelError where the file isn't one."""
    ear = np.zeros(1, EAR)
    ear["high_pass"], ear["edges"] = high_pass(RUMBLE_HZ), EDGES
    try:
        with np.load(path, allow_pickle=False) as weights:
            judge = {name: weights[name].T for name in JUDGE}   # there a row is what one hears
    except FileNotFoundError:
        raise ModelError(f"{path} is not there") from None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as problem:
        raise ModelError(f"{path} holds no judge of strikes: {problem}") from None
    for name, values in judge.items():
        wanted = ear[name].shape[1:]
        if values.shape != wanted or not np.isfinite(values).all():
            raise ModelError(f"{path}: {name!r} must be {wanted or 'one number'}, all finite; "
                             f"it is {values.shape}")
        ear[name] = values
    return ear


class OnsetDetector(Node):
    """Report the moment something is struck.

    An onset is announced 4 ms after its attack in the middle, and dated back to it. Its strength
    is how far it rises above the room, dB. What arrives at `bleed` is what our own speakers, or a
    looper, play: it is learnt how loud that comes back, and nothing softer counts as a strike.
    """

    sensitivity_db = Param(10.0, low=3.0, high=40.0,
                           help="this far above the room counts as a strike")
    retrigger_ms = Param(45.0, low=10.0, high=500.0, help="no second onset within this time")
    rolls = Param("one", choices=("one", "each"),
                  help="a rolling lip strikes once, or with each of its bursts")
    model = Param("", help="an .npz file of your own, beside the patch; empty: the built-in one")

    def prepare(self, context: Context) -> None:
        """Raises ModelError where the model is missing or isn't made for this node."""
        self._ear = load_ear(context.folder / self.model if self.model
                             else MODELS / "onsets" / "judge.npz")
        self._state = np.zeros(1, STATE)
        self._silence = np.zeros(HOP, np.float32)
        self.changed("")
        for playing in (False, True):                       # compiled before it matters
            hear(self._silence, self._silence, playing, self._ear, self._state)
        begin(self._state)

    def changed(self, name: str) -> None:
        if hasattr(self, "_state"):
            self._state["sensitivity_db"] = self.sensitivity_db
            self._state["retrigger_hops"] = self.retrigger_ms * SAMPLE_RATE / 1000.0 / HOP
            self._state["each_burst"] = self.rolls == "each"

    def process(self, audio: AudioBlock, bleed: Bleed = None) -> Sequence[Onset]:
        played = self._silence if bleed is None else bleed.samples
        if not hear(audio.samples, played, bleed is not None, self._ear, self._state):
            return ()
        state = self._state[0]
        attack = audio.start + STEEPEST - float(state["age"]) * HOP
        return (Onset(max(attack, 0.0) / SAMPLE_RATE, float(state["strength_db"])),)

    def reset(self) -> None:
        begin(self._state)
