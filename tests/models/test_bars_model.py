"""The bar model's card tells the truth, and its bars are cut where bars are."""

import numpy as np

from engine.music.bars import FOLDER
from engine.music.line import HOLD, Line, line_of
from models_onnx.bars import card
from models_onnx.bars.data import notes_a_bar, pairs
from models_onnx.melody.data import Tune


def tune(line):
    return Tune("x", "x", line, np.zeros(len(line.steps), np.int64), False)


def test_the_bars_card_shows_the_scores():
    assert card.figures() in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_bars_follow_the_bar_before_them_and_empty_ones_are_left_out():
    line = line_of([(0, 4, 60), (16, 4, 62), (32, 4, 64), (64, 4, 65)], 80)
    found = pairs([tune(line)])
    assert [(p.before.steps[0], p.bar.steps[0]) for p in found] == [(60, 62), (62, 64)]
    assert notes_a_bar(p.bar for p in found) == 1.0


def test_two_bars_of_two_four_are_one():
    line = line_of([(4 * i, 4, 60 + i) for i in range(16)], 64, bar=8)
    assert [len(p.bar.steps) for p in pairs([tune(line)])] == [16, 16, 16]


def test_a_rest_where_nothing_sounds_is_no_event():
    first, second = [60] + [-1] * 15, [65] + [-1] * 15
    third = [-2, -1, -2, -1, 64] + [-1] * 11
    bar = pairs([tune(Line(np.array(first + second + third)))])[1].bar
    assert bar.steps[:5].tolist() == [-2, HOLD, HOLD, HOLD, 64]
