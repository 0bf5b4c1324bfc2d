"""Scales: which pitches belong, and the nearest one that does."""

from collections.abc import Collection
from functools import lru_cache

from engine.music.chords import ChordError, read_key

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
_OTHERS = {"blues": (0, 3, 5, 6, 7, 10), "pentatonic": (0, 2, 4, 7, 9), "dorian":
           (0, 2, 3, 5, 7, 9, 10), "mixolydian": (0, 2, 4, 5, 7, 9, 10),
           "harmonic": (0, 2, 3, 5, 7, 8, 11)}


@lru_cache(128)
def read_scale(text: str) -> frozenset[int]:
    """The pitch classes of a key or a scale by name; `off` is all of them.

    >>> sorted(read_scale("C blues")), len(read_scale("off"))
    ([0, 3, 5, 6, 7, 10], 12)
    """
    if text == "off":
        return frozenset(range(12))
    tonic, _, kind = text.strip().partition(" ")
    if kind.strip() in _OTHERS:
        root, steps = read_key(tonic)[0], _OTHERS[kind.strip()]
    else:
        try:
            root, minor = read_key(text)
        except ChordError:
            raise ChordError(f'"{text}" is no scale; write off, a key such as C or F# minor, or '
                             f"one of {', '.join(_OTHERS)} after its tonic") from None
        steps = MINOR if minor else MAJOR
    return frozenset((root + step) % 12 for step in steps)


def nearest(pitch: float, scale: Collection[int]) -> int:
    """The note of a scale that lies nearest to a pitch, in notes 0-127.

    >>> nearest(61.4, read_scale("C"))
    62
    """
    around = range(max(0, round(pitch) - 6), min(127, round(pitch) + 6) + 1)
    return min((note for note in around if note % 12 in scale), key=lambda note: abs(note - pitch),
               default=round(pitch))
