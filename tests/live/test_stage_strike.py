"""The bench of the whole way runs, and hears every strike."""

import pytest

from bench import strike
from bench.company import strikes

pytestmark = pytest.mark.live


def test_every_strike_of_the_bench_is_answered_by_note_and_osc():
    report = strike.run(quick=True)
    heard = {str(row["frames"])[5:]: row["heard %"] for row in report.rows}
    assert heard["strike to note"] == heard["strike to OSC"] == 100.0
    assert "strike to sound" in heard
    for row in report.rows:         # a busy thread may leave a peer in Python no time at all
        silent = "busy: our graph in Python" in str(row["frames"]) and row["heard %"] == 0.0
        assert silent or row["p50"] == row["p50"], f"{row['frames']}: a figure, not nothing"


def test_strikes_stand_where_they_are_said_to():
    song, places = strikes(20)
    assert all(song[place] == pytest.approx(0.8) and song[place - 1] == 0.0 for place in places)
    assert len(set(places % 64)) > 10, "at any moment of a block"
