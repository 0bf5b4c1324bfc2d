"""A stream of sound to and from a card, by way of PortAudio.

After a driver's death PortAudio may hang when a stream is closed. A process that has lost its
card is best ended and started anew.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from engine.audio.callback import callback
from engine.audio.deck import Deck
from engine.devices.sound_cards import Device, choose, portaudio, scan
from engine.errors import DeviceError
from engine.units import SAMPLE_RATE, Samples

_BAD_RATE, _TAKEN = -9997, -9985            # PortAudio's numbers for these
_LOST_NS, _LOST_PERIODS = 250_000_000, 8
_STRETCH = 2048                             # frames that are handed on at once
_PATIENCE_S = 2.0                           # how late a recording may become full


class Stream:
    """A sound card that calls a deck, and owns all that it touches while it does.

    words   : str     the card, its channels and latency, in a sentence
    latency : float   seconds from what is played to where it would be heard, by way of the air
    """

    def __init__(self, deck: Deck, stream: Any, words: str, latency: float = 0.0) -> None:
        self.words = words
        self.latency = latency
        self._deck = deck
        self._stream = stream
        self._opened_ns = time.monotonic_ns()
        self._closing: threading.Thread | None = None

    def alive(self) -> bool:
        """Has the card called lately? No call for 250 ms, or 8 of its blocks, is a lost card.

        PortAudio doesn't notice a pulled cable; the heart's beat stops all the same.
        """
        last_ns = max(self._opened_ns, self._deck.mark[1])
        patience_ns = max(_LOST_NS, _LOST_PERIODS * int(self._deck.period_s * 1e9))
        return time.monotonic_ns() - last_ns < patience_ns

    def close(self, deadline_s: float = 2.0) -> bool:
        """End the calls. False where PortAudio hasn't let go in time, as after a driver's death.

        Then this process can't get rid of it, and must be left by `os._exit`, or be killed.
        """
        if self._closing is None:
            self._closing = threading.Thread(target=self._stream.close, daemon=True)
            self._closing.start()
        self._closing.join(deadline_s)
        return not self._closing.is_alive()


def open_stream(deck: Deck, device: str | None = None, input_channels: int = 1,
                output_channels: int = 2, *, blocksize: int = 0, latency: str = "low") -> Stream:
    """Let a sound card call a deck, and begin.

    device    : part of its name, with or without its driver's; none is the default one
    channels  : at most so many are opened; a card may have fewer, or only one side
    blocksize : frames; 0 is whatever the driver works in, which is the quickest

    Raises DeviceError where there is no such card, or it runs at another rate, or is taken.
    """
    sounddevice = portaudio()
    source, target = choose(scan(), device or "")
    inputs = min(input_channels, source.inputs) if source else 0
    outputs = min(output_channels, target.outputs) if target else 0
    used = [card for card, channels in ((source, inputs), (target, outputs)) if card and channels]
    for card in used:
        card.check_rate()
    if not used:
        raise DeviceError(f'"{device}" has neither inputs nor outputs')
    from _sounddevice import ffi
    deck.fit(inputs, outputs)
    numbers, channels = [card.number for card in used], [n for n in (inputs, outputs) if n]
    kind = "duplex" if len(used) == 2 else "input" if inputs else "output"
    try:
        stream = sounddevice._StreamBase(
            kind, samplerate=SAMPLE_RATE, blocksize=blocksize, dtype="float32", latency=latency,
            device=numbers if len(used) == 2 else numbers[0],
            channels=channels if len(used) == 2 else channels[0],
            callback=ffi.cast("PaStreamCallback *", callback.address),
            userdata=ffi.cast("void *", deck.address))
        stream.start()
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DeviceError(_explain(used[0], error)) from None
    told = stream.latency
    return Stream(deck, stream, _words(used, inputs, outputs, told),
                  sum(told) if isinstance(told, tuple) else float(told))


def _explain(device: Device, error: Exception) -> str:
    number = error.args[1] if len(error.args) > 1 else 0
    if number == _BAD_RATE:
        return f"{device.called} doesn't run at {SAMPLE_RATE} Hz, and Kuchi needs it"
    if number == _TAKEN:
        return f"{device.called} is taken: another program, such as a DAW, may hold it"
    return f"{device.called} can't be opened: {error.args[0] if error.args else error}"


def _words(used: Sequence[Device], inputs: int, outputs: int, latency: Any) -> str:
    """`Scarlett 2i2, ALSA: 1 in, 2 out, 48000 Hz; latency 1.3 ms in, 2.7 ms out.`

    JACK tells the latency of a stream before it is connected, so the device's own counts too.
    """
    names = " and ".join(dict.fromkeys(card.called for card in used))
    told = list(latency) if isinstance(latency, tuple) else [latency]
    counts, waits = [], []
    if inputs:
        counts.append(f"{inputs} in")
        waits.append(f"{max(told[0], used[0].input_latency) * 1000:.1f} ms in")
    if outputs:
        counts.append(f"{outputs} out")
        waits.append(f"{max(told[-1], used[-1].output_latency) * 1000:.1f} ms out")
    drift = "; two devices, whose clocks may drift apart" if len({*used}) > 1 else ""
    return f"{names}: {', '.join(counts)}, {SAMPLE_RATE} Hz; latency {', '.join(waits)}{drift}."


def play(samples: Samples, while_playing: Callable[[float], None]) -> str:
    """Play float32 (frames, 2) on the default output; returns the device's name.

    `while_playing` is told the seconds played, some fifty times a second. Raises DeviceError
    where no output can be opened.
    """
    sounddevice = portaudio()
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


def listen(device: str | None) -> Iterator[Samples]:
    """Sound from an input for as long as it is asked for: float32 (frames, channels), two at most.

    Raises DeviceError where no input can be opened, or it stops giving sound.
    """
    sounddevice = portaudio()
    source, _ = choose(scan(), device or "")
    if source is None or not source.inputs:
        raise DeviceError(f'{f"{device!r}" if device else "this computer"} has no sound input')
    source.check_rate()
    heard: SimpleQueue[Samples] = SimpleQueue()

    def take(block: Any, _frames: int, _time: Any, _status: Any) -> None:
        heard.put(block.copy())

    try:
        with sounddevice.InputStream(samplerate=SAMPLE_RATE, device=source.number, dtype="float32",
                                     channels=min(2, source.inputs), latency="high",
                                     blocksize=_STRETCH, callback=take):
            while True:
                yield heard.get(timeout=_PATIENCE_S)
    except Empty:
        raise DeviceError(f"{source.called} gives no sound any more: is its cable in?") from None
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DeviceError(_explain(source, error)) from None


def microphone(device: str | None, channel: str) -> Iterator[Samples]:
    """One input of two ("1", "2"), or their mean ("1+2"), as `listen` gives them."""
    for block in listen(device):
        if channel == "2" and block.shape[1] < 2:
            raise DeviceError("this device has one input only; leave --channel out")
        yield (block.mean(axis=1) if channel == "1+2"
               else np.ascontiguousarray(block[:, int(channel) - 1]))


def record(seconds: float, device: str | None, while_recording: Callable[[float, float], None]
           ) -> tuple[Samples, str]:
    """Record float32 (frames, channels), two channels at most; returns it and the device's name.

    `while_recording` is told the seconds recorded and the last peak, some fifty times a second.
    Raises DeviceError where no input can be opened, or it stops giving sound.
    """
    sounddevice = portaudio()
    source, _ = choose(scan(), device or "")
    if source is None or not source.inputs:
        raise DeviceError(f'{f"{device!r}" if device else "this computer"} has no sound input')
    source.check_rate()
    recorded = np.zeros((round(seconds * SAMPLE_RATE), min(2, source.inputs)), np.float32)
    place, peak = 0, 0.0

    def take(heard: Any, _frames: int, _time: Any, _status: Any) -> None:
        nonlocal place, peak
        piece = heard[:len(recorded) - place]
        recorded[place:place + len(piece)] = piece
        place, peak = place + len(piece), float(np.abs(heard).max(initial=0.0))

    deadline = time.monotonic() + seconds + _PATIENCE_S
    try:
        with sounddevice.InputStream(samplerate=SAMPLE_RATE, device=source.number, dtype="float32",
                                     channels=recorded.shape[1], latency="high", callback=take):
            while place < len(recorded):
                if time.monotonic() > deadline:
                    raise DeviceError(f"{source.called} has given {place / SAMPLE_RATE:.1f} s of "
                                      "sound and no more: is its cable in?")
                while_recording(place / SAMPLE_RATE, peak)
                sounddevice.sleep(20)
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DeviceError(_explain(source, error)) from None
    return recorded, source.called
