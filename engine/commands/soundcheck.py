"""`kuchi soundcheck`: fifteen seconds before the gig that set the room, soft and loud."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.errors import DeviceError, FileError, UsageError

if TYPE_CHECKING:
    from engine.rehearsal.soundcheck import Check
    from engine.rig import Rig
    from engine.units import Samples

_TURN_S = 1.0                       # to read that it is time to play
_LEAST_S = 2.0                      # of room, and of hits, in a file
_CHANNELS = ("1", "2", "1+2")


@click.command(short_help="Set the room, soft and loud: under 30 seconds, before the gig.")
@click.option("--device", help="Part of the sound device's name.")
@click.option("--channel", type=click.Choice(_CHANNELS),
              help="The microphone's input; the rig's where none is given.")
@click.option("--room", type=click.Path(path_type=Path), help="A recording of the room instead.")
@click.option("--hits", type=click.Path(path_type=Path), help="A recording of the hits instead.")
@click.option("--profile", help="Yours, to play each of its sounds twice; the rig's where none is "
                                 "given.")
@click.option("--twice", type=click.Path(path_type=Path),
              help="A recording of each sound twice instead.")
@click.option("--rig", "rig_file", type=click.Path(path_type=Path), help="Another rig.toml.")
@click.option("--dry", is_flag=True, help="Only tell; the rig stays as it is.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was found as JSON.")
def command(device: str | None, channel: str | None, room: Path | None, hits: Path | None,
            profile: str | None, twice: Path | None, rig_file: Path | None, dry: bool,
            as_json: bool) -> None:
    """Five seconds of the room with the PA on, then ten of soft and loud hits.

    With a profile, each of its sounds twice more: this evening's microphone and room are made up
    for, in a file beside the profile. What follows is kept in the rig: how far above the room a
    strike counts, and what is soft and loud for you. Do it again when the gain, the room or the
    singer changes.
    """
    from engine.rehearsal.soundcheck import check
    from engine.rig import Rig, load_rig, rig_path
    from engine.save import save_rig

    path = rig_file or rig_path()
    rig = load_rig(path) if path.exists() else Rig(str(path))      # a broken one is told first
    if (room is None) != (hits is None):
        raise UsageError("--room and --hits go together, each a recording")
    if room and hits:
        heard = _read(room), _read(hits)
    else:
        heard = _record(device or rig.device, channel or _channel(rig))
    found = check(*heard)
    profile = profile or str(rig.defaults.get("drum-classifier", {}).get("profile", ""))
    if found.settings and profile and (twice or not room):
        found = _each_twice(found, profile, rig, twice, device or rig.device,
                            channel or _channel(rig), keep=not dry)
    if found.settings and not dry:
        save_rig(path, found.settings)
    kept = bool(found.settings) and not dry
    if as_json:
        click.echo(json.dumps({**found.as_data(), "rig": str(path), "kept": kept}, indent=1))
    else:
        _tell(found, f"Kept in {path}." if kept else "The rig stays as it was.")
    if not found.settings:
        sys.exit(DeviceError.exit_code)


def _each_twice(found: "Check", profile: str, rig: "Rig", recording: Path | None, device: str,
                channel: str, keep: bool) -> "Check":
    """Two of each sound, and what they put right; the file with them lies beside the profile."""
    from dataclasses import replace

    from engine.rehearsal.guided import Ear, each_twice
    from engine.voice.correction import correction, given_here
    from engine.voice.profile_file import load_profile, profile_path, save_profile

    path = profile_path(profile)
    taught = load_profile(path)
    if recording is not None:
        from engine.devices.files import read_audio
        heard = read_audio(recording)
    else:
        from engine.devices.portaudio import microphone
        heard = microphone(device, channel)
    ear = Ear(heard, found.settings["onset-detector"]["sensitivity_db"])
    try:
        here = given_here(each_twice(taught, ear, lambda line: click.echo(line, err=True)))
    except EOFError:
        raise UsageError(f"{recording}: ends too soon: it needs two of each of "
                         f"{', '.join(taught.names)}, in this order, a second apart") from None
    beside = path.with_name(f"{path.stem}.room.kuchi")
    if keep:
        save_profile(beside, here)
    settings = {**found.settings, "drum-classifier": {
        **found.settings.get("drum-classifier", {}), "profile": str(path.absolute()),
        "correction": str(beside.absolute())}}
    return replace(found, settings=settings,
                   found=[*found.found, correction(taught, here).words])


def _read(path: Path) -> "Samples":
    import numpy as np

    from engine.devices.files import read_audio
    from engine.units import SAMPLE_RATE

    samples = np.concatenate(list(read_audio(path)))
    if len(samples) < _LEAST_S * SAMPLE_RATE:
        raise FileError(f"{path}: is only {len(samples) / SAMPLE_RATE:.1f} s long; "
                        f"a soundcheck needs {_LEAST_S:.0f} s at least")
    return samples


def _channel(rig: "Rig") -> str:
    return str(rig.defaults.get("audio-in", {}).get("channel", "1"))


def _record(device: str, channel: str) -> tuple["Samples", "Samples"]:
    """The room and the hits, from one recording of both; `channel` of two, or their mean."""
    from engine.devices.portaudio import record
    from engine.rehearsal.soundcheck import HITS_S, ROOM_S
    from engine.units import frames

    steps = [(0.0, "Be quiet, with the PA on: this is the room."),
             (ROOM_S, "Now play: soft hits, then louder, then as loud as on stage.")]
    whole_s = ROOM_S + _TURN_S + HITS_S

    def show(seconds: float, peak: float) -> None:
        if steps and seconds >= steps[0][0]:
            click.echo(_clear() + click.style(steps.pop(0)[1], bold=True), err=True)
        _bar(peak, (ROOM_S if steps else whole_s) - seconds)

    recorded, name = record(whole_s, device, show)
    click.echo(f"{_clear()}Heard on {name}.", err=True)
    if channel == "2" and recorded.shape[1] < 2:
        raise DeviceError(f"{name} has one input only; leave --channel out")
    mono = recorded.mean(axis=1) if channel == "1+2" else recorded[:, int(channel) - 1].copy()
    return mono[:frames(ROOM_S)], mono[frames(ROOM_S + _TURN_S):]


def _bar(peak: float, left_s: float) -> None:
    """The level, and the seconds that are left."""
    from engine.units import level_db

    if sys.stderr.isatty():
        peak_db = max(-99.0, level_db(peak))
        filled = max(0, min(30, round((peak_db + 60) / 2)))
        click.echo(f"{_clear()}[{'█' * filled}{' ' * (30 - filled)}] {peak_db:5.0f} dB "
                   f"{left_s:4.0f} s", nl=False, err=True)


def _clear() -> str:
    return "\r\x1b[K" if sys.stderr.isatty() else ""


def _tell(found: "Check", ending: str) -> None:
    for words in found.found:
        click.echo(words)
    for kind, settings in found.settings.items():
        for setting, value in settings.items():
            shown = f"{value:g}" if isinstance(value, float) else f'"{value}"'
            click.echo(f"  {kind}.{setting} = {shown}")
    for words in found.mends:
        click.echo(click.style("→ ", fg="yellow") + words)
    click.echo(ending + (" Then run kuchi soundcheck again." if found.mends else ""))
