"""Errands: what a performer waits for isn't put behind other programs, what computes gives way."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs import Done
from engine.live.errands import Errand, Heard, Moved, keep, save
from engine.live.shared import SharedBlock
from engine.patch import load_patch, own_patches

pytestmark = pytest.mark.skipif(not hasattr(os, "nice") or os.nice(0) > 14,
                                reason="nobody can be nicer than these tests are")


@pytest.fixture
def block() -> Iterator[SharedBlock]:
    block = SharedBlock()
    yield block
    block.close()


def done(errand: Errand) -> tuple[Done, int]:
    """What came of it, and how nice its process was to others, at the most."""
    nice, ends = [0], time.monotonic() + 120.0
    (process,) = (p for p in multiprocessing.active_children() if p.name == "kuchi-errand")
    while (news := errand.news()) is None:
        assert time.monotonic() < ends, "it takes too long"
        if process.is_alive():
            nice.append(os.getpriority(os.PRIO_PROCESS, process.pid or 0))
        time.sleep(0.002)
    return news, max(nice) - os.nice(0)


def test_a_save_is_as_urgent_as_any_program(tmp_path: Path):
    song = tmp_path / "song.toml"
    song.write_text(own_patches()["beatbox-to-daw"].read_text("utf-8"), "utf-8")
    news, nice = done(Errand(save, Moved(str(song), {"onsets.sensitivity_db": 17.0})))
    assert news.error == ""
    assert news.answer == {"onsets.sensitivity_db": 17.0}
    assert load_patch(song).nodes["onsets"][1]["sensitivity_db"] == 17.0
    assert nice == 0


def test_a_kit_gives_way_to_what_plays(block: SharedBlock, capfd: pytest.CaptureFixture[str]):
    news, nice = done(Errand(keep, Heard(block.name, 0)))
    assert news.error != "", "nothing was heard"
    assert nice == 5
    assert capfd.readouterr().err == "", "the performer's console is no place for a traceback"


def test_work_that_falls_is_told(tmp_path: Path):
    errand = Errand(save, Moved(str(tmp_path / "none.toml"), {}))
    (process,) = (p for p in multiprocessing.active_children() if p.name == "kuchi-errand")
    process.kill()
    news, _ = done(errand)
    assert news.error == "what was to do it has fallen"
