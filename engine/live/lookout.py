"""Look out for a sound card that isn't there, beside whatever else goes on."""

import threading

from engine.devices.sound_cards import choose, list_devices
from engine.errors import DeviceError

_AGAIN_S = 0.1


class Lookout:
    """Looks again and again until a card of this name, "" for any, has come.

    after_s : before the first look
    """

    def __init__(self, wanted: str, after_s: float = 0.0) -> None:
        self._wanted = wanted
        self._seen, self._over = threading.Event(), threading.Event()
        threading.Thread(target=self._look, args=(after_s,), daemon=True).start()

    @property
    def seen(self) -> bool:
        """Is it there?"""
        return self._seen.is_set()

    def stop(self) -> None:
        """It isn't looked for any more."""
        self._over.set()

    def _look(self, pause_s: float) -> None:
        while not self._over.wait(pause_s):
            try:
                choose(list_devices(), self._wanted)
            except DeviceError:
                pause_s = _AGAIN_S
                continue
            self._seen.set()
            return
