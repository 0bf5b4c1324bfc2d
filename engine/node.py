"""How a node is written: settings declared once, ports read from `process`, three verbs.

`prepare` allocates, `process` does not, `reset` forgets. A node is one class in one file whose
name is the node's type: `OnsetDetector` in `nodes/onset_detector.py` is `onset-detector`.

A setting is a `Param`; ports are the arguments of `process`, by type, as `engine.ports` lists them;
what a hand can have it do at once is an `@action`. A sounding node has a second half that runs in
the audio thread: it names its audio inlets in `hears`, says in `sounds` whether it gives audio, and
builds its compiled unit in `build`; its `process` takes the events.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np

from engine.clock import Clock
from engine.events import Event
from engine.jobs import Inline, Jobs
from engine.param import Param
from engine.ports import Port, Ports, read_ports
from engine.units import HOP, SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from engine.audio import AudioList, Feed

T = TypeVar("T")


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
        return read_ports(getattr(cls, "process", None))    # a mixer hears nothing but audio

    def set(self, name: str, value: Any) -> None:
        """Change a setting, checked; `changed` is told. Raises ValueError with the reason."""
        param = self.params().get(name)
        if param is None:
            raise ValueError(f"{self.type_name()} has no setting {name!r}")
        self.__dict__[name] = param.check(value)
        self.changed(name)

    def set_like(self, other: Self) -> None:
        """Set it to what another of its type is set to; only what differs is touched."""
        for name in self.params():
            value = getattr(other, name)
            if getattr(self, name) != value:
                self.set(name, value)

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

    def has_loaded_the_same_as(self, other: Self) -> bool:
        """Have both read the same editions of the same files?"""
        return self.has_read == other.has_read and all(
            getattr(self, name) == getattr(other, name) for name in self.loads)

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

    @classmethod
    @cache
    def ports(cls) -> Ports:
        """The inlets of `process`, then those in `hears`; audio is given where it sounds."""
        events = super().ports()
        heard = (Port(name, "audio", compiled=True) for name in cls.hears)
        return replace(events, inlets=(*events.inlets, *heard),
                       gives="audio" if cls.sounds else events.gives)

    def build(self, audio: "AudioList", feeds: "Mapping[str, Sequence[Feed]]"
              ) -> Samples | None:
        """Append the compiled half to the list; called once, after `prepare`.

        feeds   : for each inlet in `hears`, the buffers that reach it, with their nodes' names
        returns : float32 (2, SLICE), the buffer this node writes, or None where it gives none
        """
        raise NotImplementedError
