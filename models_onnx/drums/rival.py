"""Pure Data's `bonk~` beside the whole graph: the same takes, the same strikes, the same delay.

Both are taught the first five takes of each sound and asked about all other strikes of everybody
who has enough of them; a strike that isn't found is named wrong. `bonk~` speaks when it can, and
the graph waits until then. Which five teach them says much, so they are also taught the five after
those, and so on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mir_eval
import numpy as np

from engine.events import Hit
from engine.units import SAMPLE_RATE, Samples, frames
from models_onnx.corpus import Event, Recording
from models_onnx.drums.measures import LEAST, interval, summary
from models_onnx.drums.stage import NAMES, SOUNDS, WINDOW_S, Heard, accuracy, heard
from models_onnx.mapper.measures import first_takes
from models_onnx.onsets import bonk
from models_onnx.onsets.measures import kuchi, model_for

TAKES = 5
FIVES = 4                       # of takes, each in turn
KEY = "against_bonk"

PAUSE_S = 0.4                   # before each hit that was recorded alone
ALONE = 25                      # such hits of each sound, at most


@dataclass(frozen=True)
class Strung(Recording):
    """One performer's hits that were recorded alone, one after another as one recording."""

    parts: tuple[Recording, ...] = ()

    @cached_property
    def audio(self) -> Samples:
        return np.concatenate([np.pad(part.audio, (frames(PAUSE_S), 0)) for part in self.parts])


def rival_scores(voices: Sequence[Recording]) -> dict[str, Any]:
    """Accuracy of both and the difference, means over performers; nothing without Pure Data.

    voices : all recordings of voices
    """
    if not bonk.installed():
        return {}
    takes = taught_takes(voices)
    theirs = heard_by_bonk(takes)
    if not theirs:
        return {}
    wait_ms = round(delay_ms(theirs) - lateness_ms(takes), 1)
    ours = heard(takes, [wait_ms], TAKES)[wait_ms]
    right = {"kuchi": accuracy(ours), "bonk": accuracy(theirs)}
    right["difference"] = {who: right["kuchi"][who] - share for who, share in right["bonk"].items()}
    fives = [right["difference"], *(_differences(voices, wait_ms, TAKES * number)
                                    for number in range(1, FIVES))]
    right["any_five"] = {who: float(np.mean([five[who] for five in fives if who in five]))
                         for who in right["difference"]}
    return {KEY: {
        "performers": len(right["bonk"]), "takes": TAKES,
        "delay_ms": {"kuchi": round(delay_ms(ours), 2), "bonk": round(delay_ms(theirs), 2)},
        **{name: summary(each) for name, each in right.items()},
        **{f"{name}_ci": interval(each) for name, each in right.items()},
        "fives": [summary(five) for five in fives], "fives_of": [len(five) for five in fives]}}


def _differences(voices: Sequence[Recording], wait_ms: float, skip: int) -> dict[str, float]:
    """How much more of each performer's strikes is named right than by `bonk~`, where other takes
    teach both."""
    takes = taught_takes(voices, skip)
    theirs = accuracy(heard_by_bonk(takes, skip))
    ours = accuracy(heard(takes, [wait_ms], TAKES, skip)[wait_ms])
    return {who: ours[who] - share for who, share in theirs.items()}


def kept(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Where Pure Data isn't installed today, the whole comparison stays as it was."""
    return {KEY: before[KEY]} | now if KEY in before else now


def taught_takes(voices: Sequence[Recording], skip: int = 0) -> list[Recording]:
    """The takes of everybody with as many of each sound left to be asked about as count.

    skip : strikes of each sound that come before those that teach
    """
    found = []
    for who in sorted({r.performer for r in voices}):
        own = [r for r in voices if r.performer == who]
        counts = Counter(NAMES.get(event.label) for r in own for event in r.events)
        if all(counts[sound] >= skip + TAKES + LEAST for sound in SOUNDS):
            found += [r for r in own if len(r.events) > 1] + _strung(own)
    return found


def heard_by_bonk(takes: Sequence[Recording], skip: int = 0) -> list[Heard]:
    """The takes as `bonk~` hears them after five of each sound, those after the first `skip`."""
    found = []
    for who in sorted({r.performer for r in takes}):
        own = [r for r in takes if r.performer == who]
        given = first_takes(own, TAKES, NAMES, skip)
        known = bonk.Known([(recording.audio, event.attack_s, NAMES[event.label])
                            for recording, event in given])
        for recording in own:
            hits = tuple((Hit(time, sound, sound, 1.0, 1.0), sent)
                         for time, sound, sent in known.named_hits(recording.audio))
            times = tuple(event.attack_s for of, event in given if of is recording)
            found.append(Heard(recording, times, hits))
    return found


def delay_ms(takes_heard: Sequence[Heard]) -> float:
    """How long after its attack a strike that was found is named, the median."""
    delays: list[float] = []
    for each in takes_heard:
        attacks = np.array(sorted(event.attack_s for event in each.recording.events))
        times = np.array([hit.time for hit, _ in each.hits])
        delays += [each.hits[j][1] - attacks[i]
                   for i, j in mir_eval.util.match_events(attacks, times, WINDOW_S)]
    return 1000.0 * float(np.median(delays))


def lateness_ms(takes: Sequence[Recording]) -> float:
    """How long after an attack our onset says it was, the median: its wait begins there."""
    late: list[float] = []
    for recording in takes:
        attacks = np.array(sorted(event.attack_s for event in recording.events))
        times, _ = kuchi(recording.audio, model_for(recording.performer))
        late += [times[j] - attacks[i]
                 for i, j in mir_eval.util.match_events(attacks, times, WINDOW_S)]
    return 1000.0 * float(np.median(late))


def _strung(own: Sequence[Recording]) -> list[Recording]:
    """The first hits of each sound that were recorded alone, as one recording, if there are any."""
    alone: dict[str, list[Recording]] = {}
    for recording in own:
        if len(recording.events) == 1 and recording.events[0].label in NAMES:
            alone.setdefault(NAMES[recording.events[0].label], []).append(recording)
    parts = tuple(part for each in alone.values() for part in each[:ALONE])
    if not parts:
        return []
    begin, events = 0.0, []
    for part in parts:
        begin += PAUSE_S
        events += [Event(event.label, begin + event.onset_s, begin + event.attack_s)
                   for event in part.events]
        begin += len(part.audio) / SAMPLE_RATE
    first = parts[0]
    return [Strung(first.path.parent, first.part, first.set, first.performer, first.licence,
                   tuple(events), parts)]
