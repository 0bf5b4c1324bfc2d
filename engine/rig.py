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
from engine.errors import PatchError
from engine.patch import Patch, did_you_mean, node_types

_SETTINGS: dict[str, dict[str, type]] = {
    "audio": {"device": str, "input_channels": int, "output_channels": int, "block": int},
    "osc": {"port": int, "allow": list},
    "midi": {"control": str},
}


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
    given, path = path is not None, path or rig_path()
    if not given and not path.exists():
        return Rig(str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = str(error.strerror).lower() if isinstance(error, OSError) else "not UTF-8 text"
        raise PatchError(str(path), [f"can't be read: {reason}"]) from None
    return parse_rig(text, str(path))


def parse_rig(text: str, source: str = "rig.toml") -> Rig:
    """Check a rig's text. PatchError with every mistake in it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PatchError(source, [f"is not TOML: {error}"]) from None
    return replace(_read(document, source), text=text)


def _read(document: dict[str, Any], source: str) -> Rig:
    mistakes: list[str] = []
    tables = {name: table for name, table in document.items() if isinstance(table, dict)}
    for name in document.keys() - tables.keys():
        mistakes.append(f'"{name}" must be a table, such as [audio]')
    known = [*_SETTINGS, "controls", *node_types()]
    for name in tables.keys() - set(known):
        mistakes.append(f"[{name}] is no part of a rig{did_you_mean(name, known)}")
    for section, settings in _SETTINGS.items():
        for key, value in tables.get(section, {}).items():
            if key not in settings:
                mistakes.append(f"{section}.{key}: there is no such setting"
                                + did_you_mean(key, settings))
            elif not isinstance(value, settings[key]) or isinstance(value, bool):
                mistakes.append(f"{section}.{key}: must be {_KIND[settings[key]]}")
    defaults = {name: _defaults(name, tables[name], mistakes)
                for name in node_types() if name in tables}
    controls = []
    for left, right in lines(tables.get("controls", {})):
        try:
            controls.append(read_binding(left, right))
        except ValueError as error:
            mistakes.append(f"controls.{left}: {error}")
    if mistakes:
        raise PatchError(source, mistakes)
    audio, osc, midi = (tables.get(name, {}) for name in ("audio", "osc", "midi"))
    return Rig(source, audio.get("device", ""), audio.get("input_channels", 1),
               audio.get("output_channels", 2), audio.get("block", 0), osc.get("port", 0),
               tuple(map(str, osc.get("allow", ()))), midi.get("control", "Kuchi control"),
               tuple(controls), defaults)


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
