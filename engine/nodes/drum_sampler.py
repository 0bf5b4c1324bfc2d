"""The kit: hits and notes become drums, each at its very sample."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.audio.commands import SET
from engine.audio.kit import FLAVOURS, read_folder, synthesise
from engine.audio.sampler import CHOKE, CORRECT, PLAY, Sampler
from engine.drums import DRUMS, chokes, drum_of
from engine.events import Event, Hit, NoteOff, NoteOn, Release
from engine.node import Context, SoundingNode
from engine.param import Param
from engine.units import SAMPLE_RATE, Samples, frames, gain

if TYPE_CHECKING:
    from engine.audio import AudioList, Feed

SOFTEST_DB = -30.0
"""The softest strike, below the hardest: what a hand does on a drum, and still heard in a mix."""

_PLACE = {drum: place for place, drum in enumerate(DRUMS)}
_A_NOTE = -1                                # strikes that nobody will correct


def loudness(velocity: float) -> float:
    """The gain of a strike, velocity 0..1: every tenth of velocity is 3 dB.

    >>> round(loudness(1.0), 3), round(loudness(0.5), 3), round(loudness(0.0), 3)
    (1.0, 0.178, 0.032)
    """
    return gain(SOFTEST_DB * (1.0 - min(max(velocity, 0.0), 1.0)))


class DrumSampler(SoundingNode):
    """Play a kit of sixteen drums.

    A hit or a note with a due time starts at that very sample, any other at once; what a friend
    plays starts sooner by the sound card's latency, so that it is heard on the beat. Drums ring
    out: the end of a note says nothing, as on every e-drum kit, since a pad's note is over after
    a few milliseconds. Hats choke each other, and an open hat is choked when its hiss stops. A
    corrected hit changes its sound under way: the right drum's body takes over within 5 ms.
    """

    kit = Param("full", help="full, under (for beneath a voice that is heard) or a folder of "
                             "WAV files; heard when the patch is loaded")
    gain_db = Param(0.0, low=-60.0, high=12.0, help="how loud the whole kit is")
    choke = Param(True, help="one hat silences the others, and its hiss's end an open one")

    _sampler: Sampler | None = None

    def prepare(self, context: Context) -> None:
        self._clock = context.clock
        if self.kit in FLAVOURS:
            self._drums = synthesise(self.kit)
        else:
            self._drums = read_folder(context.folder / self.kit)
            if len(self._drums) < len(DRUMS):
                self._drums = synthesise("full") | self._drums

    def changed(self, name: str) -> None:
        if self._sampler is None:
            return
        if name == "gain_db":
            self._sampler.commands.send(0, SET, 0, gain(self.gain_db))
        elif name == "choke":
            self._sampler.chokes[:] = self._chokes()

    def build(self, audio: "AudioList", feeds: "Mapping[str, Sequence[Feed]]") -> Samples:
        self._sampler = Sampler(audio, self._drums, gain(self.gain_db))
        self._sampler.chokes[:] = self._chokes()
        return self._sampler.buffer

    def process(self, hits: Sequence[Hit | Release], notes: Sequence[NoteOn | NoteOff]) -> None:
        for hit in hits:
            if isinstance(hit, Hit):
                self._strike(hit)
            elif self.choke and hit.drum == "hihat_open":
                self._send(hit.due, CHOKE, 1 << _PLACE["hihat_open"])
        for note in notes:
            if isinstance(note, NoteOn):
                drum = _PLACE[drum_of(note.note)]
                self._send(self._on_beat(note), PLAY, drum, loudness(note.velocity / 127.0),
                           _A_NOTE)

    def release(self) -> Sequence[Event]:
        """Fall silent within 5 ms, and forget what was still to come."""
        self.reset()
        return ()

    def reset(self) -> None:
        if self._sampler is not None:
            self._sampler.commands.stop()

    @property
    def refused(self) -> int:
        """How many commands found no room, since hundreds came at once."""
        return self._sampler.commands.refused if self._sampler else 0

    def _strike(self, hit: Hit) -> None:
        drum, level = _PLACE.get(hit.drum, _PLACE["other"]), loudness(hit.velocity)
        if hit.corrects is None:
            self._send(self._on_beat(hit), PLAY, drum, level, frames(hit.time))
        else:
            self._send(hit.due, CORRECT, drum, level, frames(hit.time), frames(hit.corrects))

    def _on_beat(self, event: Hit | NoteOn) -> float:
        """When to start it: what is generated shall be heard at its time, so it starts sooner."""
        if event.due and event.due == event.time:
            return max(event.due - self._clock.latency, 1.0 / SAMPLE_RATE)
        return event.due

    def _send(self, due: float, kind: int, a: float, b: float = 0.0, c: float = 0.0,
              d: float = 0.0) -> None:
        if self._sampler is not None:
            self._sampler.commands.send(frames(due), kind, a, b, c, d)

    def _chokes(self) -> list[int]:
        """For each drum, those it silences, a sum of 2 ** place."""
        return [sum(1 << _PLACE[other] for other in chokes(drum)) if self.choke else 0
                for drum in DRUMS]
