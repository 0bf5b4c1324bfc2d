"""Kuchi: turn a mouth, a keyboard or a DJ mixer into a live instrument."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.patch import load_patch
    from engine.rendering import render

__all__ = ["load_patch", "render"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are asked for, so that `kuchi --help` stays light."""
    if name == "load_patch":
        from engine.patch import load_patch
        return load_patch
    if name == "render":
        from engine.rendering import render
        return render
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
