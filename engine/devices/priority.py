"""Being on time: real-time priority for the threads that need it, in a process that is quiet.

The system itself is asked first (SCHED_FIFO), then rtkit, the service by which a desktop grants
real time; where both refuse, the thread runs as any other. What was got is said in a sentence.
"""

import contextlib
import gc
import os
import subprocess
import sys
import threading

ENGINE = 4                  # below every audio server's own threads, above all that isn't urgent
AUDIO = 60                  # where the driver left its thread at normal priority

_MOST_OF_RTKIT = 20
_LONGEST_US = 200_000       # rtkit wants a limit on real time without a pause
_SWITCH_S = 0.0002          # Python's other threads give way so often


def quieten(name: str) -> str:
    """Make this process do one thing on time: real time here, no collector, quick switches.

    Threads that this one starts from now on have normal priority. Returns what was got.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(_SWITCH_S)
    return raise_priority(name, ENGINE)


def raise_priority(name: str, priority: int, thread: int = 0) -> str:
    """Let a thread, 0 for this one, run in real time; one that does is left as it is.

    name     : whose it is, for the sentence that is returned
    priority : 1..99; rtkit gives at most 20
    """
    if not hasattr(os, "sched_setscheduler"):
        return f"The {name} thread has the priority that this system gives it."
    thread = thread or threading.get_native_id()
    try:
        if _is_real_time(thread):
            return f"The {name} thread runs in real time{_level(thread)}."
        os.sched_setscheduler(thread, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK,
                              os.sched_param(priority))
        return f"The {name} thread runs in real time{_level(thread)}."
    except ProcessLookupError:
        return f"The {name} thread has ended."
    except PermissionError:
        pass
    if _rtkit_grants(thread, min(priority, _MOST_OF_RTKIT)):
        return f"The {name} thread runs in real time{_level(thread)[:-1]}, by rtkit)."
    return (f"The {name} thread runs at normal priority, so other programs may delay it: allow "
            "your user real time (rtprio in /etc/security/limits.d, or rtkit).")


def _is_real_time(thread: int) -> bool:
    policy = os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK
    return policy in (os.SCHED_FIFO, os.SCHED_RR)


def _level(thread: int) -> str:
    fifo = os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
    return f" ({'FIFO' if fifo else 'RR'} {os.sched_getparam(thread).sched_priority})"


def _rtkit_grants(thread: int, priority: int) -> bool:
    """Ask rtkit over the system's bus, by the tool that every desktop with rtkit has."""
    import resource
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_RTTIME, (_LONGEST_US, _LONGEST_US))
    service = "org.freedesktop.RealtimeKit1"
    call = ["busctl", "call", service, "/org/freedesktop/RealtimeKit1", service,
            "MakeThreadRealtimeWithPID", "ttu", str(os.getpid()), str(thread), str(priority)]
    try:
        subprocess.run(call, check=True, capture_output=True, timeout=2.0)
    except (OSError, subprocess.SubprocessError):
        return False
    return _is_real_time(thread)
