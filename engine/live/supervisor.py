"""Keep a stage going: what has fallen is started again, and a sound card that has come is taken.

Each engine is told the whole song, and how the one before it fell, so that a plugin that was to
blame is passed by. One that falls again and again is left alone.
"""

import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from engine.live.children import Child
from engine.live.crew import Crew
from engine.live.lookout import Lookout
from engine.live.messages import (
    CARD_LOST,
    PLUGIN_HANGS,
    Carded,
    Message,
    Open,
    OscIn,
    Ready,
    offer,
)
from engine.live.shared import LISTENING, SharedBlock
from engine.live.song import Song
from engine.rig import Rig

SOON_S, _OFTEN = 2.0, 5     # so many falls, each so soon after being ready, and we stop trying
_AGAIN_S = 2.0              # a card that couldn't be opened is looked for again after this


class Supervisor:
    """The processes beside the command process, and how they stand.

    ready   : what the engine said when it could play; None while there is none that can
    trouble : what else the performer should see of it, in a word or two

    song   : what the engine shall play, and the rig
    tell   : is given each line that a performer should read
    device : part of the sound card's name, instead of the rig's
    audio  : without it the engine runs on a timer
    """

    def __init__(self, block: SharedBlock, song: Song, tell: Callable[[str], None], *,
                 device: str | None, audio: bool) -> None:
        self.ready: Ready | None = None
        self.trouble = ""
        self._block, self._song, self._tell = block, song, tell
        self._device, self._audio = device, audio
        self._ready_at = 0.0
        self._fell_at = 0.0                     # 0: nothing has fallen
        self._fell = ""                         # how
        self._falls = 0                         # one soon after the other
        self._card_state = ""
        self._lookout: Lookout | None = None
        self._crew = Crew(block)
        self._open_osc()
        self._start_engine()

    @property
    def state(self) -> str:
        """How it stands, in a word or two."""
        if self._card_state:
            return self._card_state
        if self._crew.engine is None:
            return "STOPPED"
        if self.ready is None:
            return "STARTING"
        return self.trouble or ("LISTENING" if self._block.words[LISTENING] else "NOT LISTENING")

    @property
    def sounds(self) -> bool:
        """Is there a card, or will there be one as soon as it is ready?"""
        return self._audio and not self._card_state

    # -- talking with them ---------------------------------------------------------------------

    def hear(self, timeout_s: float) -> Iterator[Message]:
        """What they say, but for what is answered here: how they live, and the card."""
        yield from self._answered(self._crew.hear(timeout_s))
        self._watch_card()

    def close(self) -> Iterator[Message]:
        """End every note and every process; what they say in leaving."""
        if self._lookout:
            self._lookout.stop()
        yield from self._answered(self._crew.close())

    def _answered(self, heard: Iterable[Message | Child]) -> Iterator[Message]:
        for each in heard:
            match each:
                case Child():
                    self._mend(each)
                case Ready():
                    self._is_ready(each)
                case Carded():
                    self._heard_of_card(each)
                case _:
                    yield each

    def to_engine(self, message: Message) -> bool:
        """Tell the engine, if there is one."""
        engine = self._crew.engine
        return engine is not None and offer(engine.pipe, message)

    def to_port(self, message: Message) -> bool:
        """Tell the port process."""
        return offer(self._crew.port.pipe, message)

    def play(self) -> None:
        """Ask the engine for what the song holds; one that was left alone is started again."""
        if self._crew.engine:
            self.to_engine(self._song.load())
        else:
            self._falls = 0
            self._start_engine()

    # -- starting ------------------------------------------------------------------------------

    def _start_engine(self) -> None:
        self.ready, self.trouble = None, ""
        self._crew.start_engine([self._opening(self._audio and self._lookout is None),
                                 self._song.load()])

    def _restart_engine(self) -> None:
        self._crew.end_engine()
        self._fell_at, self._fell = time.monotonic(), ""
        self._start_engine()

    def _opening(self, audio: bool) -> Open:
        rig = self._song.rig
        return Open(audio, self._wanted, rig.input_channels, rig.output_channels, rig.block,
                    log=True, fell=self._fell)

    def _open_osc(self) -> None:
        rig = self._song.rig
        if rig.osc_port:
            self.to_port(OscIn(rig.osc_port, rig.osc_allow))

    def take_rig(self, before: Rig) -> None:
        """The song has another rig than before: what can't be told of it is opened anew."""
        now = self._song.rig
        if (now.osc_port, now.osc_allow) != (before.osc_port, before.osc_allow):
            self._open_osc()
        if _card(now) != _card(before):
            self._restart_engine()

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

    # -- falls ---------------------------------------------------------------------------------

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

    # -- the card ------------------------------------------------------------------------------

    @property
    def _wanted(self) -> str:
        """Part of the sound card's name, "" for the default one."""
        return self._device or self._song.rig.device

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
        self._lookout = Lookout(self._wanted, after_s)

    def _watch_card(self) -> None:
        """A card that has come is taken."""
        if self._lookout and self._lookout.seen and self._crew.engine:
            self._lookout = None
            self.to_engine(self._opening(True))


def _card(rig: Rig) -> tuple[object, ...]:
    """What an open card can't be told."""
    return rig.device, rig.input_channels, rig.output_channels, rig.block
