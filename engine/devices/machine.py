"""What the system tells about this computer: power, memory, disk, and who holds the sound card.

Read from Linux' own files; where a system has none, the answer is "unknown" and never an error.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

SOUND_SERVERS = ("jackd", "jackdbus", "pipewire", "pulseaudio")
_KEEPERS = (*SOUND_SERVERS, "pipewire-pulse", "wireplumber")
_STREAMS = ("pcm", "midi")          # a mixer's controls hold nobody up


def sound_servers(root: Path = Path("/")) -> list[str]:
    """The sound servers that run."""
    running = {name for _, name in _processes(root)}
    return [name for name in SOUND_SERVERS if name in running]


def sound_holders(root: Path = Path("/")) -> list[tuple[str, int, str]]:
    """Programs, other than sound servers, that have a card open: (name, pid, device)."""
    held = []
    for folder, name in _processes(root):
        if name not in _KEEPERS:
            devices = {device for device in _open_files(folder) if device.startswith(_STREAMS)}
            held += [(name, int(folder.name), device) for device in sorted(devices)]
    return held


def _processes(root: Path) -> Iterator[tuple[Path, str]]:
    """Each process' folder and name, by its number."""
    folders = [folder for folder in (root / "proc").glob("[0-9]*") if folder.name.isdigit()]
    for folder in sorted(folders, key=lambda folder: int(folder.name)):
        if name := _word(folder / "comm"):
            yield folder, name


def _open_files(folder: Path) -> Iterator[str]:
    """The sound devices that a process has open, of those that may be seen."""
    with contextlib.suppress(OSError):
        for number in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = number.readlink()
                if target.parent == Path("/dev/snd"):
                    yield target.name


def battery(root: Path = Path("/")) -> tuple[bool | None, int | None]:
    """Does it run on battery, and how many per cent are left? None where that isn't told."""
    supplies = sorted((root / "sys/class/power_supply").glob("*"))
    mains = [_word(supply / "online") for supply in supplies
             if _word(supply / "type") in ("Mains", "USB")]
    for supply in supplies:
        if _word(supply / "type") == "Battery" and _word(supply / "scope") != "Device":
            percent = _word(supply / "capacity")
            discharging = _word(supply / "status") == "Discharging" and "1" not in mains
            return discharging, int(percent) if percent.isdigit() else None
    return None, None


def governors(root: Path = Path("/")) -> list[str]:
    """How the processor's cores choose their speed, each way once."""
    files = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")
    return sorted({word for file in files if (word := _word(file))})


def available_mb(root: Path = Path("/")) -> float | None:
    """Memory that programs can still have."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 1000.0
    return None


def free_gb(folder: Path) -> float:
    """Room on the disk where a folder lies or will lie."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e9


def _word(file: Path) -> str:
    """A file's one word; nothing where it can't be read."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return file.read_text().strip()
    return ""
