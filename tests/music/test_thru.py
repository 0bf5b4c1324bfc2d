"""What is played passes, and no pedal of the performer's ever holds an answer."""

from hypothesis import given
from hypothesis import strategies as st

from engine.events import Gesture, NoteOff, NoteOn
from engine.music.thru import Thru


def pedal(value, time=0.0, channel=1):
    return Gesture(time, "controller", 64, value, channel)


def bend(value, channel=1):
    return Gesture(0.0, "bend", 0, value, channel)


def test_nothing_passes_unless_it_is_asked_for():
    thru = Thru()
    assert not thru.past([NoteOn(0.0, 60, 90, 1), pedal(127), bend(99)], 0.0, on=False, answering=0)


def test_a_pedal_that_is_down_is_lifted_for_an_answer_and_is_down_again_after_it():
    thru = Thru()
    assert thru.past([pedal(127)], 0.0, on=True, answering=0) == [pedal(127)]
    assert thru.past([], 1.0, on=True, answering=1) == [pedal(0, 1.0)]
    assert thru.past([bend(500)], 2.0, on=True, answering=1) == []
    assert thru.past([], 3.0, on=True, answering=0) == [
        pedal(127, 3.0), Gesture(3.0, "bend", 0, 500, 1)]


def test_a_pedal_on_another_channel_than_the_answer_s_stays_where_it_is():
    thru = Thru()
    played = [pedal(127, channel=2), NoteOn(0.0, 60, 90, 2)]
    assert thru.past(played, 0.0, on=True, answering=0) == played
    assert thru.past([], 1.0, on=True, answering=1) == []


def test_what_began_ends_where_thru_is_turned_off_and_a_volume_stays():
    thru = Thru()
    volume = Gesture(0.0, "controller", 7, 90, 1)
    thru.past([NoteOn(0.0, 60, 90, 1), pedal(127), volume], 0.0, on=True, answering=0)
    assert thru.past([], 1.0, on=False, answering=0) == [NoteOff(1.0, 60, 64, 1), pedal(0, 1.0)]
    assert thru.past([NoteOff(2.0, 60, 64, 1)], 2.0, on=False, answering=0) == []


def test_a_pedal_that_was_let_go_stays_up_until_it_is_moved_again():
    thru = Thru()
    thru.past([pedal(127)], 0.0, on=True, answering=0)
    assert thru.let_go(1.0) == [pedal(0, 1.0)]
    assert thru.past([], 2.0, on=True, answering=0) == []
    assert thru.past([pedal(0, 3.0), pedal(90, 4.0)], 4.0, on=True, answering=0) == [
        pedal(90, 4.0)]


notes = st.builds(lambda on, note: (NoteOn if on else NoteOff)(0.0, note, 64, 1),
                  st.booleans(), st.integers(60, 62))
gestures = st.builds(lambda kind, value, channel: Gesture(0.0, kind, 64 * (kind == "controller"),
                                                          value, channel),
                     st.sampled_from(("controller", "bend", "pressure")),
                     st.sampled_from((0, 0, 64, 127)), st.integers(1, 2))


@given(st.lists(st.tuples(st.lists(st.one_of(notes, gestures), max_size=4), st.booleans(),
                          st.integers(0, 2)), max_size=12))
def test_whatever_is_played_nothing_stands_on_an_answer_s_channel_and_all_is_let_go(hops):
    thru, held, stands = Thru(), set(), {}

    def hear(said):
        for event in said:
            if isinstance(event, Gesture):
                stands[event.channel, event.kind] = event.value
            elif isinstance(event, NoteOn):
                held.add(event.note)
            else:
                held.discard(event.note)

    for played, on, answering in hops:
        hear(thru.past(played, 0.0, on=on, answering=answering))
        assert not any(value for (channel, _), value in stands.items() if channel == answering)
        assert on or not (held or any(stands.values()))
    hear(thru.let_go(0.0))
    assert not held
    assert not any(stands.values())
