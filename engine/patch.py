"""Read a patch: what a song is made of, as cables and a small table per node.

The whole file is read and every mistake is found at once, each with its place and, where one is
near, what was probably meant. Nothing is built here: a `Patch` is checked plain data, and
`engine.graph` makes it run.
"""

import importlib
import inspect
import pkgutil
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Any

import engine.nodes
from engine.controls import ACTIONS, Binding, read_binding
from engine.controls import lines as control_lines
from engine.errors import PatchError
from engine.node import Node
from engine.ports import Port

SHORT_NAMES = {"mic": "audio-in", "keys": "midi-in", "kit": "drum-sampler",
               "speakers": "audio-out"}

PATCHES = Path(__file__).parents[1] / "patches"
"""The patches that come with Kuchi."""

_SECTIONS = ("title", "about", "cables", "nodes", "scenes", "controls")


@dataclass(frozen=True, slots=True)
class Cable:
    """What `source` gives reaches the inlet `port` of `target`."""

    source: str
    target: str
    port: Port

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


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
        return Patch(self.source, self.folder, self.title, self.about, nodes, self.cables,
                     self.scenes, self.controls)

    def into(self, node: str, port: str) -> list[Cable]:
        """The cables that reach an inlet, in the order in which they are drawn."""
        return [c for c in self.cables if c.target == node and c.port.name == port]

    def nodes_with(self, action: str, word: str = "") -> list[str]:
        """The names of the nodes that have this action; with a `word`, that can be told which."""
        return [name for name, (kind, _) in self.nodes.items()
                if (found := kind.actions().get(action)) and (found.words or not word)]


@cache
def node_types() -> Mapping[str, type[Node]]:
    """Every type of node there is, by name: one file of `engine/nodes` each."""
    found = {}
    for module in pkgutil.iter_modules(engine.nodes.__path__):
        members = vars(importlib.import_module(f"engine.nodes.{module.name}")).values()
        for kind in members:
            if (inspect.isclass(kind) and issubclass(kind, Node)
                    and kind.type_name() == module.name.replace("_", "-")):
                found[kind.type_name()] = kind
    return found


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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "drums"?`, or nothing where no known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


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
        giver, taker = self.nodes[left][0], self.nodes[target][0]
        gives = giver.ports().gives
        if gives is None or giver.outlet in ("midi", "osc"):
            self.mistakes.append(f"{place}: {left} is an outlet, nothing comes out of it")
            return None
        inlets = taker.ports().inlets
        fitting = [p for p in inlets if p.flow == gives and (not port_name or p.name == port_name)]
        if not fitting:
            self.mistakes.append(f"{place}: " + self._misfit(left, target, port_name))
            return None
        return Cable(left, target, next((p for p in fitting if not p.delayed), fitting[0]))

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

    def _misfit(self, left: str, target: str, port_name: str) -> str:
        giver, taker = self.nodes[left][0], self.nodes[target][0]
        gives, inlets = giver.ports().gives, taker.ports().inlets
        if port_name and port_name not in {p.name for p in inlets}:
            known = ", ".join(p.name for p in inlets) or "none"
            return (f'{target} has no port "{port_name}"'
                    + (did_you_mean(port_name, [p.name for p in inlets]) or f"; it has: {known}"))
        takes = sorted({p.flow for p in inlets
                        if (p.name == port_name if port_name else not p.delayed)})
        if not takes:
            return f"{left} gives {gives}, {target} takes nothing"
        between = [name for name, kind in node_types().items() if kind.ports().gives in takes
                   and gives in {p.flow for p in kind.ports().inlets if not p.delayed}
                   and kind not in (giver, taker)]
        wanted = [p.flow for p in inlets]       # what it takes first is what it is for
        between.sort(key=lambda name: (wanted.index(node_types()[name].ports().gives or "audio"),
                                       len(node_types()[name].ports().inlets)))
        hint = f" Put a {between[0]} between them?" if between else ""
        return f"{left} gives {gives}, {target} takes {' or '.join(takes)}.{hint}"

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
        for name, (kind, _) in self.nodes.items():
            heard = {c.port.name for c in cables if c.target == name}
            if not heard and not any(c.source == name for c in cables):
                self.mistakes.append(f"nodes.{name}: no cable reaches it; draw one, or take it out")
                continue
            needed = [p for p in kind.ports().inlets if not p.delayed
                      and not (p.optional and heard)]
            missing = [p for p in needed if p.flow == "audio" and p.name not in heard]
            events = [p for p in needed if p.flow != "audio"]
            if events and not kind.begins and not any(p.name in heard for p in events):
                missing.append(events[0])
            for port in missing:
                giver = next((n for n, k in node_types().items()
                              if k.ports().gives == port.flow and k is not kind), None)
                self.mistakes.append(f"nodes.{name}: hears no {port.flow}"
                                     + (f'; add a cable such as "{giver} -> {name}"'
                                        if giver else ""))

    def _order(self, cables: list[Cable]) -> list[str]:
        before: dict[str, set[str]] = {name: set() for name in self.nodes}
        for cable in cables:
            if not cable.port.delayed:
                before[cable.target].add(cable.source)
        try:
            return list(TopologicalSorter(before).static_order())
        except CycleError as error:
            circle = " -> ".join(reversed(error.args[1]))
            self.mistakes.append(f'cables "{circle}" go round in a circle; only a delayed port '
                                 'may close one, such as "-> onsets.bleed"')
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
