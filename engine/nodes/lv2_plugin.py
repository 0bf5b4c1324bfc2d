"""An LV2 plugin, an instrument or an effect, with its own settings, in the audio thread."""

import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from engine.audio import denormals
from engine.audio.commands import SET
from engine.drums import GM_NOTE
from engine.errors import KuchiError
from engine.events import Event, Hit, NoteOff, NoteOn, Release
from engine.node import Context, Node, SoundingNode
from engine.param import Param
from engine.ports import Port, Ports
from engine.units import Samples, frames

if TYPE_CHECKING:
    from engine.audio import AudioList, Feed
    from engine.audio.lv2.plugins import Plugin, PluginPort

AWAY_S, OFTEN = 2.0, 3              # after a fault: out for so long, and back so many times
_GATE_S = 0.1                       # a drum's note ends after this long
_DRUMS = 10                         # the channel of drum notes


class PluginParam(Param[Any]):
    """A setting that comes from a plugin: its port, and what its words stand for."""

    def __init__(self, port: "PluginPort") -> None:
        self.port = port
        self._values = dict(port.values)
        words = tuple(self._values)
        low, high = (None, None) if words or port.toggled else (port.low, port.high)
        super().__init__(self._worded(port.default), low=low, high=high, choices=words,
                         help=port.name.replace("|", "/"))

    def _worded(self, value: float) -> Any:
        """A port's value as a patch has it: a word, a truth or a number."""
        if self._values:
            return min(self._values, key=lambda word: abs(self._values[word] - value))
        if self.port.toggled:
            return value > 0.0
        return round(value) if self.port.whole else value

    @property
    def unit(self) -> str:
        return self.port.unit

    def check(self, value: Any) -> Any:
        return super().check(value)

    def told(self, value: float) -> Any:
        """What a preset's number means as a setting, within its range."""
        if not (self._values or self.port.toggled) and None not in (self.low, self.high):
            value = min(max(value, self.low or 0.0), self.high or 0.0)
        return self._worded(value)

    def number(self, value: Any) -> float:
        """What the port is given for a setting."""
        return float(self._values[value]) if self._values else float(value)


class Lv2Plugin(SoundingNode):
    """Host an LV2 plugin: `plugin` is its URI, or part of its name.

    What the plugin can be set to are settings of this node, by the plugin's own names:
    `kuchi plugins show NAME` lists them. Before a version of it first enters the audio thread it
    is tried in a process of its own. Should it make anything but numbers on stage, or take too
    long three times in a second, it is bypassed for two seconds, three times at most.
    """

    hears: ClassVar[tuple[str, ...]] = ("audio",)
    hosted: ClassVar["Plugin | None"] = None
    loader: ClassVar[str] = "lv2"

    plugin = Param("", help="its URI, or part of its name: `kuchi plugins list`")
    preset = Param("", help="one of its presets, by name; settings that the patch names win")
    state = Param("", help="a state that was saved beside the patch: a .ttl file, or a folder")
    isolated = Param(False, help="run it in a process of its own, one block later: for plugins "
                                 "that are refused otherwise")
    bypass = Param(False, help="let what comes in pass by; an instrument falls silent")
    wait_ms = Param(3.0, low=0.0, high=100.0,
                    help="a played note sounds this long after its key; 0 is at once, uneven")

    _unit: Any = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> type[Node]:
        """This class with the plugin's own settings, and the ports it has."""
        wanted = settings.get("plugin", "")
        if not isinstance(wanted, str) or not wanted:
            raise ValueError('plugin: must name a plugin, such as plugin = "urn:dragonfly:room"')
        from engine.audio.lv2.plugins import find
        try:
            found = find(wanted)
        except KuchiError as error:
            raise ValueError(f"plugin = {wanted!r}: {error}") from None
        if reason := found.refusal():
            raise ValueError(f"plugin = {wanted!r}: {found.name} can't be hosted: {reason}")
        return cls.hosting(found)

    @classmethod
    @cache
    def hosting(cls, plugin: "Plugin") -> type["Lv2Plugin"]:
        """The class of nodes that host this plugin: its parameters are theirs."""
        params: dict[str, Any] = {}
        for port in plugin.controls:
            taken = hasattr(cls, port.symbol) or port.symbol.startswith("_")
            name = f"{port.symbol}_" if taken else port.symbol
            params[name] = PluginParam(port)
        hears = ("audio",) if plugin.audio(inputs=True) else ()
        return type(cls.__name__, (cls,), {"__doc__": cls.__doc__, "hosted": plugin, "hears": hears,
                                           "__module__": __name__, **params})

    @classmethod
    @cache
    def ports(cls) -> Ports:
        """What the plugin takes; one that takes notes and audio may be given either."""
        notes, audio = super().ports().inlets[:2], super().ports().inlets[2:]
        if cls.hosted is None:
            return super().ports()
        both = bool(cls.hosted.midi and cls.hosted.audio(inputs=True))
        kept = [*(notes if cls.hosted.midi else ()),
                *(audio if cls.hosted.audio(inputs=True) else ())]
        return Ports(tuple(Port(p.name, p.flow, p.delayed, p.compiled, optional=both)
                           for p in kept), "audio")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._ends: list[tuple[float, int]] = []        # when a drum's note ends
        self._back_at = 0.0                             # after a fault; 0: there is none
        self._faults = 0
        self._refused = ""

    # -- building ------------------------------------------------------------------------------

    def prepare(self, context: Context) -> None:
        from engine.audio.lv2.verdicts import number_of, verdict_on

        assert self.hosted is not None
        self._clock, self._stage, self._name = context.clock, context.stage, context.name
        self._folder = context.folder
        if self.isolated:
            return                                      # no trial: it can only hurt itself
        self._refused = verdict_on(self.hosted).refused
        if self._refused:
            self._turn_away()
            return
        if self._stage is None:
            self._make()
            return
        self._stage.inside[1] = number_of(self.hosted.uri)      # if we fall in there
        try:
            self._make()
        finally:
            self._stage.inside[1] = 0
        self._instance.go_live()

    def _make(self) -> None:
        """Load the plugin and set it: its preset and state first, then what the patch says."""
        from engine.audio.lv2.instance import Instance

        assert self.hosted is not None
        with denormals.unchanged():                 # to load some plugins is to change them
            self._instance = Instance(self.hosted)
            self._instance.restore_default()
        for what in filter(None, (self.preset, self.state)):
            self._take_over(self._instance.restore(what, self._folder))
        for name, param in self._own():
            self._instance.controls[param.port.index] = param.number(getattr(self, name))

    def _turn_away(self) -> None:
        assert self.hosted is not None
        words = (f"{self.hosted.name} was refused: {self._refused} "
                 f'(try it again: kuchi plugins probe "{self.hosted.uri}")')
        if self._stage is None:
            raise KuchiError(f"{self._name}: {words}")
        self._stage.say(f"{self._name} is bypassed. {words}", "PLUGIN REFUSED")

    def _take_over(self, controls: Mapping[str, float]) -> None:
        """A preset's values hold where the patch doesn't say anything else."""
        for name, param in self._own():
            if param.port.symbol in controls and name not in self.__dict__:
                self.__dict__[name] = param.told(controls[param.port.symbol])

    @classmethod
    def _own(cls) -> list[tuple[str, PluginParam]]:
        return [(n, p) for n, p in cls.params().items() if isinstance(p, PluginParam)]

    def build(self, audio: "AudioList", feeds: "Mapping[str, Sequence[Feed]]") -> Samples:
        from engine.audio.lv2.hosted import Hosted

        assert self.hosted is not None
        feed = audio.sum(feeds["audio"]) if feeds.get("audio") else None
        if self._refused:
            return audio.sum(()) if feed is None else feed
        if self.isolated:
            return self._build_apart(audio, feed)
        inside = None if self._stage is None else self._stage.inside
        from engine.audio.lv2.verdicts import number_of
        self._unit = Hosted(audio, feed, self._instance, wet=float(not self.bypass),
                            inside=inside, number=number_of(self.hosted.uri))
        return self._unit.buffer

    def _build_apart(self, audio: "AudioList", feed: Samples | None) -> Samples:
        from engine.audio.lv2.apart import Apart

        assert self.hosted is not None
        told = {param.port.index: param.number(getattr(self, name)) for name, param in self._own()
                if name in self.__dict__}
        self._unit = Apart(audio, feed, {
            "loader": self.loader, "uri": self.hosted.uri, "name": self.hosted.name,
            "folder": str(self._folder),
            "restore": [what for what in (self.preset, self.state) if what],
            "controls": told}, live=self._stage is not None)
        if self.bypass:
            self._unit.commands.send(0, SET, -1, 0.0)
        return self._unit.buffer

    # -- playing -------------------------------------------------------------------------------

    def changed(self, name: str) -> None:
        if self._unit is None:
            return
        param = self.params()[name]
        if isinstance(param, PluginParam):
            value = param.number(getattr(self, name))
            self._unit.commands.send(0, SET, param.port.index, value)
        elif name == "bypass":
            self._unit.commands.send(0, SET, -1, float(not self.bypass))

    def process(self, hits: Sequence[Hit | Release] = (), notes: Sequence[NoteOn | NoteOff] = ()
                ) -> None:
        if self._unit is None:
            return
        if self.isolated:
            self._watch()
        elif self._unit.words[0] or self._back_at:
            self._mend()
        for hit in hits:
            if isinstance(hit, Hit):
                self._strike(hit)
        for note in notes:
            status = (0x90 if isinstance(note, NoteOn) else 0x80) | (note.channel - 1)
            self._send(self._start(note), status, note.note, note.velocity)
        while self._ends and self._ends[0][0] < self._clock.next:
            end, number = self._ends.pop(0)
            self._send(end, 0x80 | (_DRUMS - 1), number, 64)

    def _start(self, event: NoteOn | NoteOff | Hit) -> float:
        if event.due:
            return event.due
        return event.time + self.wait_ms / 1000.0 if self.wait_ms else 0.0

    def _strike(self, hit: Hit) -> None:
        if hit.corrects is not None:
            return                                      # it has sounded; a plugin can't take back
        note = hit.note if hit.note >= 0 else GM_NOTE[hit.drum]
        start = hit.due or self._clock.now
        self._send(start, 0x90 | (_DRUMS - 1), note, max(1, round(127 * hit.velocity)))
        self._ends.append((start + _GATE_S, note))

    def _send(self, due: float, status: int, note: int, value: int) -> None:
        from engine.audio.lv2.hosted import NOTE
        self._unit.commands.send(frames(due), NOTE, status, note, value)

    def _mend(self) -> None:
        """After a fault: say so, start it afresh, and let it in again after a while."""
        from engine.audio.lv2.hosted import NOT_A_NUMBER
        if not self._back_at:
            self._faults += 1
            what = ("made sound that isn't numbers" if self._unit.words[0] == NOT_A_NUMBER
                    else "took too long")
            last = self._faults >= OFTEN
            if self._stage is not None:
                self._stage.say(f"{self._name} {what} and is bypassed"
                                + (" for good." if last else f" for {AWAY_S:g} s."), "PLUGIN OUT")
            self._back_at = float("inf") if last else self._clock.now + AWAY_S
            self._fresh = False
            if self._stage is None:
                self._instance.restart()
                self._fresh = True
            else:
                self._instance.restart_beside(self._is_fresh)
        elif self._clock.now >= self._back_at and self._fresh:
            self._back_at = 0.0
            self._unit.let_in()

    def _watch(self) -> None:
        """Start a process that has fallen again, three times at most; meanwhile it is passed by."""
        if self._back_at or self._stage is None or not self._unit.fallen:
            return
        self._faults += 1
        last = self._faults > OFTEN
        self._stage.say(f"{self._name}'s own process has fallen; it is "
                        + ("left out for good." if last else "started again."), "PLUGIN OUT")
        self._back_at = float("inf")
        if not last:
            threading.Thread(target=self._start_again, daemon=True).start()

    def _start_again(self) -> None:
        try:
            self._unit.start()
        except KuchiError:
            return                                      # it stays out: it has been named
        self._unit.let_in()
        self._back_at = 0.0

    def _is_fresh(self) -> None:
        self._fresh = True

    def write_state(self, place: Path) -> Mapping[str, Any]:
        """Write the plugin's state, where it has one beside its settings."""
        if self._unit is None:
            return {}
        target = place.with_name(f"{place.name}.state")
        kept = self._unit.save(target) if self.isolated else self._instance.save(target)
        return {"state": target.name} if kept else {}

    # -- ending --------------------------------------------------------------------------------

    def release(self) -> Sequence[Event]:
        """End every note that sounds in it, and forget what was still to come."""
        self.reset()
        return ()

    def reset(self) -> None:
        self._ends.clear()
        if self._unit is not None:
            self._unit.commands.stop()

    @property
    def latency(self) -> int:
        """How many frames its sound is late, by its own account."""
        if self._unit is None:
            return 0
        return int(self._unit.words[2]) if self.isolated else self._instance.latency
