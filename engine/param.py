"""A setting of a node, declared once: its default, what may be given, its unit and its help.

Validation, scenes, controls, the page's sliders and the reference all read it here.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class Param(Generic[T]):
    """A setting, declared once: validation, scenes, controls and the reference all read it.

    The default gives the type. `low` and `high` bound numbers, `choices` name the words allowed.
    A `dict` setting maps the names of nodes that feed this one to numbers (a mixer's gains).
    `reads` reads a text that has a grammar of its own, and raises ValueError where it can't.
    The unit is the end of the name: `_ms`, `_db`, `_hz`.
    """

    def __init__(self, default: T, *, low: float | None = None, high: float | None = None,
                 choices: Sequence[str] = (), reads: Callable[[str], object] | None = None,
                 help: str) -> None:
        self.default = default
        self.low = low
        self.high = high
        self.choices = tuple(choices)
        self.reads = reads
        self.help = help
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, node: None, owner: type) -> "Param[T]": ...
    @overload
    def __get__(self, node: object, owner: type) -> T: ...
    def __get__(self, node: object, owner: type) -> "Param[T] | T":
        return self if node is None else self.default    # a set value shadows this descriptor

    @property
    def unit(self) -> str:
        """The unit in the name, or nothing: `retrigger_ms` -> `ms`."""
        found = re.search(r"_(ms|db|hz|s)$", self.name)
        return {"db": "dB", "hz": "Hz"}.get(found[1], found[1]) if found else ""

    @property
    def allowed(self) -> str:
        """What may be given, in words: `10..500 ms`, `steady, sure or early`."""
        if self.choices:
            return ", ".join(self.choices[:-1]) + " or " + self.choices[-1]
        if self.low is not None and self.high is not None:
            return f"{self.low:g}..{self.high:g} {self.unit}".rstrip()
        return {bool: "true or false", str: "text", dict: "a table of numbers"}.get(
            type(self.default), "a number")

    def check(self, value: Any) -> Any:
        """The value in this parameter's type, or ValueError with the reason.

        >>> wait = Param(24.0, low=8, high=200, help="")
        >>> wait.check(30)
        30.0
        >>> wait.check(4000)
        Traceback (most recent call last):
        ValueError: must lie in 8..200
        """
        kind = type(self.default)
        if kind is dict:
            if not isinstance(value, dict) or not all(map(_is_number, value.values())):
                raise ValueError("must be a table of numbers")
            for number in value.values():
                self._check_range(number)
            return {str(k): float(v) for k, v in value.items()}
        if kind in (float, int):
            if not _is_number(value) or (kind is int and value != int(value)):
                raise ValueError("must be a whole number" if kind is int else "must be a number")
            self._check_range(value)
            return float(value) if kind is float else int(value)
        if not isinstance(value, kind):
            raise ValueError(f"must be {self.allowed}")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be {self.allowed}")
        if self.reads and isinstance(value, str) and value:
            self.reads(value)
        return value

    def _check_range(self, value: float) -> None:
        below = self.low is not None and value < self.low
        if below or (self.high is not None and value > self.high):
            raise ValueError(f"must lie in {self.allowed}")


def _is_number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and value == value and abs(value) != float("inf"))
