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
@click.option("--melody", is_flag=True,
              help="Calls on a keyboard and their answers, instead of beatbox.")
@click.option("--beatbox", is_flag=True,
              help="A mouth's own sounds become a kit, and a friend joins in for sixteen bars.")
@click.option("--seed", type=int, default=0,
              help="With --melody or --beatbox: another seed, other answers.")
@click.option("--play/--no-play", default=True, help="Play the result where there is a device.")
@click.option("--json", "as_json", is_flag=True, help="Tell only what was made, as JSON.")
def command(out: Path, melody: bool, beatbox: bool, seed: int, play: bool, as_json: bool) -> None:
    """Sing twelve seconds of synthetic beatbox, play drums with them, and keep what came out.

    Leaves take.mid, out.wav, events.jsonl and take.png in the folder, and voice.wav, the
    performance itself, to try other patches with. With --melody, four phrases are played on a
    keyboard and answered: take.mid, calls.mid, out.wav, events.jsonl and roll.png. With
    --beatbox, a dozen sounds become a kit, and a friend plays sixteen bars with the mouth: kit/,
    out.wav, take.mid, events.jsonl, voice.wav and song.png.
    """
    if beatbox:
        _beatbox(out, seed, play, as_json)
        return
    if melody:
        _melody(out, seed, play, as_json)
        return
    import soundfile

    from engine.devices.files import TakeFolder
    from engine.errors import FileError
    from engine.events import Hit, Sent
    from engine.mouth import demo_performance
    from engine.patch import load_patch
    from engine.picture import draw_take
    from engine.rendering import render
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
    listened = _show(hits, out / "out.wav", play)
    waits = [(sent.sent - sent.event.time) * 1000 for sent in hits]
    click.echo(f"\n{len(hits)} hits, each between {min(waits):.1f} and {max(waits):.1f} ms after "
               f"its strike. {listened}" if hits else f"\nNo hits. {listened}")
    click.echo(f"""
  {out}/take.mid      the notes, for any DAW
  {out}/events.jsonl  every event, with when it was heard and when it left
  {out}/take.png      the picture: onsets, hits, delays
  {out}/voice.wav     what the mouth sang

Try next:
  kuchi patch show beatbox-kit                              what you just heard, drawn
  kuchi render beatbox-to-daw {out}/voice.wav --out takes   the same mouth, as MIDI only
  kuchi render beatbox-kit your-own-recording.wav --out takes""")


def _show(hits: "list[Sent]", wav: Path, play: bool) -> str:
    """Show each hit as it sounds, where a device can be opened; else at once. How it went."""
    import soundfile

    from engine.devices import portaudio
    from engine.errors import DeviceError

    coming = list(hits)

    def show(until: float) -> None:
        while coming and coming[0].sent <= until:
            click.echo(_line(coming.pop(0)))

    said = f"Listen to {wav}."
    if play:
        samples, _ = soundfile.read(wav, dtype="float32")
        try:
            said = f"Played on {portaudio.play(samples, show)}; it is kept in {wav}."
        except DeviceError as error:
            said = f"Listen to {wav} ({error})."
    show(float("inf"))
    return said


def _line(sent: "Sent") -> str:
    from engine.events import Hit

    hit = sent.event
    assert isinstance(hit, Hit)
    bar = "█" * max(1, round(hit.velocity * 12))
    return (f"  {hit.time:7.3f} s  {_SIGNS.get(hit.drum, '+')} {hit.drum:<13}{bar:<13}"
            f"sure {hit.confidence:4.0%}   after {(sent.sent - hit.time) * 1000:4.1f} ms")


def _melody(out: Path, seed: int, play: bool, as_json: bool) -> None:
    """Calls and answers, kept and told."""
    from engine.demos.melody import BEAT_S, BPM, CALLS
    from engine.demos.melody import play as play_calls
    from engine.demos.roll import draw_roll
    from engine.devices.files import TakeFolder, write_midi
    from engine.errors import FileError
    from engine.events import NoteOff, NoteOn, Sent
    from engine.music.keys import key_name

    with TakeFolder(out, sound=True) as files:
        demo = play_calls(seed, files.write)
        for sent in demo.sent:
            files.log(sent)
    said = [sent.event for sent in demo.sent
            if sent.node == "duet" and isinstance(sent.event, NoteOn | NoteOff)]
    try:
        write_midi(out / "calls.mid", [Sent(note.time, "call", note) for note in demo.calls])
        draw_roll(out / "roll.png", demo.calls, said, demo.chords, beat_s=BEAT_S,
                  title="Calls and answers")
    except OSError as error:
        raise FileError(f"{out}: can't be written: {error}") from None
    if as_json:
        click.echo(json.dumps({"folder": str(out), "calls": len(CALLS),
                               "answer_notes": len(demo.answers), "bpm": BPM,
                               "files": sorted(file.name for file in out.iterdir())}))
        return
    click.echo(f"{len(CALLS)} calls of two bars at {BPM:g} bpm, each answered with two:")
    for number in range(len(CALLS)):
        begin = 16 * number * BEAT_S
        words = [[key_name(note.note) for note in notes if isinstance(note, NoteOn)
                  and start - 0.1 <= note.time < start + 8 * BEAT_S - 0.1]
                 for notes, start in ((demo.calls, begin), (said, begin + 8 * BEAT_S))]
        click.echo(f"  {' '.join(words[0])}\n    → {' '.join(words[1])}")
    listened = _show([], out / "out.wav", play)
    click.echo(f"""{listened}

  {out}/roll.png     the piano roll: calls and answers
  {out}/take.mid     the answers and the chords, for any DAW
  {out}/calls.mid    the calls, to play to other patches

Try next:
  kuchi run melody-duet                                     your own keyboard
  kuchi render melody-duet {out}/calls.mid --out takes      the same calls, another patch""")


def _beatbox(out: Path, seed: int, play: bool, as_json: bool) -> None:
    """A kit of the mouth's own sounds, and a song on it with the friend."""
    import shutil

    import soundfile

    from engine.audio.kit_folder import KIT_FILE
    from engine.demos.beatbox import FRIEND, PERFORMER, capture_kit, draw_song, play_song
    from engine.devices.files import TakeFolder
    from engine.errors import FileError
    from engine.events import Hit
    from engine.units import SAMPLE_RATE

    folder = out / "kit"
    if (folder / KIT_FILE).is_file():               # of the last demo
        shutil.rmtree(folder)
    kit = capture_kit(folder, seed)
    if not as_json:
        click.echo(f"A synthetic mouth shows {len(kit.sounds)} sounds; they become a kit:")
        for drum, sound in kit.kit.items():
            click.echo(f"  {_SIGNS.get(drum, '+')} {drum:<13} struck at {sound.time:5.2f} s")
        click.echo("\nIt beats two bars, and a friend joins in for sixteen:\n")
    with TakeFolder(out, sound=True) as files:
        song = play_song(kit, folder, seed, files.write)
        for sent in song.events:
            files.log(sent)
    try:
        soundfile.write(out / "voice.wav", song.voice, SAMPLE_RATE, subtype="PCM_16")
        draw_song(out / "song.png", song)
    except (OSError, soundfile.LibsndfileError) as error:
        raise FileError(f"{out}: can't be written: {error}") from None
    mine, friend = song.hits(PERFORMER), song.hits(FRIEND)
    if as_json:
        click.echo(json.dumps({"folder": str(out), "kit": list(kit.kit), "hits": len(mine),
                               "friend": len(friend),
                               "files": sorted(file.name for file in out.iterdir())}))
        return
    said = _show([sent for sent in song.events if sent.node in (PERFORMER, FRIEND)
                  and isinstance(sent.event, Hit)], out / "out.wav", play)
    click.echo(f"""
{len(mine)} hits of the mouth, {len(friend)} of the friend. {said}

  {out}/kit/         the mouth's sounds as a kit; kit.toml may be edited
  {out}/take.mid     the notes: channel 10 the mouth, 11 the friend
  {out}/song.png     the picture: performer and machine
  {out}/voice.wav    what the mouth sang

Try next:
  kuchi capture --from your-own-recording.wav --out my-kit
  kuchi run beatbox-and-friend""")
