"""What is played, as it stands in its files, and what was changed since by hand.

It outlives the engine: a fresh one is told all of it and is where the old one was. Files are only
glanced at here; which ones the nodes have read, such as a profile, the engine tells. It checks what
it is asked to play, and until it has agreed, what played before is what plays.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.edition import edition
from engine.live.messages import Load, Sheet
from engine.live.outline import GONE, Outline, outline
from engine.patch import read_patch
from engine.rig import Rig, glance, read_rig

_LOOK_S = 0.15              # how often files are looked at

_Stamp = tuple[int, int]


@dataclass(frozen=True)
class _Draft:
    """A patch and a rig that are played, or shall be."""

    path: Path
    text: str
    rig: Rig

    @cached_property
    def outline(self) -> Outline:
        return outline(self.text)


class Song:
    """A set list, the rig, and a place in both. Raises PatchError where one can't be read.

    settings : "node.setting" -> value, what was moved since the patch was loaded
    """

    def __init__(self, patches: Sequence[str | Path], rig: Path | None) -> None:
        files = [read_patch(path) for path in patches]
        self.settings: dict[str, Any] = {}
        self._paths = [path for path, _ in files]
        self._others = tuple(Sheet(text, str(path), str(path.parent)) for path, text in files[1:])
        self._plays: _Draft | None = None               # what the engine has agreed to
        self._asked: _Draft | None = _Draft(*files[0], glance(*read_rig(rig)))
        self._ticket = self._place = 0
        self._scene = ""
        self._files: dict[Path, str] = {}               # that its nodes have read, and the editions
        self._looked = time.monotonic()
        self._seen: dict[Path, _Stamp] = {}
        self._changing: dict[Path, _Stamp] = {}
        self._look_away()

    @property
    def path(self) -> Path:
        """The patch that plays, or shall as soon as it is mended."""
        return self._paths[self._place]

    @property
    def playing(self) -> Path:
        """The patch that plays, while another one may be mended."""
        return self._now.path

    @property
    def rig(self) -> Rig:
        """What belongs to the performer and the stage; nobody has checked its nodes' settings."""
        return self._now.rig

    @property
    def keys(self) -> dict[str, str]:
        """The computer's keys that the rig or the patch has bound, and to what."""
        bound = (*self.rig.controls, *self._now.outline.controls)
        return {str(b.number): b.to for b in bound if b.source == "key"}

    @property
    def hosts(self) -> bool:
        """Has the patch plugins, which may hold more than their settings tell?"""
        return any("plugin" in table for table in self._now.outline.nodes.values())

    @property
    def _now(self) -> _Draft:
        draft = self._plays or self._asked
        assert draft is not None
        return draft

    def nodes_of(self, kind: str) -> list[str]:
        """The names of the patch's nodes of a type."""
        return self._now.outline.of_type(kind)

    # -- what the engine is asked to play ------------------------------------------------------

    def load(self) -> Load:
        """What an engine must be told; at the beginning it looks at the whole set list too."""
        self._ticket += 1
        draft = self._asked or self._now
        scene, settings = self._moved(draft)
        return Load(self._ticket, Sheet(draft.text, str(draft.path), str(draft.path.parent)),
                    Sheet(draft.rig.text, draft.rig.source), scene, settings,
                    () if self._plays else self._others)

    def agreed(self, ticket: int, files: Mapping[str, str] = MappingProxyType({})) -> list[Path]:
        """The engine plays it: from now on that is the song.

        files   : that its nodes have read -> their editions
        returns : those of them of which another edition was heard before
        """
        if ticket != self._ticket:
            return []
        before, self._files = self._files, {Path(path): word for path, word in files.items()}
        if self._asked:
            self._scene, self.settings = self._moved(self._asked)
            self._plays, self._asked = self._asked, None
        return [path for path, word in self._files.items() if before.get(path, word) != word]

    def refused(self, ticket: int, source: str) -> bool:
        """The engine has found mistakes in the file `source`; is something else to be loaded?

        Where the patch and the rig were both changed, the good one of the two comes in.
        """
        asked, plays = self._asked, self._plays
        if ticket != self._ticket or asked is None or plays is None:
            return False
        rest = (replace(asked, rig=plays.rig) if source == asked.rig.source else
                replace(asked, path=plays.path, text=plays.text))
        self._asked = None if rest == plays else rest
        return self._asked is not None

    @property
    def asks(self) -> bool:
        """Has the engine not yet answered?"""
        return self._asked is not None

    @property
    def begun(self) -> bool:
        """Has the engine ever agreed?"""
        return self._plays is not None

    def _moved(self, draft: _Draft) -> tuple[str, dict[str, Any]]:
        """The scene and the settings that hold on in a draft: where the file has changed them, it
        has the last word, and another patch begins as it was saved."""
        before = self._now
        if draft.path != before.path:
            return "", {}
        then, now = before.outline, draft.outline
        scene = self._scene if self._scene.removeprefix("scene.") in now.scenes else ""
        return scene, {name: value for name, value in self.settings.items()
                       if now.says(name) is not GONE and now.says(name) == then.says(name)}

    # -- the set list --------------------------------------------------------------------------

    def move_to(self, place: int) -> None:
        """Ask for another patch of the set list, by its number, which goes round; see `read`."""
        self._place = place % len(self._paths)
        self._look_away()
        self.read()

    def move(self, by: int) -> None:
        """The next patch, or an earlier one."""
        self.move_to(self._place + by)

    def knows(self, program: int) -> bool:
        """Is there a patch for this program, 1-128?"""
        return 1 < len(self._paths) >= program

    # -- by hand -------------------------------------------------------------------------------

    def remember(self, name: str, value: Any) -> None:
        """A setting or a scene was moved."""
        if name.startswith("scene."):
            self._scene = name
            for moved in self._now.outline.scenes.get(name.removeprefix("scene."), ()):
                self.settings.pop(moved, None)          # it has the last word about these
        elif "." in name:
            self.settings[name] = value

    def saved(self, settings: dict[str, Any]) -> None:
        """These now stand in the file of the patch that plays."""
        self.settings = {name: value for name, value in self.settings.items()
                         if settings.get(name, GONE) != value}
        path, text = read_patch(self._now.path)
        self._plays = replace(self._now, path=path, text=text)
        self._look_away()

    # -- files ---------------------------------------------------------------------------------

    def read(self) -> None:
        """Ask for the patch as it stands in its file. PatchError where that can't be read."""
        path, text = read_patch(self.path)
        self._asked = replace(self._asked or self._now, path=path, text=text)

    def read_rig(self) -> None:
        """Ask for the rig as it stands in its file, or a plain one where that has gone."""
        path = Path(self.rig.source)
        rig = glance(*read_rig(path)) if path.exists() else Rig(str(path))
        self._asked = replace(self._asked or self._now, rig=rig)

    def changed(self) -> set[Path]:
        """Which files have been changed: the patch, the rig, what the nodes have read. Each is told
        once, when the writer has done."""
        if time.monotonic() < self._looked + _LOOK_S:
            return set()
        self._looked = time.monotonic()
        before, self._changing = self._changing, self._stamps()
        if self._changing == self._seen or self._changing != before:
            return set()
        seen, self._seen = self._seen, self._changing
        return {path for path, stamp in self._seen.items()
                if stamp != seen.get(path) and self._is_news(path)}

    def _is_news(self, path: Path) -> bool:
        if path == Path(self.rig.source):
            return True
        return path.exists() and (path == self.path or edition(path) != self._files.get(path))

    def _stamps(self) -> dict[Path, _Stamp]:
        return {path: _stamp(path) for path in (*self._files, self.path, Path(self.rig.source))}

    def _look_away(self) -> None:
        """Pass over what has changed in the patch and the rig until now."""
        files = {path: stamp for path, stamp in self._seen.items() if path in self._files}
        self._seen = self._changing = files | {
            path: _stamp(path) for path in (self.path, Path(self.rig.source))}


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
