"""One event node per file; the file's name is the node's type."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache

from engine.node import Node


@cache
def node_types() -> Mapping[str, type[Node]]:
    """Every type of node there is, by name: one file here each."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        for kind in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            if (inspect.isclass(kind) and issubclass(kind, Node)
                    and kind.type_name() == module.name.replace("_", "-")):
                found[kind.type_name()] = kind
    return found
