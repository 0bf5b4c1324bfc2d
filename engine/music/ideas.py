"""What can be done with a bar of drums by hand: fills, small changes, less, more, swing, endings.

Everything is a function of a pattern and a die, so the same seed does the same.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.music.drum_maps import NINE
from engine.music.pattern import Pattern, Stroke, empty
from engine.units import Samples

KICK, SNARE, CLOSED, OPEN, LOW, MID, HIGH, CRASH, RIDE = range(len(NINE))
HATS = (CLOSED, OPEN, RIDE)

Dice = np.random.Generator


def dice(*seed: int) -> Dice:
    """A die that falls the same each time for the same numbers."""
    return np.random.Generator(np.random.PCG64([abs(number) for number in seed]))


_FULL = 12                          # strokes a bar: with fewer a mutation adds, with more it drops
_LEAST = 3                          # strokes: with fewer a bar falls silent
_FILL = (SNARE, SNARE, HIGH, HIGH, MID, MID, LOW, LOW)


def seed_groove(beats: int = 4, steps_per_beat: int = 4) -> Pattern:
    """Boots and cats: a kick on the one, a snare on every second beat, hats between."""
    bar = empty(beats * steps_per_beat, beats * steps_per_beat, steps_per_beat)
    for beat in range(beats):
        bar.hits[beat * steps_per_beat, KICK if beat % 2 == 0 else SNARE] = 0.8
        for half in (0, steps_per_beat // 2):
            bar.hits[beat * steps_per_beat + half, CLOSED] = 0.6 if half == 0 else 0.45
    return bar


def bar_of(pattern: Pattern, bar: int) -> Pattern:
    """One bar of a pattern, which goes round; its own arrays."""
    size = pattern.steps_per_bar
    if pattern.steps == 0:
        return empty(size, size, pattern.steps_per_beat)
    steps = (bar * size + np.arange(size)) % pattern.steps
    return replace(pattern, hits=pattern.hits[steps], offsets=pattern.offsets[steps])


def fitted(pattern: Pattern, beats: int) -> Pattern:
    """The same in bars of so many beats: what is too long is cut, what is missing goes round."""
    size = beats * pattern.steps_per_beat
    if pattern.steps_per_bar == size:
        return pattern
    bars = max(1, pattern.steps // pattern.steps_per_bar)
    places = [b * pattern.steps_per_bar + np.arange(size) % pattern.steps_per_bar
              for b in range(bars)]
    steps = np.concatenate(places) % max(1, pattern.steps)
    if pattern.steps == 0:
        return empty(size, size, pattern.steps_per_beat)
    return Pattern(size, pattern.hits[steps], pattern.offsets[steps], pattern.steps_per_beat)


def only(pattern: Pattern, allowed: tuple[int, ...]) -> Pattern:
    """Without the drums that aren't allowed."""
    hits, offsets = pattern.hits.copy(), pattern.offsets.copy()
    others = [drum for drum in range(len(NINE)) if drum not in allowed]
    hits[:, others], offsets[:, others] = 0.0, 0.0
    return replace(pattern, hits=hits, offsets=offsets)


def fill(beats: int, begin: float, die: Dice) -> list[Stroke]:
    """Sixteenths down the toms from beat `begin` to the end of the bar; louder towards it."""
    first = int(np.ceil(begin * 4.0 - 1e-6))
    steps = range(max(0, first), beats * 4)
    strokes: list[Stroke] = []
    for number, step in enumerate(steps):
        if step % 4 and die.random() < 0.2:
            continue                                        # a breath, never on a beat
        drum = _FILL[number * len(_FILL) // max(1, len(steps))]
        strokes.append((step / 4.0, drum, 0.55 + 0.4 * (number + 1) / len(steps)))
        if step % 4 == 0:
            strokes.append((step / 4.0, KICK, 0.7))
    return strokes


def ending(beat: float) -> list[Stroke]:
    """Kick and crash on the one; after it, nothing."""
    return [(beat, KICK, 0.95), (beat, CRASH, 0.95)]


def with_fill(bar: Pattern, beats: float, die: Dice) -> Pattern:
    """Its last beats become a fill."""
    per_beat = bar.steps_per_beat
    size = bar.steps_per_bar // per_beat
    begin = max(0.0, size - beats)
    hits, offsets = bar.hits.copy(), bar.offsets.copy()
    hits[round(begin * per_beat):], offsets[round(begin * per_beat):] = 0.0, 0.0
    for beat, drum, velocity in fill(size, begin, die):
        hits[min(round(beat * per_beat), len(hits) - 1), drum] = velocity
    return replace(bar, hits=hits, offsets=offsets)


def small_change(bar: Pattern, die: Dice) -> Pattern:
    """One stroke of its second half more or less: a push, a ghost, a hat left open."""
    hits, offsets = bar.hits.copy(), bar.offsets.copy()
    half = len(hits) // 2
    free = [step for step in range(half + 1, len(hits)) if not hits[step].any()
            or (step % bar.steps_per_beat and not hits[step, :2].any())]
    if free:
        step = int(die.choice(free))
        drum = int(die.choice((KICK, SNARE, OPEN), p=(0.4, 0.35, 0.25)))
        hits[step, drum] = 0.45 if drum == SNARE else 0.6
        if drum == OPEN:
            hits[step, CLOSED] = 0.0
    return replace(bar, hits=hits, offsets=offsets)


def hats_only(bar: Pattern) -> Pattern:
    """Only its hats and ride, softer; eighths where it has none."""
    thin = only(bar, HATS)
    hits = thin.hits * np.float32(0.75)
    if not hits.any():
        hits[::max(1, bar.steps_per_beat // 2), CLOSED] = 0.4
    return replace(thin, hits=hits)


def fuller(bar: Pattern, by: float, die: Dice) -> Pattern:
    """More strokes, or fewer where negative; -1 leaves the beats, 1 fills every sixteenth.

    What goes first is what is softest and farthest from a beat.
    """
    hits, offsets = bar.hits.copy(), bar.offsets.copy()
    if by < 0.0:
        steps, drums = np.nonzero(hits)
        worth = np.asarray(hits[steps, drums] + 0.3 * (drums < CLOSED), np.float32)
        worth += _weight_of(steps, bar)
        gone = np.argsort(worth, kind="stable")[:round(-by * 0.7 * len(steps))]
        hits[steps[gone], drums[gone]] = 0.0
        offsets[steps[gone], drums[gone]] = 0.0
    else:
        free = np.flatnonzero(~(hits[:, list(HATS)] > 0.0).any(axis=1))
        for step in die.permutation(free)[:round(by * len(free))]:
            hits[step, CLOSED] = 0.45 if step % max(1, bar.steps_per_beat // 2) == 0 else 0.35
    return replace(bar, hits=hits, offsets=offsets)


def _weight_of(steps: NDArray[np.int64], bar: Pattern) -> Samples:
    """Beats weigh 1, their halves a half, the rest nothing."""
    on_beat = steps % bar.steps_per_beat == 0
    on_half = steps % max(1, bar.steps_per_beat // 2) == 0
    return np.asarray(0.5 * on_beat + 0.5 * on_half, np.float32)


def swung(bar: Pattern, swing: float) -> Pattern:
    """Every second sixteenth later: 0.5 is straight, 2/3 a triplet's."""
    if swing == 0.5 or bar.steps_per_beat != 4:
        return bar
    offsets = bar.offsets.copy()
    late = np.float32((swing - 0.5) * 2.0)
    struck = bar.hits[1::2] > 0.0
    offsets[1::2][struck] = np.clip(offsets[1::2][struck] + late, -0.5, 0.5)
    return replace(bar, offsets=offsets)


def mutated(pattern: Pattern, allowed: tuple[int, ...], die: Dice) -> Pattern:
    """One stroke more a bar while there are few, one less while there are many."""
    hits, offsets = pattern.hits.copy(), pattern.offsets.copy()
    for start in range(0, pattern.steps, pattern.steps_per_bar):
        bar = hits[start:start + pattern.steps_per_bar]
        steps, drums = np.nonzero(bar)
        if len(steps) < _FULL:
            bar[die.integers(len(bar)), int(die.choice(allowed))] = 0.6
        else:
            lost = int(die.integers(len(steps)))
            bar[steps[lost], drums[lost]] = 0.0
            offsets[start + steps[lost], drums[lost]] = 0.0
    return replace(pattern, hits=hits, offsets=offsets)


def plays_on(pattern: Pattern) -> bool:
    """Is something struck in every bar, more than once?"""
    size = pattern.steps_per_bar
    return all(np.count_nonzero(pattern.hits[start:start + size]) >= _LEAST
               for start in range(0, pattern.steps, size))


def alike(a: Pattern, b: Pattern) -> bool:
    """Do two patterns strike the same, but for a stroke or two in a bar?"""
    if a.hits.shape != b.hits.shape:
        return False
    differ = np.count_nonzero((a.hits > 0.0) != (b.hits > 0.0))
    return bool(differ <= max(1.0, a.bars))


def at_level(bar: Pattern, level: float) -> Pattern:
    """Louder or softer as a whole."""
    return replace(bar, hits=np.clip(bar.hits * np.float32(level), 0.0, 1.0))


def felt(bar: Pattern, amount: float) -> Pattern:
    """So much of its own micro-timing and of its dynamics: 0 is a machine's, 1 the drummer's."""
    if amount == 1.0:
        return bar
    struck = bar.hits > 0.0
    mean = bar.hits[struck].mean() if struck.any() else 0.0
    hits = np.where(struck, mean + (bar.hits - mean) * np.float32(amount), 0.0)
    return replace(bar, hits=np.clip(hits, 0.0, 1.0).astype(np.float32),
                   offsets=bar.offsets * np.float32(amount))
