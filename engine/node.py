"""How a node is written: parameters declared once, ports read from `process`, three verbs.

`prepare` allocates, `process` does not, `reset` forgets. A node is one class in one file whose
name is the node's type: `OnsetDetector` in `nodes/onset_detector.py` is `onset-detector`.

Ports are the arguments of `process`, by type:

    AudioBlock                      the last hop of an audio cable; always there
    Bleed (AudioBlock | None)       the same, `delayed`: it may close a loop, and may hear nothing
    Sequence[Onset], [Hit], ...     what arrived since the last hop, in order; often empty
    Annotated[Sequence[Beat], DELAYED]   the same, but what arrived in the hop before

and the annotation of what it returns is what the node gives. What a hand can have it do at once is
an `@action`. A sounding node has a second half
that runs in the audio thread: it names its audio inlets in `hears`, says in `sounds` whether it
gives audio, and builds its compiled unit in `build`; its `process` takes the events.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    Self,
    TypeVar,
    overload,
)

import numpy as np

from engine.clock import Clock
from engine.errors import KuchiError
from engine.events import (
    Beat,
    Chord,
    Control,
    Event,
    Features,
    Gesture,
    Hit,
    Message,
    NoteOff,
    NoteOn,
    Onset,
    Release,
)
from engine.jobs import Inline, Jobs
from engine.units import HOP, SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from engine.audio import AudioList, Feed

T = TypeVar("T")

Flow = Literal["audio", "onsets", "hits", "notes", "beats", "chords", "features", "controls",
               "messages"]

_FLOW_OF: dict[type, Flow] = {Onset: "onsets", Hit: "hits", Release: "hits", NoteOn: "notes",
                              NoteOff: "notes", Gesture: "notes", Beat: "beats", Chord: "chords",
                              Features: "features", Control: "controls", Message: "messages"}


class Param(Generic[T]):
    """A setting, declared once: validation, scenes, controls and the reference all read it.

    The default gives the type. `low` and `high` bound numbers, `choices` name the words allowed.
    A `dict` setting maps the names of nodes that feed this one to numbers (a mixer's gains).
    `reads` reads a text that has a grammar of its own, and raises ValueError where it can't.
    The unit is the end of the name: `_ms`, `_db`, `_hz`.
    """

    def __init__(self, default: T, *, low: float | None = None, high: float | None = None,
                 choices: Sequence[str] = (), reads: Callable[[str], object] | None = None,
                 help: str) -> None:
        self.default = default
        self.low = low
        self.high = high
        self.choices = tuple(choices)
        self.reads = reads
        self.help = help
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, node: None, owner: type) -> "Param[T]": ...
    @overload
    def __get__(self, node: "Node", owner: type) -> T: ...
    def __get__(self, node: "Node | None", owner: type) -> "Param[T] | T":
        return self if node is None else self.default    # a set value shadows this descriptor

    @property
    def unit(self) -> str:
        """The unit in the name, or nothing: `retrigger_ms` -> `ms`."""
        found = re.search(r"_(ms|db|hz|s)$", self.name)
        return {"db": "dB", "hz": "Hz"}.get(found[1], found[1]) if found else ""

    @property
    def allowed(self) -> str:
        """What may be given, in words: `10..500 ms`, `steady, sure or early`."""
        if self.choices:
            return ", ".join(self.choices[:-1]) + " or " + self.choices[-1]
        if self.low is not None and self.high is not None:
            return f"{self.low:g}..{self.high:g} {self.unit}".rstrip()
        return {bool: "true or false", str: "text", dict: "a table of numbers"}.get(
            type(self.default), "a number")

    def check(self, value: Any) -> Any:
        """The value in this parameter's type, or ValueError with the reason.

        >>> wait = Param(24.0, low=8, high=200, help="")
        >>> wait.check(30)
        30.0
        >>> wait.check(4000)
        Traceback (most recent call last):
        ValueError: must lie in 8..200
        """
        kind = type(self.default)
        if kind is dict:
            if not isinstance(value, dict) or not all(map(_is_number, value.values())):
                raise ValueError("must be a table of numbers")
            for number in value.values():
                self._check_range(number)
            return {str(k): float(v) for k, v in value.items()}
        if kind in (float, int):
            if not _is_number(value) or (kind is int and value != int(value)):
                raise ValueError("must be a whole number" if kind is int else "must be a number")
            self._check_range(value)
            return float(value) if kind is float else int(value)
        if not isinstance(value, kind):
            raise ValueError(f"must be {self.allowed}")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be {self.allowed}")
        if self.reads and isinstance(value, str) and value:
            self.reads(value)
        return value

    def _check_range(self, value: float) -> None:
        below = self.low is not None and value < self.low
        if below or (self.high is not None and value > self.high):
            raise ValueError(f"must lie in {self.allowed}")


def _is_number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and value == value and abs(value) != float("inf"))


@dataclass(frozen=True, slots=True)
class Action:
    """What a press does to a node. See `action`.

    held  : is told of the press and of the release, for gestures that last
    words : may be told which, such as `wrong.snare`
    """

    name: str
    help: str
    held: bool
    words: bool


def action(*, help: str) -> Callable[[T], T]:
    """Let a method be an action: `[controls] cc82 = "friend.start"` calls it on the press.

    With a parameter `pressed` it is called on the press and on the release; with a parameter
    `word` it is given what follows its name. The stage's own words, such as `wrong` or `loop`,
    reach every node that has an action of that name.
    """
    def mark(method: T) -> T:
        taken = inspect.signature(typing.cast(Callable[..., Any], method)).parameters
        name = typing.cast(Any, method).__name__
        typing.cast(Any, method).action = Action(name, help, "pressed" in taken, "word" in taken)
        return method
    return mark


class AudioBlock:
    """The last hop of an audio cable, and what came before it.

    samples : float32 (HOP,)   valid until `process` returns
    start   : int              the frame of samples[0]
    """

    __slots__ = ("_hops", "_last", "_ring", "samples", "start")

    def __init__(self, ring: Samples) -> None:
        self._ring = ring                   # a power of two long, written by the audio thread
        self._hops = [ring[place:place + HOP] for place in range(0, len(ring), HOP)]
        self._last = len(self._hops) - 1
        self.samples = self._hops[0]
        self.start = 0

    def move_to(self, start: int) -> None:
        """Let `samples` be the hop that begins at frame `start`, a multiple of HOP."""
        self.start = start
        self.samples = self._hops[start // HOP & self._last]

    def take_over(self, old: "AudioBlock", frame: int) -> None:
        """What another block of the same sound heard before `frame` shall be this one's past."""
        past = np.empty(min(self.reach, frame), np.float32)
        old.history(frame - len(past), past)
        places = np.arange(frame - len(past), frame) & (len(self._ring) - 1)
        self._ring[places] = past

    @property
    def reach(self) -> int:
        """How many frames before the end of this hop `history` can still give."""
        return len(self._ring) // 2         # the other half is being written

    def history(self, start: int, out: Samples) -> None:
        """Copy the len(out) samples from frame `start` on; frames before 0 are silent.

        The stretch must end with this hop or before it, and begin at most `reach` before.
        """
        length, ring = len(out), self._ring
        if start < 0:
            silent = min(-start, length)
            out[:silent] = 0.0
            out, start, length = out[silent:], start + silent, length - silent
        place = start & (len(ring) - 1)
        first = min(length, len(ring) - place)
        out[:first] = ring[place:place + first]
        out[first:] = ring[:length - first]


DELAYED = "delayed"
"""Marks an inlet that hears the previous block, and so may close a loop."""

Bleed = Annotated[AudioBlock | None, DELAYED]
"""An audio inlet that is delayed."""


@dataclass(frozen=True, slots=True)
class OnStage:
    """What a node may use live, and only there.

    say    : tells the performer a line, and how it stands in a word or two
    inside : int64 (2,)   the numbers of the plugin that runs at this moment and of the one that is
             being made, 0 for none; they outlive this process, so that who fell is known
    """

    say: Callable[[str, str], None]
    inside: np.ndarray


@dataclass(slots=True)
class Context:
    """What a node may know when it prepares.

    clock  : the house's clock
    folder : where the patch lies; relative paths in settings start here
    seed   : where anything random begins
    name   : what the performer calls this node
    feeds  : inlet -> the names of the nodes cabled into it
    jobs   : this node's way to have slow work done
    stage  : what there is live; None offline
    """

    clock: Clock
    folder: Path
    seed: int = 0
    sample_rate: int = SAMPLE_RATE
    hop: int = HOP
    name: str = ""
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    jobs: Jobs = None       # type: ignore[assignment]  # made below: inline, where none is given
    stage: OnStage | None = None

    def __post_init__(self) -> None:
        if self.jobs is None:
            self.jobs = Inline(self.clock)


@dataclass(frozen=True, slots=True)
class Port:
    """An inlet. `compiled` audio inlets are served by the audio thread, not by `process`; an
    `optional` one may hear nothing where another of the node's does. Of what flows there it is
    brought the `kinds` that it names: `Sequence[Note]` hears no pedal."""

    name: str
    flow: Flow
    delayed: bool = False
    compiled: bool = False
    optional: bool = False
    kinds: tuple[type, ...] = ()


@dataclass(frozen=True, slots=True)
class Ports:
    """What a type of node takes and gives, and the kinds of events that it may say."""

    inlets: tuple[Port, ...]
    gives: Flow | None = field(default=None)
    says: tuple[type, ...] = ()


class Node:
    """One box of the drawing. See the module's text for how to write one."""

    outlet: ClassVar[str | None] = None     # "midi", "osc", "audio": what leaves the house here
    inlet: ClassVar[str | None] = None      # "midi", "audio": what enters the house here
    begins: ClassVar[bool] = False          # has something to say though it hears nothing
    loads: ClassVar[tuple[str, ...]] = ()   # settings that are read in `prepare` and never again

    has_read: Mapping[Path, str] = types.MappingProxyType({})
    """The files that `prepare` has read, and the `edition` of each."""

    process: Callable[..., Sequence[Event] | None]
    """One hop. Allocates no arrays, waits for nobody; `()` where there is nothing to say."""

    def __init__(self, **settings: Any) -> None:
        for name, value in settings.items():
            self.set(name, value)

    @classmethod
    def type_name(cls) -> str:
        """`OnsetDetector` -> `onset-detector`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "type[Node]":
        """The class of nodes with these settings: a host's has its plugin's parameters too.

        Raises ValueError, "setting = value: reason", where there can be none.
        """
        return cls

    @classmethod
    @cache
    def params(cls) -> Mapping[str, Param[Any]]:
        """The declared settings, in the order they are written; a subclass may fix one."""
        found: dict[str, Param[Any]] = {}
        for base in reversed(cls.__mro__):
            fixed = found.keys() & vars(base).keys()
            found = {k: v for k, v in found.items() if k not in fixed}
            found |= {k: v for k, v in vars(base).items() if isinstance(v, Param)}
        return types.MappingProxyType(found)

    @classmethod
    @cache
    def ports(cls) -> Ports:
        """Inlets and what is given, read from the signature of `process`."""
        process = getattr(cls, "process", None)         # a mixer hears nothing but audio
        hints = typing.get_type_hints(process, include_extras=True) if process else {}
        returned = hints.pop("return", None)
        inlets = [_port(name, hint) for name, hint in hints.items()]
        gives = _flow(returned)
        if issubclass(cls, SoundingNode):
            inlets += [Port(name, "audio", compiled=True) for name in cls.hears]
            gives = "audio" if cls.sounds else gives
        return Ports(tuple(inlets), gives, _kinds(returned))

    def set(self, name: str, value: Any) -> None:
        """Change a setting, checked; `changed` is told. Raises ValueError with the reason."""
        param = self.params().get(name)
        if param is None:
            raise ValueError(f"{self.type_name()} has no setting {name!r}")
        self.__dict__[name] = param.check(value)
        self.changed(name)

    @classmethod
    @cache
    def actions(cls) -> Mapping[str, Action]:
        """What a press can have it do, in the order in which it is written."""
        found: dict[str, Action] = {}
        for base in reversed(cls.__mro__):
            found |= {name: method.action for name, method in vars(base).items()
                      if isinstance(getattr(method, "action", None), Action)}
        return types.MappingProxyType(found)

    def act(self, name: str, *, pressed: bool = True, word: str = "") -> None:
        """Do an action; a release is told only to those that want to know."""
        wanted = self.actions()[name]
        if pressed or wanted.held:
            told: dict[str, Any] = {"pressed": pressed} if wanted.held else {}
            getattr(self, name)(**told, **({"word": word} if wanted.words else {}))

    def prepare(self, context: Context) -> None:
        """Allocate, load and warm up everything; called once, before the first `process`."""

    def changed(self, name: str) -> None:
        """A setting has a new value. May be called before `prepare`."""

    def write_state(self, place: Path) -> Mapping[str, Any]:
        """Write what settings can't tell beside the patch, at `place` with an ending of one's own;
        the settings that lead there. KuchiError where it can't be written."""
        return {}

    def release(self) -> Sequence[Event]:
        """End what this node still holds, such as notes; called when the graph stops."""
        return ()

    def rewired(self, fresh: Self) -> None:
        """An edit has drawn other cables: take what hangs on them from a fresh one, built warm."""

    def take_over(self, old: Self) -> None:
        """On stage, another file was loaded than by the `old` one: go on with what that one hears.
        """

    def let_go(self) -> None:
        """Another graph takes over: lift the keys that are held; what rings may ring out."""

    def reset(self) -> None:
        """Forget what was heard, keep the settings."""


class SoundingNode(Node):
    """A node with a compiled half in the audio thread."""

    hears: ClassVar[tuple[str, ...]] = ()
    sounds: ClassVar[bool] = True

    def build(self, audio: "AudioList", feeds: "Mapping[str, Sequence[Feed]]"
              ) -> Samples | None:
        """Append the compiled half to the list; called once, after `prepare`.

        feeds   : for each inlet in `hears`, the buffers that reach it, with their nodes' names
        returns : float32 (2, SLICE), the buffer this node writes, or None where it gives none
        """
        raise NotImplementedError


def _flow(hint: Any) -> Flow | None:
    if hint in (None, type(None)):
        return None
    flows = {_FLOW_OF[kind] for kind in _kinds(hint) if kind in _FLOW_OF}
    if len(flows) != 1:
        raise KuchiError(f"{hint} is no kind of port: use AudioBlock, Bleed or Sequence[an event]")
    return flows.pop()


def _kinds(hint: Any) -> tuple[type, ...]:
    """`Sequence[NoteOn | NoteOff]` -> NoteOn, NoteOff."""
    arguments = typing.get_args(hint)
    return typing.get_args(arguments[0]) or arguments[:1] if arguments else ()


def _port(name: str, hint: Any) -> Port:
    if hint is AudioBlock:
        return Port(name, "audio")
    if hint == Bleed:
        return Port(name, "audio", delayed=True)
    delayed = typing.get_origin(hint) is Annotated and DELAYED in hint.__metadata__
    hint = typing.get_args(hint)[0] if delayed else hint
    flow = _flow(hint)
    assert flow is not None
    return Port(name, flow, delayed, kinds=_kinds(hint))
