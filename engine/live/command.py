"""The command process: what plays, what was changed by hand, what is kept, what is to be seen.

Nothing here is in a hurry, and nothing is heavy: it neither plays nor checks. It watches the patch,
the rig and the profile for edits, keeps what must survive the engine (patch, scene, whether it
listens), and tells the performer what happens in one line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import KuchiError, PatchError
from engine.jobs import Done
from engine.live.errands import Errand, Heard, Moved, NewKit, keep, save
from engine.live.found import announce, withdraw
from engine.live.level import Level
from engine.live.messages import (
    NO_MIDI,
    Did,
    Keep,
    Kept,
    Loaded,
    Logged,
    Message,
    Panic,
    Ready,
    Said,
    Set,
)
from engine.live.records import Records
from engine.live.shared import CLIPPED, FRAME, LISTENING, PEAK_MICRO, SharedBlock
from engine.live.song import Song
from engine.live.supervisor import Supervisor
from engine.rig import Rig


@dataclass(frozen=True, slots=True)
class Picture:
    """What the performer sees: a state in one word, the level with advice, the last hits.

    hits : (time, drum, velocity, confidence, ms after the strike) each, the newest last
    """

    state: str
    peak_db: float
    advice: str
    hits: tuple[tuple[float, str, float, float, float], ...]


class Stage:
    """Everything that runs live. `tell` is given each line a performer should read.

    patches : the set list; `next` and `previous` move in it
    rig     : its file, or None for the performer's own
    device  : part of the sound card's name, instead of the rig's
    audio   : without it the engine runs on a timer
    log     : every event as it left, a line each, as in `events.jsonl`

    A patch or a rig that can't be read raises PatchError here, one with mistakes in it in `step`.
    """

    def __init__(self, patches: Sequence[str | Path], *, rig: Path | None = None,
                 device: str | None = None, audio: bool = True, log: Path | None = None,
                 tell: Callable[[str], None] = print) -> None:
        self._song = Song(patches, rig)
        self._records = Records(log, tell)
        self._tell = tell
        self._level = Level()
        self.block = SharedBlock()
        announce(self.block)
        self.block.words[LISTENING] = 1
        self._errands: dict[str, tuple[Errand, Callable[[Done], None]]] = {}
        self._processes = Supervisor(self.block, self._song, tell, device=device, audio=audio)

    def step(self, timeout_s: float = 0.05) -> None:
        """Hear what the others say and mend what has fallen; call it again and again.

        Raises PatchError where the patches that it began with, or the rig, have mistakes.
        """
        for message in self._processes.hear(timeout_s):
            self._heard(message)
        self._watch_files()
        self._watch_errands()

    def close(self) -> None:
        """End every note and every process; safe to call twice."""
        for errand, _ in self._errands.values():
            errand.give_up()
        self._errands = {}
        for message in self._processes.close():
            self._heard(message)
        self._records.close()
        withdraw(self.block)
        self.block.close()

    # -- what the others say -------------------------------------------------------------------

    def _heard(self, message: Message) -> None:
        match message:
            case Said(text, state) if state == NO_MIDI:
                self._tell(f"{text}: notes go to {self._records.note_down()}")
            case Said(text, state):
                if state:
                    self._processes.trouble = "" if "LISTENING" in state else state
                self._tell(text)
            case Loaded():
                self._judged(message)
            case Kept(settings, mistakes):
                for mistake in mistakes:
                    self._tell(mistake)
                self._save(settings)
            case Did("next" | "previous" as way):
                self.move(1 if way == "next" else -1)
            case Did("capture"):
                self._capture()
            case Did("program", number) if self._song.knows(number):
                self._play(lambda: self._song.move_to(number - 1))
            case Set(name, value):
                self._song.remember(name, value)
            case Logged(row):
                self._records.write(row)

    # -- errands -------------------------------------------------------------------------------

    def _watch_errands(self) -> None:
        for name, (errand, then) in list(self._errands.items()):
            if (done := errand.news()) is not None:
                del self._errands[name]
                then(done)

    def _capture(self) -> None:
        """Keep what was just done."""
        if "capture" in self._errands:
            self._tell("A kit is still being made of what you did before.")
            return
        heard = Heard(self.block.name, int(self.block.words[FRAME]))
        self._errands["capture"] = Errand(keep, heard), self._kept

    def _kept(self, done: Done) -> None:
        """A kit that is made is played by every sampler of the patch, without a gap."""
        if done.error:
            self._tell(f"Nothing was kept: {done.error}")
            return
        kit: NewKit = done.answer
        self._tell(kit.words)
        for node in self._song.nodes_of("drum-sampler"):
            self._song.remember(f"{node}.kit", kit.folder)
        self._processes.to_engine(self._song.load())

    def save(self) -> None:
        """Write the settings that were changed live into the patch, comments and order kept, and
        beside it what its plugins hold."""
        place = str(self._song.playing.with_suffix(""))
        if not (self._song.hosts and self.ready and self._processes.to_engine(Keep(place))):
            self._save({})

    def _save(self, kept: Mapping[str, Any]) -> None:
        self._song.settings |= kept
        if not self._song.settings:
            self._tell("Nothing was changed, so there is nothing to save.")
        elif "save" not in self._errands:
            moved = Moved(str(self._song.playing), dict(self._song.settings))
            self._errands["save"] = Errand(save, moved), self._saved

    def _saved(self, done: Done) -> None:
        if done.error:
            self._tell(done.error)
            return
        self._song.saved(done.answer)
        self._tell(f"Saved in {self._song.playing}: {', '.join(sorted(done.answer))}.")

    # -- what is to be seen --------------------------------------------------------------------

    @property
    def rig(self) -> Rig:
        """What belongs to the performer and the stage."""
        return self._song.rig

    @property
    def path(self) -> Path:
        """The patch that plays."""
        return self._song.path

    @property
    def keys(self) -> dict[str, str]:
        """The computer's keys that the rig or the patch has bound, and to what."""
        return self._song.keys

    @property
    def settings(self) -> dict[str, Any]:
        """What was moved by hand since the patch was loaded or saved."""
        return dict(self._song.settings)

    @property
    def ready(self) -> Ready | None:
        """What the engine said when it could play; None while there is none that can."""
        return self._processes.ready

    @property
    def state(self) -> str:
        """How it stands, in a word or two."""
        return self._processes.state

    def picture(self) -> Picture:
        """What to show now."""
        words = self.block.words
        peak = int(words[PEAK_MICRO]) / 1e6
        words[PEAK_MICRO] = 0
        level, advice = self._level.heard(peak, int(words[CLIPPED]), self._processes.sounds)
        data = self.block.read_snapshot()
        hits = tuple(map(tuple, msgspec.msgpack.decode(data))) if data else ()
        return Picture(self.state, level, advice, hits)

    # -- what is to be done --------------------------------------------------------------------

    def move(self, by: int) -> None:
        """To another patch of the set list."""
        self._play(lambda: self._song.move(by))

    def set(self, name: str, value: Any = 1) -> None:
        """Move a control: a setting, "scene.<name>" or an action."""
        if name in ("next", "previous"):
            self.move(1 if name == "next" else -1)
        else:
            self._processes.to_engine(Set(name, value))

    def panic(self) -> None:
        """Every note ended, the kit silent, everything scheduled forgotten."""
        self._processes.to_port(Panic())
        self._processes.to_engine(Panic())

    # -- patch and rig -------------------------------------------------------------------------

    def _play(self, turn: Callable[[], object]) -> None:
        """Ask the engine for what the song holds after this turn of it."""
        try:
            turn()
        except KuchiError as error:
            self._explain(str(error))
            return
        self._processes.play()

    def _watch_files(self) -> None:
        """A saved patch or rig, or a profile, comes in, if the engine finds it good."""
        changed = set() if "save" in self._errands else self._song.changed()
        rig = Path(self.rig.source)
        if rig in changed:
            try:
                self._song.read_rig()
            except KuchiError as error:
                self._tell(f"{error}\n  the old rig stays")
                changed.remove(rig)
        if changed:
            self._play(self._song.read if self.path in changed else lambda: None)

    def _judged(self, news: Loaded) -> None:
        """The engine plays what it was asked for, or tells why the old plays on."""
        if not news.mistakes:
            before = self.rig
            for path in self._song.agreed(news.ticket, news.files):
                self._tell(f"{path}: read again")
            if self.rig is not before:
                self._tell(f"{self.rig.source}: read again")
                self._processes.take_rig(before)
            return
        mistakes = list(news.mistakes)
        if not self._song.begun:
            raise PatchError(news.source, mistakes)
        self._explain(str(PatchError(news.source, mistakes)), rig=news.source == self.rig.source)
        waits = self._song.asks
        if self._song.refused(news.ticket, news.source) or (waits and self.ready is None):
            self._processes.to_engine(self._song.load())

    def _explain(self, mistakes: str, *, rig: bool = False) -> None:
        plays = ("the old rig stays" if rig else
                 "the old patch plays on" if self.ready else "nothing plays until it is mended")
        self._tell(f"{mistakes}\n  {plays}")
