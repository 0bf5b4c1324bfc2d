"""The command process: it starts the others, restarts what falls, and remembers the song.

Nothing here is in a hurry. It watches the patch and the rig for edits, keeps what must survive
the engine (patch, scene, whether it listens), and tells the performer what happens in one line.
"""

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import KuchiError, PatchError
from engine.live import engine, port
from engine.live.level import Level
from engine.live.messages import (
    Did,
    Load,
    Loaded,
    Message,
    Open,
    OscIn,
    Panic,
    Ready,
    Said,
    Set,
    Stop,
    read,
    send,
)
from engine.live.shared import CLIPPED, LISTENING, PEAK_MICRO, SharedBlock
from engine.patch import load_patch
from engine.rig import Rig, load_rig
from engine.save import save_settings

_spawn = multiprocessing.get_context("spawn")

_WATCH_S = 0.3            # how often files are looked at
_LEAVE_S = 2.0            # how long a process may take to leave
_OFTEN_S, _OFTEN = 30.0, 5  # an engine that falls this often in so long is not started again


@dataclass(slots=True)
class _Song:
    """What a fresh engine must be told to be where the old one was."""

    paths: list[Path]
    place: int = 0
    scene: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the performer sees: a state in one word, the level with advice, the last hits.

    hits : (time, drum, velocity, confidence, ms after the strike) each, the newest last
    """

    state: str
    peak_db: float
    advice: str
    hits: tuple[tuple[float, str, float, float, float], ...]


@dataclass(slots=True)
class _Child:
    process: SpawnProcess
    pipe: Connection


class Stage:
    """Everything that runs live. `tell` is given each line a performer should read.

    patches : the set list; `next` and `previous` move in it
    rig     : its file, or None for the performer's own
    device  : part of the sound card's name, instead of the rig's
    audio   : without it the engine runs on a timer
    """

    def __init__(self, patches: Sequence[str | Path], *, rig: Path | None = None,
                 device: str | None = None, audio: bool = True,
                 tell: Callable[[str], None] = print) -> None:
        loaded = [load_patch(path) for path in patches]       # a mistake now is told now
        self.rig: Rig = load_rig(rig)
        self._device = device
        self._level = Level()
        self.block = SharedBlock()
        self.block.words[LISTENING] = 1
        self.ready: Ready | None = None
        self.state = "STARTING"
        self._tell, self._audio = tell, audio
        self._song = _Song([Path(patch.source) for patch in loaded])
        self._seen = self._stamps()
        self._falls: deque[float] = deque(maxlen=_OFTEN)
        self._links, far = _spawn.Pipe()
        self._port = self._start_port(far)
        self._engine: _Child | None = None
        self._start_engine()

    # -- life ----------------------------------------------------------------------------------

    def _start_port(self, links: Connection) -> _Child:
        near, far = _spawn.Pipe()
        process = _spawn.Process(target=port.run, args=(far, links, self.block.name),
                                 name="kuchi-port", daemon=True)
        process.start()
        far.close()
        links.close()
        if self.rig.osc_port:
            send(near, OscIn(self.rig.osc_port, self.rig.osc_allow))
        return _Child(process, near)

    def _start_engine(self) -> None:
        self.ready, self.state = None, "STARTING"
        near, far = _spawn.Pipe()
        to_port, from_engine = _spawn.Pipe()
        process = _spawn.Process(target=engine.run, args=(far, to_port, self.block.name),
                                 name="kuchi-engine", daemon=True)
        process.start()
        far.close()
        to_port.close()
        self._links.send(from_engine)
        from_engine.close()
        self._engine = _Child(process, near)
        rig = self.rig
        send(near, Open(self._audio, self._device or rig.device, rig.input_channels,
                        rig.output_channels, rig.block))
        self._load()
        for name, value in self._song.settings.items():
            send(near, Set(name, value))
        if self._song.scene:
            send(near, Set(self._song.scene))
        send(near, Set("listen", int(self.block.words[LISTENING])))

    def step(self, timeout_s: float = 0.05) -> None:
        """Hear what the others say and mend what has fallen; call it again and again."""
        children = [child for child in (self._engine, self._port) if child]
        said = set(wait([c.pipe for c in children] + [c.process.sentinel for c in children],
                        timeout_s))
        for child in children:
            if child.pipe in said:
                self._hear(child)
            if child.process.sentinel in said or not child.process.is_alive():
                self._mend(child)
        self._watch()

    def _hear(self, child: _Child) -> None:
        try:
            while child.pipe.poll():
                message = read(child.pipe)
                if message is not None:
                    self._heard(message)
        except (EOFError, OSError):
            return                                       # it has ended; `_mend` will see

    def _heard(self, message: Message) -> None:
        match message:
            case Ready():
                self.ready, self.state = message, "LISTENING"
                self._tell(f"Ready in {message.seconds:.1f} s. " + " ".join(message.words))
            case Said():
                self.state = message.state or self.state
                self._tell(message.text)
            case Loaded(source, mistakes):
                if mistakes:
                    self._tell("\n  ".join([f"{source}: the old patch plays on", *mistakes]))
            case Did("next" | "previous" as way):
                self.move(1 if way == "next" else -1)
            case Set(name, value):
                self._remember(name, value)

    def _mend(self, child: _Child) -> None:
        child.process.join(0)
        child.pipe.close()
        if child is self._port:
            self._tell("The MIDI process has fallen; it is started again.")
            self._links, far = _spawn.Pipe()
            self._port = self._start_port(far)
            self._end(self._engine)                      # its link is gone: a fresh pair
        elif self._fell_too_often():
            self._engine, self.state = None, "STOPPED"
            self._tell(f"The engine fell {_OFTEN} times in {_OFTEN_S:.0f} s and is left alone; "
                       "start Kuchi again, or try another patch.")
            return
        else:
            self._tell("The engine has fallen; every note was ended, it is started again.")
        self._start_engine()

    def _fell_too_often(self) -> bool:
        self._falls.append(time.monotonic())
        return len(self._falls) == _OFTEN and self._falls[-1] - self._falls[0] < _OFTEN_S

    def close(self) -> None:
        """End every note and every process; safe to call twice."""
        for child in (self._engine, self._port):
            if child and not child.pipe.closed:
                send(child.pipe, Stop())
        self._end(self._engine)
        self._end(self._port)
        self._engine = None
        if self.block is not None:
            self.block.close()

    def _end(self, child: _Child | None) -> None:
        if child is None or child.pipe.closed:
            return
        send(child.pipe, Stop())
        child.process.join(_LEAVE_S)
        if child.process.is_alive():
            child.process.kill()
            child.process.join(_LEAVE_S)
        child.pipe.close()

    # -- the song ------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The patch that plays."""
        return self._song.paths[self._song.place]

    def move(self, by: int) -> None:
        """To another patch of the set list."""
        song = self._song
        song.place = (song.place + by) % len(song.paths)
        song.scene, song.settings = "", {}
        self._load()

    @property
    def keys(self) -> dict[str, str]:
        """The computer's keys that the rig or the patch has bound, and to what."""
        bound = (*self.rig.controls, *load_patch(self.path).controls)
        return {str(b.number): b.to for b in bound if b.source == "key"}

    def picture(self) -> Picture:
        """What to show now."""
        words = self.block.words
        peak = int(words[PEAK_MICRO]) / 1e6
        words[PEAK_MICRO] = 0
        level, advice = self._level.heard(peak, int(words[CLIPPED]), self._audio)
        data = self.block.read_snapshot()
        hits = tuple(map(tuple, msgspec.msgpack.decode(data))) if data else ()
        return Picture(self.state, level, advice, hits)

    def set(self, name: str, value: Any = 1) -> None:
        """Move a control: a setting, "scene.<name>" or an action."""
        if name in ("next", "previous"):
            self.move(1 if name == "next" else -1)
            return
        self._remember(name, value)
        if self._engine:
            send(self._engine.pipe, Set(name, value))

    def save(self) -> None:
        """Write the settings that were changed live into the patch, comments and order kept."""
        if not self._song.settings:
            self._tell("Nothing was changed, so there is nothing to save.")
            return
        try:
            save_settings(self.path, self._song.settings)
        except KuchiError as error:
            self._tell(str(error))
            return
        self._tell(f"Saved in {self.path}: {', '.join(sorted(self._song.settings))}.")
        self._song.settings.clear()
        self._seen = self._stamps()

    def panic(self) -> None:
        """Every note ended, the kit silent, everything scheduled forgotten."""
        for child in (self._port, self._engine):
            if child:
                send(child.pipe, Panic())

    def _remember(self, name: str, value: Any) -> None:
        if name.startswith("scene."):
            self._song.scene = name
        elif "." in name:
            self._song.settings[name] = value

    def _load(self) -> None:
        """Give the engine the patch as it stands in its file; a broken one never gets there."""
        try:
            patch = load_patch(self.path)
            self.rig.applied_to(patch)
        except PatchError as error:
            self._tell(f"{error}\n  the old patch plays on")
            return
        if self._engine:
            send(self._engine.pipe, Load(self.path.read_text(encoding="utf-8"), str(self.path),
                                         str(self.path.parent), self.rig.source))

    def _watch(self) -> None:
        """A saved patch or rig comes in; a broken one is explained while the old plays on."""
        if time.monotonic() < self._seen[0] + _WATCH_S:
            return
        before, self._seen = self._seen[1], self._stamps()
        if before == self._seen[1]:
            return
        try:
            if before[-1] != self._seen[1][-1]:
                self.rig = load_rig(Path(self.rig.source))
                self._tell(f"{self.rig.source}: read again")
        except PatchError as error:
            self._tell(f"{error}\n  the old rig stays")
            return
        self._load()

    def _stamps(self) -> tuple[float, list[int]]:
        files = [*self._song.paths, Path(self.rig.source)]
        return time.monotonic(), [f.stat().st_mtime_ns if f.exists() else 0 for f in files]

