"""Chords as they are written and as they are held.

Three spellings are read: the lead sheet's (`Am7`, `Bb7/D`, `F#ø`), the researcher's (`A:min7`,
`C:maj/3`) and the Roman one, relative to a key (`ii7`, `bVII`, `V7/ii`). What can't be read is
explained with what was probably meant. `engine.music.forms` reads whole songs.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

import msgspec

PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
_NUMERALS = {"I": 0, "II": 1, "III": 2, "IV": 3, "V": 4, "VI": 5, "VII": 6}

QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10), "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9), "m7b5": (0, 3, 6, 10), "aug": (0, 4, 8), "aug7": (0, 4, 8, 10),
    "mmaj7": (0, 3, 7, 11), "sus4": (0, 5, 7), "sus2": (0, 2, 7), "7sus4": (0, 5, 7, 10),
    "9": (0, 2, 4, 7, 10), "maj9": (0, 2, 4, 7, 11), "m9": (0, 2, 3, 7, 10),
    "add9": (0, 2, 4, 7), "madd9": (0, 2, 3, 7), "69": (0, 2, 4, 7, 9),
    "7b9": (0, 1, 4, 7, 10), "7#9": (0, 3, 4, 7, 10), "7b5": (0, 4, 6, 10),
    "11": (0, 2, 5, 7, 10), "m11": (0, 2, 3, 5, 7, 10), "13": (0, 2, 4, 7, 9, 10),
    "7#11": (0, 4, 6, 7, 10), "maj7#11": (0, 4, 6, 7, 11), "5": (0, 7),
}
"""The chord's notes above its root; what is written is one of these or an alias of one."""

_ALIASES = {
    "M": "", "maj": "", "ma": "", "min": "m", "mi": "m", "-": "m", "M7": "maj7", "ma7": "maj7",
    "Δ": "maj7", "Δ7": "maj7", "^": "maj7", "^7": "maj7", "j7": "maj7", "min7": "m7",
    "mi7": "m7", "-7": "m7", "maj6": "6", "M6": "6", "min6": "m6", "-6": "m6", "o": "dim",
    "°": "dim", "o7": "dim7", "°7": "dim7", "ø": "m7b5", "ø7": "m7b5", "hdim": "m7b5",
    "hdim7": "m7b5", "-7b5": "m7b5", "min7b5": "m7b5", "+": "aug", "+7": "aug7", "7#5": "aug7",
    "7+": "aug7", "minmaj7": "mmaj7", "mM7": "mmaj7", "mΔ": "mmaj7", "-Δ7": "mmaj7",
    "sus": "sus4", "7sus": "7sus4", "sus4(b7)": "7sus4", "M9": "maj9", "min9": "m9", "-9": "m9",
    "6/9": "69", "min11": "m11", "-11": "m11", "dom7": "7",
}
_NO_CHORD = ("N", "N.C.", "NC", "n.c.", "none")

_HARTE_STEPS = {"1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 2, "11": 5, "13": 9}


class Harmony(msgspec.Struct, frozen=True):
    """A harmony: pitch classes 0-11, C is 0.

    name    : as on a lead sheet, such as `Bb7/D`; `N` is no chord
    root    : pitch class, -1 for no chord
    bass    : pitch class of the lowest note
    pitches : every pitch class of it, the root first
    """

    name: str
    root: int
    bass: int
    pitches: tuple[int, ...]


NO_CHORD = Harmony("N", -1, -1, ())


class ChordError(ValueError):
    """A chord or a form that can't be read: what, and what instead."""


def make_chord(root: int, quality: str, bass: int | None = None) -> Harmony:
    """A chord by its parts.

    >>> make_chord(9, "m7").name, make_chord(9, "m7").pitches
    ('Am7', (9, 0, 4, 7))
    """
    bass = root if bass is None else bass % 12
    name = PITCH_NAMES[root % 12] + quality + (f"/{PITCH_NAMES[bass]}" if bass != root else "")
    pitches = tuple((root + step) % 12 for step in QUALITIES[quality])
    return Harmony(name, root % 12, bass, pitches)


@lru_cache(512)
def read_chord(text: str, key: int = 0) -> Harmony:
    """A chord as it is written, in any of the three spellings; `key` is where I stands.

    Raises ChordError with what was probably meant.

    >>> read_chord("Am7").pitches == read_chord("A:min7").pitches == read_chord("vi7").pitches
    True
    >>> read_chord("IV7", key=5).name
    'Bb7'
    """
    if text in _NO_CHORD:
        return NO_CHORD
    found = re.fullmatch(r"([A-G])([#b♯♭]*)(:?)(.*)", text)
    if found:
        root = (_LETTERS[found[1]] + _accidental(found[2])) % 12
        quality, bass = _split_bass(found[4], root)
        return make_chord(root, _quality(text, quality, bool(found[3])), bass)
    if roman := _roman(text, key):
        return roman
    raise ChordError(f'"{text}" is no chord{_meant(text)}')


def _split_bass(rest: str, root: int) -> tuple[str, int]:
    """`7/D` -> ("7", 2); a Harte bass is a step above the root; `6/9` is no bass."""
    quality, slash, bass = rest.rpartition("/")
    if slash and (found := re.fullmatch(r"([A-G])([#b♯♭]*)", bass)):
        return quality, (_LETTERS[found[1]] + _accidental(found[2])) % 12
    if slash and quality != "6" and (found := re.fullmatch(r"([#b]*)(\d+)", bass)):
        step = _HARTE_STEPS.get(found[2])
        if step is not None:
            return quality, (root + step + _accidental(found[1])) % 12
    return rest, root


def _accidental(signs: str) -> int:
    return sum(1 if sign in "#♯" else -1 for sign in signs)


def _quality(text: str, quality: str, harte: bool) -> str:
    if quality in QUALITIES and not (harte and quality == "m"):
        return quality
    if quality in _ALIASES:
        return _ALIASES[quality]
    near = get_close_matches(quality, [*QUALITIES, *_ALIASES], n=1, cutoff=0.5)
    head = text[:len(text) - len(quality)] if quality and text.endswith(quality) else text
    hint = f'; did you mean "{head}{near[0]}"?' if near and near[0] else (
        "; known are such as C, Cm, C7, Cmaj7, Cm7, Cdim, Caug, Csus4, C9, C/E")
    raise ChordError(f'"{text}" is no chord: "{quality}" is no kind of one{hint}')


def _roman(text: str, key: int) -> Harmony | None:
    """`bVII7`, `ii`, `V7/ii`; a small numeral is minor; None where it isn't one."""
    found = re.fullmatch(r"([#b♯♭]*)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(?![IVivx])([^/]*)"
                         r"(?:/(.+))?", text)
    if not found:
        return None
    if found[4]:                                    # the V7 of another degree
        home = _roman(found[4], key)
        if home is None:
            raise ChordError(f'"{text}": "{found[4]}" is no degree; write such as V7/ii')
        key = home.root
    root = (key + _MAJOR_SCALE[_NUMERALS[found[2].upper()]] + _accidental(found[1])) % 12
    quality = found[3]
    if found[2].islower() and quality in ("", "6", "7", "9", "11", "7b5", "maj7", "add9"):
        quality = "m" + quality
    return make_chord(root, _quality(text, quality, False))


def _meant(text: str) -> str:
    """The German H, a small letter, a solfege name: what a musician may have written."""
    head = text[:1]
    if head == "H":
        return f'; did you mean "B{text[1:]}"?'
    if head in "abcdefg" and head:
        return f'; did you mean "{head.upper()}{text[1:]}"? Roots are capitals'
    return ("; write such as Am7, Bb7, C/E (lead sheet), A:min7 (Harte) or ii7 (Roman, "
            "where the key is given)")


@lru_cache(512)
def read_key(text: str) -> tuple[int, bool]:
    """A key's tonic, 0-11, and whether it is minor.

    >>> read_key("Bb"), read_key("F# minor"), read_key("Am")
    ((10, False), (6, True), (9, True))
    """
    found = re.fullmatch(r"([A-Ga-g])([#b♯♭]*)\s*(major|maj|minor|min|m)?", text.strip())
    if not found:
        raise ChordError(f'"{text}" is no key; write such as C, Bb, F# minor or Am')
    return ((_LETTERS[found[1].upper()] + _accidental(found[2])) % 12,
            (found[3] or "maj").startswith("m") and not (found[3] or "maj").startswith("maj"))


_HELD_ORDER = ("", "m", "7", "maj7", "m7", "6", "m6", "sus4", "sus2", "dim", "aug", "m7b5", "dim7",
               "7sus4", "9", "m9", "maj9", "add9", "7b9", "7#9", "aug7", "mmaj7", "13", "5")


def chord_of(notes: Iterable[int]) -> Harmony | None:
    """The chord that held notes 0-127 mean, or None where they mean none; the lowest is the bass.

    Every held note must belong to it; of its own notes only a fifth may be missing. A chord on
    the lowest note is believed before an inversion, and a plain one before a rich one.

    >>> chord_of([48, 52, 55]).name, chord_of([52, 55, 60]).name, chord_of([45, 60, 64, 67]).name
    ('C', 'C/E', 'Am7')
    """
    held = sorted(set(notes))
    classes = {note % 12 for note in held}
    if len(classes) < 2:
        return None
    bass = held[0] % 12
    best: tuple[float, Harmony] | None = None
    for root in sorted(classes):
        own = {(pitch - root) % 12 for pitch in classes}
        for rank, quality in enumerate(_HELD_ORDER):
            wanted = set(QUALITIES[quality])
            missing = wanted - own
            if own - wanted or missing - {7} or (missing and len(classes) < 3):
                continue
            cost = rank + 8.0 * len(missing) + (0.0 if root == bass else 10.5)
            if best is None or cost < best[0]:
                best = cost, make_chord(root, quality, bass)
    return best[1] if best else None
