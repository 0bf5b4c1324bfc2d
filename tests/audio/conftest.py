"""Walk an audio list as a driver would, block after block."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from engine.audio import AudioList
from engine.units import Samples

Drive = Callable[..., Samples]


@pytest.fixture(scope="session")
def drive() -> Drive:
    """Run a list over an input, in blocks of the given sizes in turn, and return what comes out.

    source : float32 (n, channels), or the number of silent frames
    """
    def walk(audio: AudioList, source: Samples | int, blocks: Sequence[int] = (64,)) -> Samples:
        if isinstance(source, int):
            source = np.zeros((source, 1), np.float32)
        target = np.full((len(source), 2), np.nan, np.float32)
        place, turn = 0, 0
        while place < len(source):
            end = min(place + blocks[turn % len(blocks)], len(source))
            audio.process(source[place:end], target[place:end])
            place, turn = end, turn + 1
        return target
    return walk
