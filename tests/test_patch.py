"""A patch is read whole, and talks back."""

from pathlib import Path

import pytest

from engine.errors import PatchError
from engine.nodes import node_types
from engine.patch import load_patch, own_patches, parse_patch

GOOD = """
cables = ["mic -> onsets -> drums -> daw", "mic -> drums"]
[nodes.onsets]
type = "onset-detector"
[nodes.drums]
type = "drum-classifier"
[nodes.daw]
type = "midi-out"
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(PatchError) as caught:
        parse_patch(text)
    return caught.value.mistakes


@pytest.mark.parametrize("name", own_patches())
def test_every_patch_that_comes_with_kuchi_is_without_mistake(name):
    try:
        patch = load_patch(name)
    except PatchError as error:
        if "no LV2 plugin" in str(error) or "need the library lilv" in str(error):
            pytest.skip(str(error))
        raise
    assert patch.title
    assert patch.about.endswith(".")


def test_nodes_stand_in_the_order_in_which_they_hear_each_other():
    assert list(parse_patch(GOOD).nodes) == ["mic", "onsets", "drums", "daw"]


def test_all_mistakes_are_found_at_once_each_with_its_place():
    found = mistakes("""
        titel = "Song"
        cables = ["mic -> kit", "mic -> drmus", "mic -> onsets -> drums -> kit -> speakers",
                  "mic -> drums"]
        [nodes.onsets]
        type = "onset-detector"
        retrigger_ms = 4000
        sensitivty_db = 3
        [nodes.drums]
        type = "drum-clasifier"
        [scenes.chorus]
        onsts.sensitivity_db = 14
        [controls]
        cc200 = "onsets.sensitivity_db"
        cc21 = "onsets.sensitivity"
        note60 = "lisen"
    """)
    text = "\n".join(found)
    assert '"titel" is no part of a patch; did you mean "title"?' in text
    assert 'cable "mic -> kit": mic gives audio, kit takes hits or notes.' in text
    assert 'cable "mic -> drmus": there is no node "drmus"; did you mean "drums"?' in text
    assert "nodes.onsets.retrigger_ms = 4000: must lie in 10..500 ms" in text
    assert ('nodes.onsets.sensitivty_db: onset-detector has no such setting; '
            'did you mean "sensitivity_db"?') in text
    assert ("nodes.drums.type: there is no type 'drum-clasifier'; "
            'did you mean "drum-classifier"?') in text
    assert 'scenes.chorus.onsts: there is no node "onsts"; did you mean "onsets"?' in text
    assert "controls.cc200: cc numbers lie in 0..127" in text
    assert 'controls.cc21: there is nothing called "onsets.sensitivity"' in text
    assert 'controls.note60: there is nothing called "lisen"; did you mean "listen"?' in text
    assert len(found) == 10


def test_a_cable_between_strangers_names_the_node_that_fits_between():
    assert mistakes('cables = ["mic -> kit -> speakers"]') == [
        'cable "mic -> kit": mic gives audio, kit takes hits or notes. '
        "Put a drum-classifier between them?"]


def test_a_circle_without_a_delayed_port_is_named_whole():
    found = mistakes("""
        cables = ["a -> b -> a", "mic -> a", "b -> speakers"]
        [nodes.a]
        type = "mixer"
        [nodes.b]
        type = "mixer"
    """)
    assert len(found) == 1
    assert "go round in a circle" in found[0]
    assert "a -> b -> a" in found[0] or "b -> a -> b" in found[0]


def test_a_delayed_port_may_close_a_circle():
    patch = parse_patch("""
        cables = ["mic -> onsets -> drums -> kit -> speakers", "mic -> drums",
                  "speakers -> onsets.bleed"]
        [nodes.onsets]
        type = "onset-detector"
        [nodes.drums]
        type = "drum-classifier"
    """)
    closing = [cable for cable in patch.cables if cable.port.delayed]
    assert [str(cable) for cable in closing] == ["speakers -> onsets"]


def test_several_cables_may_reach_one_audio_inlet():
    patch = parse_patch("""
        cables = ["mic -> speakers", "keys -> kit -> speakers"]
    """)
    assert sum(cable.target == "speakers" for cable in patch.cables) == 2


@pytest.mark.parametrize(("cables", "words"), [
    ('["mic"]', "names joined by arrows"),
    ('["mic -> -> speakers"]', "names joined by arrows"),
    ('"mic -> speakers"', "must be a list"),
    ("[3]", "must be a list"),
    ('["mic -> speakers", "mic -> speakers"]', "stands twice"),
    ('["mic -> speakers.left"]', 'speakers has no port "left"; it has: audio'),
    ('["keys -> midi-out -> speakers"]', "is an outlet"),
    ('["keys -> mic"]', "mic takes nothing"),
])
def test_a_wrong_cable_is_explained(cables, words):
    assert any(words in mistake for mistake in mistakes(f"cables = {cables}"))


@pytest.mark.parametrize(("table", "words"), [
    ('[nodes.a]\nport = "x"', 'nodes.a: needs a type'),
    ("[nodes.a]\ntype = 3", "there is no type 3"),
    ("nodes = 3", "nodes: must be a table"),
    ("[nodes]\na = 3", "nodes.a: must be a table of settings"),
    ('[nodes."a.b"]\ntype = "mixer"', "a name has no dots"),
    ('[nodes.daw]\ntype = "midi-out"', "nodes.daw: no cable reaches it"),
    ("title = 3", "title: must be text"),
    ("[scenes]\nloud = 3", "scenes.loud: must hold lines"),
    ("title = ", "is not TOML"),
])
def test_a_wrong_table_is_explained(table, words):
    assert any(words in mistake for mistake in mistakes(table))


@pytest.mark.parametrize("value", ["nan", "inf", "true", '"loud"', "[1]", "-5"])
def test_a_setting_of_the_wrong_kind_is_never_taken(value):
    found = mistakes(GOOD + f"channel = {value}")
    assert any(mistake.startswith("nodes.daw.channel") for mistake in found)


def test_a_node_that_can_hear_nothing_is_a_mistake():
    found = mistakes('cables = ["mic -> drum-classifier -> daw"]\n[nodes.daw]\ntype = "midi-out"')
    assert found == ["nodes.drum-classifier: hears no onsets; add a cable such as "
                     '"onset-detector -> drum-classifier"']


def test_a_gain_for_a_node_that_does_not_feed_the_mixer_is_a_mistake():
    found = mistakes("""
        cables = ["mic -> mixer -> speakers"]
        [nodes.mixer]
        type = "mixer"
        gain_db = { mik = -6 }
    """)
    assert 'no cable joins "mik" to mixer; did you mean "mic"?' in found[0]


def test_a_missing_file_names_the_patch_that_was_meant(tmp_path):
    with pytest.raises(PatchError, match='did you mean "beatbox-kit"'):
        load_patch(tmp_path / "beatbox-kti.toml")
    with pytest.raises(PatchError, match="no such file"):
        load_patch(tmp_path / "zzz.toml")


def test_a_patch_that_is_no_text_is_explained(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PatchError, match="UTF-8"):
        load_patch(path)


def test_a_file_is_named_after_the_type_it_holds():
    for name, kind in node_types().items():
        assert kind.__module__ == f"engine.nodes.{name.replace('-', '_')}"
        assert kind.__doc__


def test_every_setting_tells_what_it_does_and_stands_within_its_own_range():
    for kind in node_types().values():
        for param in kind.params().values():
            assert len(param.help) > 10
            assert param.check(param.default) == param.default


def test_the_page_of_nodes_is_current():
    from engine.commands.patch import reference
    page = Path(__file__).parents[1] / "docs" / "nodes.md"
    assert page.read_text(encoding="utf-8") == reference(dict(node_types())), "run `make docs`"
