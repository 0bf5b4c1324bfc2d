"""Other people's sounds: LV2 plugins, read by lilv and run from the compiled audio list."""

import importlib


def load() -> None:
    """Import all that hosting needs now, rather than when a plugin comes while others play."""
    for name in ("hosted", "apart", "verdicts"):
        importlib.import_module(f"engine.audio.lv2.{name}")
