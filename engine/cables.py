"""What a cable may join: which inlet of a node takes what another one gives, and what is missing.

Nodes are known here by the performer's names for them and by their classes alone; nothing runs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from engine.errors import did_you_mean
from engine.node import Node
from engine.nodes import node_types
from engine.ports import Port

Kinds = Mapping[str, type[Node]]
"""The performer's name for a node -> its class."""


@dataclass(frozen=True, slots=True)
class Cable:
    """What `source` gives reaches the inlet `port` of `target`."""

    source: str
    target: str
    port: Port

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


def join(kinds: Kinds, source: str, target: str, port_name: str = "") -> Cable:
    """The cable between two nodes, to the inlet of this name or to the first one that fits.

    Raises ValueError with the reason where nothing fits, and what would.
    """
    giver, taker = kinds[source], kinds[target]
    if giver.ports().gives is None or giver.outlet in ("midi", "osc"):
        raise ValueError(f"{source} is an outlet, nothing comes out of it")
    fitting = [port for port in taker.ports().inlets if port.flow == giver.ports().gives
               and (not port_name or port.name == port_name)]
    if not fitting:
        raise ValueError(_misfit(kinds, source, target, port_name))
    return Cable(source, target, next((port for port in fitting if not port.delayed), fitting[0]))


def _misfit(kinds: Kinds, source: str, target: str, port_name: str) -> str:
    giver, taker = kinds[source], kinds[target]
    gives, inlets = giver.ports().gives, taker.ports().inlets
    if port_name and port_name not in {p.name for p in inlets}:
        known = ", ".join(p.name for p in inlets) or "none"
        return (f'{target} has no port "{port_name}"'
                + (did_you_mean(port_name, [p.name for p in inlets]) or f"; it has: {known}"))
    takes = sorted({p.flow for p in inlets
                    if (p.name == port_name if port_name else not p.delayed)})
    if not takes:
        return f"{source} gives {gives}, {target} takes nothing"
    between = [name for name, kind in node_types().items() if kind.ports().gives in takes
               and gives in {p.flow for p in kind.ports().inlets if not p.delayed}
               and kind not in (giver, taker)]
    wanted = [p.flow for p in inlets]           # what it takes first is what it is for
    between.sort(key=lambda name: (wanted.index(node_types()[name].ports().gives or "audio"),
                                   len(node_types()[name].ports().inlets)))
    hint = f" Put a {between[0]} between them?" if between else ""
    return f"{source} gives {gives}, {target} takes {' or '.join(takes)}.{hint}"


def idle(kinds: Kinds, cables: Sequence[Cable]) -> Iterator[tuple[str, str]]:
    """The nodes that can never do anything: their names, and why."""
    for name, kind in kinds.items():
        heard = {c.port.name for c in cables if c.target == name}
        if not heard and not any(c.source == name for c in cables):
            yield name, "no cable reaches it; draw one, or take it out"
            continue
        needed = [p for p in kind.ports().inlets if not p.delayed and not (p.optional and heard)]
        missing = [p for p in needed if p.flow == "audio" and p.name not in heard]
        events = [p for p in needed if p.flow != "audio"]
        if events and not kind.begins and not any(p.name in heard for p in events):
            missing.append(events[0])
        for port in missing:
            giver = next((n for n, k in node_types().items()
                          if k.ports().gives == port.flow and k is not kind), None)
            yield name, f"hears no {port.flow}" + (f'; add a cable such as "{giver} -> {name}"'
                                                   if giver else "")


def in_order(names: Iterable[str], cables: Iterable[Cable]) -> list[str]:
    """The names of all nodes, those that feed others first; a delayed inlet may hear a later one.

    Raises ValueError where cables go round in a circle.
    """
    before: dict[str, set[str]] = {name: set() for name in names}
    for cable in cables:
        if not cable.port.delayed:
            before[cable.target].add(cable.source)
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise ValueError(f'cables "{circle}" go round in a circle; only a delayed port may close '
                         'one, such as "-> onsets.bleed"') from None
