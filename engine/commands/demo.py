"""`kuchi demo`: a beatbox performance through the whole graph, with nothing but this computer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.events import Sent

_SIGNS = {"kick": "●", "snare": "◆", "hihat_closed": "·", "hihat_open": "○", "clap": "▲",
          "rim": "◇"}


@click.command(short_help="Hear it: a beatbox performance through the whole graph.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("kuchi-demo"),
              show_default=True, help="The folder for what it makes.")
@click.option("--play/--no-play", default=True, help="Play the result where there is a device.")
@click.option("--json", "as_json", is_flag=True, help="Tell only what was made, as JSON.")
def command(out: Path, play: bool, as_json: bool) -> None:
    """Sing twelve seconds of synthetic beatbox, play drums with them, and keep what came out.

    Leaves take.mid, out.wav, events.jsonl and take.png in the folder, and voice.wav, the
    performance itself, to try other patches with.
    """
    import soundfile

    from engine.devices.files import TakeFolder
    from engine.errors import FileError
    from engine.events import Hit, Sent
    from engine.mouth import demo_performance
    from engine.patch import load_patch
    from engine.picture import draw_take
    from engine.render import render
    from engine.units import SAMPLE_RATE

    voice, strikes = demo_performance()
    patch = load_patch("beatbox-kit")
    if not as_json:
        click.echo(f"{patch.title}: {patch.about}\n"
                   f"A synthetic mouth sings {len(strikes)} sounds in "
                   f"{len(voice) / SAMPLE_RATE:.0f} seconds; Kuchi hears:\n")
    events: list[Sent] = []
    with TakeFolder(out, sound=True) as files:
        for sent in render(patch, voice, write=files.write):
            files.log(sent)
            events.append(sent)
            if not as_json and isinstance(sent.event, Hit):
                click.echo(_line(sent, sent.event))
    try:
        soundfile.write(out / "voice.wav", voice, SAMPLE_RATE, subtype="PCM_16")
        draw_take(out / "take.png", voice, events, title=f"{patch.title}: a take")
    except (OSError, soundfile.LibsndfileError) as error:
        raise FileError(f"{out}: can't be written: {error}") from None
    hits = [sent for sent in events if isinstance(sent.event, Hit)]
    if as_json:
        click.echo(json.dumps({"folder": str(out), "hits": len(hits), "strikes": len(strikes),
                               "files": sorted(file.name for file in out.iterdir())}))
        return
    waits = sorted((sent.sent - sent.event.time) * 1000 for sent in hits)
    click.echo(f"\n{len(hits)} hits; half of them left within {waits[len(waits) // 2]:.1f} ms of "
               f"their strike, the latest after {waits[-1]:.1f} ms." if waits else "\nNo hits.")
    _listen(out, play)
    click.echo(f"""
  {out}/take.mid      the notes, for any DAW
  {out}/events.jsonl  every event, with when it was heard and when it left
  {out}/take.png      the picture: onsets, hits, delays
  {out}/voice.wav     what the mouth sang

Try next:
  kuchi patch show beatbox-kit                              what you just heard, drawn
  kuchi render beatbox-to-daw {out}/voice.wav --out takes   the same mouth, as MIDI only
  kuchi render beatbox-kit your-own-recording.wav --out takes""")


def _line(sent: "Sent", hit: "object") -> str:
    from engine.events import Hit

    assert isinstance(hit, Hit)
    bar = "█" * max(1, round(hit.velocity * 12))
    return (f"  {hit.time:7.3f} s  {_SIGNS.get(hit.drum, '+')} {hit.drum:<13}{bar:<13}"
            f"sure {hit.confidence:4.0%}   after {(sent.sent - hit.time) * 1000:4.1f} ms")


def _listen(out: Path, play: bool) -> None:
    """Play `out.wav` where a device can be opened; else say where to listen, and why."""
    import soundfile

    from engine.devices import portaudio
    from engine.errors import DeviceError

    where = f"Listen to {out}/out.wav"
    if not play:
        click.echo(f"{where}.")
        return
    samples, _ = soundfile.read(out / "out.wav", dtype="float32")
    seconds = len(samples) / 48_000
    try:
        with click.progressbar(length=round(seconds * 10), label="Playing") as bar:
            name = portaudio.play(samples, lambda at: bar.update(round(at * 10) - bar.pos))
        click.echo(f"Played on {name}; it is kept in {out}/out.wav.")
    except DeviceError as error:
        click.echo(f"{where} ({error}).")
