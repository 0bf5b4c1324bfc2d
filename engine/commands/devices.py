"""`kuchi devices`: the sound cards that are connected, by driver."""

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.devices.sound_cards import Device


@click.command(short_help="List the sound cards that are connected.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> None:
    """Name each card's inputs, outputs, rate and lowest latency; leaves with 3 where none is.

    Any part of a name, with or without the driver's, is enough to choose a card by. A ✓ marks
    what is used where none is chosen.
    """
    from engine.devices.sound_cards import as_data, list_devices
    from engine.errors import DeviceError

    devices = list_devices()
    if as_json:
        click.echo(json.dumps(as_data(devices), indent=1, ensure_ascii=False))
        sys.exit(0 if devices else DeviceError.exit_code)
    if not devices:
        raise DeviceError("this computer has no sound card, or no driver shows it")
    width = max(len(device.name) for device in devices)
    for host_api in dict.fromkeys(device.host_api for device in devices):
        click.echo(click.style(host_api, bold=True))
        for device in devices:
            if device.host_api == host_api:
                click.echo(_line(device, width))


def _line(device: "Device", width: int) -> str:
    from engine.errors import DeviceError

    sides = [(device.inputs, device.input_latency, device.default_input, "in"),
             (device.outputs, device.output_latency, device.default_output, "out")]
    told = [f"{'✓' if used else ' '} {count:>2} {side}, {latency * 1000:.1f} ms" if count else ""
            for count, latency, used, side in sides]
    try:
        device.check_rate()
        advice = ""
    except DeviceError as error:
        advice = ": " + str(error).rpartition("; ")[2]
    return (f"  {device.name:<{width}}  {told[0]:<18}{told[1]:<18}{device.rate:>6} Hz{advice}")
