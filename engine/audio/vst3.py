"""VST3 plugins, by way of pedalboard (GPL, `pip install kuchi[vst3]`): never in a process of ours.

What a plugin can be set to is known only to the plugin itself, so it is asked in a process of its
own, which may fall; and it only ever plays at the other end of `lv2.apart`.
"""

import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.audio.lv2.plugins import Plugin, PluginPort
from engine.errors import DeviceError, KuchiError
from engine.units import SAMPLE_RATE, SLICE, Samples

MISSING = "VST3 plugins need pedalboard, which is not installed: pip install kuchi[vst3]"
_ASKED_S = 30.0
_FOLDERS = {"darwin": ("~/Library/Audio/Plug-Ins/VST3", "/Library/Audio/Plug-Ins/VST3"),
            "win32": ("~/AppData/Local/Programs/Common/VST3", "/Program Files/Common Files/VST3")}
_LINUX = ("~/.vst3", "/usr/lib/vst3", "/usr/local/lib/vst3")
_OFF, _ON = 0x80, 0x90


class Told(msgspec.Struct):
    """What a plugin says of itself: its parameters, whether it takes notes, or what went wrong."""

    name: str = ""
    author: str = ""
    about: str = ""
    takes_notes: bool = False
    params: list[dict[str, Any]] = []
    wrong: str = ""


def find(wanted: str) -> Plugin:
    """A plugin by its path, or by its file's name in the usual folders.

    Raises DeviceError where there is none or where it can't be loaded, even in its own process.
    """
    if importlib.util.find_spec("pedalboard") is None:
        raise DeviceError(MISSING)
    path = _path(wanted)
    return _asked(path, path.stat().st_mtime_ns)


def installed() -> list[Path]:
    """The plugins in the usual folders."""
    folders = [Path(folder).expanduser() for folder in _FOLDERS.get(sys.platform, _LINUX)]
    return sorted(path for folder in folders for path in folder.rglob("*.vst3"))


def _path(wanted: str) -> Path:
    if wanted.endswith(".vst3") or os.sep in wanted:
        path = Path(wanted).expanduser()
        if not path.exists():
            raise DeviceError(f"{path} is not there")
        return path.resolve()
    known = installed()
    near = [path for path in known if wanted.casefold() in path.stem.casefold()]
    if len(near) == 1:
        return near[0]
    names = ", ".join(path.stem for path in near or known) or "none is installed"
    raise DeviceError(f'"{wanted}" could be any of {names}' if near else
                      f'there is no VST3 plugin "{wanted}": {names}')


@cache
def _asked(path: Path, changed_ns: int) -> Plugin:
    """Ask it in a process of its own (seconds); again only when its file has changed."""
    with tempfile.TemporaryDirectory(prefix="kuchi-") as folder:
        answer = Path(folder, "told")
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "engine.audio.vst3", str(path), str(answer)],
                cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL, timeout=_ASKED_S,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
        except subprocess.TimeoutExpired:
            raise DeviceError(f"{path} hangs when it is loaded") from None
        if not answer.is_file():
            raise DeviceError(f"{path} can't be loaded: it ends its process ({ended})")
        told = msgspec.json.decode(answer.read_bytes(), type=Told)
    if told.wrong:
        raise DeviceError(told.wrong)
    return Plugin(uri=str(path), name=told.name, author=told.author, about=told.about,
                  binary=str(path), version=f"{changed_ns:x}", ports=tuple(_ports(told)),
                  needs=(), latency=None, default_state=False)


def _ports(told: Told) -> Sequence[PluginPort]:
    """Its parameters in their order, then notes or sound in, and sound out."""
    params = [PluginPort(index, **param | {"values": tuple(map(tuple, param.get("values", ())))})
              for index, param in enumerate(told.params)]
    if told.takes_notes:
        ins = [PluginPort(-1, "notes", "notes", "atom", is_input=True, midi=True)]
    else:
        ins = [PluginPort(-1, f"in{k}", f"in {k}", "audio", is_input=True) for k in range(2)]
    outs = [PluginPort(-1, f"out{k}", f"out {k}", "audio", is_input=False) for k in range(2)]
    return [*params, *ins, *outs]


# -- in the plugin's own process -----------------------------------------------------------------

class Loaded:
    """A VST3 plugin that plays, slice after slice. KuchiError where it can't be loaded."""

    def __init__(self, path: str) -> None:
        try:
            pedalboard = importlib.import_module("pedalboard")
        except ImportError as error:
            raise KuchiError(MISSING) from error
        try:
            self._plugin: Any = pedalboard.VST3Plugin(path)
        except (ImportError, RuntimeError, ValueError) as error:
            raise KuchiError(f"{path} can't be loaded: {error}") from None
        self._params = list(self._plugin.parameters.values())
        self._events: list[tuple[bytes, float]] = []
        self._sounding: set[tuple[int, int]] = set()

    def tell(self) -> Told:
        """What it says of itself."""
        plugin = self._plugin
        return Told(plugin.name, plugin.manufacturer_name, plugin.category, plugin.is_instrument,
                    [_told(param, getattr(plugin, param.python_name)) for param in self._params])

    def restore(self, path: Path) -> None:
        """Take a preset, a .vstpreset file, or a state that was saved. KuchiError tells why not."""
        try:
            if path.suffix == ".vstpreset":
                self._plugin.load_preset(str(path))
            else:
                self._plugin.raw_state = path.read_bytes()
        except (OSError, RuntimeError, ValueError) as error:
            raise KuchiError(f"{path} is nothing that {self._plugin.name} can take over: {error}"
                             ) from None

    def save(self, path: Path) -> bool:
        """Write its whole state there, for `restore`."""
        path.write_bytes(self._plugin.raw_state)
        return True

    def set(self, index: int, value: float) -> None:
        """Move a parameter, by its place among them."""
        param = self._params[index]
        if param.type is str:
            words = list(dict.fromkeys(param.valid_values))
            param.raw_value = param.get_raw_value_for(words[round(value)])
        else:
            param.raw_value = param.get_raw_value_for(param.type(value))

    def play(self, offset: int, status: int, note: int, velocity: int) -> None:
        """A note, or any other message of three bytes, so many frames into the next slice."""
        key = status & 0x0F, note
        if status & 0xF0 == _ON and velocity:
            self._sounding.add(key)
        elif status & 0xF0 in (_OFF, _ON):
            self._sounding.discard(key)
        self._events.append((bytes((status, note, velocity)), offset / SAMPLE_RATE))

    def stop(self) -> None:
        """End what sounds, and forget what was still to come."""
        self._events = [(bytes((_OFF | channel, note, 64)), 0.0)
                        for channel, note in sorted(self._sounding)]
        self._sounding.clear()

    def run(self, heard: Samples) -> Samples:
        """A slice: float32 (2, frames) in and out; what it still holds back is silence at first."""
        frames = heard.shape[1]
        if self._plugin.is_instrument:
            events, self._events = self._events, []
            made = self._plugin.process(events, (frames + 0.5) / SAMPLE_RATE, SAMPLE_RATE,
                                        num_channels=2, buffer_size=SLICE, reset=False)
        else:
            made = self._plugin.process(heard, SAMPLE_RATE, buffer_size=SLICE, reset=False)
        whole = np.zeros((2, frames), np.float32)
        if made.shape[1]:
            whole[:, -made.shape[1]:] = made[:, :frames]
        return np.nan_to_num(whole, nan=0.0, posinf=0.0, neginf=0.0)


def _told(param: Any, value: Any) -> dict[str, Any]:
    """A parameter as a port of numbers: words by their place, truths as 0 and 1."""
    own: dict[str, Any] = {"symbol": param.python_name, "name": param.name, "kind": "control",
                           "is_input": True, "unit": param.label or ""}
    if param.type is str:
        words = list(dict.fromkeys(param.valid_values))
        return own | {"default": float(words.index(str(value)) if str(value) in words else 0),
                      "values": [(word, float(place)) for place, word in enumerate(words)]}
    if param.type is bool:
        return own | {"default": float(bool(value)), "toggled": True}
    low, high = float(param.min_value), float(param.max_value)
    return own | {"default": min(max(float(value), low), high), "low": low, "high": high}


def _answer(path: str, answer: Path) -> None:
    try:
        told = Loaded(path).tell()
    except KuchiError as error:
        told = Told(wrong=str(error))
    part = answer.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(told))
    part.replace(answer)
    os._exit(0)                         # some plugins fall when they end; it has said all


if __name__ == "__main__":
    _answer(sys.argv[1], Path(sys.argv[2]))
