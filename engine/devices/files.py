"""Recordings and MIDI files in; a take's folder out.

Audio of any rate and channel count comes in as 48 kHz mono, a stretch at a time, so that an hour
costs no more memory than a second. A take is written beside its final place and appears only
when it is whole.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import mido
import numpy as np
import soundfile
import soxr

from engine.errors import FileError
from engine.events import Control, Gesture, Note, NoteOff, NoteOn, Sent
from engine.units import SAMPLE_RATE, Samples

MIDI_SUFFIXES = (".mid", ".midi")

_STRETCH = 1 << 15                # frames read at once
_LOUDEST = 16.0                   # 24 dB over full scale: what is beyond is no sound
_LARGEST_MIDI = 16 << 20          # bytes; no performance is longer
_TICKS_PER_BEAT = 24_000          # at 120 bpm one tick is one sample
_TEMPO = 500_000                  # microseconds a beat


def read_audio(path: Path) -> Iterator[Samples]:
    """A recording as the graph hears it: float32 stretches, 48 kHz, the mean of the channels.

    What is no number becomes silence. Raises FileError where the file can't be read or is empty.
    """
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise FileError(f"{path}: can't be read as audio: {_reason(error, path)}") from None
    if file.frames == 0:
        file.close()
        raise FileError(f"{path}: holds no audio")
    return _stretches(file, path)


def _stretches(file: soundfile.SoundFile, path: Path) -> Iterator[Samples]:
    rate = file.samplerate
    resample = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, "float32")
    with file:
        while True:
            try:
                stretch = file.read(_STRETCH, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise FileError(f"{path}: breaks off after {file.tell() / rate:.1f} s: "
                                f"{_reason(error, path)}") from None
            last = len(stretch) < _STRETCH
            clean = np.nan_to_num(stretch, nan=0.0, posinf=0.0, neginf=0.0)
            mono = clean.clip(-_LOUDEST, _LOUDEST).mean(axis=1)
            yield mono if resample is None else resample.resample_chunk(mono, last=last)
            if last:
                return


def read_midi(path: Path) -> list[Note | Gesture | Control]:
    """A MIDI file's notes, gestures and program changes, with their times in seconds.

    A program change comes as the raw control `program` with (number, channel, value). Raises
    FileError where the file can't be read.
    """
    try:
        if path.stat().st_size > _LARGEST_MIDI:
            raise FileError(f"{path}: is larger than {_LARGEST_MIDI >> 20} MB; "
                            "that is no MIDI file to play")
        messages = list(mido.MidiFile(path, clip=True))
    except OSError as error:
        raise FileError(f"{path}: can't be read as MIDI: {_reason(error, path)}") from None
    except FileError:
        raise
    except Exception as error:      # mido lets a dozen kinds escape from a corrupt file
        raise FileError(f"{path}: is no whole MIDI file: {error or type(error).__name__}") from None
    time, events = 0.0, list[Note | Gesture | Control]()
    for message in messages:
        time += max(0.0, message.time)      # a corrupt division can make it negative
        if message.type == "note_on" and message.velocity:
            events.append(NoteOn(time, message.note, message.velocity, message.channel + 1))
        elif message.type in ("note_on", "note_off"):
            events.append(NoteOff(time, message.note, 64, message.channel + 1))
        elif message.type == "program_change":
            events.append(Control(time, "program", (message.program + 1, message.channel + 1, 127)))
        elif not message.is_meta and (gesture := Gesture.of(time, *message.bytes()[:3])):
            events.append(gesture)
    return events


class TakeFolder:
    """The three files of a take, written as it goes and put in place when it is whole.

    Used as a context: leaving it well puts `events.jsonl`, `take.mid` and, where `write` was
    called, `out.wav` into the folder; leaving it by an error takes the unfinished ones away.
    """

    def __init__(self, folder: Path, *, sound: bool) -> None:
        self.folder = folder
        self._notes: list[Sent] = []
        self._parts: dict[str, Path] = {}
        self._wav: soundfile.SoundFile | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._log = self._part("events.jsonl").open("w", encoding="utf-8")
            if sound:
                # whole numbers, since a float WAV carries the time of day in its header
                self._wav = soundfile.SoundFile(self._part("out.wav"), "w", SAMPLE_RATE, 2,
                                                subtype="PCM_24", format="WAV")
        except (OSError, soundfile.LibsndfileError) as error:
            self._discard()
            raise FileError(f"{folder}: can't be written: {_reason(error, folder)}") from None

    def _part(self, name: str) -> Path:
        self._parts[name] = self.folder / f".{name}.part"
        return self._parts[name]

    def log(self, sent: Sent) -> None:
        """One more event, in the order of `sent`."""
        try:
            self._log.write(json.dumps(sent.row(), separators=(",", ":")) + "\n")
        except OSError as error:
            raise self._unwritable(error) from None
        if isinstance(sent.event, NoteOn | NoteOff | Gesture):
            self._notes.append(sent)

    def write(self, output: Samples) -> None:
        """One more block of sound, float32 (n, 2)."""
        assert self._wav is not None
        try:
            self._wav.write(output)
        except (OSError, soundfile.LibsndfileError, AssertionError) as error:
            raise self._unwritable(error) from None        # soundfile asserts a full write

    def __enter__(self) -> "TakeFolder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._log.close()
            if self._wav is not None:
                self._wav.close()
            write_midi(self._part("take.mid"), self._notes)
            for name, part in self._parts.items():
                part.replace(self.folder / name)
        except (OSError, soundfile.LibsndfileError) as failed:
            self._discard()
            raise self._unwritable(failed) from None

    def _unwritable(self, error: BaseException) -> FileError:
        return FileError(f"{self.folder}: can't be written: {_reason(error, self.folder)}; "
                         "nothing half-written was left there")

    def _discard(self) -> None:
        for stream in (getattr(self, "_log", None), self._wav):
            try:
                if stream is not None:
                    stream.close()
            except (OSError, soundfile.LibsndfileError):
                continue                           # the disk is full: there is no more to do
        for part in self._parts.values():
            part.unlink(missing_ok=True)


def write_midi(path: Path, notes: list[Sent]) -> None:
    """Notes and gestures as a MIDI file: a track for each node that sent some, one tick a sample.

    Notes that a node passes on to a port as they are stand there once, under the node's name.
    """
    file = mido.MidiFile(type=1, ticks_per_beat=_TICKS_PER_BEAT)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=_TEMPO)]))
    tracks: list[list[mido.Message]] = []
    for node in dict.fromkeys(sent.node for sent in notes):
        track: list[mido.Message] = []
        before = 0
        for sent in notes:
            event = sent.event
            if sent.node != node or not isinstance(event, NoteOn | NoteOff | Gesture):
                continue
            tick = round(sent.sent * SAMPLE_RATE)
            track.append(_message(event).copy(time=tick - before))
            before = tick
        if track not in tracks:
            tracks.append(track)
            name = mido.MetaMessage("track_name", name=node)
            file.tracks.append(mido.MidiTrack([name, *track]))
    file.save(path)


def _message(event: Note | Gesture) -> mido.Message:
    if isinstance(event, Gesture):
        data = event.message
        return mido.Message.from_bytes(data[:2] if event.kind == "pressure" else data)
    kind = "note_on" if isinstance(event, NoteOn) else "note_off"
    return mido.Message(kind, note=event.note, velocity=event.velocity, channel=event.channel - 1)


def _reason(error: BaseException, path: Path) -> str:
    """What the system says, in one line; a file that isn't there is said first."""
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror).lower()
    if not os.path.lexists(path):
        return "there is no such file"
    if path.is_dir():
        return "it is a folder"
    return str(getattr(error, "error_string", error)).strip().rstrip(".") or "the disk is full"
