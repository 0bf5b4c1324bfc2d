"""A kit of the performer's own: a folder of samples, each named after its drum.

`kick.wav`, `Snare 01.flac`, `hh open.aif`, `BD0025.WAV` and `36 boots.wav` all find their place. A
`kit.toml` beside them says it outright, drum by drum, and how loud each is.
"""

import os
import re
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import soxr

from engine.drums import DRUMS, GM_NOTE, drum_of
from engine.errors import FileError
from engine.units import SAMPLE_RATE, Samples, frames, gain

KIT_FILE: Final = "kit.toml"

_SUFFIXES: Final = {".wav", ".flac", ".aif", ".aiff", ".ogg"}
_LONGEST_S = 10.0
_FADE_S = 0.05
_SILENT_DB = -46.0              # this far below the peak, before the strike, is silence
_RUN_UP = 16                    # frames kept before the strike, so that it isn't cut into

_HAT = r"(hats?|hihats?|hh)\b"
_SPELLINGS: Final = tuple((drum, re.compile(pattern)) for drum, pattern in (
    ("kick", r"kick|bass ?drum|\b(bd|kd|kik)\b"),
    ("rim", r"rim|(side|cross) ?stick|\b(rs|ss)\b"),
    ("snare", r"snare|\b(sd|sn|snr)\b"),
    ("tambourine", r"tamb"),
    ("shaker", r"shak|maraca|cabasa"),
    ("cowbell", r"cow ?bell|\bcb\b"),
    ("clap", r"clap|\b(cp|clp)\b"),
    ("hihat_open", rf"open.*{_HAT}|{_HAT}.*\bop(en)?\b|\b(oh|ohh|hho|ho)\b"),
    ("hihat_pedal", rf"(pedal|foot).*{_HAT}|{_HAT}.*(pedal|foot)|\b(ph|phh|hhp|hp)\b"),
    ("hihat_closed", rf"{_HAT}|\b(ch|chh|hhc|hc)\b"),
    ("crash", r"crash|splash|china|\b(cr|cy)\b"),
    ("ride", r"\bride|\brd\b"),
    ("tom_low", r"floor|\btoms? (low?|l|0*[3-9])\b|\blow? ?toms?\b|\b(lt|ft)\b"),
    ("tom_high", r"\btoms? (hi(gh)?|h|0*1)\b|\bhi(gh)? ?toms?\b|\b(ht)\b"),
    ("tom_mid", r"\btoms?\b|\bmid ?toms?\b|\bmt\b"),
    ("other", r"clave|other|perc|wood ?block|\bcl\b"),
))


def read_folder(folder: Path) -> dict[str, Samples]:
    """The drums found in a folder of WAV, FLAC, AIFF or OGG files; those not found are left out.

    Where there is a `kit.toml`, it says which file is which drum, and nothing else counts. Else a
    file's name says its drum: a known spelling anywhere in it, or else a General MIDI note in
    front. Of several files for one drum the first by name is used. Other files are passed over.

    returns : drum name -> float32 (2, frames) at 48 kHz; what was silent before the strike is
              gone, at most 10 s, ends at exact zero

    Raises FileError where there is no folder, no file is recognised, or one of those to be used
    can't be read, is empty, silent, or holds anything but numbers.
    """
    if (folder / KIT_FILE).is_file():
        return _read_as_told(folder)
    files = _audio_files(folder)
    chosen: dict[str, Path] = {}
    for file in files:
        drum = drum_named(file.stem)
        if drum is not None:
            chosen.setdefault(drum, file)
    if not chosen:
        found = ", ".join(file.name for file in files[:8]) or "no WAV, FLAC, AIFF or OGG file"
        raise FileError(f"{folder}: no file is named after a drum (found: {found}); "
                        f"name them {', '.join(DRUMS)}")
    return {drum: _read(chosen[drum]) for drum in DRUMS if drum in chosen}


def write_folder(folder: Path, title: str, drums: Mapping[str, tuple[Samples, str]]) -> None:
    """Write a kit that `read_folder` reads: a WAV a drum, and `kit.toml`. Whole, or not at all.

    drums : drum name -> float32 (frames,) at 48 kHz, and a remark for whoever edits the kit

    Raises FileError where the folder is there already, or can't be written.
    """
    if folder.exists():
        raise FileError(f"{folder} is there already: name another folder")
    growing = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        growing.mkdir(parents=True)
        told = [f'title = "{title}"', "# One table a drum: its file, and gain_db where it is too "
                "loud or too soft. Drums that are left out are the built-in kit's."]
        for drum, (samples, remark) in drums.items():
            soundfile.write(growing / f"{drum}.wav", samples, SAMPLE_RATE, subtype="PCM_24")
            told += ["", f"[{drum}]" + (f"    # {remark}" if remark else ""),
                     f'file    = "{drum}.wav"', "gain_db = 0.0"]
        (growing / KIT_FILE).write_text("\n".join(told) + "\n", encoding="utf-8")
        growing.rename(folder)
    except (OSError, soundfile.LibsndfileError) as error:
        shutil.rmtree(growing, ignore_errors=True)
        raise FileError(f"{folder}: can't be written: {error}") from None


def _read_as_told(folder: Path) -> dict[str, Samples]:
    """What `kit.toml` says."""
    place = folder / KIT_FILE
    try:
        table = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{place}: can't be read: {error}") from None
    found: dict[str, Samples] = {}
    for drum, told in table.items():
        if drum == "title":
            continue
        if drum not in DRUMS:
            raise FileError(f'{place}: there is no drum "{drum}"; there are {", ".join(DRUMS)}')
        found[drum] = _read(folder / _file_in(place, drum, told)) * np.float32(
            gain(_gain_in(place, drum, told)))
    if not found:
        raise FileError(f"{place}: names no drum; there are {', '.join(DRUMS)}")
    return {drum: found[drum] for drum in DRUMS if drum in found}


def _file_in(place: Path, drum: str, told: Any) -> str:
    name = told.get("file") if isinstance(told, dict) else None
    if not isinstance(name, str):
        raise FileError(f'{place}: {drum} needs a file, such as file = "{drum}.wav"')
    if not (place.parent / name).is_file():
        raise FileError(f"{place}: {drum}: there is no file {name}")
    return name


def _gain_in(place: Path, drum: str, told: dict[str, Any]) -> float:
    value = told.get("gain_db", 0.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -60 <= value <= 12:
        raise FileError(f"{place}: {drum}.gain_db = {value!r}: must lie in -60..12 dB")
    return float(value)


def drum_named(name: str) -> str | None:
    """The drum a file's name, without its ending, stands for, or None.

    >>> drum_named("Hi-Hat Open 02"), drum_named("BD0025"), drum_named("tom1"), drum_named("voice")
    ('hihat_open', 'kick', 'tom_high', None)
    >>> drum_named("38 my lips")
    'snare'
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|[^A-Za-z0-9]+",
                    " ", name).lower().strip()
    for drum, pattern in _SPELLINGS:
        if pattern.search(spaced):
            return drum
    note = int(found[0]) if (found := re.match(r"\d{2}\b", spaced)) else -1
    drum = drum_of(note)
    return drum if drum != "other" or note == GM_NOTE["other"] else None


def _audio_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileError(f"{folder} is no folder: a kit is a folder of samples named after drums")
    try:
        files = [f for f in folder.iterdir()
                 if f.suffix.lower() in _SUFFIXES and not f.name.startswith(".")]
    except OSError as error:
        raise FileError(f"{folder} can't be opened: {error.strerror}") from error
    return sorted(files, key=lambda f: (f.stem.lower(), f.name))


def _read(path: Path) -> Samples:
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            samples = file.read(round(2 * _LONGEST_S * rate), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise FileError(f"{path} can't be read: {error.error_string}") from error
    if samples.shape[1] > 2:
        raise FileError(f"{path} has {samples.shape[1]} channels: save it in mono or stereo")
    if not np.isfinite(samples).all():
        raise FileError(f"{path} holds values that are no numbers (NaN or infinity): save it anew")
    if len(samples) < rate / 1000 or not samples.any():
        raise FileError(f"{path} is empty or silent: leave it out, or put a sound in it")
    at_48k = np.asarray(soxr.resample(samples, rate, SAMPLE_RATE), np.float32).T
    return _from_its_strike(np.ascontiguousarray(np.broadcast_to(at_48k, (2, at_48k.shape[1]))))


def _from_its_strike(samples: Samples) -> Samples:
    """Without the silence in front, at most ten seconds, and faded to zero."""
    loudness = np.abs(samples).max(axis=0)
    peak = float(loudness.max())
    start = max(0, int(np.argmax(loudness > peak * gain(_SILENT_DB))) - _RUN_UP)
    cut = samples[:, start:start + frames(_LONGEST_S)] / np.float32(max(peak, 1.0))
    whole = cut.shape[1] == samples.shape[1] - start
    fade = min(cut.shape[1], 64 if whole else frames(_FADE_S))
    cut[:, -fade:] *= np.linspace(1.0, 0.0, fade + 1, dtype=np.float32)[1:]
    return cut
