"""`kuchi patch`: check, show and list patches, and the reference of nodes."""

import json
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import click

from engine.errors import KuchiError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.cables import Cable
    from engine.node import Node
    from engine.patch import Patch


@click.group(short_help="Check, show and list patches; the nodes they are made of.")
def command() -> None:
    """A PATCH is a file, or the name of one that comes with Kuchi."""


@command.command()
@click.argument("patches", nargs=-1, required=True, metavar="PATCH...")
@click.option("--json", "as_json", is_flag=True, help="Tell the mistakes as JSON.")
def check(patches: tuple[str, ...], as_json: bool) -> None:
    """Find every mistake in one or more patches."""
    from engine.errors import PatchError
    from engine.patch import load_patch

    worst, found = 0, []
    for name in patches:
        try:
            patch = load_patch(name)
            found.append({"patch": name, "mistakes": []})
            if not as_json:
                click.echo(f"{patch.source}: {len(patch.nodes)} nodes, "
                           f"{len(patch.cables)} cables, no mistake")
        except PatchError as error:
            worst = error.exit_code
            found.append({"patch": name, "mistakes": error.mistakes})
            if not as_json:
                click.echo(str(error), err=True)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    sys.exit(worst)


@command.command()
@click.argument("patch")
@click.option("--json", "as_json", is_flag=True, help="Nodes, settings and cables as JSON.")
def show(patch: str, as_json: bool) -> None:
    """Draw a patch: its cables, its nodes and what they are set to."""
    from engine.patch import load_patch

    loaded = load_patch(patch)
    if as_json:
        click.echo(json.dumps(_as_data(loaded), indent=1))
        return
    click.echo(click.style(loaded.title or loaded.source, bold=True))
    if loaded.about:
        click.echo(loaded.about)
    click.echo()
    for chain in _chains(list(loaded.cables)):
        drawn = chain[0].source
        for cable in chain:
            port = f".{cable.port.name}" if cable.port.delayed else ""
            drawn += f" --{cable.port.flow}--> {cable.target}{port}"
        click.echo(f"  {drawn}")
    click.echo()
    width = max((len(name) for name in loaded.nodes), default=0)
    for name, (kind, settings) in loaded.nodes.items():
        of_type = "" if name == kind.type_name() else f" ({kind.type_name()})"
        said = ", ".join(f"{key} = {value}" for key, value in settings.items())
        said = f"  [{said}]" if said else ""
        click.echo(f"  {name:<{width}}  {_purpose(kind)}{of_type}{said}")
    for scene, values in loaded.scenes.items():
        said = ", ".join(f"{node}.{key} = {value}" for (node, key), value in values.items())
        click.echo(f"  scene {scene}: {said}")


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_patches(as_json: bool) -> None:
    """The patches that come with Kuchi."""
    from engine.patch import own_patches

    patches = {name: _said_of_itself(path) for name, path in own_patches().items()}
    if as_json:
        click.echo(json.dumps(patches, indent=1))
        return
    width = max(map(len, patches), default=0)
    for name, said in patches.items():
        click.echo(f"{name:<{width}}  {said['about'] or said['title']}")


@command.command()
@click.argument("types", nargs=-1, metavar="[TYPE]...")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def nodes(types: tuple[str, ...], as_json: bool) -> None:
    """The reference of nodes: what each takes, gives and can be set to (Markdown)."""
    from engine.errors import did_you_mean
    from engine.nodes import node_types

    known = node_types()
    for name in types:
        if name not in known:
            raise KuchiError(f'there is no type "{name}"{did_you_mean(name, known)}')
    chosen = {name: kind for name, kind in known.items() if not types or name in types}
    if as_json:
        click.echo(json.dumps({name: _node_data(kind) for name, kind in chosen.items()}, indent=1))
    else:
        click.echo(reference(chosen), nl=False)


def _said_of_itself(path: "Path") -> dict[str, str]:
    """Title and about as they stand in the file: its plugins may not be installed here."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return {key: str(document.get(key, "")) for key in ("title", "about")}


def reference(kinds: "dict[str, type[Node]]") -> str:
    """The page `docs/nodes.md`, from the nodes' own declarations."""
    text = ["# Nodes", "",
            "Made by `kuchi patch nodes > docs/nodes.md`; every line stands in the node's own file "
            "in `engine/nodes/`.", ""]
    for name, kind in kinds.items():
        data = _node_data(kind)
        takes = ", ".join(f"{p['flow']}" + (f" (`.{p['name']}`, delayed)" if p["delayed"] else "")
                          for p in data["takes"]) or "nothing"
        text += [f"## {name}", "", data["about"], "",
                 f"Takes {takes}; gives {data['gives'] or 'nothing'}.", ""]
        if data["settings"]:
            text += ["| setting | default | may be | what it does |", "|---|---|---|---|"]
            text += [f"| `{s['name']}` | {_toml(s['default'])} | {s['allowed']} | {s['help']} |"
                     for s in data["settings"]] + [""]
        if data["actions"]:
            text += ["| action | what it does |", "|---|---|"]
            text += [f"| `{a['name']}` | {a['help']} |" for a in data["actions"]] + [""]
    return "\n".join(text)


def _node_data(kind: "type[Node]") -> dict[str, Any]:
    import inspect

    ports = kind.ports()
    return {
        "about": inspect.getdoc(kind) or "",
        "takes": [{"name": p.name, "flow": p.flow, "delayed": p.delayed} for p in ports.inlets],
        "gives": None if kind.outlet in ("midi", "osc") else ports.gives,
        "settings": [{"name": p.name, "default": p.default, "unit": p.unit, "low": p.low,
                      "high": p.high, "choices": list(p.choices), "allowed": p.allowed,
                      "help": p.help} for p in kind.params().values()],
        "actions": [{"name": a.name, "help": a.help} for a in kind.actions().values()],
    }


def _as_data(patch: "Patch") -> dict[str, Any]:
    return {
        "title": patch.title, "about": patch.about,
        "nodes": {name: {"type": kind.type_name(), **settings}
                  for name, (kind, settings) in patch.nodes.items()},
        "cables": [{"from": c.source, "to": c.target, "port": c.port.name, "flow": c.port.flow}
                   for c in patch.cables],
        "scenes": {scene: {f"{node}.{key}": value for (node, key), value in values.items()}
                   for scene, values in patch.scenes.items()},
    }


def _chains(cables: "list[Cable]") -> "list[list[Cable]]":
    """Cables joined into long lines, the way a person would draw them."""
    chains: list[list[Cable]] = []
    for cable in cables:
        chain = next((c for c in chains if c[-1].target == cable.source
                      and not c[-1].port.delayed), None)
        if chain is None:
            chains.append([cable])
        else:
            chain.append(cable)
    return chains


def _purpose(kind: "type[Node]") -> str:
    return (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _toml(value: Any) -> str:
    return {"": '`""`', True: "true", False: "false"}.get(value, f"`{value}`") if isinstance(
        value, (str, bool)) else f"`{value:g}`" if isinstance(value, (int, float)) else "`{}`"
