"""The computer's own keys while a command runs: one press at a time, without Return."""

import os
import select
import sys
from types import TracebackType


class Keys:
    """Use as a context; `pressed` gives names such as "space", "esc", "backspace", "a"."""

    _NAMES = {" ": "space", "\x1b": "esc", "\x7f": "backspace", "\x08": "backspace",
              "\r": "enter", "\n": "enter", "\t": "tab"}

    def __enter__(self) -> "Keys":
        self._there = sys.stdin.isatty()
        if self._there and sys.platform != "win32":
            import termios
            import tty
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._there and sys.platform != "win32":
            import termios
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def pressed(self) -> str:
        """The next key that was pressed, or nothing; never waits."""
        if not self._there:
            return ""
        if sys.platform == "win32":
            import msvcrt
            key = msvcrt.getwch() if msvcrt.kbhit() else ""
        elif select.select([sys.stdin], [], [], 0)[0]:
            key = os.read(sys.stdin.fileno(), 16).decode("utf-8", "replace")
        else:
            key = ""
        return self._NAMES.get(key, key)
