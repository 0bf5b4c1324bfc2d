"""A VST3 plugin in a patch: pedalboard plays it in a process of its own, or it is explained."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.audio import vst3
from engine.errors import PatchError
from engine.events import NoteOn
from engine.patch import Patch, parse_patch
from engine.rendering import render
from engine.units import Samples

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="isolated plugins need Linux")

MACHINE = f"{platform.machine()}-linux"
PATCH = """
cables = ["{feed} -> far -> speakers"]
[nodes.far]
type = "vst3-plugin"
plugin = "{path}"
wait_ms = 5
{more}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bundles: Gain is an effect, Bell an instrument, and Fall ends its process at once."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make a plugin with")
    made = tmp_path_factory.mktemp("vst3")
    source = Path(__file__).parents[1] / "small_vst3.c"
    for name in ("GAIN", "BELL", "FALL"):
        inside = made / f"{name.title()}.vst3" / "Contents" / MACHINE
        inside.mkdir(parents=True)
        subprocess.run([compiler, "-O1", "-w", "-shared", "-fPIC", f"-D{name}", str(source), "-o",
                        str(inside / f"{name.title()}.so")], check=True)
    return made


def patch(path: Path | str, feed: str = "mic", more: str = "") -> Patch:
    return parse_patch(PATCH.format(path=path, feed=feed, more=more))


def mistake(path: Path | str, **options: str) -> str:
    with pytest.raises(PatchError) as caught:
        patch(path, **options)
    return "\n".join(caught.value.mistakes)


def sound(what: Patch, audio: Samples | None, notes: list[NoteOn] | None = None) -> Samples:
    made: list[Samples] = []
    list(render(what, audio, notes or [], write=made.append))
    return np.concatenate(made)[:, 0]


def test_its_settings_are_the_plugins_own_and_it_is_always_isolated(folder: Path):
    params = patch(folder / "Gain.vst3").nodes["far"][0].params()
    gain = params["gain_x"]
    assert (gain.default, gain.low, gain.high, gain.unit) == (1.0, 0.0, 2.0, "x")
    assert "isolated" not in params
    assert "nodes.far.gain_x = 3.0: must lie in 0..2 x" in mistake(folder / "Gain.vst3",
                                                                   more="gain_x = 3.0")


@pytest.mark.live
def test_an_effect_is_heard_one_block_later_at_its_setting(folder: Path):
    noise = np.random.default_rng(1).uniform(-0.2, 0.2, 9_600).astype(np.float32)
    made = sound(patch(folder / "Gain.vst3", more="gain_x = 1.5"), noise)
    assert made[564:9_664] == pytest.approx(1.5 * noise[500:], abs=1e-4)    # once it has faded in


@pytest.mark.live
def test_a_note_sounds_at_its_very_frame_one_block_later(folder: Path):
    made = sound(patch(folder / "Bell.vst3", "keys"), None, [NoteOn(0.1, 60, 127, 1)])
    assert np.flatnonzero(made > 0.5).tolist() == [4800 + 240 + 64]


def test_an_instrument_takes_no_audio(folder: Path):
    assert "far takes hits or notes" in mistake(folder / "Bell.vst3")


def test_what_can_not_be_loaded_is_a_mistake_with_its_place(folder: Path, tmp_path: Path):
    assert f"{tmp_path}/Gone.vst3 is not there" in mistake(tmp_path / "Gone.vst3")
    broken = tmp_path / "Broken.vst3" / "Contents" / MACHINE / "Broken.so"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no library")
    found = mistake(tmp_path / "Broken.vst3")
    assert "nodes.far.plugin = " in found
    assert "Broken.vst3 can't be loaded: Unable to scan plugin" in found
    assert "Fall.vst3 can't be loaded: it ends its process" in mistake(folder / "Fall.vst3")


def test_a_name_is_looked_for_in_the_usual_folders(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vst3, "_LINUX", (str(folder),))
    assert vst3.find("gain").name == "Kuchi test gain"
    assert '"room": Bell, Fall, Gain' in mistake("room")
    assert '"l" could be any of Bell, Fall' in mistake("l")


def test_without_pedalboard_the_way_to_it_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pedalboard", None)
    assert "pip install kuchi[vst3]" in mistake(folder / "Gain.vst3")
