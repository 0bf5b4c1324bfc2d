"""Bind knobs, pedals and keys to settings and actions: the `[controls]` table.

Left stands what the hand touches: `cc21`, `note60`, `program`, `key.space`, with a channel where
it matters (`ch16.cc80`). Right stands what it moves: a setting (`"onsets.sensitivity_db"`, or
`{ to = ..., low = ..., high = ... }`) or an action, which fires once, on the press.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ACTIONS = ("listen", "tap", "one", "panic", "wrong", "capture", "loop", "next", "previous")

_LEFT = re.compile(r"(?:ch(?P<channel>\d+)\.)?(?:(?P<kind>cc|note|program)(?P<number>\d*)"
                   r"|key\.(?P<key>\w+))")


@dataclass(frozen=True, slots=True)
class Binding:
    """One line of `[controls]`.

    source  : "cc", "note", "program" or "key"
    number  : 0-127, the program 1-128, the key's name, or None for any program
    channel : 1-16, or None for any
    to      : "node.setting", "scene.name" or an action
    low, high : what the ends of the travel mean; None = the setting's own range
    """

    source: str
    number: int | str | None
    channel: int | None
    to: str
    low: float | None = None
    high: float | None = None
    invert: bool = False
    momentary: bool = False

    @property
    def is_action(self) -> bool:
        """Does it fire on the press, rather than follow a value?"""
        return "." not in self.to or self.to.startswith("scene.")

    def hears(self, source: str, number: int, channel: int) -> bool:
        """Is this message the one bound here?"""
        return (source == self.source and self.number in (None, number)
                and self.channel in (None, channel))


def lines(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each line of the table; TOML reads `ch16.cc80` and `key.space` as tables in a table.

    >>> list(lines({"key": {"space": "listen", "n": "next"}, "cc21": "tap"}))
    [('key.space', 'listen'), ('key.n', 'next'), ('cc21', 'tap')]
    """
    for left, right in table.items():
        if isinstance(right, dict) and re.fullmatch(r"ch\d+|key", left):
            yield from ((f"{left}.{rest}", value) for rest, value in right.items())
        else:
            yield left, right


def read_binding(left: str, right: Any) -> Binding:
    """One line of the table, or ValueError with the reason.

    >>> read_binding("cc21", "onsets.sensitivity_db").number
    21
    """
    found = _LEFT.fullmatch(left)
    if not found:
        raise ValueError("must be cc, note or program with a number, or key.name, "
                         "such as cc21, ch16.cc80, note60, key.space")
    table = right if isinstance(right, dict) else {"to": right}
    unknown = table.keys() - {"to", "low", "high", "invert", "momentary"}
    if unknown:
        raise ValueError(f"has no {sorted(unknown)[0]!r}; "
                         "it takes to, low, high, invert, momentary")
    if not isinstance(table.get("to"), str):
        raise ValueError('needs what it moves, such as "onsets.sensitivity_db" or "listen"')
    number: int | str | None = found["key"]
    if found["kind"]:
        number = int(found["number"]) if found["number"] else None
        if number is None and found["kind"] != "program":
            raise ValueError(f"{found['kind']} needs a number, such as {found['kind']}21")
        first = 1 if found["kind"] == "program" else 0
        if number is not None and not first <= number <= first + 127:
            raise ValueError(f"{found['kind']} numbers lie in {first}..{first + 127}")
    channel = int(found["channel"]) if found["channel"] else None
    if channel is not None and not 1 <= channel <= 16:
        raise ValueError("channels lie in 1..16")
    return Binding(found["kind"] or "key", number, channel, table["to"], table.get("low"),
                   table.get("high"), bool(table.get("invert")), bool(table.get("momentary")))
