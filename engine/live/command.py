"""The command process: it starts the others, restarts what falls, and remembers the song.

Nothing here is in a hurry, and nothing is heavy: it neither plays nor checks. It watches the patch,
the rig and the profile for edits, keeps what must survive the engine (patch, scene, whether it
listens), and tells the performer what happens in one line.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import KuchiError, PatchError
from engine.jobs import Done
from engine.live.children import Child
from engine.live.crew import Crew
from engine.live.errands import Errand, Heard, Moved, NewKit, keep, save
from engine.live.found import announce, withdraw
from engine.live.level import Level
from engine.live.lookout import Lookout
from engine.live.messages import (
    CARD_LOST,
    NO_MIDI,
    PLUGIN_HANGS,
    Carded,
    Did,
    Keep,
    Kept,
    Loaded,
    Logged,
    Message,
    Open,
    OscIn,
    Panic,
    Ready,
    Said,
    Set,
    offer,
)
from engine.live.records import Records
from engine.live.shared import CLIPPED, FRAME, LISTENING, PEAK_MICRO, SharedBlock
from engine.live.song import Song
from engine.rig import Rig

SOON_S, _OFTEN = 2.0, 5    # so many falls, each so soon after being ready, and we stop trying
_AGAIN_S = 2.0              # a card that couldn't be opened is looked for again after this


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
        self._tell, self._audio, self._device = tell, audio, device
        self._level = Level()
        self.block = SharedBlock()
        announce(self.block)
        self.block.words[LISTENING] = 1
        self.ready: Ready | None = None
        self._ready_at = 0.0
        self._fell_at = 0.0                     # 0: nothing has fallen
        self._fell = ""                         # how
        self._falls = 0                         # one soon after the other
        self._card_state = self._trouble = ""
        self._lookout: Lookout | None = None
        self._errands: dict[str, tuple[Errand, Callable[[Done], None]]] = {}
        self._crew = Crew(self.block)
        self._open_osc()
        self._start_engine()

    # -- processes -----------------------------------------------------------------------------

    def _start_engine(self) -> None:
        self.ready, self._trouble = None, ""
        self._crew.start_engine([self._opening(self._audio and self._lookout is None),
                                 self._song.load()])

    def _restart_engine(self) -> None:
        self._crew.end_engine()
        self._fell_at, self._fell = time.monotonic(), ""
        self._start_engine()

    def _opening(self, audio: bool) -> Open:
        rig = self.rig
        return Open(audio, self.wanted, rig.input_channels, rig.output_channels, rig.block,
                    log=True, fell=self._fell)

    def _open_osc(self) -> None:
        if self.rig.osc_port:
            offer(self._crew.port.pipe, OscIn(self.rig.osc_port, self.rig.osc_allow))

    def step(self, timeout_s: float = 0.05) -> None:
        """Hear what the others say and mend what has fallen; call it again and again.

        Raises PatchError where the patches that it began with, or the rig, have mistakes.
        """
        for heard in self._crew.hear(timeout_s):
            if isinstance(heard, Child):
                self._mend(heard)
            else:
                self._heard(heard)
        self._watch_files()
        self._watch_card()
        self._watch_errands()

    def _mend(self, child: Child) -> None:
        """Start again what has fallen."""
        crew = self._crew
        if child is crew.engine:
            self._mend_engine(child.process.exitcode)
            return
        self._tell("The MIDI process has fallen; it is started again." if child is crew.port else
                   "The worker, which thinks up what comes later, has fallen; it is started again.")
        opens = child is crew.port
        if not crew.mend(child):
            self._restart_engine()
        if opens:
            self._open_osc()

    def _mend_engine(self, code: int | None) -> None:
        self._crew.end_engine()
        soon = self.ready is None or time.monotonic() - self._ready_at < SOON_S
        self._falls = self._falls + 1 if soon else 1
        self.ready = None
        self._fell_at = self._fell_at or time.monotonic()
        self._fell = "hung" if code == PLUGIN_HANGS else "crashed"
        if code == CARD_LOST:
            self._card_state = "USB GONE"
            self._tell("The sound card has gone; every note was ended. It is taken again when "
                       "it is back.")
            self._look_out()
        elif self._falls >= _OFTEN:
            self._tell(f"The engine fell {_OFTEN} times as soon as it was ready and is left "
                       "alone: try another patch, or start Kuchi again.")
            return
        else:
            self._tell("The engine has fallen; every note was ended, it is started again.")
        self._start_engine()

    def close(self) -> None:
        """End every note and every process; safe to call twice."""
        if self._lookout:
            self._lookout.stop()
        for errand, _ in self._errands.values():
            errand.give_up()
        self._errands = {}
        for message in self._crew.close():
            self._heard(message)
        self._records.close()
        withdraw(self.block)
        self.block.close()

    # -- what the others say -------------------------------------------------------------------

    def _heard(self, message: Message) -> None:
        match message:
            case Ready():
                self._is_ready(message)
            case Carded():
                self._heard_of_card(message)
            case Said(text, state) if state == NO_MIDI:
                self._tell(f"{text}: notes go to {self._records.note_down()}")
            case Said(text, state):
                if state:
                    self._trouble = "" if "LISTENING" in state else state
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

    def _is_ready(self, ready: Ready) -> None:
        engine = self._crew.engine
        if engine:                              # what it imported was waited for too
            seconds = (time.monotonic_ns() - engine.started_ns) / 1e9
            ready = msgspec.structs.replace(ready, seconds=seconds)
        self.ready, self._ready_at = ready, time.monotonic()
        if self._fell_at:
            self._tell(f"Back after {self._ready_at - self._fell_at:.1f} s.")
        else:
            self._tell(f"Ready in {ready.seconds:.1f} s. " + " ".join(ready.words))
        self._fell_at, self._fell = 0.0, ""

    # -- the card ------------------------------------------------------------------------------

    @property
    def wanted(self) -> str:
        """Part of the sound card's name, "" for the default one."""
        return self._device or self.rig.device

    def _heard_of_card(self, news: Carded) -> None:
        if news.there:
            was, self._card_state = self._card_state, ""
            if was:
                self._tell(f"Sound again: {news.words}")
            return
        if self._card_state != "USB GONE":
            self._card_state = "NO DEVICE"
            self._tell(f"{news.words}; until one comes it runs on a timer, without sound.")
        self._look_out(_AGAIN_S)

    def _look_out(self, after_s: float = 0.0) -> None:
        if self._lookout:
            self._lookout.stop()
        self._lookout = Lookout(self.wanted, after_s)

    def _watch_card(self) -> None:
        """A card that has come is taken."""
        if self._lookout and self._lookout.seen and self._crew.engine:
            self._lookout = None
            self._to_engine(self._opening(True))

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
        self._to_engine(self._song.load())

    def save(self) -> None:
        """Write the settings that were changed live into the patch, comments and order kept, and
        beside it what its plugins hold."""
        engine = self._crew.engine
        if not (self._song.hosts and self.ready and engine
                and offer(engine.pipe, Keep(str(self._song.playing.with_suffix(""))))):
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
    def state(self) -> str:
        """How it stands, in a word or two."""
        if self._card_state:
            return self._card_state
        if self._crew.engine is None:
            return "STOPPED"
        if self.ready is None:
            return "STARTING"
        return self._trouble or ("LISTENING" if self.block.words[LISTENING] else "NOT LISTENING")

    def picture(self) -> Picture:
        """What to show now."""
        words = self.block.words
        peak = int(words[PEAK_MICRO]) / 1e6
        words[PEAK_MICRO] = 0
        audio = self._audio and not self._card_state
        level, advice = self._level.heard(peak, int(words[CLIPPED]), audio)
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
            self._to_engine(Set(name, value))

    def panic(self) -> None:
        """Every note ended, the kit silent, everything scheduled forgotten."""
        offer(self._crew.port.pipe, Panic())
        self._to_engine(Panic())

    def _to_engine(self, message: Message) -> None:
        if self._crew.engine:
            offer(self._crew.engine.pipe, message)

    # -- patch and rig -------------------------------------------------------------------------

    def _play(self, turn: Callable[[], object]) -> None:
        """Ask the engine for what the song holds after this turn of it."""
        try:
            turn()
        except KuchiError as error:
            self._explain(str(error))
            return
        if self._crew.engine:
            self._to_engine(self._song.load())
        else:
            self._falls = 0
            self._start_engine()

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
            self._take_rig(before)
            return
        mistakes = list(news.mistakes)
        if not self._song.begun:
            raise PatchError(news.source, mistakes)
        self._explain(str(PatchError(news.source, mistakes)), rig=news.source == self.rig.source)
        waits = self._song.asks
        if self._song.refused(news.ticket, news.source) or (waits and self.ready is None):
            self._to_engine(self._song.load())

    def _explain(self, mistakes: str, *, rig: bool = False) -> None:
        plays = ("the old rig stays" if rig else
                 "the old patch plays on" if self.ready else "nothing plays until it is mended")
        self._tell(f"{mistakes}\n  {plays}")

    def _take_rig(self, before: Rig) -> None:
        now = self.rig
        if now is before:
            return
        self._tell(f"{now.source}: read again")
        if (now.osc_port, now.osc_allow) != (before.osc_port, before.osc_allow):
            self._open_osc()
        if _card(now) != _card(before):
            self._restart_engine()


def _card(rig: Rig) -> tuple[object, ...]:
    """What an open card can't be told."""
    return rig.device, rig.input_channels, rig.output_channels, rig.block
