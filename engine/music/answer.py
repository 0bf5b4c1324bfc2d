"""Answer a phrase: motifs of the call come back, new ones follow from it, and it ends on time.

    answer(call, chords, Settings(bars=4), seed=7) -> Line     # starts where the call ends
    mutate(call, last_answer, chords, settings, seed) -> Line  # the same answer with new bars
    markov(heard, call, chords, settings, seed) -> Line        # from this performer alone

Each bar of an answer is planned first: a bar of the call comes back as it was, moved, or with
new notes on its rhythm, or the bar is free and the model plays it. A few answers are drawn and
the one that suits the call best is given. The last note lies in the last bar, on root, third or
fifth, and leaves the last half beat to the performer. The same arguments give the same answer.
Chords are one number a step over call and answer together (`engine.music.line`), or None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.music.books import longest_copy
from engine.music.likeness import (
    Key,
    bars_of,
    density_ratio,
    key_of,
    overlap,
    returns,
    rhythm_overlap,
)
from engine.music.line import HOLD, NO_CHORD, REST, STEPS_A_BEAT, Line, Steps, notes_of
from engine.music.melody import Melody, draw

AUTO, OFF = 0, 0xFFF               # scale lock: the key of the call, or every note


class Settings(msgspec.Struct, frozen=True):
    """What the performer may turn.

    bars        : how long the answer is; 0 as long as the call; 32 at most
    temperature : 1 as the model learned; less is plainer, more is wilder
    low, high   : notes it may use; -1 follows the call's range
    register    : half tones the answer lies above the call
    density     : notes, as a multiple of the call's
    scale       : twelve bits of allowed pitch classes (bit 0 is C), AUTO or OFF
    motifs      : how much of the call comes back, 0 to 1
    novelty     : 0 plays what is likely; 1 keeps away from it
    """

    bars: int = 0
    temperature: float = 1.0
    low: int = -1
    high: int = -1
    register: int = 0
    density: float = 1.0
    scale: int = AUTO
    motifs: float = 0.5
    novelty: float = 0.0


MOST_BARS = 32                     # of an answer, however long the call
HEARD_BARS = 64                    # of a call; what is older says little
DRAWN = 4                          # answers, of which the best is given
AROUND = 2                         # half tones beyond the call's range
LEFT_BEATS = 0.5                   # at the end, for the performer
CHORD_PULL = 3.0                   # a note of the chord on a strong beat, against the model alone
RHYTHM_HELD = 0.45                 # of the bars that aren't copied: new notes on a call's rhythm
COPIED, MOVED = 0.35, 0.2          # of the bars, at motifs = 1
QUOTED = 12                        # notes in a row that may stand in a book as they are
ENOUGH = {"overlap": 0.75, "rhythm": 0.92, "density": 0.1}    # people are not more like their call
CADENCE = (0, 3, 4, 7)             # half tones over the root that end an answer


@dataclass(frozen=True, slots=True)
class Plan:
    """How one bar comes about: which bar of the call, and what is kept of it."""

    source: int
    kind: str                      # "exact", "moved", "rhythm", "free"


@dataclass(frozen=True)
class Frame:
    """What an answer must keep to: its place, chords, notes and key."""

    call: Line
    start: int
    length: int
    chords: Steps
    low: int
    high: int
    key: Key
    scale: int
    settings: Settings

    def chord(self, step: int) -> int:
        """The chord over a step of the answer."""
        return int(self.chords[len(self.call.steps) + step])

    def weights(self, step: int) -> NDArray[np.float64]:
        """How welcome each note from low to high is at a step of the answer."""
        chord = self.chord(step)
        allowed = self.scale | chord & 0xFFF
        strong = (self.start + step) % (8 if self.call.bar % 8 == 0 else self.call.bar) == 0
        pull = CHORD_PULL if strong and chord != NO_CHORD else 1.0
        notes = np.arange(self.low, self.high + 1) % 12
        return np.asarray((allowed >> notes & 1) * np.where(chord >> notes & 1, pull, 1.0))


def frame_of(call: Line, chords: Steps | None, settings: Settings) -> Frame:
    """Read off the call what its answer keeps to."""
    start = (call.start + len(call.steps)) % call.bar
    bars = min(settings.bars or max(1, round(len(call.steps) / call.bar)), MOST_BARS)
    length = bars * call.bar - start               # to the end of the last bar
    if length < call.bar // 2:
        length += call.bar
    over = np.full(len(call.steps) + length, NO_CHORD, np.int64)
    if chords is not None and len(chords):
        known = min(len(chords), len(over))
        over[:known] = chords[:known]
        over[known:] = chords[known - 1]
    low, high = _range_of(call, settings)
    key = key_of(call)
    scale = {AUTO: key.scale}.get(settings.scale, settings.scale)
    return Frame(call, start, length, over, low, high, key, scale & 0xFFF or OFF, settings)


def _range_of(call: Line, settings: Settings) -> tuple[int, int]:
    played = [n.note for n in notes_of(call)] or [60, 72]
    low = min(played) - AROUND if settings.low < 0 else settings.low
    high = max(played) + AROUND if settings.high < 0 else settings.high
    if high - low < 7:                             # a call of one note is answered by a few
        low, high = low - 3, high + 4
    low, high = low + settings.register, high + settings.register
    return max(0, min(low, 115)), min(127, max(high, 12))


def answer(call: Line, chords: Steps | None = None, settings: Settings | None = None,
           seed: int = 0) -> Line:
    """The answer to a call: starts on the call's grid, ends with its last bar."""
    frame = frame_of(call, chords, settings or Settings())
    heard = _heard(frame)
    drawn = []
    for number in range(DRAWN):
        rng = np.random.default_rng((seed, number))
        drawn.append(_fill(frame, heard.copy(), _plans(frame, rng), rng))
    return max(drawn, key=lambda line: (-max(longest_copy(line), QUOTED), _suits(frame, line)))


def mutate(call: Line, last: Line, chords: Steps | None = None, settings: Settings | None = None,
           seed: int = 0) -> Line:
    """The last answer again with a third of its bars new, never none."""
    frame = frame_of(call, chords, settings or Settings())
    rng = np.random.default_rng((seed, 99))
    plans = _plans(frame, rng)
    fresh = rng.random(len(plans)) < 1 / 3
    fresh[rng.integers(max(1, len(plans) - 1))] = True
    kept = [None if new else _bar_steps(frame, last, number) for number, new in enumerate(fresh)]
    return _fill(frame, _heard(frame), plans, rng, kept)


def markov(heard: Sequence[Line], call: Line, chords: Steps | None = None,
           settings: Settings | None = None, seed: int = 0) -> Line:
    """An answer from what this performer played alone: the last notes, wherever they came before.

    Learns on the spot from the lines heard and the call; a run of up to three notes that came
    before says what follows.
    """
    frame = frame_of(call, chords, settings or Settings())
    rng = np.random.default_rng(seed)
    played = [_moves(line) for line in (*heard, call)]
    last = next((n.note for n in reversed(notes_of(call))), 66)
    past, steps, at = list(played[-1]), np.full(frame.length, HOLD, np.int64), 0
    while at < frame.length:
        interval, spacing = _follow(played, past, rng)
        note = last + interval
        if not frame.low <= note <= frame.high:
            note = last - interval
        weights = frame.weights(at)
        notes = np.arange(frame.low, frame.high + 1)
        nearest = np.where(weights > 0, np.abs(notes - note), 99)
        last = int(notes[int(np.argmin(nearest))])
        steps[at] = last
        past.append((interval, spacing))
        at += spacing
    return _ended(frame, steps)


def _moves(line: Line) -> list[tuple[int, int]]:
    """A line as (interval to the note, steps to the next)."""
    notes = notes_of(line)
    return [(b.note - a.note, max(1, min(c.step - b.step, line.bar)))
            for (a, b), c in zip(pairwise(notes), notes[2:], strict=False)]


def _follow(played: Sequence[list[tuple[int, int]]], past: list[tuple[int, int]],
            rng: np.random.Generator) -> tuple[int, int]:
    for order in range(int(rng.choice((3, 3, 2, 1))), -1, -1):
        end = past[len(past) - order:] if order else []
        found = [moves[i + order] for moves in played for i in range(len(moves) - order)
                 if moves[i:i + order] == end]
        if found and len(end) == order:
            return found[rng.integers(len(found))]
    return (int(rng.integers(-2, 3)), STEPS_A_BEAT)


def _heard(frame: Frame) -> Melody:
    """The model after the call."""
    melody = Melody(bar=frame.call.bar, start=frame.call.start, low=frame.low, high=frame.high)
    old = max(0, len(frame.call.steps) // frame.call.bar - HEARD_BARS) * frame.call.bar
    for event, chord in zip(frame.call.steps[old:].tolist(), frame.chords[old:].tolist(),
                            strict=False):
        melody.hear(event, chord)
    return melody


def _plans(frame: Frame, rng: np.random.Generator) -> list[Plan]:
    """One plan a bar. Bar for bar as in the call more often than not; the last is never a copy."""
    bars = bars_of(frame.call)
    count = -(-(frame.start + frame.length) // frame.call.bar)
    share = frame.settings.motifs * (1.0 - 0.7 * frame.settings.novelty)
    plans = []
    for number in range(count):
        sources = [i for i, bar in enumerate(bars) if (bar >= 0).any()]
        if not sources:
            plans.append(Plan(-1, "free"))
            continue
        parallel = number % len(bars)
        source = (parallel if parallel in sources and rng.random() < 0.6
                  else sources[rng.integers(len(sources))])
        at, last = rng.random(), number == count - 1
        if at < COPIED * share and not last:
            kind = "exact"
        elif at < (COPIED + MOVED) * share and not last:
            kind = "moved"
        else:
            kind = "rhythm" if rng.random() < min(2 * share * RHYTHM_HELD, 0.9) else "free"
        plans.append(Plan(source, kind))
    return plans


def _fill(frame: Frame, melody: Melody, plans: Sequence[Plan], rng: np.random.Generator,
          kept: Sequence[NDArray[np.int64] | None] = ()) -> Line:
    """Play the plans in order, the model hearing all of it."""
    steps = np.full(frame.length, HOLD, np.int64)
    bars, rate = bars_of(frame.call), _rate(frame)
    for number, plan in enumerate(plans):
        begin = max(0, number * frame.call.bar - frame.start)
        end = min(frame.length, (number + 1) * frame.call.bar - frame.start)
        given = kept[number] if number < len(kept) else None
        if given is None and plan.kind in ("exact", "moved"):
            skipped = begin - (number * frame.call.bar - frame.start)
            kind = plan.kind if _same_chords(frame, plan.source, begin) else "moved"
            given = _brought_back(frame, bars[plan.source][skipped:], begin, kind, melody.last)
        rhythm = bars[plan.source] if plan.kind == "rhythm" else None
        for step in range(begin, end):
            chord = frame.chord(step)
            if given is not None:
                steps[step] = given[step - begin]
            elif rhythm is not None:
                steps[step] = _on_rhythm(frame, melody, rhythm, step, rng)
            else:
                steps[step] = draw(melody, chord, rng, frame.settings.temperature,
                                   frame.weights(step), rate, frame.settings.novelty)
            melody.hear(int(steps[step]), chord)
    return _ended(frame, steps)


def _rate(frame: Frame) -> float:
    """By how much more a note is wanted than the model would play."""
    return max(frame.settings.density, 0.05) ** 2


def _on_rhythm(frame: Frame, melody: Melody, rhythm: NDArray[np.int64], step: int,
               rng: np.random.Generator) -> int:
    """A step of a bar that keeps a rhythm and takes its notes from the model."""
    event = int(rhythm[(frame.start + step) % frame.call.bar])
    if event < 0:
        return event if event == HOLD or melody.sounds else HOLD
    chances = melody.played(frame.chord(step)).astype(np.float64)[2:]
    return int(frame.low + _drawn(chances, frame, step, rng))


def _drawn(chances: NDArray[np.float64], frame: Frame, step: int, rng: np.random.Generator
           ) -> int:
    chances = np.maximum(chances, 1e-9) ** (1.0 / max(frame.settings.temperature, 0.05))
    chances = chances * frame.weights(step) + 1e-12
    place = np.searchsorted(np.cumsum(chances), rng.random() * chances.sum(), side="right")
    return min(int(place), len(chances) - 1)


def _brought_back(frame: Frame, bar: NDArray[np.int64], begin: int, kind: str, last: int
                  ) -> NDArray[np.int64]:
    """A bar of the call as it was, or moved along the scale to where it fits chord and line."""
    best, moved = -1e9, bar
    for degrees in (range(-4, 5) if kind == "moved" else (0,)):
        if kind == "moved" and degrees == 0:
            continue
        shifted = _along_scale(frame, bar, degrees, begin)
        notes = shifted[shifted >= 0]
        if len(notes) and (notes.min() < frame.low or notes.max() > frame.high):
            continue
        fits = sum(frame.weights(begin + step)[shifted[step] - frame.low] > 1.0
                   for step in np.flatnonzero(shifted >= 0).tolist() if begin + step < frame.length)
        leap = abs(int(notes[0]) - last) if len(notes) else 0
        score = fits - 0.15 * leap - 0.1 * abs(degrees)
        if score > best:
            best, moved = score, shifted
    return moved + np.where(moved >= 0, frame.settings.register if kind == "exact" else 0, 0)


def _same_chords(frame: Frame, source: int, begin: int) -> bool:
    """Does a bar of the call stand over the chord that a step of the answer has?"""
    first = -frame.call.start % frame.call.bar + source * frame.call.bar
    return int(frame.chords[min(first, len(frame.chords) - 1)]) == frame.chord(begin)


def _along_scale(frame: Frame, bar: NDArray[np.int64], degrees: int, begin: int
                 ) -> NDArray[np.int64]:
    """Every note moved by so many degrees of the scale in force."""
    scale = frame.scale | frame.chord(min(begin, frame.length - 1)) & 0xFFF
    rungs = np.array([note for note in range(128) if scale >> note % 12 & 1])
    moved = bar.copy()
    for step in np.flatnonzero(bar >= 0):
        near = int(np.argmin(np.abs(rungs - bar[step])))
        off = int(bar[step]) - int(rungs[near])
        moved[step] = int(rungs[min(max(near + degrees, 0), len(rungs) - 1)]) + off
    return moved


def _bar_steps(frame: Frame, line: Line, number: int) -> NDArray[np.int64] | None:
    """The steps of one bar of an earlier answer, None where it has none there."""
    begin = max(0, number * frame.call.bar - frame.start)
    end = min(frame.length, (number + 1) * frame.call.bar - frame.start)
    return line.steps[begin:end] if end <= len(line.steps) else None


def _ended(frame: Frame, steps: NDArray[np.int64]) -> Line:
    """Close on time: the last note in the last bar, on the chord, let go half a beat early."""
    ended = steps.copy()
    bar = frame.call.bar
    first = max(0, frame.length - bar)
    until = frame.length - max(1, int(LEFT_BEATS * STEPS_A_BEAT))
    latest = max(first, until - 2)                 # an eighth at least
    onsets = np.flatnonzero(ended[first:latest + 1] >= 0) + first
    strong = [int(step) for step in onsets if (frame.start + step) % STEPS_A_BEAT == 0]
    last = strong[-1] if strong else int(onsets[-1]) if len(onsets) else first
    before = ended[:last][ended[:last] >= 0]
    near = int(ended[last]) if ended[last] >= 0 else int(before[-1]) if len(before) else 66
    ended[last] = _closing_note(frame, last, near)
    ended[last + 1:] = HOLD
    ended[until] = REST
    return Line(ended, bar, frame.start)


def _closing_note(frame: Frame, step: int, near: int) -> int:
    """The nearest root, third or fifth of the chord, or of the key where there is none."""
    chord = frame.chord(step)
    root = (chord >> 12) - 1 if chord else frame.key.root
    third = 3 if frame.key.minor else 4
    members = [d for d in (CADENCE if chord else (0, third, 7))
               if not chord or chord >> (root + d) % 12 & 1] or [0]
    notes = [n for n in range(frame.low, frame.high + 1) if (n - root) % 12 in members]
    if not chord:                                  # a locked scale holds to the end
        notes = [n for n in notes if frame.scale >> n % 12 & 1] or notes
    return min(notes or [near], key=lambda n: (abs(n - near), n))


def _suits(frame: Frame, line: Line) -> float:
    """How well an answer suits its call: notes and rhythm shared, as many notes; no more bars of
    the call than wanted."""
    wanted = np.log2(max(frame.settings.density, 0.05))
    apart = density_ratio(line, frame.call) if wanted == 0.0 else abs(
        float(np.log2(max((line.steps >= 0).mean(), 1e-3)
                      / max((frame.call.steps >= 0).mean(), 1e-3)) - wanted))
    unwanted = max(0.0, 1.0 - 2.0 * frame.settings.motifs)
    came_back = sum(returns(line, frame.call).values()) if unwanted else 0.0
    return (min(overlap(line, frame.call), ENOUGH["overlap"]) - unwanted * came_back
            + min(rhythm_overlap(line, frame.call), ENOUGH["rhythm"])
            - 0.7 * max(apart, ENOUGH["density"]))
