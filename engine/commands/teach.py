"""`kuchi teach`: a performer's own sounds, from the microphone or from recordings."""

import json
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.rehearsal.report import Report
    from engine.units import Samples
    from engine.voice.profile import Profile


@click.command(short_help="Teach it your own sounds: five takes of each.")
@click.argument("profile")
@click.option("--manifest", type=click.Path(path_type=Path), metavar="CSV",
              help="Learn from files instead: columns path, label, onset_s.")
@click.option("--per-class", type=click.IntRange(min=1), metavar="N",
              help="With a manifest: only the first N of each label.")
@click.option("--sounds", metavar="A,B,...", help="The sounds you will play, by commas.")
@click.option("--device", help="Part of the sound device's name.")
@click.option("--channel", type=click.Choice(("1", "2", "1+2")),
              help="The microphone's input; the rig's where none is given.")
@click.option("--recording", type=click.Path(path_type=Path),
              help="A recording of the whole lesson instead of the microphone.")
@click.option("--plays", multiple=True, metavar="SOUND=DRUM",
              help="What a sound plays; nothing, for what shall be refused, such as a breath.")
@click.option("--rename", multiple=True, metavar="SOUND=NAME",
              help="Call a sound otherwise; a known name takes its takes in.")
@click.option("--relabel", multiple=True, metavar="SOUND:N=OTHER",
              help="A sound's take N (from 1) is another's.")
@click.option("--remove", multiple=True, metavar="SOUND[:N]",
              help="Forget a sound, or its take N (from 1).")
@click.option("--undo", is_flag=True, help="As it was before the last edit.")
@click.option("--report", "want_report", is_flag=True,
              help="Tell which sounds are confused, how long to wait, what to give next; with a "
                   "picture beside the profile.")
@click.option("--list", "only_list", is_flag=True, help="Only tell what is taught.")
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")
def command(profile: str, manifest: Path | None, per_class: int | None, sounds: str | None,
            device: str | None, channel: str | None, recording: Path | None, plays: Sequence[str],
            rename: Sequence[str], relabel: Sequence[str], remove: Sequence[str], undo: bool,
            want_report: bool, only_list: bool, as_json: bool) -> None:
    """Teach your own sounds into PROFILE: a file, or a name of your choice.

    Alone it listens: five of each sound, then two bars that it shows you, played twice. Any
    names will do, 2 to 16 of them; a drum's name plays that drum, for others the likeliest one
    is chosen. What is taught already stays; more takes make it surer. Every edit can be undone.

    The report is measured on the takes, each named without its own help, and on a played pattern:
    the one that was played when teaching, or the rows of a manifest after the first N.
    """
    from engine.voice.profile import Profile, known_by
    from engine.voice.profile_file import change_profile, load_profile, profile_path

    if manifest is not None and (sounds or recording):
        raise UsageError("--manifest teaches from files; --sounds and --recording from a lesson")
    if per_class is not None and manifest is None:
        raise UsageError("--per-class goes with --manifest")
    path = profile_path(profile)
    held = load_profile(path) if path.exists() else Profile()
    edits = _edits(plays, rename, relabel, remove, undo)
    new, words = held, ""
    if manifest is not None:
        new, words = _from_manifest(held, manifest, per_class)
    elif sounds or recording or not (edits or want_report or only_list):
        new = _by_ear(held, sounds, device, channel, recording)
    if new is held and not edits and not path.exists():
        raise UsageError(f"{path}: there is no such profile yet; teach one by leaving the other "
                         "options out, or from files with --manifest CSV")

    def change(now: Profile) -> Profile:
        profile = now.with_gained(held, new)    # a lesson lasts: the stage may have kept a take
        for edit, how in edits:
            profile = getattr(profile, edit)(*how)
        return profile if profile is now else known_by(profile)

    _, new = change_profile(path, change, begin=Profile())
    found = None
    if want_report:
        new = known_by(new)
        found = _measured(path, new)
    _tell(path, new, words, found, as_json)


def _measured(path: Path, profile: "Profile") -> "Report":
    """The report; its picture, and the waits it found, are kept."""
    from dataclasses import replace

    from engine.rehearsal.report import report
    from engine.rehearsal.report_picture import draw_report
    from engine.voice.profile import known_by
    from engine.voice.profile_file import change_profile

    found = report(profile)
    change_profile(path, lambda now: now if now.waits == found.waits else
                   replace(known_by(now), waits=found.waits))
    draw_report(path.with_suffix(".png"), found, title=path.stem)
    return found


def _from_manifest(held: "Profile", manifest: Path, per_class: int | None
                   ) -> tuple["Profile", str]:
    from engine.rehearsal.teaching import read_manifest, strikes_from, takes_from, with_new

    rows, rest = read_manifest(manifest, per_class)
    if not rows:
        raise UsageError(f"{manifest}: holds no rows, so there is nothing to learn")
    read = cache(_read)
    new, added = with_new(held, takes_from(rows, read))
    if rest and new is not held:
        new = new.with_played(strikes_from(rest, read))
    known = len(rows) - added
    words = f"{added} takes learned" + (f", {known} were known" if known else "")
    return new, words + (f"; {len(rest)} more rows are kept to be asked about." if rest else ".")


def _by_ear(held: "Profile", sounds: str | None, device: str | None, channel: str | None,
            recording: Path | None) -> "Profile":
    """The lesson, from the microphone or from a recording of it."""
    from engine.rehearsal.guided import Ear, lesson
    from engine.rig import load_rig

    if sounds is None and not sys.stdin.isatty():
        raise UsageError("which sounds? Name them, such as --sounds \"boots, cats, click\"")
    if sounds is None:
        known = ", ".join(held.names) or "kick, snare, hihat"
        sounds = click.prompt("Which sounds, by commas? Any names will do", default=known, err=True)
    names = list(dict.fromkeys(filter(None, map(str.strip, sounds.split(",")))))
    rig = load_rig()
    channel = channel or str(rig.defaults.get("audio-in", {}).get("channel", "1"))
    if recording is not None:
        from engine.devices.files import read_audio
        heard = read_audio(recording)
    else:
        from engine.devices.portaudio import microphone
        heard = microphone(device or rig.device, channel)
    ear = Ear(heard, rig.defaults.get("onset-detector", {}).get("sensitivity_db"))
    try:
        return lesson(held, names, ear, lambda line: click.echo(line, err=True))
    except EOFError:
        raise UsageError(f"{recording}: ends before the lesson does: it needs five of each of "
                         f"{', '.join(names)}, in this order, a second apart") from None


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


def _tell(path: Path, profile: "Profile", words: str, found: "Report | None", as_json: bool
          ) -> None:
    sounds = [{"sound": name, "plays": profile.drum_of(name),
               "takes": len(profile.numbers(name))} for name in profile.names]
    if as_json:
        click.echo(json.dumps({"profile": str(path), "sounds": sounds,
                               "last": profile.page.words, "undo": len(profile.past),
                               **({"report": found.as_data()} if found else {})}))
        return
    if words:
        click.echo(words)
    for sound in sounds:
        click.echo(f"  {sound['sound']:20} {sound['takes']:3} takes, plays {sound['plays']}")
    if found:
        _tell_report(path, found)
    click.echo(f"Kept in {path}. On stage: profile = \"{path.absolute()}\" in [drum-classifier] "
               "of the rig, or in the patch.")


_SHOWN_MS = (8, 12, 16, 24, 32, 48, 64, 100, 200)


def _tell_report(path: Path, found: "Report") -> None:
    """Accuracy at each delay, measured both ways; the confusion at the wait; what to do."""
    from engine.voice.learning import MOMENTS_MS

    moments = [MOMENTS_MS.index(ms) for ms in _SHOWN_MS]
    click.echo("\nNamed right, by the milliseconds you wait:")
    click.echo(" " * 24 + "".join(f"{ms:6}" for ms in _SHOWN_MS))
    rows = [(f"takes ({found.takes.strikes})", found.takes.accuracy)]
    if found.pattern:
        rows.append((f"pattern ({found.pattern.strikes})", found.pattern.accuracy))
    rows += [(f"  {name}", found.deciding.by_sound[:, place])
             for place, name in enumerate(found.names)]
    for name, shares in rows:
        click.echo(f"  {name:22}" + "".join(f"{shares[moment]:6.0%}" for moment in moments))
    if not found.pattern:
        click.echo("  No pattern was played: takes that stand alone flatter.")
    _tell_confusion(found)
    click.echo(f"\nWait {found.wait_ms} ms: no longer wait is more than 2 points better.")
    sooner = [f"{name} {ms:g}" for name, ms in found.waits.items() if ms < found.wait_ms]
    if sooner:
        click.echo("With sooner = true these may leave earlier, ms: " + ", ".join(sooner) + ".")
    for words in (*found.words, *found.next):
        click.echo(click.style("→ ", fg="yellow") + words)
    click.echo(f"Drawn in {path.with_suffix('.png')}.")


def _tell_confusion(found: "Report") -> None:
    from engine.voice.learning import MOMENTS_MS

    counts = found.deciding.confusion[MOMENTS_MS.index(found.wait_ms)]
    named = [*found.names, "nothing"]
    width = max(map(len, named)) + 2
    click.echo(f"\nWhat was played, and what it was called after {found.wait_ms} ms:")
    click.echo(" " * (width + 2) + "".join(f"{name:>{width}}" for name in named))
    for name, row in zip(found.names, counts.tolist(), strict=True):
        click.echo(f"  {name:{width}}" + "".join(f"{count or '·':>{width}}" for count in row))
