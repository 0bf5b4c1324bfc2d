"""What the processes say to each other: small typed messages, a line of bytes each.

Times are monotonic nanoseconds, the one clock that all processes share. A message that can't be
read is dropped by `read`, since whoever sent it may just have died.
"""

import select
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

import msgspec


class Message(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Any of the messages below."""


# -- engine -> port ------------------------------------------------------------------------------

class Ports(Message, frozen=True):
    """The ports this patch wants, in the order in which `port` numbers them from now on.

    What was open and is not named is closed, its notes ended; what stays stays open.
    """

    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    actions: tuple[str, ...] = ()       # of nodes, that OSC may ask for; "wrong.*" for any word


class Midi(Message, frozen=True):
    """One MIDI message for output `port`, to leave at `due_ns` (0: now)."""

    port: int
    status: int
    data1: int
    data2: int
    due_ns: int = 0


class Forget(Message, frozen=True):
    """Drop all that is still to come; notes that have begun get their end now."""


class Panic(Message, frozen=True):
    """End every note, forget what is due, send all-notes-off on the channels used.

    From command to engine too: the kit falls silent as well.
    """


# -- port -> engine ------------------------------------------------------------------------------

class Heard(Message, frozen=True):
    """A MIDI message came in at input `port`."""

    port: int
    status: int
    data1: int
    data2: int
    heard_ns: int


class Osc(Message, frozen=True):
    """An accepted OSC message: a setting, a scene or an action by its control's name."""

    name: str
    value: float | int | str
    heard_ns: int


# -- command <-> engine --------------------------------------------------------------------------

class Open(Message, frozen=True):
    """Open the sound card: part of its name ("" is the default one), channels, block (0: its own).

    Without `audio` the engine runs on a timer of a millisecond; it may be told again, when a card
    has come. The channels and whether events are told for a log are decided by the first one.

    fell : "crashed" or "hung", where the engine before this one did; "" where none has been
    """

    audio: bool
    device: str = ""
    input_channels: int = 1
    output_channels: int = 2
    block: int = 0
    log: bool = False
    fell: str = ""


class Sheet(msgspec.Struct, array_like=True, frozen=True):
    """A patch or a rig as it stands in its file, and the folder where a patch's own files are."""

    text: str
    source: str
    folder: str = "."


class Load(Message, frozen=True):
    """Play this patch from now on, in this scene, with these settings moved since it was saved.

    others : more of the set list, that are looked at too: a mistake in one is told now
    """

    ticket: int
    patch: Sheet
    rig: Sheet
    scene: str = ""
    settings: dict[str, Any] = {}
    others: tuple[Sheet, ...] = ()


class Keep(Message, frozen=True):
    """Let every node write what settings can't tell, at `place` with its name and an ending."""

    place: str


class Kept(Message, frozen=True):
    """What came of that: the settings that lead to what was written, by `node.setting`, and words
    about what could not be."""

    settings: dict[str, Any]
    mistakes: tuple[str, ...] = ()


class Loaded(Message, frozen=True):
    """What was asked for by this ticket plays now; or `source` has mistakes, for which what played
    before plays on.

    files : that its nodes have read -> the `edition` of each
    """

    ticket: int
    source: str
    mistakes: tuple[str, ...] = ()
    files: dict[str, str] = {}


class Did(Message, frozen=True):
    """A hand pressed something that the command process answers: "next", "previous", "capture".

    "program" with its number, 1-128, is a patch of the set list.
    """

    action: str
    number: int = 0


class Relink(Message, frozen=True):
    """The "port" or the "worker" process was started again: pipe `number` of those given at birth
    leads to it.
    """

    number: int
    whose: str = "port"


class Set(Message, frozen=True):
    """Move a control: a setting, "scene.<name>" or an action."""

    name: str
    value: Any = 1
    heard_ns: int = 0


class Stop(Message, frozen=True):
    """End every note, close what is open, leave."""


class Ready(Message, frozen=True):
    """The engine hears and plays; seconds it took, and what it says of its thread and device."""

    seconds: float
    words: tuple[str, ...]


class Logged(Message, frozen=True):
    """An event as it left, for the log: a line of `events.jsonl`."""

    row: dict[str, Any]


class Carded(Message, frozen=True):
    """Whether a sound card plays now, and what is to be said of it."""

    there: bool
    words: str


class Said(Message, frozen=True):
    """Something the performer should know, in one line: a fault, a skip, a port lost or back."""

    text: str
    state: str = ""


# -- engine <-> worker ---------------------------------------------------------------------------

class Job(Message, frozen=True):
    """Work to be done: its name and its request, as `engine.jobs` has them.

    Without a request: what it needs shall be loaded, and nobody waits for an answer.
    """

    ticket: int
    work: str
    request: bytes | None = None


class Answer(Message, frozen=True):
    """What came of a job, or why there is nothing."""

    ticket: int
    answer: bytes
    error: str = ""


CARD_LOST, PLUGIN_HANGS = 3, 4      # the engine's exit codes: a fresh driver is needed
NO_MIDI = "NO MIDI"         # the state with which the port process says that there is none


# -- port <-> command ----------------------------------------------------------------------------

class OscIn(Message, frozen=True):
    """Open this UDP port for OSC; who besides this computer may send."""

    port: int
    allow: tuple[str, ...] = ()


AnyMessage = (Ports | Midi | Forget | Panic | Heard | Osc | Open | Load | Keep | Kept | Loaded
              | Did | Set | Stop | Relink | Ready | Logged | Carded | Said | OscIn | Job | Answer)

_MOST_BYTES = 1 << 26           # of one message: a minute of sound for a job, and some

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(AnyMessage)


def ignore_interrupts() -> None:
    """In a child process: Ctrl-C is the command process's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def send(pipe: Connection, message: Message) -> bool:
    """Send a message; False where nobody is at the other end any more."""
    try:
        pipe.send_bytes(_ENCODER.encode(message))
    except (BrokenPipeError, ConnectionError, OSError):
        return False
    return True


def offer(pipe: Connection, message: Message) -> bool:
    """Send a message where there is room for it; never waits. False where it wasn't sent."""
    return has_room(pipe) and send(pipe, message)


def has_room(pipe: Connection) -> bool:
    """May something be sent without waiting? A pipe that nobody reads must stop no one."""
    return not pipe.closed and (
        sys.platform == "win32" or bool(select.select([], [pipe], [], 0.0)[1]))


def read(pipe: Connection) -> Message | None:
    """The next message that has come in; None where it can't be read. EOFError at the end."""
    try:
        data = pipe.recv_bytes(_MOST_BYTES)
    except OSError as error:
        raise EOFError from error
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError:
        return None
