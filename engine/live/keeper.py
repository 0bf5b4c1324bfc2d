"""Keep what I just did, on stage: a kit is made beside everything else, and comes in when done."""

import threading
from pathlib import Path

from engine.errors import KuchiError
from engine.units import Samples


class Keeper:
    """At most one capture at a time."""

    def __init__(self) -> None:
        self._busy = False
        self._said: str = ""
        self._kit: Path | None = None

    def begin(self, heard: Samples) -> bool:
        """Make a kit of this; False where one is still being made."""
        if self._busy:
            return False
        self._busy = True
        threading.Thread(target=self._make, args=(heard,), daemon=True).start()
        return True

    def news(self) -> tuple[str, Path | None] | None:
        """Once: what came of it, in words, and the kit's folder where there is one."""
        if not self._said:
            return None
        said, self._said = self._said, ""
        self._busy = False
        return said, self._kit

    def _make(self, heard: Samples) -> None:
        self._kit = None
        try:
            from engine.capture import capture, keep
            found, folder = capture(heard), free_folder()
            keep(found, folder, "Captured on stage")
        except KuchiError as error:
            self._said = f"Nothing was kept: {error}"
        except Exception as error:                  # a mistake of ours must not end the show
            self._said = f"Nothing was kept: {type(error).__name__}: {error}"
        else:
            self._kit = folder
            self._said = (f"Kept: {', '.join(found.kit)} of {len(found.sounds)} sounds, "
                          f"in {folder}.")


def free_folder() -> Path:
    """The next folder for a kit, among those of earlier evenings."""
    import platformdirs
    kits = Path(platformdirs.user_data_dir("kuchi", appauthor=False)) / "kits"
    number = 1
    while (folder := kits / f"take-{number}").exists():
        number += 1
    return folder
