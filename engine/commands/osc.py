"""`kuchi osc`: see what arrives, send a message by hand."""

import json
import select
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from engine.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from engine.devices.osc import Inlet
    from engine.osc import Value


@click.group(short_help="See what OSC arrives; send a message by hand.")
def command() -> None:
    """OSC joins Kuchi to visuals, lights and controllers over the network."""


@command.command()
@click.argument("port", type=click.IntRange(1, 65_535), default=7000)
@click.option("--count", type=click.IntRange(min=1), help="End after this many messages.")
@click.option("--allow", multiple=True, metavar="ADDRESS",
              help="Hear this computer or network too, such as 192.168.1.0/24.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a message.")
def monitor(port: int, count: int | None, allow: tuple[str, ...], as_json: bool) -> None:
    """Print each message that arrives at PORT (7000), until Ctrl-C."""
    from engine.devices.osc import Inlet

    inlet = Inlet(port, allow)
    click.echo(f"listening on port {inlet.port}; end with Ctrl-C", err=True)
    try:
        for number, (address, arguments) in enumerate(_arriving(inlet), 1):
            click.echo(json.dumps({"address": address, "arguments": arguments}) if as_json else
                       " ".join([address, *map(_shown, arguments)]))
            if number == count:
                return
    except KeyboardInterrupt:
        click.echo(err=True)
    finally:
        inlet.close()


def _arriving(inlet: "Inlet") -> "Iterator[tuple[str, tuple[Value, ...]]]":
    """Messages as they come; what was dropped is told beside them, once a second at most."""
    told = 0.0
    while True:
        select.select([inlet], [], [], 1.0)
        yield from inlet.receive()
        if time.monotonic() - told >= 1.0 and (news := inlet.news()):
            told = time.monotonic()
            click.echo(news, err=True)


def _shown(value: "Value") -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("target", metavar="HOST:PORT")
@click.argument("address")
@click.argument("values", nargs=-1, type=click.UNPROCESSED, metavar="[VALUE]...")
def send(target: str, address: str, values: tuple[str, ...]) -> None:
    """Send one message: VALUEs are whole numbers, numbers with a point, or texts."""
    from engine.devices.osc import Target
    from engine.osc import OscError, build, read_target

    try:
        if ":" not in target:
            raise ValueError("must name a port too, such as 127.0.0.1:7000")
        host, port = read_target(target, 0)
        datagram = build(address, [_value(text) for text in values])
    except ValueError as error:
        raise UsageError(f"{target}: {error}") from None
    except OscError as error:
        raise UsageError(str(error)) from None
    line = Target(host, port)
    line.send(datagram)
    news = line.news()
    line.close()
    if news:
        raise DeviceError(news)


def _value(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
