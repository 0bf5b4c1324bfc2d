"""Keep the laptop from falling asleep while it plays."""

import os
import shutil
import subprocess
import sys
from types import TracebackType


class Awake:
    """As long as this context lasts the machine stays awake; `words` says whether it can."""

    words = "This system can't be kept awake from here: turn its sleep off yourself."

    def __enter__(self) -> "Awake":
        self._helper: subprocess.Popen[bytes] | None = None
        if sys.platform == "win32":
            import ctypes
            ctypes.windll.kernel32.SetThreadExecutionState(0x8000_0003)
            self.words = ""
            return self
        for command in (["caffeinate", "-dimsw", str(os.getpid())],
                        ["systemd-inhibit", "--what=idle:sleep", "--who=Kuchi", "--why=playing",
                         "sleep", "infinity"]):
            if shutil.which(command[0]):
                self._helper = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                                stdout=subprocess.DEVNULL,
                                                stderr=subprocess.DEVNULL)
                self.words = ""
                break
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._helper is not None:
            self._helper.terminate()
            self._helper.wait()
        elif sys.platform == "win32":
            import ctypes
            ctypes.windll.kernel32.SetThreadExecutionState(0x8000_0000)
