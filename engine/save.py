"""Write live changes into a patch's file, its comments and order kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from engine.errors import FileError, PatchError
from engine.patch import parse_patch


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
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{path}: can't be saved: {str(error.strerror).lower()}") from None


def _type_of(path: Path, node: str) -> str:
    """The type of a node that the cables name, but no table does."""
    patch = parse_patch(path.read_text(encoding="utf-8"), source=str(path), folder=path.parent)
    return patch.nodes[node][0].type_name()
