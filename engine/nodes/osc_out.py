"""Hits, level and beat leave for the visuals here, as OSC over the network."""

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, Self

from engine.drums import DRUMS
from engine.events import Beat, Features, Hit, Message, Release
from engine.node import Context, Node
from engine.osc import read_target, spelled
from engine.osc_maps import MAPS, Form
from engine.param import Param

FRAME_S = 1 / 60
"""What changes all the time is told once in a frame of the visuals; hits always."""

_BEATS_IN_A_BAR = 4
_REMEMBERED = 16                          # hits that may still be corrected
_ENDLESS_S = 4.0                          # a gate that waits for its sound to die away
_DUE = attrgetter("due")


class _Target(Param[str]):
    """A setting that is an address on the network; whether anyone is there shows later."""

    def check(self, value: Any) -> Any:
        text = super().check(value)
        read_target(text, 1)
        return text


class OscOut(Node):
    """Tell hits, level and beat to a visuals program, as OSC.

    A hit is its velocity and, after the gate, a 0; beside it an envelope falls from 1 to 0,
    which is what pictures want. With a level-meter cabled in, the level; with a beat, the beat.
    """

    outlet = "osc"

    to = _Target("127.0.0.1", help="where the program runs, such as 127.0.0.1:7000; without a "
                                   "port, the one it listens to by default")
    map = Param("kuchi", choices=tuple(MAPS),
                help="whose addresses to use: our own, or a program's")
    name = Param("", help="the node's name in addresses; empty: that of the node the hits come "
                          "from, or this one's own where several meet")
    gate = Param("fixed", choices=("fixed", "while it sounds"),
                 help="a hit's 0 follows after gate_ms, or when its sound has died away "
                      "(4 s at most)")
    gate_ms = Param(100.0, low=5.0, high=5000.0, help="a hit's 0 follows after this long")
    decay_ms = Param(250.0, low=20.0, high=5000.0, help="the envelope falls from 1 to 0 in this")
    offset_ms = Param(0.0, low=-500.0, high=500.0,
                      help="leave later, or, what is known beforehand, earlier")

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self.reset()

    def prepare(self, context: Context) -> None:
        self._clock = context.clock
        feeds = context.feeds.get("hits", ())
        self._own = feeds[0] if len(feeds) == 1 else context.name or self.type_name()

    def rewired(self, fresh: Self) -> None:
        self._own = fresh._own

    @property
    def target(self) -> tuple[str, int]:
        """The host and port that messages go to."""
        return read_target(self.to, MAPS[self.map].port)

    def reset(self) -> None:
        self._coming: list[tuple[float, Hit | Release | Beat]] = []    # and when it leaves
        self._gates: dict[str, float] = {}                  # drum -> when its 0 is due
        self._struck: dict[str, float] = {}                 # drum -> when its envelope began
        self._next_env: dict[str, float] = {}               # drum -> when it is told again
        self._lit: dict[str, float] = {}                    # an address of a hit's own -> its 0
        self._told: deque[tuple[float, str]] = deque(maxlen=_REMEMBERED)    # (heard, drum)
        self._inputs: dict[str, float] = {}                 # of a map that tells all together
        self._inputs_due = 0.0
        self._inputs_changed = False
        self._range = LevelRange()
        self._next_level = 0.0
        self._beat: Beat | None = None
        self._next_phase = 0.0
        self._bpm = 0.0
        self._out: list[Message] = []

    def process(self, hits: Sequence[Hit | Release], features: Sequence[Features],
                beats: Sequence[Beat]) -> Sequence[Message]:
        if not (hits or features or beats or self._coming or self._gates or self._struck
                or self._lit or self._beat or self._inputs_changed):
            return ()
        self._out = []
        self._coming += [(self._leaves(event), event) for event in (*hits, *beats)]
        if self._coming:
            self._tell_what_is_due()
        self._end_gates()
        self._follow_envelopes()
        for measured in features:
            self._tell_level(measured)
        self._follow_beat()
        self._tell_together()
        self._out.sort(key=_DUE)                        # two drums may share an address
        return self._out

    def release(self) -> Sequence[Message]:
        """Let go of everything, so that no picture stays lit."""
        self._out = []
        now = self._clock.now
        for drum in list(self._gates):
            self._let_go(drum, now, now)
        for address in list(self._lit):
            self._darken(address, now)
        for drum in list(self._struck):
            self._tell_env(drum, now, now, 0.0)
        self._struck.clear()
        self._inputs_due = now
        self._tell_together()
        return self._out

    # -- hits ----------------------------------------------------------------------------------

    def _leaves(self, event: Hit | Release | Beat) -> float:
        now = self._clock.now
        return max((event.due or now) + self.offset_ms / 1000.0, now)

    def _tell_what_is_due(self) -> None:
        waiting = []
        for leaves, event in sorted(self._coming, key=itemgetter(0)):
            if leaves >= self._clock.next:
                waiting.append((leaves, event))
            elif isinstance(event, Hit):
                self._strike(event, leaves)
            elif isinstance(event, Beat):
                self._tell_beat(event, leaves)
            elif self.gate != "fixed":
                self._let_go(event.drum, event.time, leaves)
        self._coming = waiting

    def _strike(self, hit: Hit, when: float) -> None:
        if hit.address:
            self._out.append(Message(hit.time, hit.address, (hit.velocity,), when))
            self._lit[hit.address] = when + self.gate_ms / 1000.0
        was = None if hit.corrects is None else self._drum_told(hit.time)
        if was is not None:
            self._correct(hit, was, when)
        if was == hit.drum:
            return                                              # it is lit already
        self._let_go(hit.drum, hit.time, when)                  # struck again within its gate
        self._say("hit", hit.time, when, hit.velocity, hit.drum)
        self._tell_env(hit.drum, hit.time, when, 1.0)
        gate = self.gate_ms / 1000.0 if self.gate == "fixed" else _ENDLESS_S
        self._gates[hit.drum] = when + gate
        self._struck[hit.drum] = when
        self._next_env[hit.drum] = when + FRAME_S
        self._told.append((hit.time, hit.drum))

    def _drum_told(self, heard: float) -> str | None:
        """As which drum the strike of this moment was last told."""
        return next((drum for time, drum in reversed(self._told) if time == heard), None)

    def _correct(self, hit: Hit, was: str, when: float) -> None:
        """Tell which drum it is; where another was told first, that one goes dark."""
        self._say("corrected", hit.time, when, hit.velocity, hit.drum, was)
        if was != hit.drum:
            self._let_go(was, hit.time, when)
            if self._struck.pop(was, None) is not None:
                self._tell_env(was, hit.time, when, 0.0)

    def _let_go(self, drum: str, time: float, when: float) -> None:
        if self._gates.pop(drum, None) is not None:
            self._say("hit", time, when, 0.0, drum)

    def _end_gates(self) -> None:
        for drum, end in list(self._gates.items()):
            if end < self._clock.next:
                self._let_go(drum, end, max(end, self._clock.now))
        for address, end in list(self._lit.items()):
            if end < self._clock.next:
                self._darken(address, max(end, self._clock.now))

    def _darken(self, address: str, when: float) -> None:
        del self._lit[address]
        self._out.append(Message(when, address, (0.0,), when))

    def _follow_envelopes(self) -> None:
        for drum, struck in list(self._struck.items()):
            due = self._next_env[drum]
            if due < self._clock.next:
                when = max(due, self._clock.now)
                self._next_env[drum] = when + FRAME_S
                value = max(0.0, 1.0 - (when - struck) * 1000.0 / self.decay_ms)
                if value == 0.0:
                    del self._struck[drum]
                self._tell_env(drum, when, when, value)

    def _tell_env(self, drum: str, time: float, when: float, value: float) -> None:
        called = MAPS[self.map].drums.get(drum)
        if called is not None and called in MAPS[self.map].inputs:
            self._set_input(called, value)
            if value == 1.0:
                self._inputs_due = when                         # a strike never waits
        self._say("env", time, when, value, drum)

    # -- level and beat ------------------------------------------------------------------------

    def _tell_level(self, measured: Features) -> None:
        level = self._range.place(measured.values[0], measured.time)
        if measured.time >= self._next_level:
            self._next_level = measured.time + FRAME_S
            self._set_input("level", level)
            when = self._clock.now + max(0.0, self.offset_ms / 1000.0)
            self._say("level", measured.time, when, level)

    def _tell_beat(self, beat: Beat, when: float) -> None:
        number = round(beat.phase * _BEATS_IN_A_BAR) % _BEATS_IN_A_BAR + 1
        self._say("tempo", beat.time, when, beat.bpm)
        self._say("beat", beat.time, when, number)
        if number == 1 and beat.bpm != self._bpm:               # a new tempo: line up its bars
            self._bpm = beat.bpm
            self._say("resync", beat.time, when, 1)
            self._say("resync", beat.time, when, 0)
        self._beat = Beat(beat.time, beat.bpm, (number - 1) / _BEATS_IN_A_BAR, when)
        self._next_phase = when

    def _follow_beat(self) -> None:
        """The place in the beat and in the bar; both wait at the end for a beat that is late."""
        if self._beat is None or self._next_phase >= self._clock.next:
            return
        when = max(self._next_phase, self._clock.now)
        self._next_phase = when + FRAME_S
        passed = min((when - self._beat.due) * self._beat.bpm / 60.0, 1.0)
        self._say("beat/phase", when, when, passed)
        self._say("bar/phase", when, when, self._beat.phase + passed / _BEATS_IN_A_BAR)
        if passed == 1.0:
            self._beat = None

    # -- saying it -----------------------------------------------------------------------------

    def _say(self, what: str, time: float, when: float, value: float, drum: str = "",
             was: str = "") -> None:
        own = MAPS[self.map]
        form = own.forms.get(what)
        if form is None or (drum and drum not in own.drums):
            return
        if form.high > form.low:
            value = _held((value - form.low) / (form.high - form.low), 0.0, 1.0)
        address, words = _spelled_out(form, self.name or self._own, own.drums.get(drum, ""),
                                      own.drums.get(was, ""))
        self._out.append(Message(time, address, (*words, value), when))

    def _set_input(self, name: str, value: float) -> None:
        self._inputs[name] = value
        self._inputs_changed = bool(MAPS[self.map].together)

    def _tell_together(self) -> None:
        """All inputs as one message: at a strike at once, else once in a frame."""
        if not self._inputs_changed or self._inputs_due >= self._clock.next:
            return
        own, self._inputs_changed = MAPS[self.map], False
        when = max(self._inputs_due, self._clock.now)
        self._inputs_due = when + FRAME_S
        values = tuple(self._inputs.get(name, 0.0) for name in own.inputs)
        self._out.append(Message(when, own.together, values, when))


class LevelRange:
    """Level in dBFS to 0..1, whatever the microphone's gain: 0 is the room, 1 the loudest lately.

    The top rises with the sound at once and sinks 1 dB a second. The room sinks 24 dB a second
    and rises 1, and what is less than 6 dB over it is dark. Dark and top stay 24 to 48 dB apart,
    and the top over -30 dBFS, so that silence isn't noise made large.
    """

    def __init__(self) -> None:
        self._room_db, self._top_db, self._time = -54.0, -12.0, 0.0

    def place(self, level_db: float, time: float) -> float:
        """Where this level lies between the two, 0..1; `time` in seconds."""
        passed, self._time = max(0.0, time - self._time), time
        top = self._top_db = max(level_db, self._top_db - passed, -30.0)
        self._room_db = _held(level_db, self._room_db - 24.0 * passed, self._room_db + passed)
        dark = _held(self._room_db + 6.0, top - 48.0, top - 24.0)
        return _held((level_db - dark) / (top - dark), 0.0, 1.0)


@lru_cache(4 * len(DRUMS))
def _spelled_out(form: Form, node: str, drum: str, was: str) -> tuple[str, tuple[str, ...]]:
    """The address, and the texts before the number."""
    words = {"node": spelled(node), "drum": drum, "was": was}
    return form.address.format_map(words), tuple(words[word] for word in form.words)


def _held(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
