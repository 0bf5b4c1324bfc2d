"""A performer's sounds play what the song wants: another drum, a note, an OSC address."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.drums import DRUMS
from engine.events import Hit, Release
from engine.node import Context, Node
from engine.param import Param

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Plays:
    """What a sound plays; what isn't named stays as it is.

    note    : 0-127, or -1
    address : of an OSC message, or ""
    silent  : nothing at all
    """

    drum: str = ""
    note: int = -1
    address: str = ""
    silent: bool = False


def read_map(text: str) -> Mapping[str, Plays]:
    """What each sound plays, or ValueError with the reason.

    >>> read_map("boots = kick, click = 48 + /flash")["click"]
    Plays(drum='', note=48, address='/flash', silent=False)
    """
    found: dict[str, Plays] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, equals, wanted = (part.strip() for part in entry.partition("="))
        if not (name and equals and wanted):
            raise ValueError(f'"{entry}" must be a sound and what it plays, such as boots = kick')
        if name in found:
            raise ValueError(f'"{name}" stands twice; join with +: {name} = kick + 48')
        plays = Plays()
        for word in map(str.strip, wanted.split("+")):
            plays = _and(plays, word)
        found[name] = plays
    return found


def _and(plays: Plays, word: str) -> Plays:
    if word in DRUMS:
        return replace(plays, drum=word)
    if word.isdigit() and int(word) <= 127:
        return replace(plays, note=int(word))
    if re.fullmatch(r"(/[\w.-]+)+", word, re.ASCII):
        return replace(plays, address=word)
    if word == NOTHING:
        return replace(plays, silent=True)
    raise ValueError(f'"{word}" is nothing to play: name a drum ({", ".join(DRUMS)}), a note '
                     f"0..127, an address such as /flash, or {NOTHING}")


class _Map(Param[str]):
    """A setting that says what each sound plays."""

    def check(self, value: Any) -> Any:
        text = super().check(value)
        read_map(text)
        return text


class BeatboxMapper(Node):
    """Let named sounds play a drum, a note, an OSC address, or nothing.

    It stands between the classifier and what sounds: a kit plays the drum, a midi-out the note,
    an osc-out the address as well. Sounds that aren't named pass as they are.
    """

    sounds = _Map("", help='what each sound plays, such as "boots = kick, lip roll = 48, '
                           'click = rim + /flash, breath = nothing"')

    def prepare(self, context: Context) -> None:
        self.changed("sounds")

    def changed(self, name: str) -> None:
        self._plays = read_map(self.sounds)

    def process(self, hits: Sequence[Hit | Release]) -> Sequence[Hit | Release]:
        if not hits:
            return ()
        return [self._mapped(hit, self._plays[hit.sound]) if hit.sound in self._plays else hit
                for hit in hits if not (hit.sound in self._plays
                                        and self._plays[hit.sound].silent)]

    def _mapped(self, hit: Hit | Release, plays: Plays) -> Hit | Release:
        drum = plays.drum or hit.drum
        if isinstance(hit, Hit):
            return replace(hit, drum=drum, note=plays.note, address=plays.address)
        return replace(hit, drum=drum)
