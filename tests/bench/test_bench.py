"""The benches themselves: what they print, what they write, when they don't judge."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import dsp
from bench.__main__ import main, names
from bench.measure import interleaved, interval, percentiles_us
from bench.table import Gate, Report, table
from engine.errors import FileError, GateError, UsageError

OBJECT = {"question", "rows", "machine", "void", "rule", "gates", "notes"}


def test_every_file_of_the_folder_is_a_bench_but_those_that_serve_them():
    assert {"dsp", "memory", "throughput"} <= set(names())
    assert not {"table", "measure", "__main__"} & set(names())


def test_a_bench_prints_its_table_and_writes_one_object(tmp_path: Path,
                                                        capsys: pytest.CaptureFixture[str]):
    target = tmp_path / "figures.json"
    main(["dsp", "--quick", "--json", str(target)])
    printed = capsys.readouterr().out
    assert "How long does one hop of analysis take?" in printed
    written = json.loads(target.read_text())
    assert set(written) == {"dsp"}
    assert set(written["dsp"]) == OBJECT
    assert isinstance(written["dsp"]["void"], bool)
    assert {"cpu", "cores", "python", "numpy", "numba", "onnxruntime", "commit", "date"} <= set(
        written["dsp"]["machine"])
    for row in written["dsp"]["rows"]:
        assert row["what"] in printed
        assert set(row) >= {"512/64, µs", "1024/128, µs", "2048/256, µs"}


@pytest.mark.parametrize(("name", "columns"), [
    ("throughput", {"x real time", "p50 µs", "p99 µs", "p99.9 µs", "max µs"}),
    ("memory", {"peak of render, MB", "growth, MB"}),
])
def test_the_patches_are_measured_beside_a_null_control(tmp_path: Path, name: str,
                                                        columns: set[str]):
    target = tmp_path / "figures.json"
    main([name, "--quick", "--json", str(target)])
    written = json.loads(target.read_text())[name]
    assert [row["what"] for row in written["rows"]] == [
        "beatbox-to-daw", "beatbox-kit", "nothing (null control)"]
    assert all(row[column] > 0.0 or column == "growth, MB"
               for row in written["rows"][:2] for column in columns)
    assert written["gates"] == []


def test_an_unknown_bench_leaves_with_2_and_tells_those_there_are():
    done = subprocess.run([sys.executable, "-m", "bench", "speed"], capture_output=True, text=True,
                          cwd=Path(__file__).parents[2])
    assert done.returncode == 2
    assert 'no bench "speed"' in done.stderr
    assert ", dsp, " in done.stderr


def test_nothing_is_measured_when_one_name_is_wrong(tmp_path: Path):
    with pytest.raises(UsageError, match=", dsp, "):
        main(["dsp", "speed", "--json", str(tmp_path / "figures.json")])
    assert not list(tmp_path.iterdir())


def test_figures_of_other_benches_stay_and_another_file_is_left_alone(tmp_path: Path):
    target = tmp_path / "figures.json"
    target.write_text('{"another": {"rows": []}}')
    main(["teaching", "--quick", "--json", str(target)])
    assert set(json.loads(target.read_text())) == {"another", "teaching"}
    target.write_text("my diary")
    with pytest.raises(FileError, match="left as it is"):
        main(["teaching", "--quick", "--json", str(target)])
    assert target.read_text() == "my diary"


def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(FileError, match="can't be written"):
        main(["dsp", "--quick", "--json", str(tmp_path / "nowhere" / "figures.json")])
    assert not capsys.readouterr().out


def test_a_gate_that_fails_ends_the_suite_with_its_figure(monkeypatch: pytest.MonkeyPatch):
    slow = Report("How slow?", [{"what": "us"}], "never", gates=[Gate("speed", 80.0, 100.0, True)])
    monkeypatch.setattr(dsp, "run", lambda quick: slow)
    with pytest.raises(GateError, match=r"dsp: speed 80\.0, must be ≥ 100"):
        main(["dsp"])


def test_a_void_run_is_not_judged_and_says_why():
    report = Report("How slow?", [{"what": "us"}], "the machine was busy", void=True,
                    gates=[Gate("speed", 80.0, 100.0, True)])
    assert report.failed() == []
    assert "VOID  the machine was busy" in str(report)


@pytest.mark.parametrize(("value", "at_least", "passed"), [
    (100.0, True, True), (99.0, True, False), (100.0, False, True), (101.0, False, False),
    (float("nan"), True, False), (float("nan"), False, False)])
def test_a_gate_is_passed_at_its_limit_and_never_by_no_number(value: float, at_least: bool,
                                                              passed: bool):
    assert Gate("figure", value, 100.0, at_least).passed is passed


@pytest.mark.parametrize("size", [size for size, _ in dsp.PAIRS])
def test_the_peers_do_the_same_job(size: int):
    rng = np.random.Generator(np.random.PCG64(3))
    noise = rng.standard_normal((40, 64)).astype(np.float32)
    steps = [dsp.STEPS[name](size, 64) for name in ("kuchi", "numpy", "scipy")]
    ours, numpys, scipys = ([step(hop) for hop in noise] for step in steps)
    assert ours == pytest.approx(numpys, rel=1e-3, abs=1e-3)
    assert ours == pytest.approx(scipys, rel=1e-3, abs=1e-3)


def test_rounds_are_interleaved():
    calls: list[str] = []
    figures = interleaved({name: lambda name=name: float(calls.append(name) or 1.0)
                           for name in ("ours", "theirs", "nothing")}, 5)
    assert all(set(calls[turn:turn + 3]) == set(figures) for turn in range(0, 15, 3))
    assert figures["ours"] == [1.0] * 5


def test_the_interval_holds_the_median_and_shrinks_with_more_rounds():
    rng = np.random.Generator(np.random.PCG64(1))
    few, many = rng.normal(5.0, 1.0, 10).tolist(), rng.normal(5.0, 1.0, 1000).tolist()
    assert interval(few)[0] <= float(np.median(few)) <= interval(few)[1]
    assert np.diff(interval(many)) < np.diff(interval(few))


def test_durations_are_told_in_microseconds():
    figures = percentiles_us(np.arange(0, 1_001_000, 1000))
    assert figures == pytest.approx(
        {"p50 µs": 500.0, "p99 µs": 990.0, "p99.9 µs": 999.0, "max µs": 1000.0})


def test_what_was_not_measured_is_a_dash_in_the_table():
    assert table([{"what": "a", "µs": 1.25, "95 %": [1.0, 2.0]}, {"what": "b", "µs": None}]) == [
        "     µs  95 %", "a  1.25   1–2", "b     –     –"]
