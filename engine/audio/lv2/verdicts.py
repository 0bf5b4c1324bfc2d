"""May this plugin enter the audio thread? Each version is tried once, and the verdict is kept.

A plugin that falls on stage all the same is refused from then on, until it is probed again.
"""

import hashlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import platformdirs

from engine.audio.lv2.plugins import Plugin
from engine.units import HOP, SAMPLE_RATE

_TRIAL_S = 30.0                     # a trial that takes longer hangs
_BLOCK_US = 1e6 * HOP / SAMPLE_RATE
_MOST_US, _SLOWEST_US = 0.5 * _BLOCK_US, 0.9 * _BLOCK_US
_KIND = 2                           # verdicts of other kinds are of an earlier trial


class Verdict(msgspec.Struct, frozen=True):
    """What a trial found.

    refused  : why it may not enter, "" where it may
    block_us : µs a block of 64 frames takes, the median; slow_us: 99 of 100 take less
    latency  : frames, by its own account
    sockets  : how many it opened
    """

    uri: str
    name: str
    version: str
    refused: str = ""
    block_us: float = 0.0
    slow_us: float = 0.0
    latency: int = 0
    peak: float = 0.0
    sockets: int = 0
    kind: int = _KIND

    @property
    def number(self) -> int:
        """What stands for this plugin where only a number can."""
        return number_of(self.uri)


def number_of(uri: str) -> int:
    """A plugin's own number, never 0."""
    return int.from_bytes(hashlib.sha256(uri.encode()).digest()[:6]) | 1


def verdict_on(plugin: Plugin) -> Verdict:
    """The verdict that is kept, or, for a version never seen, that of a trial now (seconds)."""
    return kept(plugin) or probe(plugin)


def kept(plugin: Plugin) -> Verdict | None:
    """The verdict on this very version, where there is one."""
    try:
        verdict = msgspec.json.decode(_place(plugin).read_bytes(), type=Verdict)
    except (OSError, msgspec.DecodeError):
        return None
    same = (plugin.uri, plugin.version, _KIND) == (verdict.uri, verdict.version, verdict.kind)
    return verdict if same else None


def decide(plugin: Plugin, refused: str = "") -> Verdict:
    """Keep a verdict without a trial: it fell on stage and stays outside, or it is trusted."""
    return _keep(plugin, Verdict(plugin.uri, plugin.name, plugin.version, refused=refused))


def probe(plugin: Plugin) -> Verdict:
    """Try it now, in a process of its own, whatever was found before."""
    if reason := plugin.refusal():
        return _keep(plugin, Verdict(plugin.uri, plugin.name, plugin.version, reason))
    with tempfile.TemporaryDirectory(prefix="kuchi-") as folder:
        report = Path(folder) / "report"
        report.touch()
        ended = _run([sys.executable, "-m", "engine.audio.lv2.trial", plugin.uri, str(report)])
        lines = [msgspec.json.decode(line) for line in report.read_bytes().splitlines()]
    return _keep(plugin, _judge(plugin, lines, ended))


def _run(command: list[str]) -> int | None:
    """How the child ended; None where it had to be killed."""
    here = Path(__file__).parents[3]
    try:
        return subprocess.run(command, cwd=here, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=_TRIAL_S, check=False).returncode
    except subprocess.TimeoutExpired:
        return None


def _judge(plugin: Plugin, lines: list[dict[str, object]], ended: int | None) -> Verdict:
    whole: dict[str, object] = {}
    for line in lines:
        whole |= line
    step = str(whole.get("step") or "its trial")
    figures = {name: whole[name] for name in ("block_us", "slow_us", "latency", "peak", "sockets")
               if name in whole}
    own: dict[str, object] = {"uri": plugin.uri, "name": plugin.name, "version": plugin.version}
    verdict = msgspec.convert(own | figures, Verdict)
    reason = ""
    if "fault" in whole:
        reason = f"{whole['fault']}, at: {step}"
    elif ended is None:
        reason = f"it hangs, at: {step}"
    elif ended != 0 or not whole.get("done"):
        reason = f"it crashes ({_name(ended)}), at: {step}"
    elif verdict.block_us > _MOST_US or verdict.slow_us > _SLOWEST_US:
        reason = (f"it is too slow for the audio thread: {verdict.block_us:.0f} µs a block of 64, "
                  f"one in a hundred {verdict.slow_us:.0f}; isolated = true runs it beside")
    elif verdict.sockets:
        reason = f"it opens {verdict.sockets} network connection(s)"
    return msgspec.structs.replace(verdict, refused=reason)


def _name(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _place(plugin: Plugin) -> Path:
    folder = Path(platformdirs.user_cache_dir("kuchi", appauthor=False)) / "plugins"
    return folder / f"{number_of(plugin.uri):012x}.json"


def _keep(plugin: Plugin, verdict: Verdict) -> Verdict:
    """Write it down where that is possible; a verdict that can't be kept still holds now."""
    place = _place(plugin)
    part = place.with_suffix(".part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(msgspec.json.encode(verdict))
        part.replace(place)
    except OSError:
        return verdict
    return verdict
