"""A mixing desk: a fader for each cable that comes in."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.audio.commands import SET
from engine.audio.mix import Mix
from engine.node import SoundingNode
from engine.param import Param
from engine.units import Samples, gain

if TYPE_CHECKING:
    from engine.audio import AudioList, Feed

_NO_GAINS: dict[str, float] = {}


class Mixer(SoundingNode):
    """Add what comes in, each cable at its own gain; 0 dB where none is set.

    Faders move over 5 ms, so a turn of a knob is heard without steps.
    """

    hears = ("audio",)

    gain_db = Param(_NO_GAINS, low=-60.0, high=12.0, help="for each node that comes in: how loud")

    _mix: Mix | None = None

    def changed(self, name: str) -> None:
        if self._mix is not None:
            for place, level in enumerate(self._gains()):
                self._mix.commands.send(0, SET, place, level)

    def build(self, audio: "AudioList", feeds: "Mapping[str, Sequence[Feed]]") -> Samples:
        self._names = [feed.node for feed in feeds["audio"]]
        buffers = [feed.buffer for feed in feeds["audio"]]
        self._mix = Mix(audio, buffers, self._gains())
        return self._mix.buffer

    def _gains(self) -> list[float]:
        return [gain(self.gain_db.get(name, 0.0)) for name in self._names]
