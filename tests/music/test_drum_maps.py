"""Each maker's notes reach the right drum, and every note sent is heard as the drum it was."""

import pytest

from engine.drums import DRUMS
from engine.errors import UsageError
from engine.music.drum_maps import MAPS, NINE, drum_map, nine_of


@pytest.mark.parametrize("name", MAPS)
def test_a_drum_is_heard_as_itself_in_the_map_that_sent_it(name):
    made = drum_map(name)
    assert [made.drum(made.note(drum)) for drum in range(len(NINE))] == list(range(len(NINE)))


def test_maps_differ_where_their_makers_do():
    heard = {name: tuple(drum_map(name).drum(note) for note in (43, 52, 22, 26)) for name in MAPS}
    low, high = NINE.index("tom_low"), NINE.index("tom_high")
    crash, ride = NINE.index("crash"), NINE.index("ride")
    closed, opened = NINE.index("hihat_closed"), NINE.index("hihat_open")
    assert heard["note-seq"] == (low, crash, closed, opened)
    assert heard["magenta.js"] == (high, ride, None, None)
    assert heard["Roland TD-11"] == (low, crash, closed, opened)


def test_each_of_the_sixteen_drums_but_other_has_a_place_among_the_nine():
    assert [drum for drum in DRUMS if nine_of(drum) is None] == ["other"]
    assert [nine_of(drum) for drum in NINE] == list(range(9))


def test_an_unknown_map_names_those_there_are():
    with pytest.raises(UsageError, match="there are: GM, Roland TD-11, note-seq"):
        drum_map("Alesis")
