"""The level bar gives the advice a sound engineer would."""

from engine.live.level import Level


def advice(*steps: tuple[float, float, int]) -> str:
    """The last advice after (seconds, peak, clipped) steps."""
    clock = [0.0]
    level, said = Level(lambda: clock[0]), ""
    for at, peak, clipped in steps:
        clock[0] = at
        _, said = level.heard(peak, clipped, True)
    return said


def test_a_good_level_needs_no_advice():
    assert advice((0.0, 0.3, 0), (5.0, 0.3, 0)) == ""


def test_exact_silence_for_three_seconds_is_a_microphone_that_is_not_there():
    assert advice((0.0, 0.3, 0), (2.0, 0.0, 0)) == ""
    assert "permitted" in advice((0.0, 0.3, 0), (4.0, 0.0, 0))


def test_clipping_is_spoken_of_while_it_is_fresh():
    assert "too hot" in advice((0.0, 0.3, 0), (1.0, 1.0, 5))
    assert advice((0.0, 0.3, 0), (1.0, 1.0, 5), (4.0, 0.3, 5)) == ""


def test_a_level_that_never_gets_loud_is_too_soft():
    assert "soft" in advice(*((float(t), 0.02, 0) for t in range(12)))


def test_the_bar_falls_slowly_and_rises_at_once():
    level = Level(lambda: 0.0)
    assert level.heard(0.5, 0, True)[0] > -7
    assert -9 < level.heard(0.001, 0, True)[0] < -7
