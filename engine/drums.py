"""The sixteen drums: their names, their General MIDI notes, and who silences whom."""

from typing import Final

GM_NOTE: Final[dict[str, int]] = {
    "kick": 36, "snare": 38, "hihat_closed": 42, "hihat_open": 46, "hihat_pedal": 44,
    "tom_low": 43, "tom_mid": 47, "tom_high": 50, "clap": 39, "rim": 37,
    "crash": 49, "ride": 51, "cowbell": 56, "shaker": 70, "tambourine": 54, "other": 75,
}
"""The note each drum sends; `other` is the claves, a plain click in every GM kit."""

DRUMS: Final[tuple[str, ...]] = tuple(GM_NOTE)

HIHATS: Final = frozenset({"hihat_closed", "hihat_open", "hihat_pedal"})
"""These choke each other: a pair of cymbals has only one state."""

_HEARD_AS: Final[dict[int, str]] = {
    35: "kick", 40: "snare", 41: "tom_low", 45: "tom_mid", 48: "tom_high", 52: "crash",
    53: "ride", 55: "crash", 57: "crash", 59: "ride", 82: "shaker",
    **{note: drum for drum, note in GM_NOTE.items()},
}


def drum_of(note: int) -> str:
    """The drum a General MIDI note plays; unknown notes are `other`.

    >>> drum_of(38), drum_of(35), drum_of(100)
    ('snare', 'kick', 'other')
    """
    return _HEARD_AS.get(note, "other")


def chokes(drum: str) -> frozenset[str]:
    """The drums that fall silent when this one is struck (itself among them, for hats)."""
    return HIHATS if drum in HIHATS else frozenset()
