"""The command process: it starts the others, restarts what falls, and remembers the song.

Nothing here is in a hurry. It watches the patch and the rig for edits, keeps what must survive
the engine (patch, scene, whether it listens), and tells the performer what happens in one line.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from engine.audio.lv2 import verdicts
from engine.errors import FileError, KuchiError
from engine.live import engine, port, worker
from engine.live.children import Child, Lines, pair, start
from engine.live.found import announce, withdraw
from engine.live.keeper import Keeper
from engine.live.level import Level
from engine.live.lookout import Lookout
from engine.live.messages import (
    NO_MIDI,
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
    Relink,
    Said,
    Set,
    Stop,
    offer,
    read,
)
from engine.live.note_book import NoteBook
from engine.live.shared import (
    CLIPPED,
    ENGINE_BEAT,
    IN_PLUGIN,
    LISTENING,
    PEAK_MICRO,
    PORT_BEAT,
    WORKER_BEAT,
    SharedBlock,
)
from engine.live.song import Song
from engine.rig import Rig

_SOON_S, _OFTEN = 2.0, 5    # so many falls, each so soon after being ready, and we stop trying
_LONGEST_JOB_S = 30.0       # a worker that does one for longer is started again
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
    """

    def __init__(self, patches: Sequence[str | Path], *, rig: Path | None = None,
                 device: str | None = None, audio: bool = True, log: Path | None = None,
                 tell: Callable[[str], None] = print) -> None:
        self._song = Song(patches, rig)
        self._log = _open_log(log)
        self._tell, self._audio, self._device = tell, audio, device
        self._level = Level()
        self._notes: NoteBook | None = None     # where the system has no MIDI
        self.block = SharedBlock()
        announce(self.block)
        self._keeper = Keeper()
        self.block.words[LISTENING] = 1
        self.ready: Ready | None = None
        self._ready_at = 0.0
        self._fell_at = 0.0                     # 0: nothing has fallen
        self._falls = 0                         # one soon after the other
        self._card_state = self._trouble = ""
        self._lookout: Lookout | None = None
        self._port = self._start_port()
        self._worker = self._start_worker()
        self._engine: Child | None = None
        self._start_engine()

    # -- processes -----------------------------------------------------------------------------

    def _start_port(self) -> Child:
        self._links, links = pair()
        child = start(port.run, (links, self.block.name), "kuchi-port", PORT_BEAT)
        links.close()
        self._open_osc(child)
        return child

    def _start_worker(self) -> Child:
        self._worker_links, links = pair()
        child = start(worker.run, (links, self.block.name), "kuchi-worker", WORKER_BEAT,
                      _LONGEST_JOB_S)
        links.close()
        return child

    def _open_osc(self, child: Child) -> None:
        if self.rig.osc_port:
            offer(child.pipe, OscIn(self.rig.osc_port, self.rig.osc_allow))

    def _start_engine(self) -> None:
        self.ready, self._trouble = None, ""
        self._to_port, self._to_worker = Lines(), Lines()
        child = self._engine = start(
            engine.run, (self._to_port.near, self._to_worker.near, self.block.name),
            "kuchi-engine", ENGINE_BEAT)
        for lines, mouth in ((self._to_port, self._links), (self._to_worker, self._worker_links)):
            lines.born()
            lines.give(mouth)
        offer(child.pipe, self._opening(self._audio and self._lookout is None))
        offer(child.pipe, self._song.load())

    def _opening(self, audio: bool) -> Open:
        rig = self.rig
        return Open(audio, self.wanted, rig.input_channels, rig.output_channels, rig.block,
                    log=True)

    @property
    def _children(self) -> list[Child]:
        return [child for child in (self._engine, self._port, self._worker) if child]

    def step(self, timeout_s: float = 0.05) -> None:
        """Hear what the others say and mend what has fallen; call it again and again."""
        children = self._children
        wait([each for c in children for each in (c.pipe, c.process.sentinel)], timeout_s)
        for child in children:
            if not self._hear(child) or child.hangs(int(self.block.words[child.beat])):
                child.kill()
            if not child.process.is_alive() and child in self._children:
                self._mend(child)
        self._watch_files()
        self._watch_card()
        self._watch_keeper()

    def _mend(self, child: Child) -> None:
        """Start again what has fallen."""
        child.pipe.close()
        if child is self._port:
            self._mend_port()
            return
        if child is self._worker:
            self._mend_worker()
            return
        self._engine = None
        self._lines_end()
        soon = self.ready is None or time.monotonic() - self._ready_at < _SOON_S
        self._falls = self._falls + 1 if soon else 1
        self.ready = None
        self._fell_at = self._fell_at or time.monotonic()
        self._refuse_plugin(child.process.exitcode == engine.PLUGIN_HANGS)
        if child.process.exitcode == engine.CARD_LOST:
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

    def _refuse_plugin(self, hung: bool) -> None:
        """Was it in a plugin that the engine fell? Then it comes back without that one."""
        words = self.block.words
        numbers = set(words[IN_PLUGIN:IN_PLUGIN + 2].tolist())
        words[IN_PLUGIN:IN_PLUGIN + 2] = 0
        for name, hosted in self._song.plugins.items():
            if verdicts.number_of(hosted.uri) in numbers:
                what = "hung" if hung else "crashed"
                verdicts.decide(hosted, f"it {what} on stage")
                self._tell(f"{name}: {hosted.name} {what}; it is refused from now on.")
                return

    def _mend_port(self) -> None:
        self._tell("The MIDI process has fallen; it is started again.")
        self._links.close()
        self._port = self._start_port()
        self._relink(self._to_port, self._links, "port")

    def _mend_worker(self) -> None:
        self._tell("The worker, which thinks up what comes later, has fallen; it is started again.")
        self._worker_links.close()
        self._worker = self._start_worker()
        self._relink(self._to_worker, self._worker_links, "worker")

    def _relink(self, lines: Lines, mouth: Connection, whose: str) -> None:
        """Join an engine that plays on to a process that was started again."""
        if self._engine is None:
            return
        number = lines.give(mouth)
        if number is None:
            self._restart_engine()
        else:
            offer(self._engine.pipe, Relink(number, whose))

    def _lines_end(self) -> None:
        self._to_port.close()
        self._to_worker.close()

    def _restart_engine(self) -> None:
        if self._engine:
            self._engine.end()
            self._lines_end()
        self._fell_at = time.monotonic()
        self._start_engine()

    def close(self) -> None:
        """End every note and every process; safe to call twice."""
        if self._lookout:
            self._lookout.stop()
        children = self._children
        self._engine = None
        for child in children:
            offer(child.pipe, Stop())
        for child in children:
            child.end()
            self._hear(child)
        self._links.close()
        self._worker_links.close()
        if self._notes:
            self._tell(self._notes.close())
        if self._log:
            self._log.close()
            self._log = None
        withdraw(self.block)
        self.block.close()

    # -- what the others say -------------------------------------------------------------------

    def _hear(self, child: Child) -> bool:
        """Read all that it says; False where it has nothing more to say, ever."""
        try:
            while not child.pipe.closed and child.pipe.poll():
                message = read(child.pipe)
                if message is not None:
                    self._heard(message)
        except (EOFError, OSError):
            return False
        return True

    def _heard(self, message: Message) -> None:
        match message:
            case Ready():
                self._is_ready(message)
            case Carded():
                self._heard_of_card(message)
            case Said(text, state) if state == NO_MIDI:
                self._tell(f"{text}: notes go to {self._note_down()}")
            case Said(text, state):
                if state:
                    self._trouble = "" if "LISTENING" in state else state
                self._tell(text)
            case Loaded(source, mistakes):
                if mistakes:
                    self._explain("\n  ".join([source, *mistakes]))
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
                self._write(row)
                if self._notes:
                    self._notes.hear(row)

    def _is_ready(self, ready: Ready) -> None:
        self.ready, self._ready_at = ready, time.monotonic()
        if self._fell_at:
            self._tell(f"Back after {self._ready_at - self._fell_at:.1f} s.")
        else:
            self._tell(f"Ready in {ready.seconds:.1f} s. " + " ".join(ready.words))
        self._fell_at = 0.0

    def _note_down(self) -> Path:
        """Where there is no MIDI, notes are kept for a file."""
        self._notes = self._notes or NoteBook(Path.cwd())
        return self._notes.path

    def _write(self, row: dict[str, Any]) -> None:
        if self._log is None:
            return
        try:
            self._log.write(msgspec.json.encode(row) + b"\n")
            self._log.flush()
        except OSError as error:
            self._tell(f"{self._log.name}: the log ends here: {str(error.strerror).lower()}")
            self._log = None

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
        if self._lookout and self._lookout.seen and self._engine:
            self._lookout = None
            offer(self._engine.pipe, self._opening(True))

    # -- capture -------------------------------------------------------------------------------

    def _capture(self) -> None:
        """Keep what was just done."""
        if not self._keeper.begin(self.block.last_heard(60.0)):
            self._tell("A kit is still being made of what you did before.")

    def _watch_keeper(self) -> None:
        """A kit that is made is played by every sampler of the patch, without a gap."""
        news = self._keeper.news()
        if news is None:
            return
        said, kit = news
        self._tell(said)
        if kit is not None:
            for node in self._song.nodes_of("drum-sampler"):
                self._song.remember(f"{node}.kit", str(kit))
            if self._engine:
                offer(self._engine.pipe, self._song.load())

    # -- the song ------------------------------------------------------------------------------

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
        if self._engine is None:
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

    def move(self, by: int) -> None:
        """To another patch of the set list."""
        self._play(lambda: self._song.move(by))

    def set(self, name: str, value: Any = 1) -> None:
        """Move a control: a setting, "scene.<name>" or an action."""
        if name in ("next", "previous"):
            self.move(1 if name == "next" else -1)
        elif self._engine:
            offer(self._engine.pipe, Set(name, value))

    def save(self) -> None:
        """Write the settings that were changed live into the patch, comments and order kept, and
        beside it what its plugins hold."""
        if not (self._song.hosts and self.ready and self._engine
                and offer(self._engine.pipe, Keep(str(self.path.with_suffix(""))))):
            self._save({})

    def _save(self, kept: Mapping[str, Any]) -> None:
        self._song.settings |= kept
        if not self._song.settings:
            self._tell("Nothing was changed, so there is nothing to save.")
            return
        try:
            self._tell(f"Saved in {self.path}: {', '.join(self._song.save())}.")
        except KuchiError as error:
            self._tell(str(error))

    def panic(self) -> None:
        """Every note ended, the kit silent, everything scheduled forgotten."""
        for child in (self._port, self._engine):
            if child:
                offer(child.pipe, Panic())

    def _play(self, turn: Callable[[], object]) -> None:
        """Play what the song holds after this turn of it; a broken patch never gets there."""
        try:
            turn()
        except KuchiError as error:
            self._explain(str(error))
            return
        if self._engine:
            offer(self._engine.pipe, self._song.load())
        else:
            self._falls = 0
            self._start_engine()

    def _explain(self, mistakes: str) -> None:
        plays = "the old patch plays on" if self.ready else "nothing plays until it is mended"
        self._tell(f"{mistakes}\n  {plays}")

    def _watch_files(self) -> None:
        """A saved patch or rig comes in; a broken one is explained while the old plays on."""
        patch, rig = self._song.changed()
        if rig:
            self._read_rig()
        if patch or rig:
            self._play(self._song.read)

    def _read_rig(self) -> None:
        try:
            before = self._song.read_rig()
        except KuchiError as error:
            self._tell(f"{error}\n  the old rig stays")
            return
        now = self.rig
        self._tell(f"{now.source}: read again")
        if (now.osc_port, now.osc_allow) != (before.osc_port, before.osc_allow):
            self._open_osc(self._port)
        if _card(now) != _card(before):
            self._restart_engine()



def _card(rig: Rig) -> tuple[object, ...]:
    """What an open card can't be told."""
    return rig.device, rig.input_channels, rig.output_channels, rig.block


def _open_log(path: Path | None) -> BinaryIO | None:
    try:
        return path.open("ab") if path else None
    except OSError as error:
        raise FileError(f"{path}: can't be written: {str(error.strerror).lower()}") from None
