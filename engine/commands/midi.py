"""`kuchi midi`: what is connected, what arrives, and silence."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.devices.midi import Input, Sequencer

_KINDS = {0x80: "note_off", 0x90: "note_on", 0xA0: "aftertouch", 0xB0: "control",
          0xC0: "program", 0xD0: "pressure", 0xE0: "bend", 0xF2: "song_position", 0xF8: "clock",
          0xFA: "start", 0xFB: "continue", 0xFC: "stop"}


@click.group(short_help="List MIDI ports, see what arrives, end every note.")
def command() -> None:
    """MIDI joins Kuchi to DAWs, synths, keyboards and pedals.

    Any part of a port's name is enough to choose it by.
    """


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_ports(as_json: bool) -> None:
    """Name the ports that can be played and those that can be heard."""
    from engine.devices.midi import Sequencer

    sequencer = Sequencer()
    api, outputs, inputs = sequencer.api, sequencer.outputs(), sequencer.inputs()
    sequencer.close()
    if as_json:
        click.echo(json.dumps({"api": api, "outputs": outputs, "inputs": inputs}, indent=1,
                              ensure_ascii=False))
        return
    for title, names in ((f"outputs ({api}): Kuchi can play", outputs),
                         (f"inputs ({api}): Kuchi can hear", inputs)):
        click.echo(click.style(title, bold=True))
        for name in names or ["nothing is connected"]:
            click.echo(f"  {name}")


@command.command()
@click.argument("port", required=False)
@click.option("--count", type=click.IntRange(min=1), help="End after this many messages.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a message.")
def monitor(port: str | None, count: int | None, as_json: bool) -> None:
    """Print each message that comes from PORT, until Ctrl-C.

    Without PORT, a virtual port "Kuchi monitor" waits to be connected.
    """
    from engine.devices.midi import Sequencer

    sequencer = Sequencer()
    opened = sequencer.open_input(_chosen(port, sequencer.inputs()) if port else "Kuchi monitor")
    click.echo(f"listening to {opened.name}; end with Ctrl-C", err=True)
    try:
        for number, (message, seconds) in enumerate(_arriving(opened), 1):
            click.echo(json.dumps({"time": round(seconds, 4), **_read(*message)}) if as_json else
                       f"{seconds:9.3f}  {_line(*message)}")
            if number == count:
                return
    except KeyboardInterrupt:
        click.echo(err=True)
    finally:
        opened.release()
        sequencer.close()


@command.command()
@click.argument("port", required=False)
def panic(port: str | None) -> None:
    """End every note on every channel of PORT, or of all outputs."""
    from engine.devices.midi import Sequencer

    sequencer = Sequencer()
    names = [_chosen(port, sequencer.outputs())] if port else sequencer.outputs()
    for name in names:
        _silence(sequencer, name)
        click.echo(f"{name} is silent")
    sequencer.close()
    if not names:
        click.echo("nothing is connected that could sound")


def _silence(sequencer: "Sequencer", name: str) -> None:
    output = sequencer.open_output(name)
    for channel in range(16):
        for control in (123, 120, 121):
            output.send(0xB0 | channel, control)
        for note in range(128):
            output.send(0x80 | channel, note, 64)
        time.sleep(0.01)                        # no port's buffer need hold more than a channel
    output.close()


def _chosen(port: str, names: list[str]) -> str:
    from engine.devices.midi import find
    from engine.errors import DeviceError

    found = find(port, names)
    if found is None:
        raise DeviceError(f'no MIDI port contains "{port}"; connected: '
                          f'{", ".join(names) or "none"}')
    return found


def _arriving(port: "Input") -> Iterator[tuple[tuple[int, int, int], float]]:
    """Messages as they come, with the seconds since the first."""
    first_ns = 0
    while True:
        message = port.receive()
        if message is None:
            time.sleep(0.001)
            continue
        first_ns = first_ns or message[3]
        yield message[:3], (message[3] - first_ns) / 1e9


def _read(status: int, data1: int, data2: int) -> dict[str, int | str]:
    """A message as words and numbers, channels and programs from 1 as on the gear.

    >>> _read(0x99, 36, 100)
    {'event': 'note_on', 'channel': 10, 'note': 36, 'velocity': 100}
    """
    if status >= 0xF0:
        told: dict[str, int | str] = {"event": _KINDS[status]}
        return told | {"sixteenths": data1 + 128 * data2} if status == 0xF2 else told
    told = {"event": _KINDS[status & 0xF0], "channel": (status & 0x0F) + 1}
    match status & 0xF0:
        case 0x80 | 0x90:
            return told | {"note": data1, "velocity": data2}
        case 0xA0:
            return told | {"note": data1, "value": data2}
        case 0xB0:
            return told | {"number": data1, "value": data2}
        case 0xC0:
            return told | {"number": data1 + 1}
        case 0xD0:
            return told | {"value": data1}
    return told | {"value": data1 + 128 * data2 - 8192}


def _line(status: int, data1: int, data2: int) -> str:
    """The same for the eye.

    >>> _line(0x99, 36, 100)
    'note_on        channel 10  note 36 / C1  velocity 100'
    """
    from engine.units import note_name

    told = _read(status, data1, data2)
    if "note" in told:
        told["note"] = note_name(data1)
    kind = told.pop("event")
    return "  ".join([f"{kind:<13}", *(f"{name} {value}" for name, value in told.items())]).rstrip()
