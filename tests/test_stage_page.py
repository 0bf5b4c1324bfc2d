"""The page for the stage says nothing that isn't so: its patches load, its commands exist."""

import re
from pathlib import Path

import pytest

from engine.commands import kuchi
from engine.patch import own_patches, parse_patch
from engine.rig import load_rig

PAGE = (Path(__file__).parent.parent / "docs" / "stage.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
BLOCKS = [text for kind, text in FENCED if kind == "toml"]
DRAWINGS = [text for kind, text in FENCED if not kind]


@pytest.mark.parametrize("text", [block for block in BLOCKS if "cables" in block])
def test_the_page_s_patches_are_without_mistake(text):
    assert parse_patch(text).nodes


@pytest.mark.parametrize("text", [b for b in BLOCKS if "cables" not in b and "[nodes." in b])
def test_a_node_s_table_fits_into_the_patch_it_is_meant_for(text):
    cables = 'cables = ["mic -> onset-detector -> drum-classifier -> kit -> speakers", ' \
             '"mic -> drum-classifier"]\n'
    assert parse_patch(cables + text).nodes["kit"][1] == {"kit": "under"}


def test_the_page_s_rig_is_without_mistake(tmp_path):
    (text,) = [block for block in BLOCKS if "[audio]" in block]
    (tmp_path / "rig.toml").write_text(text)
    assert load_rig(tmp_path / "rig.toml").input_channels == 2


def test_every_command_and_patch_that_is_named_exists():
    named = re.findall(r"`kuchi (\w+)(?: ([\w.-]+))?", PAGE)
    assert {command for command, _ in named} <= set(kuchi.list_commands(None))
    for command, patch in named:
        if command == "run" and patch and not patch.startswith("--"):
            assert patch in own_patches() or patch.endswith(".toml")


def test_every_drawing_fits_a_narrow_screen():
    assert len(DRAWINGS) == 6           # two of the keyboard
    assert max(len(line) for drawing in DRAWINGS for line in drawing.splitlines()) <= 80
