"""Bar after bar, each on its bar line, from the last one, the chords and the pad."""

import pytest
from duets import BEAT, Duet, key, phrase

from engine.events import Chord
from engine.nodes.bar_composer import BarComposer

BAR = 4 * BEAT
C7 = Chord(0.0, "C7", 0, 0, (0, 4, 7, 10), 0.0)


def composer(clock=True, **settings):
    return Duet(BarComposer(**settings), clock=clock)


def bar(played, number):
    """Where the notes of a bar begin, in sixteenths, and what they are."""
    return [(round((note.due - number * BAR) / BEAT * 4, 3), note.note)
            for note in played.ons(number * BAR - 1e-6, (number + 1) * BAR - 1e-6)]


def test_bars_follow_each_other_on_the_grid():
    played = composer(busy=0.7).until(9 * BAR - 0.01, [C7])
    for number in range(1, 8):
        places = [place for place, _ in bar(played, number)]
        assert all(abs(place - round(place)) < 1e-6 for place in places)
    assert sum(bool(bar(played, number)) for number in range(1, 8)) >= 6


def test_without_a_clock_there_are_no_bars():
    assert not composer(clock=False).play(phrase(0.0, 2)).until(4 * BAR).said


def test_again_is_the_same_bar_and_a_variation_is_not_quite():
    played = composer(busy=0.8).until(3.1 * BAR)
    played.node.act("again")
    played.until(4.1 * BAR)
    played.node.act("vary")
    played.until(6 * BAR - 0.01)
    assert bar(played, 3) == bar(played, 4) != bar(played, 5)
    assert {place for place, _ in bar(played, 4)} & {place for place, _ in bar(played, 5)}


def test_a_bar_of_yours_is_answered_with_one_and_silence_with_none():
    played = composer(mode="answer", busy=0.8).play(phrase(4 * BAR, 1)).until(9 * BAR)
    assert not played.ons(0, 5 * BAR - 1e-6)
    assert played.ons(5 * BAR - 1e-6, 6 * BAR - 1e-6)
    assert not played.ons(6 * BAR - 1e-6)


def test_stop_is_silence_and_start_begins_again():
    played = composer(busy=0.9).until(3.3 * BAR)
    played.node.act("stop")
    played.until(3.31 * BAR)
    assert not played.sounding
    count = len(played.said)
    assert len(played.until(6 * BAR).said) == count
    played.node.act("start")
    assert len(played.until(9 * BAR).said) > count


def test_it_plays_within_its_keys_and_scale():
    played = composer(range="C4-C5", scale="C", busy=0.8).until(9 * BAR)
    assert played.ons()
    assert all(60 <= note.note <= 72 and note.note % 12 in {0, 2, 4, 5, 7, 9, 11}
               for note in played.ons())


@pytest.mark.parametrize("notes", [
    [event for n in range(2000) for event in key(n / 1000, 20 + n % 100, 0.0)],
    key(0.1, 64, 3600.0), key(0.1, 127, 0.0)], ids=["flood", "an hour", "highest"])
def test_strange_playing_does_not_stop_the_bars(notes):
    played = composer(busy=0.8).play(notes).until(6 * BAR)
    assert played.ons(3 * BAR)
    for off in played.node.release():
        played.sounding.discard((off.channel, off.note))
    assert not played.sounding
