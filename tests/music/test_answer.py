"""An answer starts on the call's grid, keeps to its key and range, and ends on time."""

import numpy as np
import pytest

from engine.music.answer import answer, mutate
from engine.music.frame import Settings
from engine.music.habits import markov
from engine.music.likeness import MAJOR, in_key, key_of, returns, turned
from engine.music.line import HOLD, Line, chord, chord_steps, line_of, notes_of

CALL = line_of([(0, 2, 65), (2, 2, 67), (4, 4, 69), (8, 4, 72), (12, 4, 69),
                (16, 2, 70), (18, 2, 69), (20, 4, 67), (24, 8, 65),
                (32, 2, 65), (34, 2, 67), (36, 4, 69), (40, 4, 72), (44, 4, 74),
                (48, 4, 72), (52, 4, 69), (56, 6, 65)], 64)
F, C7 = chord(5, (5, 9, 0)), chord(0, (0, 4, 7, 10))
WAYS = {"answer": answer, "markov": lambda *args, **named: markov([], *args, **named),
        "mutate": lambda call, *args, **named: mutate(call, answer(call, *args), *args, **named)}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
seeds = pytest.mark.parametrize("seed", range(5))


@each_way
@seeds
def test_an_answer_ends_in_its_last_bar_and_leaves_half_a_beat(way, seed):
    line = way(CALL, None, Settings(), seed=seed)
    last = notes_of(line)[-1]
    assert len(line.steps) == 64
    assert last.step >= 48
    assert last.step + last.steps == 62


@each_way
@seeds
def test_the_last_note_belongs_to_the_chord(way, seed):
    chords = chord_steps([(0, F), (96, C7)], 128)
    line = way(CALL, chords, Settings(), seed=seed)
    assert (notes_of(line)[-1].note - 0) % 12 in (0, 4, 7)


@each_way
@seeds
def test_an_answer_keeps_to_the_key_and_the_range_of_its_call(way, seed):
    line = way(CALL, None, Settings(), seed=seed)
    notes = line.steps[line.steps >= 0]
    assert in_key(line, key_of(CALL)) == 1.0
    assert notes.min() >= 63
    assert notes.max() <= 76


@each_way
def test_the_same_seed_answers_the_same(way):
    one, same, other = (way(CALL, None, Settings(), seed=s).steps for s in (2, 2, 3))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_named_scale_is_kept():
    d_major = turned(MAJOR, 2)
    line = answer(CALL, None, Settings(scale=d_major, motifs=0.0), seed=1)
    assert all(d_major >> n.note % 12 & 1 for n in notes_of(line)[:-1])


def test_motifs_bring_bars_of_the_call_back():
    def share(motifs):
        told = [returns(answer(CALL, None, Settings(motifs=motifs), seed=s), CALL)
                for s in range(6)]
        return np.mean([t["exact"] + t["transposed"] for t in told])

    assert share(1.0) > share(0.0) + 0.1


def test_an_answer_may_lie_in_another_register():
    line = answer(CALL, None, Settings(register=-12), seed=0)
    assert max(n.note for n in notes_of(line)) <= 76 - 12


def test_a_mutation_keeps_some_bars_and_renews_some():
    last = answer(CALL, None, Settings(), seed=0)
    new = mutate(CALL, last, None, Settings(), seed=1)
    same = [np.array_equal(new.steps[b:b + 16], last.steps[b:b + 16]) for b in range(0, 48, 16)]
    assert any(same)
    assert not np.array_equal(new.steps, last.steps)


def test_a_call_that_ends_inside_a_bar_is_answered_to_the_end_of_a_bar():
    line = answer(Line(CALL.steps[:56]), None, Settings(bars=4), seed=0)
    assert line.start == 8
    assert (line.start + len(line.steps)) % 16 == 0


@each_way
@pytest.mark.parametrize("call", [
    Line(np.full(16, HOLD)), line_of([(0, 1, 0)], 16), line_of([(0, 9, 127)], 64),
    line_of([(i, 1, 60) for i in range(12)], 12, bar=12), Line(np.zeros(0, np.int64)),
    line_of([(3 * i, 2, 60 + i % 7) for i in range(9)], 28, bar=7, start=3),
    line_of([(0, 9000, 60)], 9000),
], ids=["silence", "lowest", "highest", "three-four", "nothing", "sevens", "an hour"])
def test_the_oddest_call_gets_an_answer(way, call):
    line = way(call, None, Settings(), seed=0)
    notes = notes_of(line)
    assert notes
    assert all(0 <= n.note <= 127 for n in notes)
    assert notes[-1].step + notes[-1].steps < len(line.steps)
