"""What the drum model learns from: strikes of voices and drums, made rougher, and what is none.

Every example is a strike in a recording, heard through `engine.dsp.strike` as on stage. What is
none is what the detector would announce in noises and in speech. Those come from generators, never
from another performer's recording, so nobody leaks into a fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mir_eval
import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.dsp.strike import WIDTH, ear, hear_all
from engine.mouth import PERFORMERS, SOUNDS, hum, perform
from engine.units import SAMPLE_RATE, Samples, frames, gain
from models_onnx.corpus import Event, Recording, recordings
from models_onnx.drums.noises import NOISES
from models_onnx.drums.talk import READING, talk, vowel
from models_onnx.onsets.measures import HERE as JUDGES
from models_onnx.onsets.measures import kuchi, model_for

FRAMES = 103                    # to 200 ms after the attack
DRAWN = "drawn"                 # the `who` of synthetic mouths
NONE = len(DRUMS)               # the class after the drums: not a strike at all
CLASSES = len(DRUMS) + 1

MEANS = {                       # a label of the data -> the drums it may be
    "hihat": ("hihat_closed", "hihat_open"),
    "tom": ("tom_low", "tom_mid", "tom_high"),
    "speech": (),
} | dict.fromkeys(("clave", "woodblock", "snap", "stomp", "handdrum", "bodydrum"), ("other",))

BEFORE, LENGTH = 4_800, 16_384  # samples cut out of a recording: 100 ms before, 241 ms after
NEAR_S = 0.025                  # of an attack: the detector means it

TAIL_S = (0.055, 0.25)          # a "strike" found this long after a real one is a mistake
STREAM_S = 3.0                  # of a noise
MOST_ONSETS = 4                 # of a noise or a reading are learnt
VOWEL_AFTER_S = (0.0, 0.025)    # a strike, a voice makes it a word,
VOWEL_DB = (-8.0, 8.0)          # so loud beside it
DRAWN_STRIKES, DRAWN_OVER_BASS = 8, 0.4     # of a synthetic mouth at a time
FLOOR_DB = (-100.0, -55.0)      # what hisses behind them, root mean square


@dataclass(frozen=True, slots=True)
class Strike:
    """One example.

    who      : performer or kit
    kind     : "voice", "drum", DRAWN; what is none: READING, "noise", "word", "backwards", "tail"
    samples  : float32 (LENGTH,)   the attack lies at BEFORE
    may_be   : bool (CLASSES,)     the classes that are right
    alone_s  : how long after the attack the next strike begins
    """

    who: str
    kind: str
    samples: Samples
    may_be: NDArray[np.bool_]
    alone_s: float


def strikes(data: Path, *, part: str, sets: Sequence[str] = (), permissive: bool = False,
            marks: bool = False) -> list[Strike]:
    """All labelled strikes of one part of the data, from their attacks or from people's marks."""
    found = [r for r in recordings(data, part=part, sets=sets) if r.permissive or not permissive]
    if marks:
        found = [replace(r, events=tuple(replace(e, attack_s=e.onset_s) for e in r.events))
                 for r in found]
    return [_strike(recording, event, part) for recording in found for event in recording.events]


def announced(data: Path) -> list[Strike]:
    """Labelled strikes of voices from where the detector says that they begin; not those it misses.

    Everybody is heard by a judge that never met them.
    """
    found: list[Strike] = []
    for recording in recordings(data, part="beatbox"):
        times, _ = kuchi(np.pad(recording.audio, (BEFORE, LENGTH)), model_for(recording.performer))
        times = times - BEFORE / SAMPLE_RATE
        attacks = np.array([event.attack_s for event in recording.events])
        place = dict(mir_eval.util.match_events(attacks, times, NEAR_S))
        moved = replace(recording, events=tuple(
            replace(event, attack_s=float(times[place[i]])) if i in place else event
            for i, event in enumerate(recording.events)))
        found += [_strike(moved, moved.events[i], "beatbox") for i in sorted(place)]
    return found


def may_be(label: str) -> NDArray[np.bool_]:
    """The classes a label of the data allows; speech is none of the drums."""
    right = np.zeros(CLASSES, bool)
    drums = MEANS.get(label, (label,))
    right[[DRUMS.index(drum) for drum in drums] or NONE] = True
    return right


def tails(data: Path, rng: np.random.Generator, count: int) -> list[Strike]:
    """Where voices still sound but nothing is struck: what a detector may fall for."""
    found: list[Strike] = []
    taken = _takes(data)
    while len(found) < count:
        recording = taken[rng.integers(len(taken))]
        event = recording.events[rng.integers(len(recording.events))]
        time = event.attack_s + rng.uniform(*TAIL_S)
        apart = [time - other.attack_s for other in recording.events]
        if all(gap < -0.04 or gap > TAIL_S[0] for gap in apart):
            found.append(_strike(recording, Event("speech", time, time), "tail"))
    return found


def _takes(data: Path) -> list[Recording]:
    return [r for r in recordings(data, part="beatbox") if r.permissive and len(r.events) > 1]


def spoken_over(strike: Strike, rng: np.random.Generator) -> Strike:
    """A strike that turns out to be the beginning of a word: a vowel takes its place."""
    place = BEFORE + frames(rng.uniform(*VOWEL_AFTER_S))
    fade = np.clip(1.0 - (np.arange(LENGTH) - place) / frames(0.02), 0.0, 1.0)
    samples = (fade * strike.samples).astype(np.float32)
    voice = vowel(rng)[:LENGTH - place]
    loud = np.abs(samples[BEFORE - 200:]).max() * gain(rng.uniform(*VOWEL_DB))
    samples[place:place + len(voice)] += np.float32(loud / (np.abs(voice).max() + 1e-9)) * voice
    return replace(strike, kind="word", samples=samples, may_be=may_be("speech"))


def backwards(data: Path, rng: np.random.Generator, most: int) -> list[Strike]:
    """What the detector takes for strikes in takes that are played from their ends; some of each.

    Real mouths and rooms, and yet no drum: else whatever was recorded would be a drum.
    """
    found: list[Strike] = []
    for recording in _takes(data):
        samples = np.pad(recording.audio[::-1], (BEFORE, LENGTH))
        times, _ = kuchi(samples, JUDGES / "judge.npz")
        places = rng.permutation(times)[:most].tolist()
        found += _cut(recording.performer, "backwards", samples, places)
    return found


def drawn(rng: np.random.Generator) -> list[Strike]:
    """Some strikes of a synthetic mouth, at times over its own hummed bass.

    No drum is named after them, but none is refused.
    """
    who, seed = int(rng.integers(len(PERFORMERS))), int(rng.integers(1 << 30))
    times = 0.2 + np.cumsum(rng.uniform(0.12, 0.6, DRAWN_STRIKES))
    score = [(time, str(rng.choice(list(SOUNDS))), rng.uniform(0.3, 1.0)) for time in times]
    bass = hum([(0.0, times[-1], rng.uniform(31.0, 50.0))], who, seed=seed)
    audio, struck = perform(score, who, seed=seed,
                            under=bass if rng.random() < DRAWN_OVER_BASS else None)
    samples = np.pad(audio, (BEFORE, LENGTH))
    return [replace(strike, kind=DRAWN, may_be=may_be("other")) for strike in
            _cut(DRAWN, DRAWN, samples, [each.time + BEFORE / SAMPLE_RATE for each in struck])]


def refused(rng: np.random.Generator, name: str) -> list[Strike]:
    """What the detector takes for strikes in a noise, STREAM_S long, or in a reading.

    Of the onsets it announces a few, from anywhere, and one place at random.

    name : of the noise, or READING
    """
    sound = (talk(rng) if name == READING
             else np.asarray(NOISES[name](rng, frames(STREAM_S)), np.float32))
    samples = np.pad(np.float32(0.4) * sound, (BEFORE, LENGTH))
    samples += np.float32(gain(rng.uniform(*FLOOR_DB))) * rng.standard_normal(
        len(samples), dtype=np.float32)
    times, _ = kuchi(samples, JUDGES / "judge.npz")
    anywhere = (BEFORE + int(rng.integers(len(sound)))) / SAMPLE_RATE
    kind = READING if name == READING else "noise"
    return _cut(name, kind, samples, [*rng.permutation(times)[:MOST_ONSETS], anywhere])


def _cut(who: str, kind: str, samples: Samples, times: Sequence[float]) -> list[Strike]:
    """Pieces of what is no drum, where they are whole."""
    return [Strike(who, kind, samples[place - BEFORE:place - BEFORE + LENGTH],
                   may_be("speech"), np.inf)
            for place in map(frames, times) if BEFORE <= place < len(samples) - LENGTH + BEFORE]


def _strike(recording: Recording, event: Event, part: str) -> Strike:
    attack = frames(event.attack_s)
    samples = np.zeros(LENGTH, np.float32)
    first = attack - BEFORE
    piece = recording.audio[max(0, first):max(0, first + LENGTH)]
    samples[max(0, -first):max(0, -first) + len(piece)] = piece
    later = [e.attack_s - event.attack_s for e in recording.events]
    alone_s = min((gap for gap in later if gap > 0.01), default=np.inf)
    kind = {"beatbox": "voice", "drums": "drum"}.get(part, part)
    return Strike(recording.performer, kind, samples, may_be(event.label), alone_s)


_EAR = ear()


def features(strike: Strike) -> Samples:
    """A strike as the stage hears it, float32 (FRAMES, WIDTH)."""
    out = np.zeros((FRAMES, WIDTH), np.float32)
    hear_all(strike.samples, BEFORE, *_EAR, out)
    return out
