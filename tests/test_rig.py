"""What belongs to the stage stays when the song changes; where both speak, the song wins."""

import pytest

from engine.errors import PatchError
from engine.patch import parse_patch
from engine.rig import Rig, load_rig

PATCH = """
cables = ["mic -> onsets", "keys -> daw"]
[nodes.onsets]
type = "onset-detector"
[nodes.daw]
type = "midi-out"
channel = 3
[scenes.loud]
onsets.sensitivity_db = 20
[controls]
cc21 = "onsets.sensitivity_db"
"""


def rig(tmp_path, text: str) -> Rig:
    path = tmp_path / "rig.toml"
    path.write_text(text)
    return load_rig(path)


def test_the_rig_sets_what_the_patch_leaves_open(tmp_path):
    it = rig(tmp_path, "[onset-detector]\nsensitivity_db = 13\n[midi-out]\nchannel = 9\nfloor = 20")
    patch = it.applied_to(parse_patch(PATCH))
    assert patch.nodes["onsets"][1]["sensitivity_db"] == 13
    assert patch.nodes["daw"][1] == {"channel": 3, "floor": 20}


def test_controls_of_both_hold_and_the_patch_s_win(tmp_path):
    it = rig(tmp_path, """
        [controls]
        cc21 = "onsets.retrigger_ms"
        ch16.cc80 = "listen"
        key.space = "panic"
        cc22 = "scene.loud"
        cc23 = "friend.density"
    """)
    bound = {(b.source, b.number): b.to for b in it.applied_to(parse_patch(PATCH)).controls}
    assert bound == {("cc", 21): "onsets.sensitivity_db", ("cc", 80): "listen",
                     ("key", "space"): "panic", ("cc", 22): "scene.loud"}


def test_a_sound_card_and_osc_are_read(tmp_path):
    it = rig(tmp_path, '[audio]\ndevice = "Scarlett"\nblock = 64\n'
                       '[osc]\nport = 9000\nallow = ["192.168.1.20"]')
    assert (it.device, it.block, it.osc_port, it.osc_allow) == (
        "Scarlett", 64, 9000, ("192.168.1.20",))


def test_a_rig_that_is_not_there_is_a_plain_one_unless_it_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.rig.rig_path", lambda: tmp_path / "none.toml")
    assert load_rig().device == ""
    with pytest.raises(PatchError, match="no such file"):
        load_rig(tmp_path / "mine.toml")


def test_all_mistakes_in_a_rig_are_found_at_once(tmp_path):
    with pytest.raises(PatchError) as caught:
        rig(tmp_path, """
            loud = 3
            [audoi]
            device = "x"
            [audio]
            devise = "x"
            block = "64"
            [onset-detector]
            sensitivity_db = 900
            retriger_ms = 40
            [controls]
            cc900 = "listen"
        """)
    text = "\n".join(caught.value.mistakes)
    assert '"loud" must be a table' in text
    assert '[audoi] is no part of a rig; did you mean "audio"?' in text
    assert 'audio.devise: there is no such setting; did you mean "device"?' in text
    assert "audio.block: must be a whole number" in text
    assert "onset-detector.sensitivity_db = 900: must lie in" in text
    assert 'retriger_ms: there is no such setting; did you mean "retrigger_ms"?' in text
    assert "controls.cc900: cc numbers lie in 0..127" in text
    assert len(caught.value.mistakes) == 7
