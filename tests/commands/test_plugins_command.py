"""`kuchi plugins`: what a performer reads before a plugin is trusted."""

import json

import pytest
from click.testing import CliRunner, Result

from engine.commands import kuchi
from engine.errors import DeviceError

pytestmark = pytest.mark.usefixtures("flawed", "own_cache")


def said(*words: str) -> Result:
    return CliRunner().invoke(kuchi, ["plugins", *words])


def test_plugins_are_listed_with_what_is_known_of_them():
    rows = {row["uri"]: row for row in json.loads(said("list", "kuchi-test", "--json").stdout)}
    assert rows["urn:kuchi-test:pulse"] == {
        "uri": "urn:kuchi-test:pulse", "name": "Kuchi test pulse", "what": "instrument, 2 out",
        "state": "not probed yet"}
    assert rows["urn:kuchi-test:wide"]["what"] == "effect, 16 in, 16 out"
    assert "no audio comes out" in rows["urn:kuchi-test:silent"]["state"]


def test_settings_are_shown_as_a_patch_would_write_them():
    shown = said("show", "kuchi test pulse")
    assert "mode" in shown.stdout
    assert "Warm  (Soft, Warm or Hard)  Mode" in shown.stdout
    assert "release_  0  (0..0.4 dB)  Release" in shown.stdout


def test_a_trial_leaves_a_verdict_and_a_refused_plugin_the_exit_code_of_a_failed_gate():
    tried = said("probe", "urn:kuchi-test:abort", "--json")
    assert tried.exit_code == 5
    assert "SIGABRT" in json.loads(tried.stdout)[0]["refused"]
    assert "refused: it crashes (SIGABRT)" in said("show", "urn:kuchi-test:abort").stdout


def test_a_plugin_that_is_not_installed_is_no_device():
    told = said("show", "nonsense")
    assert isinstance(told.exception, DeviceError)
    assert told.exception.exit_code == 3
    assert "`kuchi plugins list` names what is installed" in str(told.exception)
