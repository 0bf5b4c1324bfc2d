"""`kuchi plugins`: which LV2 plugins there are, their settings, and whether to trust them."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from engine.audio.lv2.plugins import Plugin
    from engine.audio.lv2.verdicts import Verdict


@click.group(short_help="LV2 plugins: which there are, their settings, their trials.")
def command() -> None:
    """A PLUGIN is its URI, or part of its name."""


@command.command(name="list")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_plugins(words: tuple[str, ...], as_json: bool) -> None:
    """The plugins that are installed, or those with these words in their name or URI."""
    from engine.audio.lv2.plugins import find, installed
    from engine.audio.lv2.verdicts import kept

    chosen = {uri: name for uri, name in installed().items()
              if all(word.casefold() in f"{name} {uri}".casefold() for word in words)}
    rows = []
    for uri, name in chosen.items():
        plugin = find(uri)
        verdict = kept(plugin)
        state = plugin.refusal() or (_said(verdict) if verdict else "not probed yet")
        rows.append({"uri": uri, "name": name, "what": _what(plugin), "state": state})
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        click.echo(f"{row['name']}  ({row['what']})\n    {row['uri']}\n    {row['state']}")


@command.command()
@click.argument("plugin")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(plugin: str, as_json: bool) -> None:
    """What a plugin can be set to, its presets, and what its trial found."""
    from engine.audio.lv2.plugins import find, presets
    from engine.audio.lv2.verdicts import kept
    from engine.nodes.lv2_plugin import Lv2Plugin, PluginParam

    found = find(plugin)
    verdict, refusal = kept(found), found.refusal()
    settings = [] if refusal else [
        {"name": param.name, "default": param.default, "unit": param.unit, "low": param.low,
         "high": param.high, "choices": list(param.choices), "allowed": param.allowed,
         "help": param.help}
        for param in Lv2Plugin.of({"plugin": found.uri}).params().values()
        if isinstance(param, PluginParam)]
    if as_json:
        click.echo(json.dumps({"uri": found.uri, "name": found.name, "what": _what(found),
                               "settings": settings, "presets": list(presets(found)),
                               "refused": refusal or (verdict.refused if verdict else None),
                               "latency": verdict.latency if verdict else None}, indent=1))
        return
    click.echo(click.style(found.name, bold=True) + f"  ({_what(found)})\n{found.uri}")
    click.echo(refusal or (_said(verdict) if verdict else "not probed yet: it is before it first "
                                                          "plays, or by `kuchi plugins probe`"))
    width = max((len(setting["name"]) for setting in settings), default=0)
    for setting in settings:
        default = f"{setting['default']:g}" if isinstance(
            setting["default"], int | float) else setting["default"]
        click.echo(f"  {setting['name']:<{width}}  {default}  ({setting['allowed']})  "
                   f"{setting['help']}")
    if known := presets(found):
        click.echo("presets: " + ", ".join(known))


@command.command()
@click.argument("plugins", nargs=-1, metavar="PLUGIN...")
@click.option("--all", "every", is_flag=True, help="Try every plugin that is installed.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def probe(plugins: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Try plugins in a process of their own, and keep the verdict. Leaves with 5 if one fails."""
    from engine.audio.lv2 import verdicts
    from engine.audio.lv2.plugins import find, installed

    if not plugins and not every:
        raise click.UsageError("Name a plugin, or say --all.")
    found = []
    for name in installed() if every else plugins:
        plugin = find(name)
        if every and plugin.refusal():
            continue
        verdict = verdicts.probe(plugin)
        found.append({"uri": plugin.uri, "name": plugin.name, "refused": verdict.refused,
                      "block_us": verdict.block_us, "slow_us": verdict.slow_us,
                      "latency": verdict.latency})
        if not as_json:
            click.echo(f"{plugin.name}: {_said(verdict)}")
    if as_json:
        click.echo(json.dumps(found, indent=1))
    sys.exit(5 if any(row["refused"] for row in found) else 0)


def _what(plugin: "Plugin") -> str:
    """`instrument, 2 out`, `effect, 1 in, 2 out`."""
    hears, gives = (len(plugin.audio(inputs=side)) for side in (True, False))
    kind: Any = "instrument" if plugin.midi and not hears else "effect"
    counts = [f"{count} {way}" for count, way in ((hears, "in"), (gives, "out")) if count]
    notes = ["notes"] if plugin.midi and hears else []
    return ", ".join([kind, *notes, *counts])


def _said(verdict: "Verdict") -> str:
    if verdict.refused:
        return f"refused: {verdict.refused}"
    delay = f", {verdict.latency} frames late" if verdict.latency else ""
    return (f"may play: {verdict.block_us:.1f} µs a block of 64 frames, one in a hundred "
            f"{verdict.slow_us:.0f}{delay}")
