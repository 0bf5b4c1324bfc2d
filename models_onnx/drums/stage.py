"""The whole graph over real takes: detection and naming together, as a performer would have it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mir_eval
import numpy as np

from engine.drums import HIHATS
from engine.events import Hit, NoteOn
from engine.patch import Patch, load_patch
from engine.rendering import render
from engine.units import gain
from engine.voice.profile_file import save_profile
from models_onnx.corpus import Recording, recordings
from models_onnx.drums.hearing import model_for
from models_onnx.drums.measures import LEAST, interval, summary
from models_onnx.mapper.measures import Taken, profile_of
from models_onnx.onsets.measures import model_for as judge_for

WINDOW_S = 0.05
SOUNDS = ("kick", "snare", "hihat")
NAMES = dict.fromkeys(HIHATS, "hihat") | {name: name for name in SOUNDS}
"""A label or a drum -> the sound it is here: open, closed and unknown hats are one."""

GAIN_DB = 2.0
MOST = 24                       # takes, spread over all, that are played louder and softer

Counts = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording, the strikes that were not given as takes, and the hits that answer them.

    given : when the strikes were struck that taught the profile; hits near them don't count
    """

    recording: Recording
    given: tuple[float, ...]
    hits: tuple[tuple[Hit, float], ...]

    @property
    def asked(self) -> Iterator[tuple[str, float]]:
        """(sound, time) of each strike that counts."""
        for event in self.recording.events:
            if event.attack_s not in self.given:
                yield NAMES.get(event.label, event.label), event.attack_s

    @property
    def said(self) -> Iterator[tuple[str, float]]:
        """(sound, time) of each hit that counts."""
        own = np.array([time for _, time in self.asked] or [np.inf])
        given = np.array(self.given or [np.inf])
        for hit, _ in self.hits:
            if np.abs(given - hit.time).min() >= min(WINDOW_S, np.abs(own - hit.time).min()):
                yield NAMES.get(hit.drum, hit.drum), hit.time


def takes(data: Path, sets: Sequence[str]) -> list[Recording]:
    """The voices' continuous recordings."""
    return [r for r in recordings(data, part="beatbox", sets=sets) if len(r.events) > 1]


def hits(recording: Recording, wait_ms: float, profile: Path | None = None
         ) -> tuple[tuple[Hit, float], ...]:
    """What leaves the drum-classifier of the patch `beatbox-to-daw`, and when."""
    patch = patch_for(recording.performer, profile).with_setting("wait_ms", wait_ms, node="drums")
    return tuple((sent.event, sent.sent) for sent in render(patch, recording.audio)
                 if isinstance(sent.event, Hit))


def patch_for(performer: str, profile: Path | None = None) -> Patch:
    """`beatbox-to-daw` with models that never were taught by this performer."""
    patch = load_patch("beatbox-to-daw").with_setting("model", str(model_for(performer)),
                                                      node="drums")
    patch = patch.with_setting("model", str(judge_for(performer)), node="onsets")
    return patch.with_setting("profile", str(profile), node="drums") if profile else patch


def heard(voices: Sequence[Recording], waits_ms: Sequence[float], count: int = 0, skip: int = 0
          ) -> dict[float, list[Heard]]:
    """Every take through the graph at each wait; `count` strikes of each sound are taught first,
    those after the first `skip`."""
    found: dict[float, list[Heard]] = {wait_ms: [] for wait_ms in waits_ms}
    with TemporaryDirectory() as folder:
        for who in sorted({r.performer for r in voices}):
            own = [r for r in voices if r.performer == who]
            path, given = None, Taken()
            if count:
                if not has_each(own):
                    continue
                profile, given = profile_of(own, count, NAMES, model_for(who), skip)
                path = Path(folder) / f"{who}.kuchi"
                save_profile(path, profile)
            for recording in own:
                times = tuple(event.attack_s for event in given.get(recording.path, ()))
                for wait_ms in waits_ms:
                    found[wait_ms].append(Heard(recording, times, hits(recording, wait_ms, path)))
    return found


def has_each(own: Sequence[Recording]) -> bool:
    """Has this performer enough of every sound?"""
    labels = [NAMES.get(event.label) for recording in own for event in recording.events]
    return all(labels.count(sound) >= LEAST for sound in SOUNDS)


def labelled(takes_heard: Sequence[Heard]) -> dict[str, float]:
    """Macro-F1 of labelled hits for each performer: right within 50 ms of a strike of its sound."""
    counts: Counts = {}
    for each in takes_heard:
        count = counts.setdefault(each.recording.performer, np.zeros((3, 3)))
        for k, sound in enumerate(SOUNDS):
            truth = sorted(time for name, time in each.asked if name == sound)
            found = sorted(time for name, time in each.said if name == sound)
            pairs = mir_eval.util.match_events(np.array(truth), np.array(found), WINDOW_S)
            count[k] += len(truth), len(found), len(pairs)
    return {who: float(np.mean(2 * c[:, 2] / np.maximum(1, c[:, 0] + c[:, 1])))
            for who, c in sorted(counts.items()) if c[:, 0].min() >= 1}


def accuracy(takes_heard: Sequence[Heard]) -> dict[str, float]:
    """The share of each performer's strikes that were found and named right; a miss is wrong."""
    right: dict[str, list[bool]] = {}
    for each in takes_heard:
        asked, said = list(each.asked), sorted(each.said, key=lambda pair: pair[1])
        times, found = np.array([t for _, t in asked]), np.array([t for _, t in said])
        named = {i: said[j][0] for i, j in mir_eval.util.match_events(times, found, WINDOW_S)}
        right.setdefault(each.recording.performer, []).extend(
            named.get(i) == name for i, (name, _) in enumerate(asked) if name in SOUNDS)
    return {who: float(np.mean(own)) for who, own in sorted(right.items()) if own}


def stage_scores(voices: Sequence[Recording], waits_ms: Sequence[float], steady_ms: float
                 ) -> dict[str, Any]:
    """Never heard and taught five takes, at each wait; and whether steady is steady."""
    found: dict[str, Any] = {}
    for name, count in (("labelled_zero_shot", 0), ("labelled_takes_5", 5)):
        by_wait = heard(voices, waits_ms, count)
        f1 = {f"{ms:g}": labelled(each) for ms, each in by_wait.items()}
        found[name] = {ms: summary(each) for ms, each in f1.items()}
        found[f"{name}_ci"] = {ms: interval(each) for ms, each in f1.items()}
        found[f"{name}_accuracy"] = {f"{ms:g}": summary(accuracy(each))
                                     for ms, each in by_wait.items()}
        if not count:
            delays = np.array([sent - hit.time for each in by_wait[steady_ms]
                               for hit, sent in each.hits])
            late = delays > steady_ms / 1000.0 + 1e-6
            found["steady"] = {"wait_ms": steady_ms, "late_share": round(float(late.mean()), 4),
                               "sd_ms": round(1000.0 * float(delays[~late].std()), 4)}
    return found


def velocity_scores(voices: Sequence[Recording]) -> dict[str, float]:
    """How far the MIDI velocity of a hit moves when the take is 2 dB louder or softer."""
    moved: list[float] = []
    for recording in voices[::max(1, len(voices) // MOST)]:
        softer, plain, louder = (_velocities(recording, db) for db in (-GAIN_DB, 0.0, GAIN_DB))
        for other in (softer, louder):
            moved += [abs(other[time] - plain[time]) for time in other.keys() & plain.keys()]
    if not moved:
        return {}
    return {"mean": round(float(np.mean(moved)), 2),
            "p95": round(float(np.percentile(moved, 95)), 2)}


@cache
def _patch() -> Any:
    return load_patch("beatbox-to-daw")


def _velocities(recording: Recording, db: float) -> dict[int, int]:
    """The notes' velocities, by their times to the nearest 3 ms."""
    audio = np.float32(gain(db)) * recording.audio
    return {round(sent.event.time / 0.003): sent.event.velocity
            for sent in render(_patch(), audio) if isinstance(sent.event, NoteOn)}
