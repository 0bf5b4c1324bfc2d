"""Exactly what I played, again and again: one pedal records, plays and overdubs.

press   record; then play; then overdub, and play again
hold    undo the last layer
longer  clear everything

A loop keeps the sounds, the loudness and the timing of every hit as they were heard, not when
they were understood, so it is on time from its first round on.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from engine.events import Hit
from engine.music.grid import Grid

HOLD_S, LONGER_S = 0.6, 1.5
_SHORTEST_S = 0.1                   # two presses closer than this are one
_LATE_S = 0.3                       # hits are understood at the latest so long after their strike
_EARLY_S = 0.060                    # a hit so little before the press belongs to it

State = Literal["empty", "recording", "playing", "overdubbing", "stopped"]


@dataclass(slots=True)
class _Layer:
    """Hits by their place in the loop, in order."""

    hits: list[tuple[float, Hit]] = field(default_factory=list)
    said: float = -1e9              # played up to this moment


class Looper:
    """One loop with its layers; all times are seconds on the house's clock.

    state  : what the pedal would be lit as
    length : of the loop, seconds; 0 while there is none
    """

    def __init__(self) -> None:
        self.state: State = "empty"
        self.length = self._began = self._closed = 0.0
        self._layers: list[_Layer] = []
        self._pressed: float | None = None
        self._held = 0                              # what this press has undone already
        self._ends = float("inf")

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self._layers)

    # -- the pedal -----------------------------------------------------------------------------

    def press(self, now: float, grid: Grid | None = None) -> None:
        """The pedal goes down; a tempo that holds already rounds the loop to whole bars."""
        if self._pressed is not None:
            return
        self._pressed, self._held = now, 0
        match self.state:
            case "empty":
                self.state, self._began, self._layers = "recording", now, [_Layer()]
            case "recording" if now - self._began > _SHORTEST_S:
                self._close(now, grid)
            case "playing":
                self.state = "overdubbing"
                self._layers.append(_Layer(said=now))
            case "overdubbing":
                self.state = "playing"
            case "stopped":
                self.play(now)

    def release(self, now: float) -> None:
        """The pedal comes up."""
        self.hold(now)
        self._pressed = None

    def hold(self, now: float) -> None:
        """Undo or clear, while the pedal is down for long enough; ask often."""
        if self._pressed is None:
            return
        held = now - self._pressed
        if held >= HOLD_S and self._held < 1:
            self._held = 1
            self.undo()
        if held >= LONGER_S and self._held < 2:
            self._held = 2
            self.clear()

    def undo(self) -> None:
        """Without the last layer; the press that began this gesture is taken back with it."""
        if self.state == "overdubbing":
            self._layers.pop()                      # what the press itself began
        if self._layers:
            self._layers.pop()
        if self._layers:
            self.state = "playing"
        else:
            self.clear()

    def clear(self) -> None:
        """As if nothing had been played."""
        self.state, self.length, self._layers = "empty", 0.0, []
        self._ends = float("inf")

    def play(self, now: float) -> None:
        """From its beginning, from now on."""
        if self._layers and self.length:
            self.state, self._began, self._ends = "playing", now, float("inf")
            for layer in self._layers:
                layer.said = now - 1e-6

    def stop(self, when: float) -> None:
        """Silent from this moment on; what was recorded stays."""
        if self.state == "recording":
            self.clear()
        elif self._layers:
            self._ends = when

    def next_round(self, now: float) -> float:
        """When the loop begins again."""
        rounds = math.ceil((now - self._began) / self.length) if self.length else 0
        return self._began + rounds * self.length if self.length else now

    # -- hits ----------------------------------------------------------------------------------

    def hear(self, hit: Hit, now: float) -> None:
        """A hit of the performer's goes into the layer that is being played."""
        if not self._layers:
            return
        if self.state == "recording":
            if hit.time >= self._began - _EARLY_S:
                self._keep(self._layers[0], max(0.0, hit.time - self._began), hit)
        elif self.state == "overdubbing":
            place = (hit.time - self._began) % self.length
            self._keep(self._layers[-1], place, hit)
        elif self.length and now - self._closed < _LATE_S and hit.time < self._closed:
            self._keep(self._layers[-1], (hit.time - self._began) % self.length, hit)

    def sounding(self, now: float, until: float) -> list[Hit]:
        """What the loop plays before `until`, each due at its moment."""
        if now >= self._ends:
            self.state, self._ends = "stopped", float("inf")
        if self.state not in ("playing", "overdubbing"):
            return []
        found: list[Hit] = []
        for layer in self._layers:
            since = max(layer.said, now - 0.05)
            found += self._between(layer, since, min(until, self._ends))
            layer.said = max(layer.said, until)
        return sorted(found, key=lambda hit: hit.time)

    # -- within --------------------------------------------------------------------------------

    def _close(self, now: float, grid: Grid | None) -> None:
        self.length = now - self._began
        if grid is not None:
            self.length = max(1, round(self.length / grid.bar_s)) * grid.bar_s
        self.state, self._closed = "playing", now
        self._layers[0].hits = [(place % self.length, hit) for place, hit in self._layers[0].hits]
        self._layers[0].said = max(now, self._began + self.length) - 1e-6

    def _keep(self, layer: _Layer, place: float, hit: Hit) -> None:
        if hit.corrects is not None:
            layer.hits = [(at, kept) for at, kept in layer.hits if kept.time != hit.time]
        layer.hits.append((place, replace(hit, corrects=None)))

    def _between(self, layer: _Layer, since: float, until: float) -> list[Hit]:
        """Its strokes after `since`, to `until`."""
        found: list[Hit] = []
        for place, hit in layer.hits:
            first = int((since - self._began - place) // self.length) + 1
            time = self._began + place + first * self.length
            while time <= until:
                if time > since:
                    found.append(replace(hit, time=time, due=time, confidence=1.0))
                time += self.length
        return found
