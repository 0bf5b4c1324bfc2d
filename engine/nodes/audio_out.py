"""Sound leaves for the speakers, the headphones or a WAV file here."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.audio.commands import SET
from engine.audio.output import GAIN, OPEN, Output
from engine.node import SoundingNode
from engine.param import Param
from engine.units import Samples, frames, gain

if TYPE_CHECKING:
    from engine.audio import AudioList, Feed


class AudioOut(SoundingNode):
    """Play on a pair of the output's channels, never louder than -0.3 dBFS.

    A limiter without delay holds the ceiling. It fades in over 5 ms when it starts, and out when
    it stops. What it gives is what is heard, for `onsets.bleed`.
    """

    outlet = "audio"
    hears = ("audio",)

    channels = Param("1-2", choices=("1-2", "3-4", "5-6", "7-8"),
                     help="the output's channels: 3-4 for phones and cues")
    gain_db = Param(0.0, low=-60.0, high=12.0, help="how loud, before the limiter")

    _output: Output | None = None

    def changed(self, name: str) -> None:
        if self._output is not None and name == "gain_db":
            self._output.commands.send(0, SET, GAIN, gain(self.gain_db))

    def build(self, audio: "AudioList", feeds: "Mapping[str, Sequence[Feed]]") -> Samples:
        first = int(self.channels[0]) - 1
        self._output = Output(audio, audio.sum(feeds["audio"]), first, gain(self.gain_db))
        return self._output.buffer

    def stop(self, time: float = 0.0) -> None:
        """Fade to silence from `time` on, in seconds; 0 is at once."""
        self._open(time, 0.0)

    def start(self, time: float = 0.0) -> None:
        """Fade in again from `time` on, in seconds; 0 is at once."""
        self._open(time, 1.0)

    def _open(self, time: float, passing: float) -> None:
        if self._output is not None:
            self._output.commands.send(frames(time), SET, OPEN, passing)
