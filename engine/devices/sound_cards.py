"""The sound cards that are there, and the one that is meant.

PortAudio is a system library on Linux and may not be there: that is a DeviceError like any other.
It looks for cards once in the life of a process, and to make it look again ends every stream. So
they are listed by a process that is thrown away.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import DeviceError
from engine.units import SAMPLE_RATE

_PREFERRED = ("JACK Audio Connection Kit", "Windows WASAPI")
"""Asked before the system's default: its own is slower by far where one of these runs."""

_RATE_IS_SET_IN = {"JACK Audio Connection Kit": "the JACK server's settings",
                   "Core Audio": "Audio MIDI Setup", "ASIO": "the interface's own panel",
                   "Windows WASAPI": "Windows' sound settings, under the device's properties"}
"""Drivers at which a device has one rate, and everybody must take it."""

_LOOK_S = 15.0                              # how long listing may take

_LOOK = """
import json, os
from engine.devices.sound_cards import as_data, scan
from engine.errors import DeviceError
try:
    found = as_data(scan())
except DeviceError as error:
    found = str(error)
os.write(1, b"\\n" + json.dumps(found).encode())
os._exit(0)                                 # not by way of the drivers, which may hang
"""


@dataclass(frozen=True, slots=True)
class Device:
    """A sound card as its driver shows it; latencies are the lowest it promises, in seconds."""

    number: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    rate: int
    input_latency: float
    output_latency: float
    default_input: bool = False
    default_output: bool = False

    @property
    def called(self) -> str:
        return f"{self.name}, {self.host_api}"

    def matches(self, wanted: str) -> bool:
        """Do all words of `wanted` occur in the name or the host API, in any case?"""
        return all(word in self.called.lower() for word in wanted.lower().replace(",", " ").split())

    def check_rate(self) -> None:
        """Raise DeviceError where the device has one rate, and it isn't ours."""
        where = _RATE_IS_SET_IN.get(self.host_api)
        if where and self.rate != SAMPLE_RATE:
            raise DeviceError(f"{self.called} runs at {self.rate} Hz; Kuchi needs {SAMPLE_RATE}: "
                              f"set it in {where}")


def list_devices() -> list[Device]:
    """What is connected now, found by a process that is thrown away.

    A running stream never notices. Raises DeviceError where PortAudio can't be asked.
    """
    try:
        done = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True,
                              timeout=_LOOK_S, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, json.JSONDecodeError, IndexError):
        raise DeviceError("the sound drivers give no answer: one of them may hang") from None
    if isinstance(found, str):
        raise DeviceError(found)
    return [Device(**device) for device in found]


def as_data(devices: Sequence[Device]) -> list[dict[str, Any]]:
    """Devices as JSON knows them."""
    return [asdict(device) for device in devices]


def scan() -> list[Device]:
    """What was connected when this process first looked."""
    sounddevice = portaudio()
    host_apis = sounddevice.query_hostapis()
    preferred = _host_api(host_apis, sounddevice.default.hostapi)
    return [Device(number, str(info["name"]), str(host_apis[info["hostapi"]]["name"]),
                   int(info["max_input_channels"]), int(info["max_output_channels"]),
                   round(info["default_samplerate"]), float(info["default_low_input_latency"]),
                   float(info["default_low_output_latency"]),
                   number == preferred["default_input_device"],
                   number == preferred["default_output_device"])
            for number, info in enumerate(sounddevice.query_devices())]


def _host_api(host_apis: Sequence[dict[str, Any]], default: int) -> dict[str, Any]:
    """The driver whose defaults are ours."""
    for name in _PREFERRED:
        for host_api in host_apis:
            if host_api["name"] == name and host_api["devices"]:
                return host_api
    if not host_apis:
        return {"default_input_device": -1, "default_output_device": -1}
    return host_apis[max(default, 0)]


def choose(devices: Sequence[Device], wanted: str = "") -> tuple[Device | None, Device | None]:
    """The input and the output meant by part of a name, or the default ones; one may be missing.

    One device for both is taken before two, since two clocks drift; two are of one driver.
    Raises DeviceError where there is none.
    """
    if not wanted.strip():
        source = next((device for device in devices if device.default_input), None)
        target = next((device for device in devices if device.default_output), None)
        if source is None and target is None:
            raise DeviceError("this computer has no sound card, or no driver shows it")
        return source, target
    found = [device for device in devices if device.matches(wanted)]
    if not found:
        names = ", ".join(dict.fromkeys(device.called for device in devices)) or "nothing"
        raise DeviceError(f'no sound card contains "{wanted}"; connected: {names}')
    for device in found:
        if device.inputs and device.outputs:
            return device, device
    alike = [device for device in found if device.host_api == found[0].host_api]
    return (next((device for device in alike if device.inputs), None),
            next((device for device in alike if device.outputs), None))


def look_again() -> None:
    """Find what has been connected since this process first looked; no stream may be open.

    Raises DeviceError where the drivers can't be asked.
    """
    sounddevice = portaudio()
    try:
        sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"the sound drivers can't be asked: {error}") from None


def portaudio() -> Any:
    """The module `sounddevice`. Raises DeviceError where PortAudio isn't installed."""
    os.environ.setdefault("SD_ENABLE_ASIO", "1")            # read on Windows, before the import
    try:
        import sounddevice
    except OSError:
        raise DeviceError("PortAudio isn't installed (on Debian and Ubuntu: apt install "
                          "libportaudio2)") from None
    return sounddevice
