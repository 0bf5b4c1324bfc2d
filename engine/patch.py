"""Read a patch: what a song is made of, as cables and a small table per node.

The whole file is read and every mistake is found at once, each with its place and, where one is
near, what was probably meant. Nothing is built here: a `Patch` is checked plain data, and
`engine.graph` makes it run.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.cables import Cable, idle, in_order, join
from engine.controls import ACTIONS, Binding, read_binding
from engine.controls import lines as control_lines
from engine.errors import PatchError, did_you_mean
from engine.node import Node
from engine.nodes import node_types

SHORT_NAMES = {"mic": "audio-in", "keys": "midi-in", "kit": "drum-sampler",
               "speakers": "audio-out"}

PATCHES = Path(__file__).parents[1] / "patches"
"""The patches that come with Kuchi."""

_SECTIONS = ("title", "about", "cables", "nodes", "scenes", "controls")


@dataclass(frozen=True, slots=True)
class Patch:
    """A checked patch: every name is known, every cable fits, every value lies in its range.

    nodes  : the performer's name -> the node's class and its settings, feeding nodes first
    scenes : scene name -> {(node, setting): value}
    """

    source: str
    folder: Path
    title: str
    about: str
    nodes: dict[str, tuple[type[Node], dict[str, Any]]]
    cables: tuple[Cable, ...]
    scenes: dict[str, dict[tuple[str, str], Any]]
    controls: tuple[Binding, ...]

    def with_setting(self, name: str, value: Any, *, node: str | None = None) -> "Patch":
        """The same patch with `name` set in every node that has it, or in one node only.

        Raises PatchError where no node has it or the value doesn't fit.
        """
        nodes, found, mistakes = dict(self.nodes), False, []
        for own, (kind, settings) in self.nodes.items():
            param = kind.params().get(name)
            if param is None or node not in (None, own):
                continue
            found = True
            try:
                nodes[own] = kind, {**settings, name: param.check(value)}
            except ValueError as error:
                mistakes.append(f"nodes.{own}.{name} = {value!r}: {error}")
        if not found:
            where = f'node "{node}" has' if node else "no node of this patch has"
            mistakes.append(f'{where} {"no " if node else "a "}setting "{name}"')
        if mistakes:
            raise PatchError(self.source, mistakes)
        return replace(self, nodes=nodes)

    def into(self, node: str, port: str) -> list[Cable]:
        """The cables that reach an inlet, in the order in which they are drawn."""
        return [c for c in self.cables if c.target == node and c.port.name == port]

    def nodes_with(self, action: str, word: str = "") -> list[str]:
        """The names of the nodes that have this action; with a `word`, that can be told which."""
        return [name for name, (kind, _) in self.nodes.items()
                if (found := kind.actions().get(action)) and (found.words or not word)]


def own_patches() -> dict[str, Path]:
    """The patches that come with Kuchi, by name."""
    return {path.stem: path for path in sorted(PATCHES.glob("*.toml"))}


def load_patch(path: str | Path) -> Patch:
    """Read and check a patch file, or one that comes with Kuchi by its name.

    Raises PatchError with every mistake in it.
    """
    path, text = read_patch(path)
    return parse_patch(text, source=str(path), folder=path.parent)


def read_patch(path: str | Path) -> tuple[Path, str]:
    """A patch's file and its text, unchecked; see `load_patch`. PatchError where there is none."""
    path = Path(path)
    own = PATCHES / f"{path}.toml"
    if not path.exists() and path.suffix != ".toml" and own.is_file():
        path = own
    try:
        return path, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (str(error.strerror).lower() if isinstance(error, OSError)
                  else "it is not UTF-8 text")
        hint = did_you_mean(path.stem, own_patches())
        raise PatchError(str(path), [f"can't be read: {reason}{hint}"]) from None


def parse_patch(text: str, *, source: str = "patch", folder: Path = Path()) -> Patch:
    """Check a patch's text. Raises PatchError with every mistake in it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PatchError(source, [f"is not TOML: {error}"]) from None
    return _Reading(document, source, folder).patch()


@dataclass
class _Reading:
    """One pass over a document, collecting mistakes as it goes."""

    document: dict[str, Any]
    source: str
    folder: Path
    mistakes: list[str] = field(default_factory=list)
    nodes: dict[str, tuple[type[Node], dict[str, Any]]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)      # named, but not usable: report causes only

    def patch(self) -> Patch:
        for key in self.document.keys() - set(_SECTIONS):
            self.mistakes.append(f'"{key}" is no part of a patch{did_you_mean(key, _SECTIONS)}')
        for name, table in self._table("nodes").items():
            self._read_node(name, table)
        cables = self._read_cables()
        self._check_tables_of_feeds(cables)
        if not self.broken:
            self._check_inlets(cables)
        order = self._order(cables)
        scenes = {name: self._read_scene(name, table)
                  for name, table in self._table("scenes").items()}
        controls = [read for left, right in control_lines(self._table("controls"))
                    if (read := self._read_control(left, right, scenes))]
        title, about = self._text("title"), self._text("about")
        if self.mistakes:
            raise PatchError(self.source, self.mistakes)
        return Patch(self.source, self.folder, title, about, {n: self.nodes[n] for n in order},
                     tuple(cables), scenes, tuple(controls))

    def _table(self, key: str) -> dict[str, Any]:
        table = self.document.get(key, {})
        if isinstance(table, dict):
            return table
        self.mistakes.append(f"{key}: must be a table")
        return {}

    def _text(self, key: str) -> str:
        text = self.document.get(key, "")
        if not isinstance(text, str):
            self.mistakes.append(f"{key}: must be text")
            return ""
        return text

    @property
    def _kinds(self) -> dict[str, type[Node]]:
        return {name: kind for name, (kind, _) in self.nodes.items()}

    # -- nodes ---------------------------------------------------------------------------------

    def _read_node(self, name: str, table: Any) -> None:
        place = f"nodes.{name}"
        if "." in name or "->" in name or name != name.strip() or not name:
            self.broken.add(name)
            self.mistakes.append(f'{place}: a name has no dots, arrows or spaces at its ends')
            return
        if not isinstance(table, dict):
            self.broken.add(name)
            self.mistakes.append(f"{place}: must be a table of settings")
            return
        wanted = table.get("type", SHORT_NAMES.get(name, name))
        kind = node_types().get(wanted) if isinstance(wanted, str) else None
        if kind is None:
            self.broken.add(name)
            self.mistakes.append(
                f"{place}.type: there is no type {wanted!r}"
                + (did_you_mean(str(wanted), node_types()) or f'; types: {", ".join(node_types())}')
                if "type" in table else f'{place}: needs a type, such as type = "onset-detector"')
            return
        settings = {key: value for key, value in table.items() if key != "type"}
        try:
            kind = kind.of(settings)
        except ValueError as error:
            self.broken.add(name)
            self.mistakes.append(f"{place}.{error}")
            return
        checked = {key: self._setting(place, kind, key, value) for key, value in settings.items()}
        self.nodes[name] = kind, {k: value for k, value in checked.items() if value is not None}

    def _setting(self, place: str, kind: type[Node], key: str, value: Any) -> Any:
        param = kind.params().get(key)
        if param is None:
            self.mistakes.append(f'{place}.{key}: {kind.type_name()} has no such setting'
                                 + did_you_mean(key, kind.params()))
            return None
        try:
            return param.check(value)
        except ValueError as error:
            self.mistakes.append(f"{place}.{key} = {_shown(value)}: {error}")
            return None

    # -- cables --------------------------------------------------------------------------------

    def _read_cables(self) -> list[Cable]:
        drawn = self.document.get("cables", [])
        if not isinstance(drawn, list) or not all(isinstance(line, str) for line in drawn):
            self.mistakes.append('cables: must be a list of texts such as "mic -> onsets"')
            return []
        cables: list[Cable] = []
        for line in drawn:
            ends = [end.strip() for end in line.split("->")]
            if len(ends) < 2 or not all(ends):
                self.mistakes.append(f'cable "{line}": must be names joined by arrows, '
                                     'such as "mic -> onsets"')
                continue
            for left, right in pairwise(ends):
                cable = self._read_cable(left, right)
                if cable in cables:
                    self.mistakes.append(f'cable "{left} -> {right}" stands twice')
                elif cable:
                    cables.append(cable)
        return cables

    def _read_cable(self, left: str, right: str) -> Cable | None:
        place = f'cable "{left} -> {right}"'
        target, _, port_name = right.partition(".")
        known = [self._known(name, place) for name in (left, target)]
        if not all(known):
            return None
        try:
            return join(self._kinds, left, target, port_name)
        except ValueError as error:
            self.mistakes.append(f"{place}: {error}")
            return None

    def _known(self, name: str, place: str) -> bool:
        if name in self.nodes:
            return True
        if name in self.broken:
            return False
        kind = node_types().get(SHORT_NAMES.get(name, name))
        if kind is None:
            self.mistakes.append(f'{place}: there is no node "{name}"' + did_you_mean(
                name, [*self.nodes, *self.broken, *SHORT_NAMES, *node_types()]))
            return False
        try:
            self.nodes[name] = kind.of({}), {}
        except ValueError as error:
            self.broken.add(name)
            self.mistakes.append(f"nodes.{name}.{error}")
            return False
        return True

    # -- the whole -----------------------------------------------------------------------------

    def _check_tables_of_feeds(self, cables: list[Cable]) -> None:
        for name, (kind, settings) in self.nodes.items():
            feeds = {c.source for c in cables if c.target == name}
            for key, value in settings.items():
                if isinstance(kind.params()[key].default, dict):
                    for feed in value.keys() - feeds:
                        self.mistakes.append(f'nodes.{name}.{key}: no cable joins "{feed}" to '
                                             f"{name}{did_you_mean(feed, feeds)}")

    def _check_inlets(self, cables: list[Cable]) -> None:
        """Report nodes that can never do anything; a misdrawn cable is reported by itself."""
        if any(mistake.startswith("cable") for mistake in self.mistakes):
            return
        self.mistakes += [f"nodes.{name}: {why}" for name, why in idle(self._kinds, cables)]

    def _order(self, cables: list[Cable]) -> list[str]:
        try:
            return in_order(self.nodes, cables)
        except ValueError as error:
            self.mistakes.append(str(error))
            return []

    def _read_scene(self, scene: str, table: Any) -> dict[tuple[str, str], Any]:
        place = f"scenes.{scene}"
        if not isinstance(table, dict) or not all(isinstance(t, dict) for t in table.values()):
            self.mistakes.append(f"{place}: must hold lines such as onsets.sensitivity_db = 14")
            return {}
        values = {}
        for name, settings in table.items():
            if name in self.broken:
                continue
            if name not in self.nodes:
                self.mistakes.append(f'{place}.{name}: there is no node "{name}"'
                                     + did_you_mean(name, self.nodes))
                continue
            for key, value in settings.items():
                checked = self._setting(f"{place}.{name}", self.nodes[name][0], key, value)
                values[name, key] = checked
        return values

    def _read_control(self, left: str, right: Any, scenes: Mapping[str, Any]) -> Binding | None:
        place = f"controls.{left}"
        try:
            binding = read_binding(left, right)
        except ValueError as error:
            self.mistakes.append(f"{place}: {error}")
            return None
        head, dot, tail = binding.to.partition(".")
        own = {action.name: action for kind, _ in self.nodes.values()
               for action in kind.actions().values()}
        if not dot or (head in own and own[head].words and head not in self.nodes):
            actions = (*ACTIONS, *(name for name in own if name not in ACTIONS))
            known = head in actions
            hint = did_you_mean(binding.to, actions) or f'; actions: {", ".join(actions)}'
        elif head == "scene":
            known, hint = tail in scenes, did_you_mean(tail, scenes)
        elif head in self.nodes:
            words = (*self.nodes[head][0].params(), *self.nodes[head][0].actions())
            known, hint = tail in words, did_you_mean(tail, words)
        else:
            known, hint = head in self.broken, did_you_mean(head, self.nodes)
        if not known:
            self.mistakes.append(f'{place}: there is nothing called "{binding.to}"{hint}')
            return None
        return binding


def _shown(value: Any) -> str:
    """A value as it stands in the file, cut where it is long."""
    text = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(
        value, bool) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
