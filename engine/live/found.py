"""The stage that plays on this computer, for commands that come by: where its memory is."""

import os
from multiprocessing import resource_tracker
from pathlib import Path

from engine.errors import FileError
from engine.live.shared import SharedBlock
from engine.units import Samples


def place() -> Path:
    """The file that names the stage's memory, while one plays."""
    import platformdirs
    return Path(platformdirs.user_state_dir("kuchi", appauthor=False)) / "stage"


def announce(block: SharedBlock) -> None:
    """Let others find this stage; where that can't be written, they don't."""
    try:
        place().parent.mkdir(parents=True, exist_ok=True)
        place().write_text(f"{os.getpid()} {block.name}\n", encoding="utf-8")
    except OSError:
        return


def withdraw(block: SharedBlock) -> None:
    """The stage is over, unless another has begun since."""
    try:
        if place().read_text(encoding="utf-8").split()[-1:] == [block.name]:
            place().unlink()
    except OSError:
        return


def last_minute() -> Samples:
    """What the running stage has heard, float32 (frames,). FileError where none runs."""
    try:
        name = place().read_text(encoding="utf-8").split()[-1]
        block = SharedBlock(name)
    except (OSError, IndexError):
        raise FileError("no `kuchi run` is playing here: start it and play, or give a recording "
                        "with --from") from None
    resource_tracker.unregister("/" + name.lstrip("/"), "shared_memory")    # it isn't ours to end
    heard = block.last_heard(60.0)
    block.close()
    return heard
