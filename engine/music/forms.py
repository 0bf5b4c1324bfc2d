"""Forms: the chords of a song bar by bar, as a musician writes them on one line.

    | Am7 | Dm7 G7 | Cmaj7 | % |          bars between strokes; chords share a bar evenly
    Dm7 . . G7                            a point holds the chord for one more share
    |: I7 | IV7 :| x3                     played three times; without a number twice
    blues in F                            a form that is known by its name
    V7/ii | ii7 in Bb                     Roman chords need a key, here or in the setting

A form goes round for as long as the song lasts.
"""

import re
from bisect import bisect_right
from difflib import get_close_matches
from functools import lru_cache

import msgspec

from engine.music.chords import NO_CHORD, ChordError, Harmony, read_chord, read_key

MOST_BARS = 1024

FORMS = {
    "blues": "I7 | I7 | I7 | I7 | IV7 | IV7 | I7 | I7 | V7 | IV7 | I7 | V7",
    "quick blues": "I7 | IV7 | I7 | I7 | IV7 | IV7 | I7 | I7 | V7 | IV7 | I7 | V7",
    "jazz blues": "I7 | IV7 | I7 | v7 I7 | IV7 | #ivdim7 | I7 | V7/ii | ii7 | V7 | I7 V7/ii | "
                  "ii7 V7",
    "minor blues": "i7 | i7 | i7 | i7 | iv7 | iv7 | i7 | i7 | bVI7 | V7 | i7 | V7",
    "eight-bar blues": "I7 | V7 | IV7 | IV7 | I7 | V7 | I7 IV7 | I7 V7",
    "rhythm changes": "|: I V7/ii | ii7 V7 | iii7 V7/ii | ii7 V7 | I I7 | IV #ivdim7 | I V7/ii | "
                      "ii7 V7 :| III7 | III7 | VI7 | VI7 | II7 | II7 | V7 | V7 | I V7/ii | "
                      "ii7 V7 | iii7 V7/ii | ii7 V7 | I I7 | IV #ivdim7 | I V7 | I",
    "two five one": "ii7 | V7 | Imaj7 | Imaj7",
    "pop": "I | V | vi | IV",
    "doo-wop": "I | vi | IV | V",
    "andalusian": "i | bVII | bVI | V",
    "canon": "I V | vi iii | IV I | IV V",
}
"""Forms by name, in Roman chords: `blues in F`."""


class Place(msgspec.Struct, frozen=True):
    """A chord and the beat of the form on which it begins."""

    beat: float
    chord: Harmony


class Form(msgspec.Struct, frozen=True):
    """A song's chords in order; goes round after `beats`."""

    places: tuple[Place, ...]
    beats: float

    def at(self, beat: float) -> Harmony:
        """The chord that sounds on a beat, counted from the form's first bar."""
        beats = [place.beat for place in self.places]
        return self.places[bisect_right(beats, beat % self.beats + 1e-6) - 1].chord

    def coming(self, beat: float, beats: float) -> tuple[tuple[float, Harmony], ...]:
        """What sounds from a beat on and for so many: (beats from there, chord), the first at 0."""
        found = [(0.0, self.at(beat))]
        turn = beat // self.beats * self.beats
        while turn < beat + beats:
            found += [(turn + place.beat - beat, place.chord) for place in self.places
                      if 1e-6 < turn + place.beat - beat < beats]
            turn += self.beats
        return tuple(found)


@lru_cache(64)
def read_form(text: str, key: str = "C", beats_per_bar: int = 4) -> Form:
    """A song's chords from one line of text.

    Raises ChordError with the bar, what is wrong there and what was probably meant.

    >>> form = read_form("blues in F")
    >>> form.beats, form.at(0).name, form.at(16).name
    (48.0, 'F7', 'Bb7')
    """
    line, tonic = _split_key(text, key)
    line = _named(line)
    bars = _unrolled(line)
    if not any(bars):
        raise ChordError('holds no chord; write such as "| Am7 | Dm7 G7 |" or "blues in F"')
    if bars[0] == ["%"]:
        raise ChordError('bar 1: "%" repeats the bar before it, and there is none')
    places: list[Place] = []
    for number, bar in enumerate(bars):
        if bar == ["%"]:
            continue                                # the chord goes on
        for share, word in enumerate(bar):
            if word in (".", "%"):
                continue
            try:
                chord = read_chord(word, tonic)
            except ChordError as error:
                raise ChordError(f"bar {number + 1}: {error}") from None
            beat = beats_per_bar * (number + share / len(bar))
            if not places or places[-1].chord != chord:
                places.append(Place(beat, chord))
    if not places or places[0].beat > 0.0:
        places.insert(0, Place(0.0, NO_CHORD))
    return Form(tuple(places), float(beats_per_bar * len(bars)))


def _split_key(text: str, key: str) -> tuple[str, int]:
    """`blues in F` -> the line and the key's tonic."""
    line, found, own = text.rpartition(" in ")
    if found and "|" not in own:
        return line, read_key(own)[0]
    return text, read_key(key)[0]


def _named(line: str) -> str:
    """The chords of a form that is called by its name; any other line as it is."""
    name = " ".join(re.sub(r"12[- ]bar|twelve[- ]bar", "", line.lower()).split())
    if name in FORMS:
        return FORMS[name]
    if name.replace("-", " ") in FORMS:
        return FORMS[name.replace("-", " ")]
    words = re.fullmatch(r"[a-z][a-z -]{3,}", line.strip())
    if words:
        near = get_close_matches(name, FORMS, n=1, cutoff=0.6)
        raise ChordError(f'no form is called "{line.strip()}"'
                         + (f'; did you mean "{near[0]}"?' if near
                            else f"; known: {', '.join(FORMS)}"))
    return line


def _unrolled(line: str) -> list[list[str]]:
    """The words of each bar, repeats played out."""
    bars: list[list[str]] = []
    repeat_from = 0
    for token in re.findall(r"\|:|:\|\s*(?:[x×]\s*\d+|\d+\s*[x×])?|\|+|[^|:]+(?::[^|\s:][^|:]*)*",
                            line):
        if token.startswith("|:"):
            repeat_from = len(bars)
        elif token.startswith(":|"):
            times = int("".join(filter(str.isdigit, token)) or 2)
            part = bars[repeat_from:]
            if len(bars) + len(part) * max(times - 1, 0) > MOST_BARS:
                raise ChordError(f"is longer than {MOST_BARS} bars; the form goes round by itself")
            bars += part * (times - 1)
            repeat_from = len(bars)
        elif not token.startswith("|") and (words := token.split()):
            bars.append(words)
    if len(bars) > MOST_BARS:
        raise ChordError(f"is longer than {MOST_BARS} bars; the form goes round by itself")
    return bars
