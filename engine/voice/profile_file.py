"""A profile as one file that can be mailed, kept and opened by anything: a zip.

    profile.json      names, what each plays, which take is whose, the edits that can be undone
    takes/0001.flac   each take, 24 bits at 48 kHz, to be listened to
    heard.npz         what the drum model made of each take, and what was learned from all

Nothing in it is ever run. A file that isn't whole, or isn't a profile, is refused and left as it
is; a new one takes the old one's place only when it is complete.
"""

import contextlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from engine.edition import GOES_ON_WITH, edition
from engine.errors import FileError
from engine.units import SAMPLE_RATE, Samples
from engine.voice.learning import Heads
from engine.voice.profile import FULL_SCALE, Heard, Page, Profile, Take

SUFFIX = ".kuchi"
KIND, VERSION = "kuchi profile", 1

_MOST_BYTES = 256 << 20         # unpacked: 16 sounds of a hundred takes, and their past
_DATE = (1980, 1, 1, 0, 0, 0)   # so that the same takes are the same file
_HEADS = ("weights", "bias", "blend", "kin")
_TRIES = 10                     # to be the only one who writes

_Stamp = tuple[int, int, int]


class _Row(msgspec.Struct):
    """One take in profile.json."""

    number: int
    attack: int
    source: str


class _Sheet(msgspec.Struct):
    """profile.json."""

    kind: str
    version: int
    takes: list[_Row]
    page: Page
    past: list[Page]
    model: str
    learned: list[str]
    waits: dict[str, float]


def profile_path(given: str, folder: Path = Path()) -> Path:
    """The file that is meant: a path from `folder` on, or a bare name among the performer's own."""
    path = Path(given).expanduser()
    if path.suffix or len(path.parts) > 1 or (folder / path).is_file():
        return folder / path
    import platformdirs
    return (Path(platformdirs.user_config_dir("kuchi", appauthor=False)) / "profiles"
            / f"{given}{SUFFIX}")


def save_profile(path: Path, profile: Profile, goes_on_with: str = "") -> None:
    """Write it; the file appears, or changes, only when all of it is there. FileError if it can't.

    goes_on_with : the edition that it stays, see `engine.edition`; a new one unless told
    """
    _put(path, packed(profile, goes_on_with))


def change_profile(path: Path, change: Callable[[Profile], Profile], *,
                   begin: Profile | None = None, goes_on: bool = False
                   ) -> tuple[Profile, Profile]:
    """Read, change and write it. What another program has written meanwhile is not written over:
    it is read, and changed in its turn.

    change  : gives the profile that it is given, where there is nothing to change
    begin   : what is changed where there is no file yet
    goes_on : the file stays the edition that it is
    returns : what stood in the file, and what stands there now

    Raises FileError where it can't be read or written; it is then as it was.
    """
    for _ in range(_TRIES):
        seen, known = _stamp(path), edition(path)
        before = load_profile(path) if begin is None or path.exists() else begin
        after = change(before)
        if after is before or _put(path, packed(after, known if goes_on else ""), seen):
            return before, after
    raise FileError(f"{path}: is written by another program again and again, so it wasn't "
                    "changed; end that one, and try again")


def _put(path: Path, content: bytes, instead_of: _Stamp | None = None) -> bool:
    """Let this be the file; False where it is no longer the one that was to be replaced."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")       # two may be writing
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if instead_of not in (None, _stamp(path)):
            part.unlink()
            return False
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise FileError(f"{path}: can't be saved: {str(error.strerror).lower()}") from None
    return True


def _stamp(path: Path) -> _Stamp:
    """It is another one for every file that is put there."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def packed(profile: Profile, goes_on_with: str = "") -> bytes:
    """The file's bytes."""
    rows = [_Row(number, take.attack, take.source) for number, take in profile.takes.items()]
    learned = list(profile.heads.names) if profile.heads else []
    sheet = _Sheet(KIND, VERSION, rows, profile.page, list(profile.past), profile.model, learned,
                   dict(profile.waits))
    arrays: dict[str, Any] = {}
    for number, heard in profile.heard.items():
        arrays |= {f"features_{number}": heard.features, f"general_{number}": heard.general}
    if profile.spread is not None:
        arrays["spread"] = profile.spread.astype(np.float16)
    if profile.heads:
        arrays |= {name: getattr(profile.heads, name) for name in _HEADS}
    store, out = io.BytesIO(), io.BytesIO()
    np.savez(store, **arrays)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as whole:
        _add(whole, "profile.json", msgspec.json.format(msgspec.json.encode(sheet), indent=1))
        for number, take in profile.takes.items():
            sound = io.BytesIO()
            soundfile.write(sound, _steps(take.samples), SAMPLE_RATE, "PCM_24", format="FLAC")
            _add(whole, _name(number), sound.getvalue(), zipfile.ZIP_STORED)
        _add(whole, "heard.npz", store.getvalue())
        if goes_on_with:
            whole.comment = GOES_ON_WITH + goes_on_with.encode("ascii")
    return out.getvalue()


def load_profile(path: Path) -> Profile:
    """Read a profile. Raises FileError that says what is wrong with the file; it is only read."""
    try:
        with zipfile.ZipFile(path) as whole:
            return _read(path, whole)
    except FileNotFoundError:
        raise FileError(f"{path}: there is no profile; make one with: kuchi teach {path}"
                        ) from None
    except (IsADirectoryError, PermissionError) as error:
        raise FileError(f"{path}: can't be read: {str(error.strerror).lower()}") from None
    except zipfile.BadZipFile as error:
        if zipfile.is_zipfile(path):
            raise _damaged(path, error) from None
        raise FileError(f"{path}: {_not_a_zip(path)}") from None
    except (OSError, KeyError, ValueError, EOFError, IndexError, NotImplementedError,
            RuntimeError, zlib.error) as error:     # all that a damaged file may cause
        if isinstance(error, FileError):
            raise
        raise _damaged(path, error) from None


def _read(path: Path, whole: zipfile.ZipFile) -> Profile:
    if "profile.json" not in whole.namelist():
        raise FileError(f"{path}: is a zip, but no profile of Kuchi's; name another file")
    if sum(entry.file_size for entry in whole.infolist()) > _MOST_BYTES:
        raise FileError(f"{path}: unpacks to more than {_MOST_BYTES >> 20} MB, which no profile "
                        "does; it is damaged, or not made by Kuchi")
    sheet = _sheet(path, whole.read("profile.json"))
    takes = {row.number: _take(whole, row) for row in sheet.takes}
    with np.load(io.BytesIO(whole.read("heard.npz")), allow_pickle=False) as arrays:
        heard = {row.number: Heard(arrays[f"features_{row.number}"],
                                   arrays[f"general_{row.number}"])
                 for row in sheet.takes if f"features_{row.number}" in arrays}
        spread = arrays["spread"].astype(np.float32) if "spread" in arrays else None
        heads = (Heads(tuple(sheet.learned), *(arrays[name] for name in _HEADS))
                 if sheet.learned else None)
    needed = set[int]().union(*(page.numbers() for page in (sheet.page, *sheet.past)))
    if missing := needed - takes.keys():
        raise KeyError(f"take {min(missing)} is missing")
    return Profile(takes, sheet.page, tuple(sheet.past), sheet.model, heard, spread, heads,
                   sheet.waits)


def _sheet(path: Path, text: bytes) -> _Sheet:
    """profile.json, of this version; an older or newer one is named as such."""
    head = msgspec.json.decode(text)
    if not isinstance(head, dict) or head.get("kind") != KIND:
        raise FileError(f"{path}: is a zip, but no profile of Kuchi's; name another file")
    version = head.get("version")
    if version != VERSION:
        older = isinstance(version, int) and version < VERSION
        raise FileError(f"{path}: is a profile of version {version}, and this Kuchi reads version "
                        f"{VERSION}: " + ("teach it anew; its takes lie in it as FLAC" if older
                                          else "install a newer Kuchi"))
    return msgspec.json.decode(text, type=_Sheet)


def _take(whole: zipfile.ZipFile, row: _Row) -> Take:
    steps, rate = soundfile.read(io.BytesIO(whole.read(_name(row.number))), dtype="int32")
    if rate != SAMPLE_RATE or steps.ndim != 1 or not 0 <= row.attack < len(steps):
        raise ValueError(f"{_name(row.number)} is no take")
    return Take((steps / (FULL_SCALE << 8)).astype(np.float32), row.attack, row.source)


def _steps(samples: Samples) -> NDArray[np.int32]:
    """24 bits at the top of 32, as libsndfile wants them; the same going out and coming in."""
    return np.rint(samples.astype(np.float64) * FULL_SCALE).astype(np.int32) << 8


def _add(whole: zipfile.ZipFile, name: str, content: bytes,
         way: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = way
    whole.writestr(entry, content)


def _name(number: int) -> str:
    return f"takes/{number:04}.flac"


def _not_a_zip(path: Path) -> str:
    """Why a file can't be opened as a zip: cut off, or something else altogether."""
    with path.open("rb") as file:
        begins_like_one = file.read(4) == b"PK\x03\x04"
    return ("breaks off, as after an incomplete copy; copy it again" if begins_like_one
            else "is no profile of Kuchi's; name another file")


def _damaged(path: Path, error: Exception) -> FileError:
    reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else "no reason given"
    return FileError(f"{path}: is damaged and can't be read ({reason}); "
                     "take a copy of it, or teach it anew")
