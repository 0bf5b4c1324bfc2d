"""What teaching is worth, measured on recordings: a profile from a performer's first takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.drum_model import BUILT_IN, drum_model
from engine.profile import Profile, taught
from engine.teaching import cut, onsets_of
from models_onnx.corpus import Event, Recording

Taken = dict[Path, list[Event]]
"""The strikes of each recording that were given as takes, and so must not be scored."""


def profile_of(recordings: Sequence[Recording], takes: int, names: Mapping[str, str],
               model: Path = BUILT_IN) -> tuple[Profile, Taken]:
    """A profile from the first takes of each sound: `takes`, or half of what there is.

    recordings : of one performer, in the manifest's order
    names      : label of the data -> the sound's name; other labels are passed over
    model      : the drum model that hears them
    """
    marked = [(recording, event) for recording in recordings for event in recording.events
              if event.label in names]
    counts: dict[str, int] = {}
    for _, event in marked:
        counts[names[event.label]] = counts.get(names[event.label], 0) + 1
    left = {name: min(takes, count // 2) for name, count in counts.items()}
    profile, taken = Profile(), Taken()
    heard = {recording.path: onsets_of(recording.audio) for recording, _ in marked}
    for recording, event in marked:
        name = names[event.label]
        if left[name]:
            left[name] -= 1
            taken.setdefault(recording.path, []).append(event)
            take = cut(recording.audio, event.attack_s, heard[recording.path],
                       recording.path.name)
            profile = profile.with_takes(name, [take])
    return taught(profile, drum_model(model)), taken
