"""Nothing unknown enters the audio thread: each plugin is tried elsewhere first."""

import pytest

from engine.audio.lv2.plugins import find
from engine.audio.lv2.verdicts import decide, kept, number_of, probe, verdict_on

pytestmark = pytest.mark.usefixtures("flawed", "own_cache")


def test_a_good_plugin_may_enter_and_its_cost_is_known():
    verdict = probe(find("urn:kuchi-test:latent"))
    assert verdict.refused == ""
    assert 0.0 < verdict.block_us < 600.0
    assert verdict.latency == 64
    assert verdict.sockets == 0


def test_a_plugin_that_ends_its_process_is_refused_and_this_one_goes_on():
    verdict = probe(find("urn:kuchi-test:abort"))
    assert "it crashes (SIGABRT), at: being loaded" in verdict.refused


def test_a_plugin_that_can_not_be_hosted_is_refused_without_a_trial():
    assert "urn:kuchi-test:moon" in probe(find("urn:kuchi-test:wants")).refused


def test_a_plugin_that_will_not_start_is_refused():
    assert "can't be loaded" in probe(find("urn:kuchi-test:stillborn")).refused


def test_a_verdict_is_kept_for_this_version_only():
    plugin = find("urn:kuchi-test:wants")
    assert kept(plugin) is None
    assert verdict_on(plugin) == kept(plugin)
    other = type(plugin)(**{**vars(plugin), "version": "2"})
    assert kept(other) is None


def test_what_fell_on_stage_is_refused_until_it_is_probed_again():
    plugin = find("urn:kuchi-test:latent")
    decide(plugin, "it crashed on stage")
    assert verdict_on(plugin).refused == "it crashed on stage"
    assert probe(plugin).refused == ""


def test_a_broken_verdict_is_none(own_cache):
    plugin = find("urn:kuchi-test:wants")
    probe(plugin)
    place = own_cache / "kuchi" / "plugins" / f"{number_of(plugin.uri):012x}.json"
    place.write_text("nonsense", encoding="utf-8")
    assert kept(plugin) is None
