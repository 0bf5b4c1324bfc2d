"""The bench that compares renders: what it counts, and that a quick run finds nothing."""

from bench import sameness


def row(time, sound="b", velocity=0.5):
    return {"event": "hit", "time": time, "sound": sound, "velocity": velocity}


def test_in_the_same_blocks_anything_that_differs_is_counted():
    usual = [[row(0.5), row(1.0)], [row(2.0)]]
    same = sameness._compared("same", usual, usual, 0.0)
    assert (same["takes that differ"], same["events that differ"]) == (0, 0)
    softer = [[row(0.5), row(1.0, velocity=0.4)], [row(2.0), row(3.0)]]
    other = sameness._compared("softer", usual, softer, 0.0)
    assert (other["takes that differ"], other["events that differ"]) == (2, 2)


def test_from_another_rate_only_what_was_heard_when_counts():
    usual = [[row(0.5), row(1.0)]]
    near = sameness._compared("near", usual, [[row(0.5004, velocity=0.4), row(1.0)]], 0.001)
    assert near["takes that differ"] == 0
    assert 0.39 < near["most apart, ms"] < 0.41
    for there in ([row(0.502), row(1.0)], [row(0.5, sound="k"), row(1.0)]):
        assert sameness._compared("far", usual, [there], 0.001)["events that differ"] == 2
    assert sameness._compared("lost", usual, [[row(0.5)]], 0.001)["events that differ"] == 1


def test_a_take_is_its_own_at_every_rate(tmp_path):
    take = next(sameness._mouths(tmp_path))
    usual = sameness._events(take)
    assert len(usual) > 60
    found = sameness._compared("96 kHz", [usual], [sameness._events(sameness._at(take, 96_000))],
                               sameness.NEAR_S)
    assert found["takes that differ"] == 0
