"""What a plugin holds beside its settings is saved with the patch, and comes back."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import KuchiError
from engine.events import NoteOn
from engine.graph import Graph
from engine.live.builder import keep_states
from engine.live.messages import Keep, Kept
from engine.nodes.lv2_plugin import Lv2Plugin
from engine.patch import load_patch, parse_patch
from engine.save import save_settings

pytestmark = pytest.mark.usefixtures("flawed", "one_cache")

PATCH = """
cables = ["keys -> synth -> speakers"]
[nodes.synth]
type = "lv2-plugin"
plugin = "urn:kuchi-test:{name}"
isolated = {apart}
{more}
"""


class Play:
    """A graph, and how loud what it plays is, once what was asked for has been done."""

    def __init__(self, folder: Path, name: str = "keeps", more: str = "", apart: bool = False
                 ) -> None:
        text = PATCH.format(name=name, more=more, apart=str(apart).lower())
        self.graph = Graph(parse_patch(text, folder=folder))
        self.node = self.graph.nodes["synth"]
        assert isinstance(self.node, Lv2Plugin)

    def note(self, number: int) -> None:
        self.graph.arrive(NoteOn(self.graph.clock.now, number, 100, 1))

    def level(self) -> float:
        target = np.zeros((4096, 2), np.float32)
        for _ in range(2):
            self.graph.hear(np.zeros((4096, 1), np.float32), target)
        return float(target[-1, 0])


@pytest.mark.parametrize("apart", [False, pytest.param(True, marks=pytest.mark.live)])
def test_what_it_holds_is_written_beside_the_patch_and_comes_back(tmp_path: Path, apart: bool):
    first = Play(tmp_path, more="release_ = 0.25", apart=apart)
    assert first.level() == 0.0
    first.note(64)
    assert first.level() == pytest.approx(64 / 127, abs=1e-3)
    settings = first.node.write_state(tmp_path / "song-synth")
    assert settings == {"state": "song-synth.state"}
    again = Play(tmp_path, more='state = "song-synth.state"', apart=apart)
    assert again.level() == pytest.approx(64 / 127, abs=1e-3)
    if not apart:
        assert again.node.release_ == pytest.approx(0.25)       # its settings are in it too


def test_a_plugin_that_holds_nothing_writes_nothing(tmp_path: Path):
    assert Play(tmp_path, "pulse").node.write_state(tmp_path / "song-synth") == {}
    assert not list(tmp_path.iterdir())


def test_a_state_of_another_plugin_or_version_is_explained(tmp_path: Path):
    Play(tmp_path).node.write_state(tmp_path / "song-synth")
    with pytest.raises(KuchiError, match="is a state of urn:kuchi-test:keeps, not of Kuchi test p"):
        Play(tmp_path, "pulse", 'state = "song-synth.state"')
    saved = tmp_path / "song-synth.state" / "state.ttl"
    saved.write_text(saved.read_text().replace('"release"', '"colour"'))
    with pytest.raises(KuchiError, match="is of another version of Kuchi test keeps: it sets col"):
        Play(tmp_path, "keeps", 'state = "song-synth.state"')


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path):
    (tmp_path / "song-synth.state").write_text("in the way")
    with pytest.raises(KuchiError, match=r"song-synth\.state can't be written"):
        Play(tmp_path).node.write_state(tmp_path / "song-synth")


def test_saving_writes_the_state_and_names_it_in_the_patch(tmp_path: Path):
    song = tmp_path / "song.toml"
    song.write_text(PATCH.format(name="keeps", more="# mine", apart="false"), encoding="utf-8")
    graph = Graph(load_patch(song))
    graph.arrive(NoteOn(graph.clock.now, 64, 100, 1))
    for _ in range(2):
        graph.hear(np.zeros((4096, 1), np.float32), np.zeros((4096, 2), np.float32))
    kept = keep_states(Keep(str(song.with_suffix(""))), graph)
    assert kept == Kept({"synth.state": "song-synth.state"})
    save_settings(song, kept.settings)
    assert "# mine" in song.read_text(encoding="utf-8")
    again, target = Graph(load_patch(song)), np.zeros((4096, 2), np.float32)
    again.hear(np.zeros((4096, 1), np.float32), target)
    assert target[-1, 0] == pytest.approx(64 / 127, abs=1e-3)


def test_what_can_not_be_kept_is_named_and_the_rest_is_kept(tmp_path: Path):
    (tmp_path / "song-synth.state").write_text("in the way")
    kept = keep_states(Keep(str(tmp_path / "song")), Play(tmp_path).graph)
    assert kept.settings == {}
    assert kept.mistakes[0].startswith("synth: ")
