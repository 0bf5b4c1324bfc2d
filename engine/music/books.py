"""How much of a line stands in the books word for word: eight notes in a row and more.

The books are the tunes that the melody model learned from, kept as the sorted hashes of all their
runs of eight notes, so that copying is noticed where the books themselves are not. A run of more
notes is one whose every eight are in the books: never told shorter than what was copied.
"""

import zlib
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.music.line import Line, notes_of
from engine.music.melody import FOLDER

RUN = 8
PATH = FOLDER / "books.npz"


def hashes(line: Line) -> NDArray[np.uint32]:
    """One for each run of eight notes: its seven intervals and spacings."""
    moves = [(b.note - a.note, b.step - a.step) for a, b in pairwise(notes_of(line))]
    texts = (repr(moves[i:i + RUN - 1]) for i in range(len(moves) - RUN + 2))
    return np.array([zlib.crc32(text.encode()) for text in texts], np.uint32)


def keep(lines: Iterable[Line]) -> None:
    """Write the books of some lines."""
    found = np.unique(np.concatenate([hashes(line) for line in lines]))
    np.savez_compressed(PATH, gaps=np.diff(found, prepend=np.uint32(0)))


@cache
def books() -> NDArray[np.uint32]:
    """The books that the model learned from."""
    try:
        with np.load(PATH) as kept:
            return np.cumsum(kept["gaps"], dtype=np.uint32)
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{PATH}: the books can't be read there ({error}); "
                         "install Kuchi again, or make them with `make train`") from None


def longest_copy(line: Line) -> int:
    """The longest run of notes in the books; less than eight is told as 7."""
    found = hashes(line)
    places = np.minimum(np.searchsorted(books(), found), len(books()) - 1)
    longest = run = 0
    for known in books()[places] == found:
        run = run + 1 if known else 0
        longest = max(longest, run)
    return longest + RUN - 1
