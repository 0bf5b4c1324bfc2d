"""Keys and scales are called by their names."""

import pytest

from engine.music.keys import read_note, read_span
from engine.music.scales import nearest, read_scale


def test_middle_c_is_c4():
    assert read_note("C4") == 60
    assert read_span("C4-C8") == (60, 108)
    assert read_span("C-1-G9") == (0, 127)


@pytest.mark.parametrize(("wrong", "told"), [
    ("H2-C4", '"H2" is no key'), ("C4", "no stretch of keys"), ("C8-C4", "goes downwards"),
    ("C4-C12", "is no key"), ("0-200", "off the keyboard")])
def test_a_stretch_of_keys_that_isn_t_one_is_explained(wrong, told):
    with pytest.raises(ValueError, match=told):
        read_span(wrong)


def test_a_scale_draws_a_pitch_to_its_nearest_note():
    assert [nearest(pitch, read_scale("C")) for pitch in (60.4, 61.2, 65.9, 70.2)] == [
        60, 62, 65, 71]


def test_a_scale_nobody_knows_is_explained():
    with pytest.raises(ValueError, match="dorian"):
        read_scale("C lydianish")
