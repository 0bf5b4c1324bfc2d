"""The sound card, by way of PortAudio; imported only when one is wanted.

PortAudio is a system library on Linux and may not be there: that is a DeviceError like any other.
"""

from collections.abc import Callable
from typing import Any

from engine.errors import DeviceError
from engine.units import SAMPLE_RATE, Samples


def play(samples: Samples, while_playing: Callable[[float], None]) -> str:
    """Play float32 (frames, 2) on the default output; returns the device's name.

    `while_playing` is told the seconds played, some fifty times a second. Raises DeviceError
    where no output can be opened.
    """
    sounddevice = _sounddevice()
    if sounddevice.default.device[1] < 0:
        raise DeviceError("this computer has no sound output that is free")
    place = 0

    def fill(out: Any, frames: int, _time: Any, _status: Any) -> None:
        nonlocal place
        piece = samples[place:place + frames]
        out[:len(piece)] = piece
        out[len(piece):] = 0.0
        place += frames
        if place >= len(samples):
            raise sounddevice.CallbackStop

    try:
        name = str(sounddevice.query_devices(kind="output")["name"])
        stream = sounddevice.OutputStream(samplerate=SAMPLE_RATE, channels=2, dtype="float32",
                                          latency="high", callback=fill)
        with stream:
            while stream.active:
                while_playing(max(0.0, place / SAMPLE_RATE - stream.latency))
                sounddevice.sleep(20)
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DeviceError(f"no sound device could be opened: {error}") from None
    return name


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError:
        raise DeviceError("PortAudio isn't installed (on Debian and Ubuntu: apt install "
                          "libportaudio2)") from None
    return sounddevice
