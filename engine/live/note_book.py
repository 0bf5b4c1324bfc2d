"""Where the system has no MIDI, what would have been played is written down: a `.mid` file."""

from datetime import datetime
from pathlib import Path
from typing import Any

from engine.events import Gesture, Note, NoteOff, NoteOn, Sent

_KINDS: dict[str, type[NoteOn] | type[NoteOff]] = {"note_on": NoteOn, "note_off": NoteOff}
_MOST = 1_000_000           # notes' beginnings and ends: days of playing


class NoteBook:
    """The notes of this evening, one file, in place only when it is whole.

    path : `kuchi-<date>-<time>.mid` in the folder
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"kuchi-{datetime.now():%Y%m%d-%H%M%S}.mid"
        self._notes: list[Sent] = []

    def hear(self, row: dict[str, Any]) -> None:
        """A line of the event log; all but notes and gestures pass by."""
        if row["event"] in (*_KINDS, "gesture") and len(self._notes) < _MOST:
            self._notes.append(Sent(row["sent"], row["node"], _read(row)))

    def close(self) -> str:
        """Write the file; what became of it, in one line."""
        if not self._notes:
            return "No note was played, so none was written down."
        from engine.devices.files import write_midi  # heavy, and seldom needed

        part = self.path.with_name(f".{self.path.name}.part")
        ordered = sorted(self._notes, key=lambda sent: sent.sent)
        begun = ordered[0].sent
        try:
            write_midi(part, [Sent(sent.sent - begun, sent.node, sent.event) for sent in ordered])
            part.replace(self.path)
        except OSError as error:
            part.unlink(missing_ok=True)
            return f"{self.path}: can't be written: {str(error.strerror).lower()}"
        return f"{sum(isinstance(s.event, NoteOn) for s in ordered)} notes are in {self.path}."


def _read(row: dict[str, Any]) -> Note | Gesture:
    if row["event"] == "gesture":
        return Gesture(row["time"], row["kind"], row["number"], row["value"], row["channel"])
    return _KINDS[row["event"]](row["time"], row["note"], row["velocity"], row["channel"])
