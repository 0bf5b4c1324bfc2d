"""`kuchi render`: recordings through a patch, to MIDI, sound and an event log."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.errors import FileError, KuchiError, UsageError

if TYPE_CHECKING:
    from engine.patch import Patch


@dataclass(frozen=True, slots=True)
class Input:
    """What one take is made from: a recording, a MIDI file, or both."""

    stem: str
    audio: Path | None
    midi: Path | None


@click.command(short_help="Render recordings or MIDI files through a patch.")
@click.argument("patch")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--out", "out", required=True, type=click.Path(path_type=Path),
              help="The folder that gets one folder a take.")
@click.option("--profile", "profiles", multiple=True, metavar="P|NODE=P",
              help="The performer's profile, for every node that has one or for one node.")
@click.option("--scene", help="Begin in this scene of the patch.")
@click.option("--seed", default=0, show_default=True, help="Where anything random begins.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was made as JSON lines.")
def command(patch: str, inputs: tuple[str, ...], out: Path, profiles: tuple[str, ...],
            scene: str | None, seed: int, as_json: bool) -> None:
    """Render each INPUT through PATCH: a file, or the name of a patch that comes with Kuchi.

    INPUT is audio (any rate, any channels: their mean), a .mid, or both paired as a.flac+a.mid.
    For each, DIR gets <stem>/events.jsonl, <stem>/take.mid and, where the patch has sound,
    <stem>/out.wav. An input that can't be read is told and passed over; the rest are rendered.
    """
    from engine.patch import load_patch
    from engine.voice.profile_file import load_profile

    takes = [read_input(given) for given in inputs]
    check_stems(takes, inputs)
    loaded = load_patch(patch)
    for given in profiles:
        node, _, path = given.rpartition("=")
        loaded = loaded.with_setting("profile", str(_profile(path)), node=node or None)
        load_profile(_profile(path))                    # better to fail now than at each input
    failed: KuchiError | None = None
    for number, take in enumerate(takes, 1):
        try:
            counts = render_take(loaded, take, out / take.stem, seed=seed, scene=scene)
        except FileError as error:
            failed = error
            click.echo(str(error), err=True)
            continue
        _tell(take, out / take.stem, counts, number, len(takes), as_json)
    if failed:
        sys.exit(failed.exit_code)


def _profile(given: str) -> Path:
    """A profile's file as the command line means it."""
    from engine.voice.profile_file import profile_path
    return profile_path(given).absolute()


def read_input(given: str) -> Input:
    """`a.flac`, `a.mid` or `a.flac+a.mid`. Raises UsageError where it is none of them."""
    from engine.devices.files import MIDI_SUFFIXES

    path = Path(given)
    left, plus, right = given.rpartition("+")
    if plus and not path.exists():
        if Path(right).suffix.lower() not in MIDI_SUFFIXES or not left:
            raise UsageError(f"{given}: a pair is audio, then MIDI, such as a.flac+a.mid")
        return Input(Path(left).stem, Path(left), Path(right))
    if path.suffix.lower() in MIDI_SUFFIXES:
        return Input(path.stem, None, path)
    return Input(path.stem, path, None)


def check_stems(takes: list[Input], given: tuple[str, ...]) -> None:
    """Raise UsageError where two inputs would be written to one folder."""
    first: dict[str, str] = {}
    for take, text in zip(takes, given, strict=True):
        if take.stem in first:
            raise UsageError(f"{first[take.stem]} and {text} are both called {take.stem!r} and "
                             "would share a folder: rename one, or render them apart")
        first[take.stem] = text


def render_take(patch: "Patch", take: Input, folder: Path, *, seed: int = 0,
                scene: str | None = None) -> dict[str, int]:
    """One input through a fresh graph into its folder; returns how many of each event left."""
    from engine.devices.files import TakeFolder, read_audio, read_midi
    from engine.events import Control
    from engine.rendering import render

    audio = None if take.audio is None else read_audio(take.audio)
    notes = [] if take.midi is None else read_midi(take.midi)
    if scene is not None:
        notes.insert(0, Control(0.0, f"scene.{scene}", 1))
    counts: dict[str, int] = {}
    sounds = any(kind.outlet == "audio" for kind, _ in patch.nodes.values())
    with TakeFolder(folder, sound=sounds) as files:
        for sent in render(patch, audio, notes, seed=seed, write=files.write):
            files.log(sent)
            kind = sent.row()["event"]
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def _tell(take: Input, folder: Path, counts: dict[str, int], number: int, of: int,
          as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"input": take.stem, "folder": str(folder), "events": counts}))
        return
    named = {"onset": "onsets", "hit": "hits", "note_on": "notes"}
    words = [f"{counts[kind]} {name}" for kind, name in named.items() if kind in counts]
    click.echo(f"[{number}/{of}] {folder}: {', '.join(words) or 'nothing heard'}")
