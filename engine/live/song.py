"""What is played, as it stands in its files, and what was changed since by hand.

It outlives the engine: a fresh one is told all of it and is where the old one was.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.audio.lv2.plugins import Plugin
from engine.live.messages import Load
from engine.nodes.lv2_plugin import Lv2Plugin
from engine.patch import Patch, load_patch, parse_patch
from engine.rig import Rig, load_rig
from engine.save import save_settings

_LOOK_S = 0.15              # how often files are looked at


class Song:
    """A set list, the rig, and a place in both. Raises PatchError where one is broken.

    rig      : as it was last good
    settings : "node.setting" -> value, what was moved since the patch was loaded
    """

    def __init__(self, patches: Sequence[str | Path], rig: Path | None) -> None:
        loaded = [load_patch(path) for path in patches]         # a mistake is told now
        self.rig: Rig = load_rig(rig)
        self.settings: dict[str, Any] = {}
        self._paths = [Path(patch.source) for patch in loaded]
        self._patch, self._text = _read(self._paths[0])
        self._place, self._scene = 0, ""
        self._looked = time.monotonic()
        self._seen = self._changing = self._stamps()

    @property
    def path(self) -> Path:
        """The patch that plays, or shall as soon as it is mended."""
        return self._paths[self._place]

    @property
    def keys(self) -> dict[str, str]:
        """The computer's keys that the rig or the patch has bound, and to what."""
        bound = (*self.rig.controls, *self._patch.controls)
        return {str(b.number): b.to for b in bound if b.source == "key"}

    @property
    def plugins(self) -> dict[str, Plugin]:
        """The plugins of the patch that may enter the audio thread, by the names of their nodes."""
        return {name: kind.hosted for name, (kind, _) in self._patch.nodes.items()
                if issubclass(kind, Lv2Plugin) and kind.hosted is not None
                and kind.loader == "lv2"}

    @property
    def hosts(self) -> bool:
        """Has the patch plugins, which may hold more than their settings tell?"""
        return any(issubclass(kind, Lv2Plugin) for kind, _ in self._patch.nodes.values())

    def nodes_of(self, kind: str) -> list[str]:
        """The names of the patch's nodes of a type."""
        return [name for name, (node, _) in self._patch.nodes.items() if node.type_name() == kind]

    def load(self) -> Load:
        """What a fresh engine must be told."""
        return Load(self._text, str(self.path), str(self.path.parent), self.rig.text,
                    self.rig.source, self._scene, dict(self.settings))

    def move_to(self, place: int) -> None:
        """Another patch of the set list, by its number, which goes round; see `read`."""
        self._place = place % len(self._paths)
        self._scene, self.settings = "", {}
        self._seen = self._changing = self._stamps()
        self.read()

    def move(self, by: int) -> None:
        """The next patch, or an earlier one."""
        self.move_to(self._place + by)

    def knows(self, program: int) -> bool:
        """Is there a patch for this program, 1-128?"""
        return 1 < len(self._paths) >= program

    def remember(self, name: str, value: Any) -> None:
        """A setting or a scene was moved."""
        if name.startswith("scene."):
            self._scene = name
            moved = self._patch.scenes.get(name.removeprefix("scene."), {})
            for node, setting in moved:                 # it has the last word about these
                self.settings.pop(f"{node}.{setting}", None)
        elif "." in name:
            self.settings[name] = value

    def save(self) -> list[str]:
        """Write what was moved into the patch's file; the names. KuchiError where it can't be."""
        names = sorted(self.settings)
        save_settings(self.path, self.settings)
        self.settings = {}
        self._seen = self._changing = self._stamps()
        self.read()
        return names

    # -- files ---------------------------------------------------------------------------------

    def read(self) -> None:
        """Take the patch as it stands in its file; where it is broken, what was stays.

        What was moved by hand holds on, except where the file has changed it.
        """
        patch, text = _read(self.path)
        before, self._patch, self._text = self._patch, patch, text
        self.settings = {name: value for name, value in self.settings.items()
                         if _in_file(patch, name) == _in_file(before, name) != _GONE}
        if self._scene.removeprefix("scene.") not in patch.scenes:
            self._scene = ""

    def read_rig(self) -> Rig:
        """Take the rig as it stands in its file; the one that was."""
        before, path = self.rig, Path(self.rig.source)
        self.rig = load_rig(path) if path.exists() else Rig(str(path))
        return before

    def changed(self) -> tuple[bool, bool]:
        """Has the patch's file been changed, the rig's? True once, when the writer has done."""
        if time.monotonic() < self._looked + _LOOK_S:
            return False, False
        self._looked = time.monotonic()
        before, self._changing = self._changing, self._stamps()
        if self._changing == self._seen or self._changing != before:
            return False, False
        patch, rig = (now != then for now, then in zip(self._changing, self._seen, strict=True))
        self._seen = self._changing
        return patch and self.path.exists(), rig

    def _stamps(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return _stamp(self.path), _stamp(Path(self.rig.source))


_GONE = object()


def _read(path: Path) -> tuple[Patch, str]:
    """A patch and the very text that it was read from."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return load_patch(path), ""                     # which tells what is wrong
    return parse_patch(text, source=str(path), folder=path.parent), text


def _in_file(patch: Patch, name: str) -> Any:
    """What a patch says of a setting, None for nothing, `_GONE` where there is no such node."""
    node, _, setting = name.partition(".")
    return patch.nodes[node][1].get(setting) if node in patch.nodes else _GONE


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
