"""What teaching is worth, measured on recordings: a profile from a performer's first takes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.events import Onset
from engine.model import Model
from engine.nodes.midi_out import MidiOut
from engine.rehearsal.teaching import cut, onsets_of
from engine.units import SAMPLE_RATE, Samples
from engine.voice.correction import EACH, corrected
from engine.voice.drum_model import BUILT_IN, drum_model
from engine.voice.learning import MOMENTS_MS, listen, probabilities
from engine.voice.profile import Profile, Take, taught
from models_onnx.corpus import Event, Recording
from models_onnx.drums.measures import LEAST

Taken = dict[Path, list[Event]]
"""The strikes of each recording that were given as takes, and so must not be scored."""


def first_takes(recordings: Sequence[Recording], takes: int, names: Mapping[str, str],
                skip: int = 0) -> list[tuple[Recording, Event]]:
    """The first strikes of each sound: `takes`, or half of what there is.

    recordings : of one performer, in the manifest's order
    names      : label of the data -> the sound's name; other labels are passed over
    skip       : strikes of each sound that come before those
    """
    marked = [(recording, event) for recording in recordings for event in recording.events
              if event.label in names]
    counts = Counter(names[event.label] for _, event in marked)
    come: Counter[str] = Counter()
    first = []
    for recording, event in marked:
        name = names[event.label]
        if skip <= come[name] < skip + min(takes, (counts[name] - skip) // 2):
            first.append((recording, event))
        come[name] += 1
    return first


def profile_of(recordings: Sequence[Recording], takes: int, names: Mapping[str, str],
               model: Path = BUILT_IN, skip: int = 0) -> tuple[Profile, Taken]:
    """A profile from the first takes of each sound (see `first_takes`), heard by this model."""
    profile, taken = Profile(), Taken()
    heard: dict[Path, list[Onset]] = {}
    for recording, event in first_takes(recordings, takes, names, skip):
        taken.setdefault(recording.path, []).append(event)
        if recording.path not in heard:
            heard[recording.path] = onsets_of(recording.audio)
        take = cut(recording.audio, event.attack_s, heard[recording.path], recording.path.name)
        profile = profile.with_takes(names[event.label], [take])
    return taught(profile, drum_model(model)), taken


# -- another microphone ------------------------------------------------------------------------

CHANGES_MS = (16, 32, 64)
QUIETER_DB = -12.0
ASKED = 20                      # strikes of each sound that are asked about, at most
GAIN_DB, VELOCITY_MS = 2.0, 32.0
SOUNDS = {"kick": "kick", "snare": "snare", "hihat": "hihat", "hihat_closed": "hihat",
          "hihat_open": "hihat"}


def elsewhere(audio: Samples, rng: np.random.Generator) -> Samples:
    """The same recording through another microphone, 12 dB softer, in a room, over its noise."""
    size = 1 << int(np.ceil(np.log2(len(audio) + SAMPLE_RATE)))
    hz = np.maximum(np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE), 20.0)
    octave = np.log2(hz / 1_000.0)
    curve = rng.choice([-1.0, 1.0]) * rng.uniform(1.5, 3.0) * octave
    for _ in range(3):
        place, width = rng.uniform(-3.5, 3.5), rng.uniform(0.3, 1.0)
        curve += rng.choice([-1.0, 1.0]) * rng.uniform(4.0, 9.0) * np.exp(
            -0.5 * ((octave - place) / width) ** 2)
    curve -= 10.0 * np.log10(1.0 + (rng.uniform(60.0, 160.0) / hz) ** 4)
    decay_s = rng.uniform(0.25, 0.6)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    room = rng.standard_normal(SAMPLE_RATE) * np.exp(-6.9 * time / decay_s)
    room[:int(rng.uniform(0.002, 0.008) * SAMPLE_RATE)] = 0.0
    room *= 10.0 ** (rng.uniform(-14.0, -8.0) / 20.0) / np.sqrt((room ** 2).sum())
    room[0] = 1.0
    heard = np.fft.rfft(audio, size) * 10.0 ** (curve / 20.0) * np.fft.rfft(room, size)
    changed = np.fft.irfft(heard)[:len(audio)]
    changed *= 10.0 ** (QUIETER_DB / 20.0) * np.abs(audio).max() / np.abs(changed).max()
    changed += 10.0 ** (-72.0 / 20.0) * rng.standard_normal(len(audio))
    return changed.astype(np.float32)


@dataclass(frozen=True, slots=True)
class WonBack:
    """Accuracy of one performer at CHANGES_MS: as taught, elsewhere, after a soundcheck, and with
    a profile that was taught there instead.

    moves : how far GAIN_DB more or less moves the MIDI velocity of each strike
    """

    taught: list[float]
    elsewhere: list[float]
    corrected: list[float]
    taught_there: list[float]
    moves: list[int]


def won_back(recordings: Sequence[Recording], takes: int = 5, model: Path = BUILT_IN,
             seed: int = 0) -> WonBack | None:
    """Taught clean, then another microphone, -12 dB and a room; None where hits are too few.

    Of each sound the first `takes` teach, the next two are the soundcheck's, the others are asked.
    """
    rng = np.random.default_rng(seed)
    marked = [(r, e) for r in recordings for e in r.events if e.label in SOUNDS]
    names = list(dict.fromkeys(SOUNDS[event.label] for _, event in marked))
    heard_of = [SOUNDS[event.label] for _, event in marked]
    if len(names) < 3 or min(map(heard_of.count, names)) < takes + EACH + LEAST:
        return None
    changed = {r.path: elsewhere(r.audio, rng) for r in recordings}
    heard = {r.path: onsets_of(r.audio) for r in recordings}
    there = {path: onsets_of(audio) for path, audio in changed.items()}
    profile, there_taught, here = Profile(), Profile(), Profile()
    counts = dict.fromkeys(names, 0)
    asked: list[tuple[int, Take, Take]] = []
    for recording, event in marked:
        name, path = SOUNDS[event.label], recording.path
        clean = cut(recording.audio, event.attack_s, heard[path])
        other = cut(changed[path], event.attack_s, there[path])
        counts[name] += 1
        if counts[name] <= takes:
            profile = profile.with_takes(name, [clean])
            there_taught = there_taught.with_takes(name, [other])
        elif counts[name] <= takes + EACH:
            here = here.with_takes(name, [other])
        elif counts[name] <= takes + EACH + ASKED:
            asked.append((names.index(name), clean, other))
    ears = drum_model(model)
    profile = taught(profile, ears)
    again, _, _ = corrected(profile, here, ears)
    truth = [names.index(name) for name in profile.names]
    as_taught = _right(profile, ears, [(truth[sound], clean) for sound, clean, _ in asked])
    there_too = [(truth[sound], other) for sound, _, other in asked]
    return WonBack(as_taught, _right(profile, ears, there_too),
                   _right(again, ears, there_too),
                   _right(taught(there_taught, ears), ears, there_too),
                   [move for sound, clean, _ in asked for move in _moves(profile, names[sound],
                                                                         clean)])


def _moves(profile: Profile, name: str, take: Take) -> tuple[int, int]:
    """How far GAIN_DB more and less move the velocity of a strike."""
    soft, loud = profile.range_db(name, VELOCITY_MS)
    peak, out = take.peak_db(VELOCITY_MS), MidiOut()
    softer, same, louder = (out.velocity((peak + db - soft) / (loud - soft))
                            for db in (-GAIN_DB, 0.0, GAIN_DB))
    return same - softer, louder - same


def _right(profile: Profile, model: Model, asked: Sequence[tuple[int, Take]]) -> list[float]:
    """The share named right at CHANGES_MS."""
    assert profile.heads is not None
    heard = [listen(model, take.samples, take.attack, len(take.samples)) for _, take in asked]
    labels = np.array([sound for sound, _ in asked])
    shares = []
    for ms in CHANGES_MS:
        moment = MOMENTS_MS.index(ms)
        features, general = (np.stack([h[part][moment] for h in heard]) for part in (0, 1))
        named = probabilities(profile.heads, moment, features, general)[:, :-1].argmax(axis=-1)
        shares.append(float((named == labels).mean()))
    return shares
