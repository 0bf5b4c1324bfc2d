"""Follow the hands: what knobs, pedals, pads and program changes move, and where lights stand.

A knob has a place, and so has the value it moves. Where they differ, because a scene or another
hand has moved the value, the knob does nothing until it comes by; so nothing ever jumps.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.controls import Binding
from engine.events import Gesture
from engine.node import Node
from engine.param import Param

_NEAR = 4 / 127         # a knob this close to the value that is set has met it


class Knobs:
    """The bindings of a patch and its rig, over the nodes that they move."""

    def __init__(self, bindings: Sequence[Binding], nodes: Mapping[str, Node]) -> None:
        self.bindings = bindings
        self._nodes = nodes
        self._stood: dict[Binding, tuple[float, Any]] = {}      # where it stood, what it set

    def take(self, gesture: Gesture) -> bool:
        """Is this gesture bound to something? Then it is Kuchi's own, and isn't passed on."""
        return gesture.kind == "controller" and any(
            binding.hears("cc", gesture.number, gesture.channel) for binding in self.bindings)

    def touch(self, source: str, number: int, channel: int, value: int
              ) -> Iterator[tuple[str, Any]]:
        """What a raw message moves: the names and values of the controls bound to it.

        source, number, channel : "cc", "note" or "program"; 0-127 (a program 1-128); 1-16
        value                   : 0-127; actions and scenes fire on the press, when it leaves 0,
                                  and a node's action that lasts also on the release
        """
        for binding in self.bindings:
            if not binding.hears(source, number, channel):
                continue
            if self.fires(binding):
                pressed = (value > 0) != binding.invert
                if pressed or self._lasts(binding.to):
                    yield binding.to, pressed
            else:
                yield from self._moved(binding, value / 127.0)

    def fires(self, binding: Binding) -> bool:
        """Is it an action or a scene, rather than a setting that follows?"""
        head, _, tail = binding.to.partition(".")
        node = self._nodes.get(head)
        return binding.is_action or node is None or tail in node.actions()

    def _lasts(self, name: str) -> bool:
        """Does anybody want to know when it is let go?"""
        head, _, tail = name.partition(".")
        nodes = [self._nodes[head]] if head in self._nodes else self._nodes.values()
        found = [node.actions().get(tail if head in self._nodes else head) for node in nodes]
        return any(action.held for action in found if action)

    def _moved(self, binding: Binding, travel: float) -> Iterator[tuple[str, Any]]:
        """Where a knob stands, once it has met the value that is set: it never makes it jump."""
        value = self._setting_at(binding, travel)
        if value is None:
            return
        now, before = self.travel(binding), self._stood.get(binding)
        held = before is not None and before[1] == self._current(binding)
        met = abs(travel - now) < _NEAR or (before is not None
                                            and (before[0] - now) * (travel - now) <= 0.0)
        self._stood[binding] = travel, value if held or met else None
        if held or met:
            yield binding.to, value

    def _setting_at(self, binding: Binding, travel: float) -> Any:
        """What a knob's place 0..1 means, between the binding's ends or the setting's own."""
        param = self._param(binding)
        if param.choices:
            return param.choices[min(int(travel * len(param.choices)), len(param.choices) - 1)]
        if isinstance(param.default, bool):
            return (travel >= 0.5) != binding.invert
        low, high = _ends(binding, param)
        if low is None or high is None:
            return None
        value = low + (high - low) * (1.0 - travel if binding.invert else travel)
        return round(value) if isinstance(param.default, int) else value

    def travel(self, binding: Binding) -> float:
        """Where a knob would stand, 0..1, for what its setting is now; lights show it."""
        param, value = self._param(binding), self._current(binding)
        if param.choices:
            return param.choices.index(value) / max(1, len(param.choices) - 1)
        if isinstance(value, bool):
            return float(value != binding.invert)
        low, high = _ends(binding, param)
        if low is None or high is None or high == low:
            return 0.0
        place = max(0.0, min(1.0, (value - low) / (high - low)))
        return 1.0 - place if binding.invert else place

    def _current(self, binding: Binding) -> Any:
        head, _, tail = binding.to.partition(".")
        return getattr(self._nodes[head], tail)

    def _param(self, binding: Binding) -> Param[Any]:
        head, _, tail = binding.to.partition(".")
        return self._nodes[head].params()[tail]


def _ends(binding: Binding, param: Param[Any]) -> tuple[float | None, float | None]:
    return (param.low if binding.low is None else binding.low,
            param.high if binding.high is None else binding.high)
