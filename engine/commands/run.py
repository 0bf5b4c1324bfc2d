"""`kuchi run`: on stage."""

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.live.command import Stage

_FRAME_S = 1 / 15
_KEYS = {"esc": "panic", "backspace": "panic", "n": "next", "p": "previous", "space": "listen",
         "t": "tap", "s": "save"}


@click.command(short_help="Play live: a microphone in, drums, MIDI and OSC out.")
@click.argument("patches", nargs=-1, metavar="[PATCH]...")
@click.option("--device", help="Part of the sound device's name.")
@click.option("--no-audio", is_flag=True, help="Run without a sound card, on a timer.")
@click.option("--rig", type=click.Path(path_type=Path), help="Another rig.toml.")
@click.option("--log", type=click.Path(path_type=Path), metavar="FILE",
              help="Write every event there, a line of JSON each.")
@click.option("--seconds", type=float, help="Stop by itself after so long.")
def command(patches: tuple[str, ...], device: str | None, no_audio: bool, rig: Path | None,
            log: Path | None, seconds: float | None) -> None:
    """Play PATCH (beatbox-kit if none is named); several are a set list.

    Keys: space listens or doesn't, Esc or Backspace is panic, n and p are the next and the
    previous patch, t taps the tempo, s saves what was changed live, q leaves. A patch that is
    edited while it plays comes in at once.
    """
    import signal

    from engine.devices.awake import Awake
    from engine.devices.console import Keys
    from engine.live.command import Stage

    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: stopped.append(got))
    stage = Stage(patches or ("beatbox-kit",), rig=rig, device=device, audio=not no_audio,
                  log=log, tell=_tell)
    end = time.monotonic() + seconds if seconds else None
    try:
        with Awake() as awake, Keys() as keys:
            if awake.words:
                _tell(awake.words)
            while not stopped and (end is None or time.monotonic() < end):
                stage.step(_FRAME_S)
                key = keys.pressed()
                if key == "q":
                    break
                _do(stage, key)
                if sys.stdout.isatty():
                    _draw(stage)
    finally:
        stage.close()
    if signal.SIGINT in stopped:
        sys.exit(130)


def _do(stage: "Stage", key: str) -> None:
    """What the rig's `key.<name>` says, or the key's own meaning."""
    action = stage.keys.get(key) or _KEYS.get(key)
    if action == "panic":
        stage.panic()
    elif action == "save":
        stage.save()
    elif action:
        stage.set(action, True)


def _tell(line: str) -> None:
    if not line:
        return
    clear = "\r\x1b[J" if sys.stdout.isatty() else ""
    click.echo(clear + line)
    sys.stdout.flush()


def _draw(stage: "Stage") -> None:
    """Three lines that are redrawn: the state, the level with advice, the last hits."""
    picture = stage.picture()
    colour = {"LISTENING": "green", "NOT LISTENING": "yellow"}.get(picture.state, "red")
    filled = max(0, min(30, round((picture.peak_db + 60) / 2)))
    hits = "  ".join(f"{drum} {velocity:.0%} {late:.0f} ms"
                     for _, drum, velocity, _, late in picture.hits[-4:])
    width = shutil.get_terminal_size().columns
    lines = [click.style(f" {picture.state} ", bg=colour, fg="black", bold=True)
             + f" {stage.path.stem}",
             f"[{'█' * filled}{' ' * (30 - filled)}] {picture.peak_db:5.0f} dB  {picture.advice}",
             hits[:width - 1]]
    sys.stdout.write("\r\x1b[J" + "\n".join(lines) + f"\x1b[{len(lines) - 1}A\r")
    sys.stdout.flush()
