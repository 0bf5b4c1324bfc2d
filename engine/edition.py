"""Which edition of a file this is: a file that somebody has edited is another edition of itself.

What the stage has written into a profile it knows already. Such a file says at its very end which
edition it goes on with, and is no other.
"""

import zipfile
from pathlib import Path

GOES_ON_WITH = b"goes on with "


def edition(path: Path) -> str:
    """A word that changes when somebody else writes the file; "" where there is none."""
    try:
        with zipfile.ZipFile(path) as whole:
            if whole.comment.startswith(GOES_ON_WITH):
                return whole.comment.removeprefix(GOES_ON_WITH).decode("ascii", "replace")
    except (OSError, zipfile.BadZipFile):
        pass                                    # it isn't a profile, or not a whole one
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size}"
