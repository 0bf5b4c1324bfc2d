"""Plugins for tests: those of the distribution where they are installed, and bad ones made here."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.audio.lv2.plugins import Plugin, find
from engine.errors import KuchiError


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No verdict is known, and none stays."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def plugin() -> Callable[[str], Plugin]:
    """A plugin by its URI; the test is skipped, by name, where it isn't installed."""
    def look(wanted: str) -> Plugin:
        try:
            return find(wanted)
        except KuchiError as error:
            pytest.skip(str(error))
    return look
