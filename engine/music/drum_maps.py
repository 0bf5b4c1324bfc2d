"""Which note means which drum, as the programs and instruments around us see it.

Rhythm models know nine drums. Every maker folds General MIDI's notes into them in a way of its
own: to note-seq note 43 is the low tom and 52 a crash, to magenta.js the high tom and a ride. So a
map has a name, and both directions are spelled out: which notes are heard as a drum, and which
note a drum sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.errors import UsageError

NINE: Final = ("kick", "snare", "hihat_closed", "hihat_open", "tom_low", "tom_mid", "tom_high",
               "crash", "ride")
"""The drums of a rhythm, in this order in every array."""

_STANDS_FOR: Final[dict[str, str]] = {
    "hihat_pedal": "hihat_closed", "rim": "snare", "clap": "snare", "cowbell": "ride",
    "shaker": "hihat_closed", "tambourine": "hihat_closed",
}


def nine_of(drum: str) -> int | None:
    """The place in NINE of one of the sixteen drums; None for one that has no place in a rhythm.

    >>> nine_of("rim"), nine_of("ride"), nine_of("other")
    (1, 8, None)
    """
    name = _STANDS_FOR.get(drum, drum)
    return NINE.index(name) if name in NINE else None


@dataclass(frozen=True, slots=True)
class DrumMap:
    """One maker's notes.

    heard : note -> place in NINE
    sent  : the note each of NINE sends
    """

    name: str
    heard: Mapping[int, int]
    sent: tuple[int, ...]

    def drum(self, note: int) -> int | None:
        """The place in NINE a note plays; None where this map has no such drum."""
        return self.heard.get(note)

    def note(self, drum: int) -> int:
        """The note that one of NINE sends."""
        return self.sent[drum]


def _made(name: str, *notes: tuple[int, ...]) -> DrumMap:
    """A map from the notes of each of NINE; a drum sends the first of its notes."""
    heard = {note: drum for drum, of_drum in enumerate(notes) for note in of_drum}
    return DrumMap(name, heard, tuple(of_drum[0] for of_drum in notes))


_SNARE = (38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85)
_CLOSED = (42, 44, 54, 68, 69, 70, 71, 73, 78, 80)
_OPEN = (46, 67, 72, 74, 79, 81)
_MID = (48, 47, 60, 63, 77, 86, 87)

_MAPS: Final = {made.name: made for made in (
    _made("GM", (36, 35), (38, 37, 39, 40), (42, 44, 54, 70, 82), (46,), (43, 41), (47, 45),
          (50, 48), (49, 52, 55, 57), (51, 53, 56, 59)),
    # Heads, rims, edges and bells of the drum set that Groove MIDI was played on.
    _made("Roland TD-11", (36,), (38, 40, 37), (42, 22, 44), (46, 26), (43, 58), (45, 47),
          (48, 50), (49, 55, 57, 52), (51, 59, 53)),
    # note-seq, drums_encoder_decoder.py
    _made("note-seq", (36, 35), _SNARE, (*_CLOSED, 22), (*_OPEN, 26), (45, 29, 41, 43, 61, 64, 84),
          _MID, (50, 30, 62, 76, 83), (49, 52, 55, 57, 58), (51, 53, 59, 82)),
    # magenta.js, core/data.ts
    _made("magenta.js", (36, 35), _SNARE, _CLOSED, _OPEN, (45, 29, 41, 61, 64, 84), _MID,
          (50, 30, 43, 62, 76, 83), (49, 55, 57, 58), (51, 52, 53, 59, 82)),
)}

MAPS: Final = tuple(_MAPS)
"""The names of the maps there are."""


def drum_map(name: str) -> DrumMap:
    """The map of that name; UsageError says which there are.

    >>> drum_map("note-seq").drum(43), drum_map("magenta.js").drum(43)
    (4, 6)
    """
    if name not in _MAPS:
        raise UsageError(f'no drum map is called "{name}"; there are: {", ".join(MAPS)}')
    return _MAPS[name]
