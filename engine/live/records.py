"""What is written down while it plays: every event, and the notes where the system has no MIDI."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from engine.errors import FileError
from engine.live.note_book import NoteBook

_EARLY = 256                # events that may leave before it is known that there is no MIDI


class Records:
    """The log, if one is wanted, and the note book, if one is needed.

    log  : a file, a line for each event as in `events.jsonl`. FileError where it can't be written
    tell : is given what a performer should read of it
    """

    def __init__(self, log: Path | None, tell: Callable[[str], None]) -> None:
        self._log, self._tell = _open(log), tell
        self._notes: NoteBook | None = None
        self._early: deque[dict[str, Any]] = deque(maxlen=_EARLY)

    def note_down(self) -> Path:
        """Notes are kept for a file, those of a moment ago too: its name."""
        if self._notes is None:
            self._notes = NoteBook(Path.cwd())
            for row in self._early:
                self._notes.hear(row)
        return self._notes.path

    def write(self, row: dict[str, Any]) -> None:
        """An event as it left; a log that can't be written any more ends, and the show goes on."""
        (self._notes.hear if self._notes else self._early.append)(row)
        if self._log is None:
            return
        try:
            self._log.write(msgspec.json.encode(row) + b"\n")
            self._log.flush()
        except OSError as error:
            self._tell(f"{self._log.name}: the log ends here: {str(error.strerror).lower()}")
            self._log = None

    def close(self) -> None:
        """All of it is in its files; safe to call twice."""
        if self._notes:
            self._tell(self._notes.close())
            self._notes = None
        if self._log:
            self._log.close()
            self._log = None


def _open(path: Path | None) -> BinaryIO | None:
    try:
        return path.open("ab") if path else None
    except OSError as error:
        raise FileError(f"{path}: can't be written: {str(error.strerror).lower()}") from None
