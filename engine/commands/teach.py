"""`kuchi teach`: a performer's own sounds, from the microphone or from recordings."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.profile import Profile
    from engine.units import Samples


@click.command(short_help="Teach it your own sounds: five takes of each.")
@click.argument("profile")
@click.option("--manifest", type=click.Path(path_type=Path), metavar="CSV",
              help="Learn from files instead: columns path, label, onset_s.")
@click.option("--per-class", type=click.IntRange(min=1), metavar="N",
              help="With a manifest: only the first N of each label.")
@click.option("--plays", multiple=True, metavar="SOUND=DRUM", help="What a sound plays.")
@click.option("--rename", multiple=True, metavar="SOUND=NAME",
              help="Call a sound otherwise; a known name takes its takes in.")
@click.option("--relabel", multiple=True, metavar="SOUND:N=OTHER",
              help="A sound's take N (from 1) is another's.")
@click.option("--remove", multiple=True, metavar="SOUND[:N]",
              help="Forget a sound, or its take N (from 1).")
@click.option("--undo", is_flag=True, help="As it was before the last edit.")
@click.option("--list", "only_list", is_flag=True, help="Only tell what is taught.")
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")
def command(profile: str, manifest: Path | None, per_class: int | None, plays: Sequence[str],
            rename: Sequence[str], relabel: Sequence[str], remove: Sequence[str], undo: bool,
            only_list: bool, as_json: bool) -> None:
    """Teach your own sounds into PROFILE: a file, or a name of your choice.

    Any names will do, 2 to 16 of them; a drum's name plays that drum, for others the likeliest
    one is chosen. What is taught already stays; more takes make it surer. Every edit can be
    undone.
    """
    from engine.profile import Profile, taught
    from engine.profile_file import load_profile, profile_path, save_profile

    if per_class is not None and manifest is None:
        raise UsageError("--per-class goes with --manifest")
    path = profile_path(profile)
    held = load_profile(path) if path.exists() else Profile()
    edits = _edits(plays, rename, relabel, remove, undo)
    new, words = held, ""
    if manifest is not None:
        new, words = _from_manifest(held, manifest, per_class)
    for edit, how in edits:
        new = getattr(new, edit)(*how)
    if new is not held:
        new = taught(new)
        save_profile(path, new)
    elif not path.exists():
        raise UsageError(f"{path}: there is no such profile; --manifest CSV makes one from files")
    _tell(path, new, words, as_json)


def _from_manifest(held: "Profile", manifest: Path, per_class: int | None
                   ) -> tuple["Profile", str]:
    from engine.teaching import read_manifest, takes_from, with_new

    rows = read_manifest(manifest, per_class)
    if not rows:
        raise UsageError(f"{manifest}: holds no rows, so there is nothing to learn")
    new, added = with_new(held, takes_from(rows, _read))
    known = len(rows) - added
    return new, f"{added} takes learned" + (f", {known} were known." if known else ".")


def _read(path: Path) -> "Samples":
    import numpy as np

    from engine.devices.files import read_audio
    return np.concatenate(list(read_audio(path)))


def _edits(plays: Sequence[str], rename: Sequence[str], relabel: Sequence[str],
           remove: Sequence[str], undo: bool) -> list[tuple[str, tuple[Any, ...]]]:
    """The edits that are asked for: a profile's method and its arguments, each."""
    edits: list[tuple[str, tuple[Any, ...]]] = [("undone", ())] if undo else []
    edits += [("without", _take(given)) for given in remove]
    for given in relabel:
        sound, to = _pair("--relabel", given, "ts:3=pf")
        name, place = _take(sound)
        if place is None:
            raise UsageError(f"--relabel {given}: needs the number of the take, such as ts:3=pf")
        edits.append(("relabelled", (name, place, to)))
    edits += [("renamed", _pair("--rename", given, "ts=hat")) for given in rename]
    edits += [("playing", _pair("--plays", given, "boots=kick")) for given in plays]
    return edits


def _pair(option: str, given: str, example: str) -> tuple[str, str]:
    left, equals, right = given.partition("=")
    if not (left.strip() and equals and right.strip()):
        raise UsageError(f"{option} {given}: is written {example}")
    return left.strip(), right.strip()


def _take(given: str) -> tuple[str, int | None]:
    """`ts` or `ts:3`."""
    name, colon, number = given.rpartition(":")
    if colon and number.isdigit():
        return name, int(number)
    return given, None


def _tell(path: Path, profile: "Profile", words: str, as_json: bool) -> None:
    sounds = [{"sound": name, "plays": profile.drum_of(name),
               "takes": len(profile.numbers(name))} for name in profile.names]
    if as_json:
        click.echo(json.dumps({"profile": str(path), "sounds": sounds,
                               "last": profile.page.words, "undo": len(profile.past)}))
        return
    if words:
        click.echo(words)
    for sound in sounds:
        click.echo(f"  {sound['sound']:20} {sound['takes']:3} takes, plays {sound['plays']}")
    click.echo(f"Kept in {path}. On stage: profile = \"{path.absolute()}\" in [drum-classifier] "
               "of the rig, or in the patch.")
