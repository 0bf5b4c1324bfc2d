"""The rig: what belongs to the performer and the stage, and stays when the song changes.

`rig.toml` lies in the user's config folder. Its sections are the sound card, OSC, controls, and
settings for types of node, which hold wherever the patch doesn't set them itself:

    [audio]
    device = "Scarlett"            # part of the device's name

    [controls]
    cc80 = "listen"

    [onset-detector]
    sensitivity_db = 12            # this room
"""

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.controls import Binding, lines, read_binding
from engine.errors import PatchError, did_you_mean
from engine.nodes import node_types
from engine.patch import Patch

_SETTINGS: dict[str, dict[str, tuple[str, type, int, int]]] = {
    "audio": {"device": ("device", str, 0, 0), "input_channels": ("input_channels", int, 1, 256),
              "output_channels": ("output_channels", int, 2, 256),
              "block": ("block", int, 0, 8192)},
    "osc": {"port": ("osc_port", int, 0, 65535), "allow": ("osc_allow", list, 0, 0)},
    "midi": {"control": ("control_port", str, 0, 0)},
}
"""Section -> setting -> its field in `Rig`, its type, and between what a number must lie."""


@dataclass(frozen=True, slots=True)
class Rig:
    """A checked rig.

    defaults : type of node -> settings that hold where the patch is silent
    text     : the file as it was read
    """

    source: str = "rig.toml"
    device: str = ""
    input_channels: int = 1
    output_channels: int = 2
    block: int = 0                          # the driver's own
    osc_port: int = 0                       # closed
    osc_allow: tuple[str, ...] = ()
    control_port: str = "Kuchi control"
    controls: tuple[Binding, ...] = ()
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)
    text: str = ""

    def applied_to(self, patch: Patch) -> Patch:
        """The patch with this rig's settings and controls; where both speak, the patch wins."""
        nodes = {name: (kind, {**self.defaults.get(kind.type_name(), {}), **settings})
                 for name, (kind, settings) in patch.nodes.items()}
        taken = {(b.source, b.number, b.channel) for b in patch.controls}
        own = tuple(b for b in self.controls
                    if (b.source, b.number, b.channel) not in taken and _reaches(b, patch))
        return replace(patch, nodes=nodes, controls=patch.controls + own)


def rig_path() -> Path:
    """Where the performer's rig lies; it need not exist."""
    import platformdirs
    return Path(platformdirs.user_config_dir("kuchi", appauthor=False)) / "rig.toml"


def load_rig(path: Path | None = None) -> Rig:
    """Read the rig, or a plain one where there is no file. PatchError with every mistake in it."""
    return parse_rig(*read_rig(path))


def read_rig(path: Path | None = None) -> tuple[str, str]:
    """The rig's text, "" where the performer has none, and its file's name.

    Raises PatchError where it can't be read, or where the one that is asked for isn't there.
    """
    given, path = path is not None, path or rig_path()
    if not given and not path.exists():
        return "", str(path)
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = str(error.strerror).lower() if isinstance(error, OSError) else "not UTF-8 text"
        raise PatchError(str(path), [f"can't be read: {reason}"]) from None


def parse_rig(text: str, source: str = "rig.toml") -> Rig:
    """Check a rig's text. PatchError with every mistake in it."""
    mistakes: list[str] = []
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PatchError(source, [f"is not TOML: {error}"]) from None
    tables = {name: table for name, table in document.items() if isinstance(table, dict)}
    for name in document.keys() - tables.keys():
        mistakes.append(f'"{name}" must be a table, such as [audio]')
    known = [*_SETTINGS, "controls", *node_types()]
    for name in tables.keys() - set(known):
        mistakes.append(f"[{name}] is no part of a rig{did_you_mean(name, known)}")
    rig = _stage(tables, mistakes)
    defaults = {name: _defaults(name, tables[name], mistakes)
                for name in node_types() if name in tables}
    if mistakes:
        raise PatchError(source, mistakes)
    return replace(rig, source=source, text=text, defaults=defaults)


def glance(text: str, source: str = "rig.toml") -> Rig:
    """What a rig's text says of the stage, before anybody has checked the whole of it.

    A setting that is broken has its plain value; what nodes are set to is left out.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        document = {}
    tables = {name: table for name, table in document.items() if isinstance(table, dict)}
    return replace(_stage(tables, []), source=source, text=text)


def _stage(tables: dict[str, dict[str, Any]], mistakes: list[str]) -> Rig:
    """The sound card, OSC, MIDI and controls; what can't be meant is noted and left out."""
    said: dict[str, Any] = {}
    for section, settings in _SETTINGS.items():
        for key, value in tables.get(section, {}).items():
            if key not in settings:
                mistakes.append(f"{section}.{key}: there is no such setting"
                                + did_you_mean(key, settings))
                continue
            name, kind, low, high = settings[key]
            if not isinstance(value, kind) or isinstance(value, bool):
                mistakes.append(f"{section}.{key}: must be {_KIND[kind]}")
            elif isinstance(value, int) and not low <= value <= high:
                mistakes.append(f"{section}.{key} = {value}: must lie in {low}..{high}")
            else:
                said[name] = tuple(map(str, value)) if isinstance(value, list) else value
    controls = []
    for left, right in lines(tables.get("controls", {})):
        try:
            controls.append(read_binding(left, right))
        except ValueError as error:
            mistakes.append(f"controls.{left}: {error}")
    return Rig(controls=tuple(controls), **said)


_KIND = {str: "text", int: "a whole number", list: "a list of addresses"}


def _defaults(name: str, table: dict[str, Any], mistakes: list[str]) -> dict[str, Any]:
    params, checked = node_types()[name].params(), {}
    for key, value in table.items():
        if key not in params:
            mistakes.append(f"{name}.{key}: there is no such setting" + did_you_mean(key, params))
            continue
        try:
            checked[key] = params[key].check(value)
        except ValueError as error:
            mistakes.append(f"{name}.{key} = {value!r}: {error}")
    return checked


def _reaches(binding: Binding, patch: Patch) -> bool:
    """A rig's knob may be bound to what only some songs have; elsewhere it does nothing."""
    head, dot, tail = binding.to.partition(".")
    if not dot:
        return True
    return tail in patch.scenes if head == "scene" else (
        bool(patch.nodes_with(head, tail)) if head not in patch.nodes else
        tail in patch.nodes[head][0].params() or tail in patch.nodes[head][0].actions())
