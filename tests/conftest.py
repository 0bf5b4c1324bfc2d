"""What tests share: LV2 plugins, installed ones and flawed ones; in CI no test is skipped."""

import os
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("kuchi", deadline=None,           # a first call may compile
                          derandomize=bool(os.environ.get("CI")))
settings.load_profile("kuchi")

_PORTS = """
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix atom: <http://lv2plug.in/ns/ext/atom#> .
@prefix doap: <http://usefulinc.com/ns/doap#> .
@prefix units: <http://lv2plug.in/ns/extensions/units#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
"""
_NOTES, _FLAW, _LATENCY, _MODE = 32, 33, 34, 35
_FLAWED = {"pulse": (0, 2), "crash": (0, 2), "hang": (0, 2), "nan": (2, 2), "slow": (2, 2),
           "wide": (16, 16), "mono": (1, 1), "latent": (1, 1), "stillborn": (0, 2),
           "abort": (0, 2), "keeps": (0, 2), "silent": (0, 0), "wants": (2, 2)}
_TAKES_NOTES = {"pulse", "crash", "hang", "nan", "slow", "abort", "keeps"}


def _description(name: str, inputs: int, outputs: int) -> str:
    ports = []

    def port(index: int, kind: str, symbol: str, more: str = "") -> None:
        ports.append(f'[ a {kind} ; lv2:index {index} ; lv2:symbol "{symbol}" ; '
                     f'lv2:name "{symbol.title()}" {more} ]')

    def atom(index: int) -> None:
        port(index, "lv2:InputPort, atom:AtomPort", "notes",
             "; atom:bufferType atom:Sequence ; "
             "atom:supports <http://lv2plug.in/ns/ext/midi#MidiEvent>")

    for index in range(16):
        kind = "lv2:InputPort, lv2:AudioPort" if index < inputs else "lv2:InputPort, lv2:CVPort"
        port(index, kind, f"in{index}")
    for index in range(16):
        kind = "lv2:OutputPort, " + ("lv2:AudioPort" if index < outputs else "lv2:CVPort")
        port(16 + index, kind, f"out{index}")
    if name in _TAKES_NOTES:
        atom(_NOTES)
    else:
        port(_NOTES, "lv2:InputPort, lv2:CVPort", "none")
    port(_FLAW, "lv2:InputPort, lv2:ControlPort", "release",
         "; lv2:default 0.0 ; lv2:minimum 0.0 ; lv2:maximum 0.4 ; units:unit units:db")
    port(_LATENCY, "lv2:OutputPort, lv2:ControlPort", "latency",
         "; lv2:designation lv2:latency ; lv2:portProperty lv2:reportsLatency")
    port(_MODE, "lv2:InputPort, lv2:ControlPort", "mode",
         '; lv2:default 1 ; lv2:minimum 0 ; lv2:maximum 2 ; lv2:portProperty lv2:enumeration ; '
         'lv2:scalePoint [ rdfs:label "Soft" ; rdf:value 0 ] , '
         '[ rdfs:label "Warm" ; rdf:value 1 ] , [ rdfs:label "Hard" ; rdf:value 2 ]')
    wants = "; lv2:requiredFeature <urn:kuchi-test:moon> " if name == "wants" else ""
    return (f'<urn:kuchi-test:{name}> a lv2:Plugin ; doap:name "Kuchi test {name}" {wants}; '
            f'lv2:port {" , ".join(ports)} .\n')


def _write_bundle(folder: Path) -> None:
    manifest = _PORTS + "".join(
        f"<urn:kuchi-test:{name}> a lv2:Plugin ; lv2:binary <flawed.so> ; "
        "rdfs:seeAlso <flawed.ttl> .\n" for name in _FLAWED)
    manifest += ("<urn:kuchi-test:gone> a lv2:Plugin ; lv2:binary <gone.so> ; "
                 "rdfs:seeAlso <flawed.ttl> .\n")
    text = _PORTS + "".join(
        _description(name, *channels) for name, channels in _FLAWED.items())
    text += _description("gone", 0, 2)
    (folder / "manifest.ttl").write_text(manifest, encoding="utf-8")
    (folder / "flawed.ttl").write_text(text, encoding="utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing is skipped: what a test misses there is a mistake of the set-up.

    A run that is void, since the machine stood still, says nothing either way.
    """
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        if "void" not in reason:
            report.outcome, report.longrepr = "failed", f"skipped, and this is CI: {reason}"
    return report


@pytest.fixture(scope="session")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The bundle of flawed plugins, installed beside the system's, for this process and others.

    They are urn:kuchi-test:pulse, crash, hang, nan, slow, wide, mono, latent, stillborn, abort,
    keeps, silent, wants, gone. A note of velocity 1 wakes the flaw of the first five.
    """
    from engine.audio.lv2 import lilv, plugins
    from engine.audio.lv2.lilv import library
    from engine.errors import KuchiError
    compiler = shutil.which("cc")
    try:
        library()
    except KuchiError as error:
        pytest.skip(str(error))
    if compiler is None:
        pytest.skip("no C compiler to make flawed plugins with")
    folder = tmp_path_factory.mktemp("lv2")
    bundle = folder / "flawed.lv2"
    bundle.mkdir()
    source = Path(__file__).with_name("flawed_plugins.c")
    subprocess.run([compiler, "-O1", "-w", "-shared", "-fPIC", str(source), "-lm", "-o",
                    str(bundle / "flawed.so")], check=True)
    _write_bundle(bundle)
    before = os.environ.get("LV2_PATH")
    usual = before or f"{Path.home()}/.lv2:/usr/local/lib/lv2:/usr/lib/lv2"
    os.environ["LV2_PATH"] = f"{folder}:{usual}"
    _look_again(lilv, plugins)
    yield bundle
    if before is None:
        del os.environ["LV2_PATH"]
    else:
        os.environ["LV2_PATH"] = before
    _look_again(lilv, plugins)


def _look_again(*modules: object) -> None:
    """Let what was read of installed plugins be forgotten."""
    for module in modules:
        for name in ("world", "uri", "_handles_and_names", "find", "presets"):
            if hasattr(module, name):
                getattr(module, name).cache_clear()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No verdict is known, and none stays."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def _session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def one_cache(_session_cache: Path, flawed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Verdicts are kept from one test to the next; plugins whose flaw sleeps are trusted."""
    from engine.audio.lv2.plugins import find
    from engine.audio.lv2.verdicts import decide
    monkeypatch.setenv("XDG_CACHE_HOME", str(_session_cache))
    for name in (*_TAKES_NOTES - {"abort"}, "wide", "mono", "latent"):
        decide(find(f"urn:kuchi-test:{name}"))
    return _session_cache


@pytest.fixture(scope="session")
def installed_plugin() -> Callable[[str], str]:
    """A plugin's URI, where it is installed; else the test is skipped, by name."""
    from engine.audio.lv2.plugins import find
    from engine.errors import KuchiError

    def look(wanted: str) -> str:
        try:
            return find(wanted).uri
        except KuchiError as error:
            pytest.skip(str(error))
    return look
