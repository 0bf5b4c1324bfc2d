"""A performer's profile, for every test of what is made of it."""

from pathlib import Path

import pytest
from own_sounds import taught_by

from engine.voice.profile_file import save_profile


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("profiles")


@pytest.fixture(scope="module")
def mine(place) -> str:
    save_profile(place / "mine.kuchi", taught_by("aki", {"kick": "b", "snare": "pf", "hat": "ts"}))
    return str(place / "mine.kuchi")


@pytest.fixture
def own(place, mine) -> Path:
    """A copy of the profile that may be written to."""
    path = place / "own.kuchi"
    path.write_bytes(Path(mine).read_bytes())
    return path
