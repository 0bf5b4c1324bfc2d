"""Write settings into a patch's file or the rig's, their comments and order kept."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from engine.errors import FileError, PatchError
from engine.patch import parse_patch
from engine.rig import load_rig


def save_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Set `node.setting` to each value in the file; it is replaced only when it is whole.

    Raises PatchError where the result would be no patch, FileError where it can't be written.
    """
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    except (OSError, tomlkit.exceptions.ParseError) as error:
        raise PatchError(str(path), [f"can't be read, so nothing was saved: {error}"]) from None
    nodes = document.setdefault("nodes", tomlkit.table(is_super_table=True))
    for name, value in settings.items():
        node, _, setting = name.partition(".")
        if node not in nodes:
            table = tomlkit.table()
            table["type"] = _type_of(path, node)
            nodes[node] = table
        nodes[node][setting] = round(value, 4) if isinstance(value, float) else value
    text = tomlkit.dumps(document)
    parse_patch(text, source=str(path), folder=path.parent)
    _replace(path, text)


def save_rig(path: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Set type of node -> setting -> value in a rig, which is made where there is none.

    Raises PatchError where the rig is broken, and leaves it so; FileError as above.
    """
    if path.exists():
        load_rig(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else (
        tomlkit.document())
    for kind, values in settings.items():
        table = document.setdefault(kind, tomlkit.table())
        for name, value in values.items():
            table[name] = round(value, 4) if isinstance(value, float) else value
    _replace(path, tomlkit.dumps(document))


def _replace(path: Path, text: str) -> None:
    path = path.resolve()                               # a link stays a link
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise FileError(f"{path}: can't be saved: {str(error.strerror).lower()}") from None


def _type_of(path: Path, node: str) -> str:
    """The type of a node that the cables name, but no table does."""
    patch = parse_patch(path.read_text(encoding="utf-8"), source=str(path), folder=path.parent)
    return patch.nodes[node][0].type_name()
