"""Keys of a keyboard by name: C4 is middle C, note 60; plain numbers are notes too."""

import re

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def read_note(text: str) -> int:
    """A note 0-127, from its name or number. Raises ValueError with what may be written.

    >>> read_note("C4"), read_note("Bb2"), read_note("60")
    (60, 46, 60)
    """
    found = re.fullmatch(r"\s*(?:([A-Ga-g])([#b]?)(-?\d)|(\d{1,3}))\s*", text)
    if not found:
        raise ValueError(f'"{text.strip()}" is no key; write such as C4 (middle C) or 60')
    note = (int(found[4]) if found[4] else _STEPS[found[1].upper()] + 12 * (int(found[3]) + 1)
            + {"#": 1, "b": -1, "": 0}[found[2]])
    if not 0 <= note <= 127:
        raise ValueError(f'"{text.strip()}" lies off the keyboard; '
                         "keys go from C-1 (0) to G9 (127)")
    return note


def read_span(text: str) -> tuple[int, int]:
    """The lowest and highest note of a stretch of keys.

    >>> read_span("C4-C8"), read_span("60-108")
    ((60, 108), (60, 108))
    """
    found = re.fullmatch(r"(.*?\d+)\s*-\s*(.+)", text)
    if not found:
        raise ValueError(f'"{text}" is no stretch of keys; write such as C4-C8 or 60-108')
    low, high = read_note(found[1]), read_note(found[2])
    if low > high:
        raise ValueError(f'"{text}" goes downwards; write the lower key first')
    return low, high


def key_name(note: int) -> str:
    """A key's name as `read_note` reads it.

    >>> key_name(60), key_name(36)
    ('C4', 'C2')
    """
    return f"{_NAMES[note % 12]}{note // 12 - 1}"
