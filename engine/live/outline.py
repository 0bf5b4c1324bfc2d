"""What a glance at a patch tells, before anybody has checked it: its nodes, scenes and keys.

The command process needs no more than that. Whether the patch is good the engine tells, whose
builder must read all of it anyway; here, what can't be read is left out.
"""

import tomllib
from dataclasses import dataclass, field
from typing import Any

from engine.controls import Binding, lines, read_binding
from engine.patch import SHORT_NAMES

GONE = object()             # what a patch says of a setting whose node it doesn't have


@dataclass(frozen=True, slots=True)
class Outline:
    """A patch at a glance.

    nodes  : name -> its table, which is empty where only a cable names it
    scenes : name -> the settings that it moves, "node.setting" each
    """

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    scenes: dict[str, frozenset[str]] = field(default_factory=dict)
    controls: tuple[Binding, ...] = ()

    def says(self, name: str) -> Any:
        """What it says of "node.setting": None for nothing, `GONE` without such a node."""
        node, _, setting = name.partition(".")
        return self.nodes[node].get(setting) if node in self.nodes else GONE

    def of_type(self, kind: str) -> list[str]:
        """The names of its nodes of a type."""
        return [name for name, table in self.nodes.items()
                if table.get("type", SHORT_NAMES.get(name, name)) == kind]


def outline(text: str) -> Outline:
    """Glance at a patch's text; of one that isn't even TOML nothing is seen."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return Outline()
    drawn = document.get("cables")
    ends = [end.strip().partition(".")[0] for line in (drawn if isinstance(drawn, list) else ())
            if isinstance(line, str) for end in line.split("->")]
    nodes: dict[str, dict[str, Any]] = {name: {} for name in ends}
    nodes |= _tables(document, "nodes")
    scenes = {name: frozenset(f"{node}.{setting}" for node, settings in table.items()
                              if isinstance(settings, dict) for setting in settings)
              for name, table in _tables(document, "scenes").items()}
    return Outline(nodes, scenes, tuple(_bindings(document)))


def _tables(document: dict[str, Any], key: str) -> dict[str, dict[str, Any]]:
    found = document.get(key)
    return {name: table for name, table in (found if isinstance(found, dict) else {}).items()
            if isinstance(table, dict)}


def _bindings(document: dict[str, Any]) -> list[Binding]:
    bound, table = [], document.get("controls")
    for left, right in lines(table if isinstance(table, dict) else {}):
        try:
            bound.append(read_binding(left, right))
        except ValueError:
            continue
    return bound
