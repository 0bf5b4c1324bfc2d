"""What each visuals program wants to hear: ready-made maps, so that nothing has to be mapped.

A map is a table: how each thing we tell is said there. What a map doesn't name isn't told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.drums import DRUMS, HIHATS


@dataclass(frozen=True, slots=True)
class Form:
    """How one thing is said.

    address   : `{node}` and `{drum}` are filled in
    words     : texts before the number: "node", "drum", "was" (the drum first told)
    low, high : this stretch of the number is told as 0..1; equal, and it is told as it is
    """

    address: str
    words: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Map:
    """One program's way of hearing.

    port   : where it listens
    forms  : of hit, env, corrected, level, beat, beat/phase, bar/phase, tempo, resync
    drums  : how it calls each drum; one that isn't here isn't told
    inputs : these envelopes and the level, in this order, as one message to `together`
    """

    port: int
    forms: Mapping[str, Form] = field(default_factory=dict)
    drums: Mapping[str, str] = field(default_factory=lambda: {drum: drum for drum in DRUMS})
    together: str = ""
    inputs: tuple[str, ...] = ()


def _three(kick: str, snare: str, hat: str) -> dict[str, str]:
    """Three voices to a program that has room for three: all hats are one."""
    return {"kick": kick, "snare": snare, **dict.fromkeys(sorted(HIHATS), hat)}


_TIME: Final = {
    "beat": Form("/kuchi/beat"),                       # 1..4
    "beat/phase": Form("/kuchi/beat/phase"),
    "bar/phase": Form("/kuchi/bar/phase"),
    "tempo": Form("/kuchi/tempo"),                     # bpm
}
_LEVEL: Final = {"level": Form("/kuchi/level")}
_HITS: Final = {"hit": Form("/kuchi/{node}/{drum}"), "env": Form("/kuchi/{node}/{drum}/env")}
_CORRECTED: Final = {"corrected": Form("/kuchi/corrected", ("was", "drum"))}
_LINK: Final = "/composition/dashboard/link"

MAPS: Final[Mapping[str, Map]] = {
    "kuchi": Map(7000, _HITS | _CORRECTED | _LEVEL | _TIME),
    "resolume": Map(7000, {                            # knobs of the composition's dashboard
        "env": Form(_LINK + "{drum}"),
        "level": Form(_LINK + "4"),
        "tempo": Form("/composition/tempocontroller/tempo", low=20.0, high=500.0),
        "resync": Form("/composition/tempocontroller/resync"),
    }, _three("1", "2", "3")),
    "touchdesigner": Map(7000, _HITS | _LEVEL | _TIME),          # an OSC In CHOP takes numbers only
    "wekinator": Map(6448, {}, _three("kick", "snare", "hat"), "/wek/inputs",
                     ("kick", "snare", "hat", "level")),
    "supercollider": Map(57120, {                      # one OSCdef hears every drum
        "hit": Form("/kuchi/hit", ("node", "drum"))} | _CORRECTED | _LEVEL | _TIME),
    "processing": Map(12000, {                         # oscEvent asks for names, draw for envelopes
        "hit": Form("/kuchi/hit", ("drum",)),
        "env": Form("/kuchi/env", ("drum",))} | _CORRECTED | _LEVEL | _TIME),
}
