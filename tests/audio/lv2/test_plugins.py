"""What plugins say of themselves, and what is said where one isn't as it should be."""

import pytest

from engine.audio.lv2.plugins import find, installed, presets
from engine.errors import KuchiError

pytestmark = pytest.mark.usefixtures("flawed")


def test_a_plugin_is_found_by_its_uri_its_name_or_a_part_that_only_it_has():
    assert find("urn:kuchi-test:pulse").name == "Kuchi test pulse"
    assert find("kuchi TEST pulse").uri == "urn:kuchi-test:pulse"
    assert find("test lat").uri == "urn:kuchi-test:latent"
    assert "urn:kuchi-test:pulse" in installed()


def test_a_name_that_could_be_many_is_asked_for_more():
    with pytest.raises(KuchiError, match=r'"kuchi test" could be any of .*Kuchi test abort'):
        find("kuchi test")


def test_a_plugin_that_is_not_there_is_explained_with_what_is_near():
    with pytest.raises(KuchiError, match=r'no LV2 plugin "Kuchi tset pluse" is installed; '
                                         r'did you mean "Kuchi test pulse"\?'):
        find("Kuchi tset pluse")


def test_ports_have_their_own_names_ranges_units_and_words():
    plugin = find("urn:kuchi-test:wide")
    by_symbol = {port.symbol: port for port in plugin.ports}
    flaw, mode = by_symbol["release"], by_symbol["mode"]
    assert (flaw.low, flaw.high, flaw.unit) == (0.0, pytest.approx(0.4), "dB")
    assert (mode.default, dict(mode.values)) == (1.0, {"Soft": 0.0, "Warm": 1.0, "Hard": 2.0})
    assert len(plugin.audio(inputs=True)) == len(plugin.audio(inputs=False)) == 16
    assert plugin.latency == by_symbol["latency"].index


@pytest.mark.parametrize(("name", "reason"), [
    ("silent", "no audio comes out of it"),
    ("wants", "it needs urn:kuchi-test:moon, which Kuchi doesn't give"),
    ("gone", "gone.so is missing"),
    ("pulse", "")])
def test_what_this_host_can_not_run_is_said_before_it_is_tried(name, reason):
    refusal = find(f"urn:kuchi-test:{name}").refusal()
    assert reason in refusal
    assert bool(refusal) == bool(reason)


def test_presets_are_known_by_their_labels(installed_plugin):
    assert "Tremolo" in presets(find(installed_plugin("http://drobilla.net/plugins/mda/EPiano")))
