"""Sound from the microphone, the mixer or a recording enters here."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.audio.source import MEAN, Source
from engine.node import SoundingNode
from engine.param import Param
from engine.units import Samples

if TYPE_CHECKING:
    from engine.audio import AudioList, Feed

_CHANNELS = {"1": 0, "2": 1, "1+2": MEAN}


class AudioIn(SoundingNode):
    """Pass on one channel of the input, never a sum of everything.

    Broken samples, NaN or infinity, become silence here. A recording is heard as the mean of its
    channels, whichever is asked for.
    """

    inlet = "audio"

    channel = Param("1", choices=("1", "2", "1+2"), help="the input's channel, or a pair's mean")

    _source: Source | None = None

    def changed(self, name: str) -> None:
        if self._source is not None:
            self._source.channel = _CHANNELS[self.channel]

    def build(self, audio: "AudioList", feeds: "Mapping[str, Sequence[Feed]]") -> Samples:
        self._source = Source(audio, _CHANNELS[self.channel])
        return self._source.buffer
