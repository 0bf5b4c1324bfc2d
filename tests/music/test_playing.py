"""A phrase under way: every note when it is due, every end, whatever the beats do."""

from hypothesis import given
from hypothesis import strategies as st

from engine.events import NoteOn
from engine.music.grid import Grid
from engine.music.playing import LONGEST_S, Playing, Tone

HOP = 64 / 48_000


def play(tones, grid=lambda now: Grid(0.0, 120.0), seconds=12.0):
    playing, said, now = Playing(), [], 0.0
    playing.add(tones)
    while now < seconds:
        said += playing.say(grid(now), now, now + HOP)
        now += HOP
    return said, playing


def test_a_note_is_said_in_the_hop_before_it_is_due():
    playing = Playing()
    playing.add([Tone(1.0, 1.0, 60, 80)])
    assert not playing.say(Grid(0.0, 120.0), 0.49, 0.4999)
    (on,) = playing.say(Grid(0.0, 120.0), 0.4999, 0.5010)
    assert (on.note, on.due) == (60, 0.5)


def test_the_same_note_again_ends_the_first():
    said, _ = play([Tone(1.0, 4.0, 60, 80), Tone(2.0, 1.0, 60, 80)], seconds=4.0)
    assert [type(note).__name__ for note in said] == ["NoteOn", "NoteOff", "NoteOn", "NoteOff"]
    assert said[1].due == said[2].due == 1.0


def test_stop_forgets_what_is_to_come():
    playing = Playing()
    playing.add([Tone(0.0, 8.0, 60, 80), Tone(1.0, 1.0, 62, 80)])
    playing.say(Grid(0.0, 120.0), 0.0, HOP)
    assert [note.note for note in playing.stop(0.1)] == [60]
    assert not playing.busy
    assert not playing.say(Grid(0.0, 120.0), 5.0, 6.0)


tones = st.lists(st.builds(Tone, st.floats(0, 16), st.floats(0, 1e4), st.integers(0, 127),
                           st.integers(1, 127)), max_size=20)


@given(tones, st.lists(st.floats(2.0, 400.0), min_size=1, max_size=4))
def test_every_note_that_began_ends_within_four_seconds_whatever_the_tempo(tones, tempi):
    playing, said, now = Playing(), [], 0.0
    playing.add(tones)
    while now < 14.0:
        grid = Grid(0.0, tempi[int(now) % len(tempi)])
        said += playing.say(grid, now, now + 0.05)
        now += 0.05
    said += playing.stop(now)
    began: dict[int, float] = {}
    for note in said:
        if isinstance(note, NoteOn):
            assert note.note not in began
            began[note.note] = note.due
        else:
            assert note.due - began.pop(note.note) <= LONGEST_S + 0.06
    assert not began
