"""`kuchi doctor`: what a technician would look at before the gig."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.errors import DeviceError, PatchError

if TYPE_CHECKING:
    from engine.rehearsal.doctor import Finding

_COLOURS = {"ok": "green", "look": "yellow", "mend": "red"}

_CARDS_S, _MIDI_S, _TIMER_S = 15.0, 10.0, 15.0      # how long each question may take
_WARM_UP_S = 180.0                                  # a first start compiles
_LISTEN_S = 15.0


@click.command(short_help="Look at this computer, its sound and MIDI, and say what to change.")
@click.option("--device", help="Part of the sound device's name.")
@click.option("--strict", is_flag=True, help="Leave with 3 where there is no sound card.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was found as JSON.")
def command(device: str | None, strict: bool, as_json: bool) -> None:
    """Look at sound cards, MIDI, priorities, delays, the microphone, power, memory and disk.

    Takes some ten seconds, a minute where kernels have to be compiled. Speak into the microphone
    meanwhile. Each finding is ok, worth a look, or to be mended, with what to do.
    """
    findings = []
    for finding in _findings(device):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    cards = sum(finding.values.get("cards", 0) for finding in findings)
    if as_json:
        from dataclasses import asdict
        click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        _sum_up(findings)
    if strict and not cards:
        sys.exit(DeviceError.exit_code)


def _findings(device: str | None) -> "Iterator[Finding]":
    """Everything in turn; nothing runs beside the timer."""
    yield from _of_sound(device)
    yield from _of_midi()
    yield from _of_speed()
    yield from _of_machine()


def _of_sound(device: str | None) -> "Iterator[Finding]":
    from engine.devices import machine
    from engine.devices.probes import ask
    from engine.rehearsal import doctor

    rig_finding, rig_device, channel = _rig()
    try:
        cards = ask("cards", deadline_s=_CARDS_S)
    except DeviceError as error:
        cards = f"the sound drivers give {error}"
    finding = doctor.sound_cards(cards)
    yield finding
    if finding.state != "mend":
        click.echo("  (listening: speak or beatbox into the microphone)", err=True)
        try:
            yield from doctor.microphone(ask("microphone", device or rig_device, channel,
                                             deadline_s=_LISTEN_S))
        except DeviceError as error:
            yield doctor.unknown("microphone", f"the microphone gives {error}")
    if not isinstance(cards, str):
        from engine.rehearsal.loopback import kept
        for card in cards:
            if card["default_input"]:
                yield doctor.loop(card["name"], kept(card["name"]))
    yield doctor.holders(machine.sound_servers(), machine.sound_holders())
    yield rig_finding


def _rig() -> "tuple[Finding, str, str]":
    """What the rig is like, its device and its channel."""
    from engine.rehearsal import doctor
    from engine.rig import load_rig, rig_path

    path = rig_path()
    try:
        rig = load_rig()
    except PatchError as error:
        return doctor.rig(str(path), error.mistakes), "", "1"
    channel = str(rig.defaults.get("audio-in", {}).get("channel", "1"))
    return doctor.rig(str(path), [] if path.exists() else None), rig.device, channel


def _of_midi() -> "Iterator[Finding]":
    from engine.devices.probes import ask
    from engine.rehearsal import doctor

    try:
        found = ask("midi", deadline_s=_MIDI_S)
    except DeviceError as error:
        yield doctor.unknown("MIDI", f"the MIDI driver gives {error}")
        return
    yield doctor.midi(found, sys.platform)
    for port in [] if isinstance(found, str) else found["outputs"]:
        from engine.rehearsal.loopback import kept, midi_name
        if loop := kept(midi_name(port)):
            yield doctor.loop(port, loop, "MIDI out to in")


def _of_speed() -> "Iterator[Finding]":
    from engine.devices.probes import ask
    from engine.rehearsal import doctor

    try:
        timer = ask("timer", deadline_s=_TIMER_S)
        yield doctor.priority(timer["words"], timer["real_time"], timer["asked"])
        yield doctor.wake_ups(timer["p50_ms"], timer["p99_ms"], timer["max_ms"])
        yield doctor.warm_up(**_checked(ask("warm_up", deadline_s=_WARM_UP_S)))
    except DeviceError as error:
        yield doctor.unknown("speed", f"the speed test gives {error}")


def _checked(found: "dict[str, float] | str") -> dict[str, float]:
    if isinstance(found, str):
        raise DeviceError(found)
    return found


def _of_machine() -> "Iterator[Finding]":
    import platformdirs

    from engine.devices import machine
    from engine.rehearsal import doctor

    yield doctor.power(*machine.battery(), machine.governors())
    free = machine.available_mb()
    if free is not None:
        yield doctor.memory(free)
    folder = Path(platformdirs.user_data_dir("kuchi", appauthor=False))
    yield doctor.disk(machine.free_gb(folder), str(folder))


def _tell(finding: "Finding") -> None:
    mark = click.style(f"{finding.state:<5}", fg=_COLOURS[finding.state], bold=True)
    click.echo(f"{mark} {click.style(finding.about, bold=True)}: {finding.words}")
    if finding.mend:
        click.echo("      → " + finding.mend.replace("\n", "\n        "))


def _sum_up(findings: "list[Finding]") -> None:
    count = {state: sum(finding.state == state for finding in findings) for state in _COLOURS}
    click.echo(f"\n{count['ok']} ok, {count['look']} worth a look, {count['mend']} to mend.")
