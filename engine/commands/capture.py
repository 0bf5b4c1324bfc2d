"""`kuchi capture`: keep what I just did, as a kit."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.capture import Captured
    from engine.units import Samples


@click.command(short_help="Make a kit of the sounds you just made, or of a recording's.")
@click.option("--from", "source", type=click.Path(path_type=Path), metavar="FILE",
              help="A recording, instead of what `kuchi run` has just heard.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("my-kit"),
              show_default=True, help="The folder for the kit.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was found as JSON.")
def command(source: Path | None, out: Path, as_json: bool) -> None:
    """Cut, name and sort the sounds since the last pause of two seconds into a kit.

    Without --from it takes the last minute that a running `kuchi run` has heard. The folder holds
    a WAV file a drum and kit.toml, which a hand can edit; `kit = "my-kit"` plays it. Drums that
    no sound fits are the built-in kit's.
    """
    from engine.capture import capture, keep
    from engine.drums import DRUMS

    found = capture(_heard(source))
    keep(found, out, f"Captured from {source.name}" if source else "Captured on stage")
    if as_json:
        click.echo(json.dumps(_as_data(found, out)))
        return
    for drum, sound in found.kit.items():
        sure = sound.chances[DRUMS.index(drum)]
        flaws = f"  ({', '.join(sound.flaws)})" if sound.flaws else ""
        click.echo(f"  {drum:<13} struck at {sound.time:6.2f} s, {sure:4.0%} sure{flaws}")
    click.echo(f"{len(found.sounds)} sounds heard, {len(found.kit)} drums in {out}; "
               f"{len(found.borrowed)} are the built-in kit's.\n"
               f'Play it: kit = "{out}" in the patch\'s drum-sampler.')


def _heard(source: Path | None) -> "Samples":
    import numpy as np

    from engine.devices.files import read_audio
    from engine.live.found import last_minute

    if source is None:
        return last_minute()
    return np.concatenate(list(read_audio(source)))


def _as_data(found: "Captured", out: Path) -> dict[str, object]:
    return {"folder": str(out), "sounds": len(found.sounds), "borrowed": list(found.borrowed),
            "kit": {drum: {"time": round(sound.time, 4), "quality": round(sound.quality, 3),
                           "flaws": list(sound.flaws)} for drum, sound in found.kit.items()}}
