"""What a groove makes due decides where the ear can't, and nowhere else."""

import numpy as np
import pytest

from engine.drums import DRUMS
from engine.music.expectation import STRENGTH, Expectation, weighed

KICK, SNARE, OTHER = (DRUMS.index(drum) for drum in ("kick", "snare", "other"))


def after(bars):
    """Kick on one and three, snare on two and four."""
    expectation = Expectation(bpm=100.0)
    for beat in range(4 * bars):
        for part in range(4):
            expectation.follow(beat + part / 4)
            if not part:
                expectation.struck("snare" if beat % 2 else "kick", 0.8)
    return expectation


def test_the_drum_that_falls_here_in_every_bar_is_due():
    expectation = after(4)
    for beat, due, other in ((16.0, KICK, SNARE), (17.0, SNARE, KICK)):
        for part in range(4):
            expectation.follow(beat - 1 + (part + 1) / 4)
        found = expectation.due()
        assert found[due] > 4.0 * found[other]
        assert found.mean() == pytest.approx(1.0)
        assert found.min() < found[OTHER] < found.max()
        expectation.struck(DRUMS[due], 0.8)


def test_an_unsure_ear_is_decided_by_the_groove_and_a_sure_one_is_not_overruled():
    due = np.ones(16, np.float32)
    due[SNARE], due[KICK] = 8.0, 0.2
    unsure, sure = np.zeros(17, np.float32), np.zeros(17, np.float32)
    unsure[[KICK, SNARE, 16]] = 0.45, 0.4, 0.15
    sure[[KICK, SNARE, 16]] = 0.9, 0.05, 0.05
    assert weighed(unsure, due).argmax() == SNARE
    assert weighed(sure, due).argmax() == KICK
    assert weighed(unsure, due)[16] == unsure[16]
    assert weighed(unsure, due).sum() == pytest.approx(1.0)
    assert (weighed(unsure, due, 0.0) == unsure).all()
    assert 0.0 < STRENGTH < 1.0


def test_a_long_silence_is_caught_up_with_in_small_steps():
    expectation = after(1)
    for _ in range(100):
        expectation.follow(60.0)
    assert expectation.due()[KICK] > 0.0
    expectation.struck("other", 0.5)                   # has no place in a rhythm
    expectation.follow(60.25)
    assert np.isfinite(expectation.due()).all()
