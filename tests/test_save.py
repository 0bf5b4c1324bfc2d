"""Saving keeps what a person wrote."""

import pytest

from engine.errors import PatchError
from engine.patch import load_patch
from engine.save import save_settings

PATCH = """# my song
title = "Song"      # called so for a reason
cables = ["mic -> onsets", "keys -> midi-out"]

[nodes.onsets]
type = "onset-detector"
sensitivity_db = 12   # this room
"""


def test_comments_and_order_stay_and_new_settings_find_their_place(tmp_path):
    path = tmp_path / "song.toml"
    path.write_text(PATCH)
    save_settings(path, {"onsets.sensitivity_db": 14.5, "midi-out.channel": 3})
    text = path.read_text()
    assert text.startswith(PATCH.replace("= 12 ", "= 14.5 "))
    patch = load_patch(path)
    assert patch.nodes["midi-out"][1] == {"channel": 3}
    assert patch.nodes["onsets"][1] == {"sensitivity_db": 14.5}
    assert [p.name for p in tmp_path.iterdir()] == ["song.toml"]


def test_what_would_be_no_patch_is_not_saved(tmp_path):
    path = tmp_path / "song.toml"
    path.write_text(PATCH)
    with pytest.raises(PatchError, match="must lie in"):
        save_settings(path, {"onsets.sensitivity_db": 900})
    assert path.read_text() == PATCH
    path.write_text("no patch = ")
    with pytest.raises(PatchError, match="nothing was saved"):
        save_settings(path, {"onsets.sensitivity_db": 9})
