"""A sound card that is only a loop, and lists to be played on it."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np

from engine.audio import AudioList
from engine.audio.callback import callback
from engine.audio.deck import Deck
from engine.audio.output import Output
from engine.audio.sampler import Sampler
from engine.audio.source import Source
from engine.drums import DRUMS
from engine.units import SAMPLE_RATE, Samples

KEPT = 1 << 14
KIT = {drum: np.random.default_rng(n).uniform(-0.2, 0.2, (2, 6000)).astype(np.float32)
       for n, drum in enumerate(DRUMS)}
SECOND = np.sin(2 * np.pi * 330 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)[:, None]


class Card:
    """A simulated driver: it calls the deck as PortAudio does."""

    def __init__(self, inputs: int = 1, outputs: int = 2, *, lists: tuple[int, int] = (1, 2),
                 kept: int = KEPT, words: np.ndarray | None = None) -> None:
        self.words = np.zeros(64, np.int64) if words is None else words
        self.heard = np.zeros(kept, np.float32)
        self.played = np.zeros((kept, 2), np.float32)
        self.deck = Deck(*lists, self.words, self.heard, self.played)
        self.inputs, self.outputs = inputs, outputs
        self.deck.fit(inputs, outputs)

    def run(self, source: Samples | int, blocks: Sequence[int] = (64,), status: int = 0) -> Samples:
        """Play a recording, or so many frames of silence, and return what comes out."""
        if isinstance(source, int):
            source = np.zeros((source, self.inputs), np.float32)
        target = np.full((len(source), self.outputs), np.nan, np.float32)
        place, sizes = 0, cycle(blocks)
        while place < len(source):
            end = min(place + next(sizes), len(source))
            piece, out = source[place:end], target[place:end]
            assert callback.ctypes(piece.ctypes.data if self.inputs else None,
                                   out.ctypes.data if self.outputs else None,
                                   end - place, None, status, self.deck.address) == 0
            place = end
        return target


def through(inputs: int = 1, outputs: int = 2, channel: int = 0, level: float = 1.0) -> AudioList:
    """Microphone to speakers."""
    audio = AudioList(inputs, outputs)
    Output(audio, Source(audio, channel).buffer, 0, level)
    audio.compile()
    return audio


def kit() -> tuple[AudioList, Sampler]:
    audio = AudioList()
    sampler = Sampler(audio, KIT, 1.0)
    Output(audio, sampler.buffer, 0, 1.0)
    audio.compile()
    return audio, sampler


def silence() -> AudioList:
    audio = AudioList()
    audio.compile()
    return audio
