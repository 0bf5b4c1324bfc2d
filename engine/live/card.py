"""The sound card, opened beside the engine's loop: a driver may take its time, the loop may not.

A card that is lost is not closed: its driver may hang. The process is left instead, and the next
one waits for the card without ever having touched its driver.
"""

import threading
import time

from engine.audio.deck import Deck
from engine.devices import portaudio
from engine.devices.priority import AUDIO, raise_priority
from engine.devices.sound_cards import look_again
from engine.errors import DeviceError
from engine.live.messages import Carded, Open

_FIRST_BLOCK_S = 1.0        # how long the first call is waited for, to name its thread
_PATIENCE_S = 10.0          # a driver that takes longer will never come back


class Card:
    """At most one stream on a deck."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._stream: portaudio.Stream | None = None
        self._outcome: Carded | None = None
        self._began: float | None = None
        self._looked = False

    @property
    def opening(self) -> bool:
        """Is a driver being asked? Until it has answered nobody else may call the deck."""
        return self._began is not None

    @property
    def calls(self) -> bool:
        """Does a card bring the sound?"""
        return self._stream is not None

    @property
    def latency(self) -> float:
        """From what is played to where it is heard at the input again, seconds; 0 with no card."""
        return self._stream.latency if self._stream else 0.0

    @property
    def lost(self) -> bool:
        """Has the card gone, or its driver never answered?"""
        if self._began is not None:
            return time.monotonic() - self._began > _PATIENCE_S
        return self._stream is not None and not self._stream.alive()

    def open(self, wanted: Open) -> None:
        """Begin; `news` tells how it went."""
        if not self.opening and not self.calls:
            self._began = time.monotonic()
            threading.Thread(target=self._open, args=(wanted,), daemon=True).start()

    def news(self) -> Carded | None:
        """How the opening went, once."""
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            self._began = None
        return outcome

    def close(self) -> None:
        """End the calls, if the driver lets us."""
        if self._stream is not None:
            self._stream.close()

    def _open(self, wanted: Open) -> None:
        try:
            if self._looked:
                look_again()
            self._looked = True
            stream = portaudio.open_stream(self._deck, wanted.device, wanted.input_channels,
                                           wanted.output_channels, blocksize=wanted.block)
        except DeviceError as error:
            self._outcome = Carded(False, str(error))
            return
        self._stream = stream
        deadline = time.monotonic() + _FIRST_BLOCK_S
        while not self._deck.thread and time.monotonic() < deadline:
            time.sleep(0.002)
        words = stream.words
        if self._deck.thread:
            words += " " + raise_priority("audio", AUDIO, self._deck.thread)
        self._outcome = Carded(True, words)
