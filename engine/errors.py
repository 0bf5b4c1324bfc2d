"""What can go wrong, said so that a performer can mend it.

Every message tells where, what, and what instead. A mistake of the performer's never ends in a
traceback: the command line prints the message and leaves with the error's exit code.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class KuchiError(Exception):
    """Anything Kuchi explains rather than crashes on; `exit_code` is what the command returns."""

    exit_code = 1


class UsageError(KuchiError):
    """The command was asked for something that can't be meant."""

    exit_code = 2


class DeviceError(KuchiError):
    """A sound card, MIDI port or address isn't there."""

    exit_code = 3


class PatchError(KuchiError):
    """A patch or rig has mistakes; `mistakes` holds all of them, each with its place."""

    exit_code = 4

    def __init__(self, source: str, mistakes: list[str]) -> None:
        self.source = source
        self.mistakes = mistakes
        super().__init__("\n".join([source, *(f"  {mistake}" for mistake in mistakes)]))


class ModelError(KuchiError):
    """A model is missing, broken, or of another shape than the node needs."""

    exit_code = 4


class GateError(KuchiError):
    """A benchmark or score fell below its gate."""

    exit_code = 5


class FileError(KuchiError):
    """An input can't be read, or an output can't be written."""

    exit_code = 6


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "drums"?`, or nothing where no known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""
