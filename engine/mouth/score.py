"""Scores: who sounds when, written as step patterns."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from engine.errors import UsageError
from engine.mouth.performers import Performer, performer

Cue = tuple[float, str, float]
"""(time, sound or drum, velocity 0..1): one entry of a score."""

_ACCENTS: Final = {"X": 1.0, "x": 0.75, "o": 0.45}


def beat(pattern: Mapping[str, str] | str, bpm: float, bars: int = 1, *, start: float = 0.0,
         swing: float = 0.0, who: str | int | Performer | None = None, seed: int = 0) -> list[Cue]:
    """A score from step patterns, sixteen steps a bar, repeated for `bars`.

    pattern : steps for each sound, {"b": "X...x...", "ts": "..x...x."}, or the same as text, one
              sound a line. `X` loud, `x` plain, `o` soft, `.` silent; spaces and | are ignored.
              A short line is repeated.
    swing   : 0..0.5, how far every second sixteenth is late, in sixteenths
    who     : whose looseness to play with; exactly on the grid where nobody is named

    UsageError for steps that can't be read, or a tempo that isn't above 0.

    >>> beat("b X.......x.......", bpm=120)
    [(0.0, 'b', 1.0), (1.0, 'b', 0.75)]
    """
    if bpm <= 0.0 or bars < 1:
        raise UsageError(f"bpm = {bpm:g}, bars = {bars}: both must lie above 0")
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    loose_s = performer(who).loose_ms / 1000.0 if who is not None else 0.0
    step_s = 15.0 / bpm
    score: list[Cue] = []
    for sound, steps in _lines(pattern).items():
        for step in range(16 * bars):
            velocity = _ACCENTS.get(steps[step % len(steps)], 0.0)
            if velocity:
                time = start + (step + swing * (step % 2)) * step_s
                time += loose_s * float(np.clip(rng.standard_normal(), -2.0, 2.0))
                score.append((max(time, 0.0), sound, velocity))
    return sorted(score)


def _lines(pattern: Mapping[str, str] | str) -> dict[str, str]:
    """The steps of each sound, checked."""
    if isinstance(pattern, str):
        rows = [line.split(maxsplit=1) for line in pattern.splitlines() if line.strip()]
        pattern = {row[0]: row[1] if len(row) > 1 else "" for row in rows}
    lines = {sound: steps.replace(" ", "").replace("|", "") for sound, steps in pattern.items()}
    for sound, steps in lines.items():
        if not steps or set(steps) - set(_ACCENTS) - {"."}:
            raise UsageError(f'{sound} "{steps}": steps are written with X, x, o and .')
    return lines
