"""The suite distrusts itself: what it counts, it counts right."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench import driver, readme
from bench.company import strikes
from bench.lateness import parts_ms, window_ms
from bench.page import write_page
from bench.soak import Listener
from bench.table import Gate, Report, machine
from engine.events import NoteOff, NoteOn, Sent
from engine.units import HOP

TURN_S = 12.8


def night(turns: int = 12) -> list[Sent]:
    """A groove of four notes, turn after turn."""
    events = []
    for turn in range(turns):
        for k in range(4):
            time = turn * TURN_S + 1.0 + k
            events += [Sent(time, "daw", NoteOn(time, 36 + k, 100, 10)),
                       Sent(time + 0.1, "daw", NoteOff(time + 0.1, 36 + k, 64, 10))]
    return events


def counted(events: list[Sent]) -> tuple[int, int, int]:
    listener = Listener(TURN_S)
    for event in events:
        listener.hear(event)
    listener.end()
    return listener.lost, listener.doubled, listener.unbalanced


def test_a_night_without_fault_has_none():
    assert counted(night()) == (0, 0, 0)


def test_a_note_that_is_lost_is_counted_and_so_is_its_end():
    events = night()
    del events[50:52]
    assert counted(events) == (2, 0, 0)


def test_a_note_off_that_is_dropped_leaves_a_note_on():
    events = night()
    del events[51]
    assert counted(events) == (1, 0, 1)


def test_an_event_that_comes_twice_is_doubled():
    events = night()
    events.insert(50, events[50])
    assert counted(events) == (0, 1, 1)


def test_the_callback_asks_for_nothing_but_one_wake_up_and_an_allocation_is_noticed():
    told = {gate.what: gate.value for gate in driver.run(True).gates}
    if not told:
        pytest.skip("no C compiler, or no Linux")
    assert told["heap calls in the callback"] == 0
    assert told["locks in the callback"] == 0
    assert told["system calls beside the wake-up"] == 0
    assert told["wake-ups a block"] == 1
    flawed = {gate.what: gate.value for gate in driver.run(True, "allocates").gates}
    assert flawed["heap calls in the callback"] == 50


def test_the_page_holds_table_gates_and_plot_and_needs_no_other_file(tmp_path: Path):
    report = Report("How slow?", [{"what": "kuchi", "µs": 2.0}, {"what": "peer <b>", "µs": 900.0}],
                    "never", gates=[Gate("speed", 1.0, 2.0, at_least=True)])
    target = tmp_path / "report.html"
    write_page({"speed": report.as_json()}, target)
    page = target.read_text(encoding="utf-8")
    assert "<svg" in page
    assert "failed: speed 1, must be ≥ 2" in page
    assert "peer &lt;b&gt;" in page
    assert "src=" not in page
    assert (tmp_path / "speed.svg").read_text(encoding="utf-8").count("<svg") == 1


def test_the_machine_is_described_down_to_its_flags():
    assert {"cpu", "flags", "commit", "numba"} <= set(machine())


def test_the_readme_shows_the_newest_result_that_is_not_void(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(readme, "RESULTS", tmp_path)
    assert "No result has been kept yet" in readme.figures()
    row = {"frames": " 64  strike to note", "p50": 2.1, "p95": 3.0, "p99": 3.5, "SD": 0.4}
    for day, void, p50 in (("01", False, 2.1), ("02", False, 2.25), ("03", True, 9.0)):
        report = Report("late?", [{**row, "p50": p50}], "", void=void, notes=["a thousand strikes"])
        written = report.as_json()
        written["machine"] |= {"date": f"2026-01-{day}T00:00:00", "cpu": "abacus"}
        (tmp_path / f"{day}.json").write_text(json.dumps({"strike": written}), encoding="utf-8")
    shown = readme.figures()
    assert "| strike to note, blocks of 64 | 2.25 | 3 | 3.5 | 0.4 |" in shown
    assert "abacus" in shown
    assert "2026-01-02" in shown


def test_the_readme_is_current():
    text = (readme.HOUSE / "README.md").read_text(encoding="utf-8")
    assert readme.page(text) == text, "run `python -m bench.readme`"


def test_the_parts_of_a_notes_way_add_up_to_the_whole():
    period_ns = 64e9 / 48_000
    cycles = np.arange(10_000) * period_ns
    due = np.random.default_rng(1).uniform(cycles[10], cycles[-10], 1000)
    late = (cycles[np.searchsorted(cycles, due)] - due) / 1e6 + 0.2     # a port that takes .2 ms
    parts = parts_ms(64, 24.0, 4.0, due, cycles, late)
    assert sum(parts.values()) == pytest.approx(24.0 + late.mean())
    assert parts["engine and port"] == pytest.approx(0.2)
    assert parts["driver"] == pytest.approx(parts["block"], abs=0.05)


def test_a_window_is_counted_from_the_end_of_the_hop_that_was_struck():
    song, places = strikes(20)
    later = np.concatenate([np.zeros(HOP, np.float32), song])
    assert window_ms(song, places) == pytest.approx(window_ms(later, places + HOP), abs=0.3)
    assert 0.0 <= window_ms(song, places) < 10.0
